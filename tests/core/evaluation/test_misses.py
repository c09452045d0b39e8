"""What became of the balls that a rule misses: counts worked out by hand, by class, and of what is not known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracknet_core.contracts import Candidates, Clip, TrackedFrame, Tracker, TrackPoint
from tracknet_core.evaluation.foreign_csv import predictions_of
from tracknet_core.evaluation.misses import misses, speeds
from tracknet_core.evaluation.report.text import as_text
from tracknet_core.evaluation.results import Evaluation, Fate, Misses, Prediction
from tracknet_core.evaluation.scoring import score_clips
from tracknet_core.evaluation.tracked_clip import predict_clip
from tracknet_plugins.protocols.pck import PCK
from tracknet_plugins.protocols.tracknet import TrackNet
from tracknet_plugins.protocols.wasb import WASB

Place = tuple[float, float]

# Of each frame: the true place, its code, the predicted place, whether a tracker made that up, what the network found,
# and what became of it by wasb (d < 4 px, 1 and 2 is a ball).
FRAMES: list[tuple[Place | None, int, Place | None, bool, list[Place], str]] = [
    ((100, 100), 1, (101, 100), False, [(101, 100)], "+"),
    ((104, 100), 1, None, False, [], "n"),
    ((110, 100), 1, None, False, [(300, 300), (111, 100)], "d"),
    ((130, 100), 2, (300, 300), False, [(300, 300)], "e"),
    ((172, 100), 1, (300, 305), True, [], "f"),
    (None, 0, (5, 5), False, [(5, 5)], "x"),
    (None, 0, None, False, [], "."),
    (None, -1, (7, 7), False, [(7, 7)], "-"),
    ((200, 100), 1, (400, 400), True, [(201, 100)], "d"),
    ((210, 100), 3, None, False, [], "."),
]
FATES = "".join(frame[-1] for frame in FRAMES)


def places(found: Sequence[Place]) -> np.ndarray:
    return np.array(found, np.float32).reshape(-1, 2)


@pytest.fixture
def clip(make_clip: Callable[..., Clip]) -> Clip:
    return make_clip("a", [frame[0] for frame in FRAMES], [frame[1] for frame in FRAMES])


@pytest.fixture
def prediction(predict: Callable[..., Prediction]) -> Prediction:
    return replace(
        predict([frame[2] for frame in FRAMES], [0.5] * len(FRAMES)),
        made=np.array([frame[3] for frame in FRAMES]),
        candidates=[places(frame[4]) for frame in FRAMES],
    )


@pytest.fixture
def evaluation(
    clip: Clip, prediction: Prediction, make_clip: Callable[..., Clip], predict: Callable[..., Prediction]
) -> Evaluation:
    """The frames above, and a second clip of a single ball, which is found."""
    found = replace(predict([(50, 50)], [0.5]), made=np.zeros(1, bool), candidates=[places([(50, 50)])])
    return score_clips("x", "test", [(clip, prediction), (make_clip("b", [(50, 50)]), found)], {"wasb": WASB()})


def test_balls_are_lost_in_four_ways(evaluation: Evaluation) -> None:
    table = evaluation.misses["wasb"]

    assert table.fates == {"a": FATES, "b": "+"}
    assert table.overall == Misses(balls=7, found=2, not_found=1, elsewhere=1, dropped=2, filled=1)
    assert table.clips == {"a": Misses(6, 1, 1, 1, 2, 1), "b": Misses(1, 1, 0, 0, 0, 0)}
    assert table.visibility == {"easy": Misses(6, 2, 1, 0, 2, 1), "hard": Misses(1, 0, 0, 1, 0, 0)}


def test_speed_is_the_way_from_the_last_place_or_to_the_next(evaluation: Evaluation) -> None:
    nan = np.nan
    np.testing.assert_allclose(speeds(evaluation.clips[0]), [4, 4, 6, 20, 42, nan, nan, nan, 10, 10])
    np.testing.assert_allclose(speeds(evaluation.clips[1]), [nan])

    assert evaluation.misses["wasb"].speed == {
        "0 to 5 px": Misses(2, 1, 1, 0, 0, 0),
        "5 to 10 px": Misses(1, 0, 0, 0, 1, 0),
        "10 to 20 px": Misses(1, 0, 0, 0, 1, 0),
        "20 to 40 px": Misses(1, 0, 0, 1, 0, 0),
        "40 px and more": Misses(1, 0, 0, 0, 0, 1),
        "unknown": Misses(1, 1, 0, 0, 0, 0),
    }


def test_misses_add_up_to_the_counts_of_the_rule(evaluation: Evaluation) -> None:
    [wasb], table = evaluation.protocols, evaluation.misses["wasb"]
    assert table.overall.found == wasb.figures["tp"] == 2
    assert table.overall.balls - table.overall.found == wasb.figures["fp1"] + wasb.figures["fn"] == 3 + 2
    assert FATES.count(Fate.FALSE_ALARM) == wasb.figures["fp2"] == 1
    assert FATES.count(Fate.NOTHING) == wasb.figures["tn"] == 2


def test_every_rule_that_counts_frames_has_its_own(clip: Clip, prediction: Prediction) -> None:
    found = score_clips(
        "x", "test", [(clip, prediction)], {"pck": PCK(), "tracknet": TrackNet(), "wasb": WASB()}
    ).misses

    assert list(found) == ["tracknet", "wasb"]
    assert found["tracknet"].fates["a"] == f"{FATES[:-1]}n"  # there, a hidden ball is one


def test_what_files_do_not_say_is_not_known(clip: Clip, prediction: Prediction) -> None:
    bare = replace(prediction, made=None, candidates=None)
    evaluation = score_clips("x", "test", [(clip, bare)], {"wasb": WASB()})
    table = evaluation.misses["wasb"]

    assert table.fates["a"] == "+nneex.-e."
    assert table.overall == Misses(balls=6, found=1, not_found=2, elsewhere=3, dropped=None, filled=None)
    plain = json.loads(json.dumps(evaluation.as_dict()))
    assert plain["misses"]["wasb"]["overall"]["dropped"] is None
    assert "wasb          6      1          2          3        -       -" in as_text(evaluation)


def test_what_a_threshold_leaves_out_was_found(clip: Clip, prediction: Prediction) -> None:
    surest = replace(prediction, score=np.linspace(0.1, 1, len(FRAMES), dtype=np.float32)).above(0.3)

    fates = score_clips("x", "test", [(clip, surest)], {"wasb": WASB()}).misses["wasb"].fates["a"]

    assert fates == f"d{FATES[1:]}"


def test_json_has_each_frame(evaluation: Evaluation) -> None:
    frames = json.loads(json.dumps(evaluation.as_dict(), allow_nan=False))["frames"]

    assert frames["a"]["fates"] == {"wasb": FATES}
    expected = [None if frame[2] is None else frame[2][0] for frame in FRAMES]
    assert frames["a"]["x"] == expected
    assert frames["b"]["y"] == [50]


def test_frames_without_a_ball_are_no_misses() -> None:
    assert misses("x.-x.-") == Misses(0, 0, 0, 0, 0, 0)
    assert misses("") == Misses(0, 0, 0, 0, 0, 0)


# ------------------------------------------------------------------------------------- where it is known from


class Erring(Tracker):
    """Drops frame 0, invents a place in frame 1, and keeps the others."""

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        for frame in frames:
            made = (TrackPoint.at((400.0, 400.0), 0.2, "predicted"),)
            kept = tuple(frame.ball(i) for i in range(len(frame.score)))
            balls = () if frame.number == 0 else made if frame.number == 1 else kept
            yield TrackedFrame(frame.number, frame.time, balls)


def test_one_pass_knows_what_the_network_found_and_what_the_tracker_made_of_it(
    make_clip: Callable[..., Clip],
) -> None:
    clip = make_clip("a", [(10, 10), (20, 10), (30, 10), (40, 10)])
    asked: list[int] = []

    def candidates() -> Iterator[Candidates]:
        for number, found in enumerate([[(10.0004, 10)], [], [(30, 10), (9, 9)]]):  # the last frame cannot be read
            asked.append(number)
            yield Candidates.at(number, number / 25, places(found), np.linspace(0.9, 0.1, len(found), dtype=np.float32))

    prediction, _ = predict_clip(clip, candidates(), Erring())

    assert asked == [0, 1, 2]
    assert prediction.made is not None
    assert prediction.made.tolist() == [False, True, False, False]
    assert prediction.candidates is not None
    expected: list[Any] = [[[10, 10]], [], [[30, 10], [9, 9]], []]
    assert [found.tolist() for found in prediction.candidates] == expected
    table = score_clips("x", "test", [(clip, prediction)], {"wasb": WASB()}).misses["wasb"]
    assert table.fates["a"] == "df+n"


@pytest.mark.parametrize(
    ("column", "made"),
    [
        (",Origin\n0,1,5,5,detected\n1,1,6,6,filled\n2,0,0,0,\n3,1,7,7,predicted\n", [False, True, False, True]),
        (",Origin\n0,1,5,5,detected\n1,1,6,6,elsewhere\n", None),
        ("\n0,1,5,5\n", None),
    ],
    ids=["said", "another meaning", "not said"],
)
def test_files_may_say_what_a_tracker_made_up(
    make_clip: Callable[..., Clip], tmp_path: Path, column: str, made: list[bool] | None
) -> None:
    (tmp_path / "a.csv").write_text(f"Frame,Visibility,X,Y{column}")

    [(_, prediction)], _ = predictions_of(tmp_path, [make_clip("a", [(5, 5)] * 4)], 0)

    assert (None if prediction.made is None else prediction.made.tolist()) == made
    assert prediction.candidates is None
