"""Protocols over clips, with figures worked out by hand; and what is made of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torchmetrics import Metric

from tracknet_core.contracts import Clip, Detections
from tracknet_core.evaluation.intervals import intervals
from tracknet_core.evaluation.report.text import as_text
from tracknet_core.evaluation.results import Evaluation, Prediction
from tracknet_core.evaluation.scoring import score_clips
from tracknet_plugins.protocols.pck import PCK
from tracknet_plugins.protocols.wasb import WASB

MakeClip = Callable[..., Clip]
Predict = Callable[..., Prediction]


class Hits(Metric):
    """Share of the balls, by every code above 0, that are found at d < 2 px; all hits, and the scores of all finds."""

    rule = "close is d < 2 px"
    full_state_update = False
    hits: torch.Tensor
    balls: torch.Tensor
    scores: list[torch.Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("hits", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("balls", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("scores", [], dist_reduce_fx="cat")

    def update(self, detections: Detections, points: Any, visibility: Any, counted: Any, size: Any) -> None:
        found = detections.present[..., 0] & counted
        ball = counted & (visibility > 0)
        self.hits += (found & ball & ((detections.xy[..., 0, :] - points.mean(-2)).norm(dim=-1) < 2)).sum()
        self.balls += ball.sum()
        self.scores.append(detections.score[..., 0][found])

    def compute(self) -> dict[str, torch.Tensor]:
        scores = torch.cat(self.scores)
        figures = {"f1": self.hits / self.balls, "hits": self.hits}
        return {**figures, "surest": scores.max()} if len(scores) else figures


@pytest.fixture
def evaluation(make_clip: MakeClip, predict: Predict) -> Evaluation:
    """Two clips: 2 of 3 balls are found, and 1 of 1; the codes of the first are 1, 2, 2, 0."""
    first = make_clip("a", [(10, 10), (20, 20), (30, 30), None], [1, 2, 2, 0])
    second = make_clip("b", [(50, 50), None])
    return score_clips(
        "folder",
        "test",
        [
            (first, predict([(10, 11), (20, 20), (90, 30), None], [0.9, 0.5, 0.4, math.nan])),
            (second, predict([(50, 50), None], [0.8, math.nan])),
        ],
        {"hits": Hits()},
        ["a note"],
    )


def test_figures_are_over_all_clips_and_of_each(evaluation: Evaluation) -> None:
    [result] = evaluation.protocols

    assert (result.name, result.rule) == ("hits", "close is d < 2 px")
    assert result.figures == pytest.approx({"f1": 3 / 4, "hits": 3, "surest": 0.9})
    assert result.clips["a"] == pytest.approx({"f1": 2 / 3, "hits": 2, "surest": 0.9})
    assert result.clips["b"] == pytest.approx({"f1": 1, "hits": 1, "surest": 0.8})


def test_figures_of_each_class_of_visibility_that_occurs(evaluation: Evaluation) -> None:
    classes = evaluation.protocols[0].classes

    assert {name: figures["hits"] for name, figures in classes.items()} == {"absent": 0, "easy": 2, "hard": 1}
    assert classes["easy"]["f1"] == 1
    assert classes["hard"]["f1"] == 0.5
    assert math.isnan(classes["absent"]["f1"])


def test_a_sweep_leaves_out_less_sure_balls(evaluation: Evaluation) -> None:
    sweep = evaluation.protocols[0].sweep

    assert [point.threshold for point in sweep] == pytest.approx([0.4, 0.5, 0.8, 0.9])
    assert [point.figures["hits"] for point in sweep] == [3, 3, 2, 1]


def test_trajectories_are_of_the_predicted_and_of_the_true_way(evaluation: Evaluation) -> None:
    assert (evaluation.trajectory.fragments, evaluation.true_trajectory.fragments) == (2, 2)
    assert [clip.trajectory.fragments for clip in evaluation.clips] == [1, 1]
    assert evaluation.clips[0].true_trajectory.jitter == pytest.approx(0)
    assert evaluation.clips[0].trajectory.jitter == pytest.approx(math.hypot(70 - 10, 10 - 9))


def test_a_result_has_all_that_a_report_draws(evaluation: Evaluation) -> None:
    first = evaluation.clips[0]

    assert (first.name, first.size, first.fps, len(first)) == ("a", (1280, 720), 25.0, 4)
    assert first.frames.size == (1280, 720)
    assert first.prediction.present.tolist() == [True, True, True, False]
    assert evaluation.notes == ("a note",)


def test_one_clip_has_no_intervals_and_says_so(make_clip: MakeClip, predict: Predict) -> None:
    found = score_clips("x", "val", [(make_clip("a", [(1, 1)]), predict([(1, 1)], [0.5]))], {"hits": Hits()})

    assert found.protocols[0].intervals == {}
    assert found.notes == ("there is one clip only: its figures have no intervals, and say little about other clips.",)


def test_without_scores_there_is_no_sweep(make_clip: MakeClip, predict: Predict) -> None:
    clips = [(make_clip(name, [(1, 1), None]), predict([(1, 1), None])) for name in "ab"]

    found = score_clips("x", "val", clips, {"hits": Hits()})

    assert found.protocols[0].sweep == ()
    assert found.notes[0].startswith("not every ball has a score")


def test_without_any_ball_everything_is_still_there(make_clip: MakeClip, predict: Predict) -> None:
    clips = [(make_clip(name, [None, None]), predict([None, None])) for name in "ab"]

    found = score_clips("x", "val", clips, {"hits": Hits()})

    assert found.protocols[0].figures["hits"] == 0
    assert found.protocols[0].sweep == ()
    assert found.trajectory.fragments == 0


# ---------------------------------------------------------------------------------------------- intervals


def states(counts: list[tuple[int, int]]) -> list[dict[str, Any]]:
    return [
        {"hits": torch.tensor(hits), "balls": torch.tensor(balls), "scores": [torch.tensor([float(hits)])]}
        for hits, balls in counts
    ]


def counted() -> Hits:
    metric = Hits()
    metric.update(
        Detections.at(torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)),
        torch.zeros(1, 1, 1, 2),
        torch.tensor([[1]]),
        torch.tensor([[True]]),
        torch.tensor([[1280.0, 720.0]]),
    )
    return metric


def test_intervals_are_those_of_drawn_clips() -> None:
    counts = [(9, 10), (5, 10), (1, 20), (7, 8)]

    found = intervals(counted(), states(counts), draws=500, seed=3)

    # The same bootstrap with NumPy alone.
    drawn = np.random.default_rng(3).integers(4, size=(500, 4))
    hits, balls = (np.array(column)[drawn].sum(axis=1) for column in zip(*counts, strict=True))
    surest = np.array(counts)[drawn, 0].max(axis=1)
    assert found["f1"] == pytest.approx(tuple(np.quantile(hits / balls, [0.025, 0.975])))
    assert found["hits"] == pytest.approx(tuple(np.quantile(hits, [0.025, 0.975])))
    assert found["surest"] == pytest.approx(tuple(np.quantile(surest, [0.025, 0.975])))


def test_draws_that_do_not_define_a_figure_are_left_out() -> None:
    found = intervals(counted(), states([(0, 0), (4, 4)]), draws=50)

    assert found["f1"] == (1.0, 1.0)


def test_clips_without_a_ball_widen_no_interval(make_clip: MakeClip, predict: Predict) -> None:
    clips = [(make_clip("ball", [(10, 10)] * 4), predict([(10, 10)] * 4, [0.5] * 4))]
    clips += [(make_clip(f"none{number}", [None] * 4), predict([None] * 4)) for number in range(4)]

    wasb, pck = score_clips("x", "test", clips, {"wasb": WASB(), "pck": PCK()}).protocols

    for name in ("precision", "recall", "f1", "ap"):
        assert (wasb.figures[name], wasb.intervals[name]) == (1.0, (1.0, 1.0))
        assert math.isnan(wasb.clips["none0"][name])
    assert wasb.clips["none0"]["accuracy"] == 1.0
    assert (pck.figures["pck@5"], pck.intervals["pck@5"]) == (1.0, (1.0, 1.0))


def test_equal_seeds_give_equal_intervals() -> None:
    counts = [(9, 10), (5, 10), (1, 20)]

    assert intervals(counted(), states(counts), draws=50) == intervals(counted(), states(counts), draws=50)


# ------------------------------------------------------------------------------------------ text and JSON


def test_the_text_has_the_rule_and_every_table(evaluation: Evaluation) -> None:
    text = as_text(evaluation)

    assert text.startswith("folder: 2 clips of 'test', 6 frames\n\nhits: close is d < 2 px\n")
    rows = {line.split("  ")[0].strip(): line.split() for line in text.splitlines()}
    assert rows["all"] == ["all", "0.7500", "3", "0.9000"]
    assert rows["visibility hard"] == ["visibility", "hard", "0.5000", "1", "0.5000"]
    assert rows["visibility absent"] == ["visibility", "absent", "-", "0", "-"]
    assert rows["b"][1:] == ["1", "0", "0", "-"]  # the last table: trajectories
    assert "threshold    hits\n0.4        0.7500\n" in text


def test_what_is_no_count_keeps_its_decimals_where_it_is_a_whole_number(make_clip: MakeClip, predict: Predict) -> None:
    xs = [0.0, 10.0, 25.0, 45.0, 70.0]  # each second difference is 5
    clips = [
        (make_clip("a", [(x, 100.0) for x in xs]), predict([(x, 127.0) for x in xs])),
        (make_clip("b", [(50.0, 50.0)]), predict([(50.0, 50.5)])),
    ]

    text = as_text(score_clips("x", "test", clips[:1], {"pck": PCK(radii=(30.0,)), "wasb": WASB()}))
    both = as_text(score_clips("x", "test", clips, {"wasb": WASB()}))

    assert re.search(r"\nall +27\.0000  1\.0000\n", text)
    columns = next(line.split() for line in text.splitlines() if "rmse" in line)
    row = dict(zip(columns, text.split("wasb: ")[1].splitlines()[2].split()[1:], strict=True))
    assert (row["rmse"], row["precision"], row["tp"], row["fp1"], row["fn"]) == ("27.0000", "0.0000", "0", "5", "0")
    assert re.search(r"\npredicted +1 +0 +0  5\.0000\n", text)
    assert re.search(r"\na +\S+ .* 27\.0000 .* 0    5    0   0   0\n", both)


def test_a_clip_may_have_the_name_of_a_row(make_clip: MakeClip, predict: Predict) -> None:
    names = ("all", "true", "predicted", "  from", "visibility easy")
    clips = [
        (make_clip(name, [(9.0, 9.0)] * 4), predict([(9.0, 9.0)] * number + [None] * (4 - number)))
        for number, name in enumerate(names)
    ]

    parts = as_text(score_clips("x", "test", clips, {"hits": Hits()})).split("\n\n")

    totals, of_clips = parts[1].split("\nclip")
    assert re.search(r"\nall +0\.5000 +10 ", totals)
    assert re.findall(r"\n(.{15}) +(\d\.\d{4}) ", of_clips) == [
        (name.ljust(15), f"{number / 4:.4f}") for number, name in enumerate(names)
    ]
    totals, of_clips = parts[-1].split("\nclip")
    assert [line.split()[:2] for line in totals.splitlines()[2:]] == [["predicted", "4"], ["true", "5"]]
    assert len(of_clips.splitlines()) == 1 + len(names)


def test_of_many_clips_the_text_shows_the_worst(make_clip: MakeClip, predict: Predict) -> None:
    clips = [
        (make_clip(f"clip{hits}", [(9.0, 9.0)] * 12), predict([(9.0, 9.0)] * hits + [None] * (12 - hits)))
        for hits in range(12, 0, -1)
    ]

    parts = as_text(score_clips("x", "test", clips, {"hits": Hits()})).split("\n\n")

    for part in (parts[1], parts[-1]):
        rows = part.split("\nclip ")[1].splitlines()[1:]
        assert [row.split()[0] for row in rows[:-1]] == [f"clip{hits}" for hits in range(1, 11)]
        assert rows[-1] == "the worst 10 of 12 clips; files have all"


def test_json_is_valid_and_whole(evaluation: Evaluation) -> None:
    plain = json.loads(json.dumps(evaluation.as_dict(), allow_nan=False))

    assert plain["protocols"]["hits"]["figures"]["hits"] == 3
    assert plain["protocols"]["hits"]["classes"]["absent"]["f1"] is None
    assert plain["protocols"]["hits"]["intervals"].keys() == {"f1", "hits", "surest"}
    assert len(plain["protocols"]["hits"]["sweep"]) == 4
    assert plain["clips"]["b"] == {
        "frames": 2,
        "labels": evaluation.clips[1].digest(),
        "size": [1280, 720],
        "fps": 25.0,
        "trajectory": {
            "predicted": {"fragments": 1, "longest_gap": 0, "jumps": 0, "jitter": None},
            "true": {"fragments": 1, "longest_gap": 0, "jumps": 0, "jitter": None},
        },
    }
