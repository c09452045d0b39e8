"""Two evaluations of the same clips, that differ in some frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracknet_core.contracts import Clip, FrameSource, Size, UInt8Array
from tracknet_core.evaluation.results import Evaluation, Prediction
from tracknet_core.evaluation.saved_runs import SavedRun, read_run
from tracknet_core.evaluation.scoring import score_clips
from tracknet_plugins.protocols.wasb import WASB

Place = tuple[float, float] | None

TRUTH: list[Place] = [(50, 60), (60, 60), (70, 60), (80, 60), None, None]


@dataclass
class Black(FrameSource):
    """Black frames."""

    count: int
    size: Size = (320, 240)
    fps: float = 2.0

    def __len__(self) -> int:
        return self.count

    def fingerprint(self) -> None:
        return None

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        for _ in indices:
            yield np.zeros((self.size[1], self.size[0], 3), np.uint8)


@pytest.fixture
def clip(make_clip: Callable[..., Clip]) -> Clip:
    return make_clip("a|<b>", TRUTH, size=(320, 240)).replace(frames=Black(len(TRUTH)))


@pytest.fixture
def score(clip: Clip, predict: Callable[..., Prediction]) -> Callable[..., Evaluation]:
    """Evaluate predictions of the clip, of which the network found all that is given, and the tracker nothing."""

    def score(name: str, places: Sequence[Place], **conditions: str) -> Evaluation:
        found = predict(places, np.linspace(0.3, 0.8, len(places)).tolist())
        candidates = [np.array([] if place is None else [place], np.float32).reshape(-1, 2) for place in places]
        found = replace(found, made=np.zeros(len(places), bool), candidates=candidates)
        evaluation = score_clips(name, "test", [(clip, found)], {"wasb": WASB()})
        return replace(evaluation, name=name, conditions=conditions)

    return score


@pytest.fixture
def one(score: Callable[..., Evaluation]) -> Evaluation:
    return score("one", [(50, 60), None, None, (80, 60), None, (9, 9)], tracker='{"name": "none"}', split="test")


@pytest.fixture
def other(score: Callable[..., Evaluation]) -> Evaluation:
    return score(
        "other",
        [(50, 60), (60, 60), (70, 60), (200, 60), None, None],
        tracker='{"name": "kalman", "max_gap": 5}',
        split="test",
    )


@pytest.fixture
def saved(one: Evaluation, other: Evaluation, tmp_path: Path) -> list[SavedRun]:
    runs = []
    for evaluation in (one, other):
        path = tmp_path / f"{evaluation.name}.json"
        plain: dict[str, Any] = evaluation.as_dict()
        path.write_text(json.dumps(plain, allow_nan=False))
        runs.append(read_run(path))
    return runs
