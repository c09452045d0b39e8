"""Tracker `paths`: the cheapest path through the candidates of a clip."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise, product

import numpy as np
import pytest

from tracknet_core.contracts import Candidates, TrackedFrame, Wanted
from tracknet_core.testing import check_constructor, check_tracker
from tracknet_plugins.trackers.paths import Paths

SIZE = (1280, 720)
Path = tuple[tuple[int, int], ...]  # (frame, candidate) along one path


def paths(**parameters) -> Paths:
    return Paths(**{"fps": 30.0, "size": SIZE, **parameters})


def places(tracked: Sequence[TrackedFrame]) -> list[tuple[float, float] | None]:
    return [frame.balls[0].xy if frame.balls else None for frame in tracked]


def origins(tracked: Sequence[TrackedFrame]) -> list[str]:
    return [frame.balls[0].origin if frame.balls else "" for frame in tracked]


def test_the_contract_is_kept() -> None:
    check_constructor("trackers", Paths)
    check_tracker(paths())
    check_tracker(paths(delay=0.2, max_gap=0, candidates=1))
    check_tracker(paths(near=0.0, stay=0.0))
    check_tracker(Paths(fps=120.0, size=(640, 360), max_gap=4, delay=0.0), size=(640, 360), fps=120.0)
    assert paths(delay=0.5).delay == 15
    assert paths(delay=0.0, max_gap=3).delay == 3
    assert paths(candidates=4, score=0.1).wanted == Wanted(candidates=4, score=0.1)


# ---------------------------------------------------------------------------------------- the cheapest of all

COSTS = {"start": 2.0, "miss": 0.7, "hit": 3.0, "rest": 0.5, "slow": 0.2, "agility": 1.5, "speed": 0.9, "noise": 0.01}


def price(frames: Sequence[Candidates], path: Path, level: float) -> float:
    """What a path costs, from the words of the docstring."""
    height = SIZE[1]
    total, velocity, before = COSTS["start"], None, None
    for frame, number in path:
        score = float(frames[frame].score[number])
        total += math.log(level / (1 - level)) - math.log(score / (1 - score))
        xy = np.array(frames[frame].xy[number], dtype=float) / height
        if before is not None:
            last, at = before
            seconds = frames[frame].time - frames[last].time
            now = (xy - at) / seconds
            variance = COSTS["agility"] ** 2 * seconds + 6 * (COSTS["noise"] / seconds) ** 2
            change = now - velocity if velocity is not None else now
            variance = variance if velocity is not None else COSTS["speed"] ** 2
            total += min(change @ change / variance / 2, COSTS["hit"])
            total += COSTS["rest"] * max(0.0, 1 - float(np.linalg.norm(now)) / COSTS["slow"])
            total += COSTS["miss"] * (frame - last - 1)
            velocity = now
        before = (frame, xy)
    return total


def every_answer(frames: Sequence[Candidates], max_gap: int) -> Iterator[list[Path]]:
    """All ways to choose a candidate or none in each frame, cut into paths in all ways."""
    for chosen in product(*[[None, *range(len(frame.score))] for frame in frames]):
        taken = [(frame, number) for frame, number in enumerate(chosen) if number is not None]
        for cuts in product([False, True], repeat=max(len(taken) - 1, 0)):
            found: list[list[tuple[int, int]]] = [taken[:1]] if taken else []
            for cut, one in zip(cuts, taken[1:], strict=True):
                if cut:
                    found.append([one])
                else:
                    found[-1].append(one)
            if all(b[0] - a[0] <= max_gap + 1 for path in found for a, b in pairwise(path)):
                yield [tuple(path) for path in found]


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_cheapest_of_all_answers(clip, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = clip(
        *(
            [(600 + 25 * n + rng.normal(0, 30), rng.uniform(280, 330), rng.uniform(0.3, 0.95)) for _ in range(2)]
            for n in range(5)
        )
    )
    frames = [Candidates(f.number, f.time, f.points[(o := np.argsort(-f.score))], f.score[o]) for f in frames]
    level, max_gap = 0.6, 1

    answer = min(every_answer(frames, max_gap), key=lambda found: sum(price(frames, path, level) for path in found))
    expected: list[tuple[float, float] | None] = [None] * len(frames)
    for frame, number in (one for path in answer for one in path):
        expected[frame] = tuple(frames[frame].xy[number].tolist())

    tracked = list(paths(level=level, max_gap=max_gap, separation=0.0, near=0.0, stay=0.0, **COSTS)(frames))
    detected = [
        xy if origin == "detected" else None for xy, origin in zip(places(tracked), origins(tracked), strict=True)
    ]
    assert detected == expected


# ------------------------------------------------------------------------------------------------ what it is for


def test_a_sock_that_is_surer_than_the_ball_is_not_on_its_path(clip, parabola) -> None:
    truth = parabola(np.arange(40) / 30)
    rng = np.random.default_rng(0)
    frames = clip(*([(*rng.uniform((0, 0), SIZE), 0.95), (x, y, 0.7)] for x, y in truth))

    tracked = list(paths()(frames))

    np.testing.assert_allclose(places(tracked), truth, atol=1e-3)
    assert tracked[7].balls[0].score == pytest.approx(0.7)


def test_a_spot_that_stands_still_is_no_ball(clip) -> None:
    spot = [[(400.0, 300.0, 0.6)] for _ in range(60)]
    flight = [[(100.0 + 15 * n, 300.0, 0.6)] for n in range(60)]

    assert all(place is None for place in places(list(paths(start=2.0, rest=1.0)(clip(*spot)))))
    assert all(place is not None for place in places(list(paths(start=2.0, rest=1.0)(clip(*flight)))))


def test_a_detection_that_stands_alone_is_no_ball_and_a_hit_ends_no_path(clip) -> None:
    alone = clip([], [(100, 100, 0.9)], [], [])
    there_and_back = [200.0 + 20 * n for n in range(15)] + [460.0 - 20 * n for n in range(15)]

    assert places(list(paths()(alone))) == [None] * 4
    assert origins(list(paths()(clip(*([(x, 300.0, 0.9)] for x in there_and_back))))) == ["detected"] * 30


def test_frames_that_a_path_leaves_out_are_filled_along_the_time(clip, streaks) -> None:
    times = np.array([0, 1, 2, 3, 4, 4.5, 6, 7, 8, 9, 10, 11]) / 30
    frames = [[] if n in (5, 6) else [(300 + 600 * t, 300.0, 0.8 if n < 7 else 0.6)] for n, t in enumerate(times)]

    tracked = list(paths(start=2.0, max_gap=2, decay=0.5)(streaks(clip(*frames, times=times))))

    assert origins(tracked) == ["detected"] * 5 + ["filled"] * 2 + ["detected"] * 5
    np.testing.assert_allclose(np.array(places(tracked))[:, 0], 300 + 600 * times, atol=1e-3)
    assert [frame.balls[0].score for frame in tracked[5:7]] == pytest.approx([0.3, 0.3])
    for frame in tracked:
        np.testing.assert_allclose(np.array(frame.balls[0].points) - frame.balls[0].xy, [[-6, -2], [6, 2]], atol=1e-3)


def test_a_ball_that_is_seen_in_a_frame_that_its_path_leaves_out_is_where_it_is_seen(clip) -> None:
    # A hit, after which the ball slows down: to leave two frames out saves changes of velocity.
    line = [*(200.0 + 20 * n for n in range(16)), 410.0, 350.0, 310.0, *(290.0 - 20 * n for n in range(9))]

    def frames(score: float) -> list[Candidates]:
        return clip(*([(x, 300.0, score if n == 15 else 0.9)] for n, x in enumerate(line)))

    without = list(paths(near=0.0)(frames(0.6)))
    assert origins(without) == ["detected"] * 15 + ["filled"] * 2 + ["detected"] * 11
    assert places(list(paths(near=0.1)(frames(0.6)))) == [(x, 300.0) for x in line]
    assert list(paths(near=0.01)(frames(0.6))) == without  # too far from the line
    assert origins(list(paths(near=0.1, level=0.45)(frames(0.4))))[15:17] == ["filled", "detected"]  # too unsure


def test_a_ball_that_came_to_rest_is_followed_as_long_as_it_is_seen_there(clip) -> None:
    flight = [[(100.0 + 15 * n, 300.0, 0.9)] for n in range(15)]
    at_rest = [[(900.0, 500.0, 0.3), (313.0, 306.0, 0.1)] for _ in range(60)]

    tracked = places(list(paths(stay=1.0)(clip(*flight, *at_rest))))
    assert tracked[15:] == [*[(313.0, 306.0)] * 30, *[None] * 30]
    assert places(list(paths(stay=0.0)(clip(*flight, *at_rest))))[15:] == [None] * 60
    assert places(list(paths(near=0.005)(clip(*flight, *at_rest))))[15:] == [None] * 60

    unseen = [*at_rest[:5], [], [], *at_rest[:5], [], [], [], *at_rest[:5]]
    tracked = places(list(paths(max_gap=2)(clip(*flight, *unseen))))
    rest = (313.0, 306.0)
    assert tracked[15:] == [*[rest] * 5, *[None] * 2, *[rest] * 5, *[None] * 8]


def test_a_ball_is_at_rest_where_its_path_has_ended_and_not_where_something_carries_it(clip) -> None:
    flight = [[(100.0 + 15 * n, 300.0, 0.9)] for n in range(15)]
    hand = [[(310.0 + 4 * n, 300.0, 0.2)] for n in range(30)]

    tracked = places(list(paths(near=0.025)(clip(*flight, *hand))))

    assert tracked[15:] == [*((310.0 + 4 * n, 300.0) for n in range(5)), *[None] * 25]


def test_a_longer_gap_is_between_two_paths(clip) -> None:
    frames = [[] if 10 <= n < 13 else [(100.0 + 15 * n, 300.0, 0.9)] for n in range(25)]

    assert origins(list(paths(max_gap=2)(clip(*frames)))) == ["detected"] * 10 + [""] * 3 + ["detected"] * 12


def test_the_same_ball_seen_by_several_windows_is_one(clip) -> None:
    ball = [(100.0 + 15 * n, 300.0) for n in range(20)]
    pooled = clip(*([*([(x, y, 0.95)] * 6), (x + 1, y, 0.9), (900, 100, 0.1)] for x, y in ball))

    assert places(list(paths(candidates=2)(pooled))) == ball


def test_a_late_answer_is_that_of_the_whole_clip(clip, parabola) -> None:
    rng = np.random.default_rng(1)
    truth = parabola(np.arange(60) / 30)
    frames = clip(
        *(
            sorted(
                [(x, y, rng.uniform(0.3, 0.9)), *((*rng.uniform((0, 0), SIZE), 0.5) for _ in range(3))],
                key=lambda c: -c[2],
            )
            for x, y in truth
        )
    )

    whole, late = list(paths(start=4.0, delay=10.0)(frames)), list(paths(start=4.0, delay=0.5)(frames))

    assert places(late) == places(whole)


def test_a_stream_without_an_end_is_followed_in_the_memory_of_its_delay(clip) -> None:
    def stream() -> Iterator[Candidates]:
        for n in range(10**9):
            yield Candidates.at(
                n, n / 30, np.float32([[300 + 200 * math.sin(n / 9), 300 + 200 * math.cos(n / 9)]]), np.float32([0.9])
            )

    assert origins(list(islice(paths(delay=0.5)(stream()), 200))) == ["detected"] * 200


def test_500_frames_take_a_fraction_of_a_second(clip) -> None:
    rng = np.random.default_rng(0)
    frames = clip(*([(*rng.uniform((0, 0), SIZE), 0.5) for _ in range(6)] for _ in range(500)))

    began = time.thread_time()
    list(paths()(frames))

    assert time.thread_time() - began < 1.0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"candidates": 0}, "candidates: 0 per frame is out of range"),
        ({"level": 1.0}, "level: 1.0 is out of range"),
        ({"start": -1.0}, "start: -1.0 is no cost"),
        ({"hit": math.inf}, "hit: inf is no cost"),
        ({"agility": 0.0}, "agility: 0.0 is out of range"),
        ({"max_gap": -1}, "max_gap: -1 is no number of frames"),
        ({"delay": math.inf}, "delay: inf is no time"),
        ({"near": -0.1}, "near: -0.1 is no distance"),
        ({"stay": math.inf}, "stay: inf is no time"),
        ({"decay": 2.0}, "decay: 2.0 is no factor"),
        ({"separation": -1.0}, "separation: -1.0 is no distance"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paths(**parameters)
