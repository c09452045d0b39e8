"""Mergers: what several windows say of a frame, to one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tracknet_core.contracts import Candidates, Merger
from tracknet_core.testing.require import require


def check_merger(component: Merger[Any], *, targets: int = 3, form: tuple[int, ...] = (6, 8)) -> None:
    """Check a merger: any number of windows give one well-formed answer, and no frame remembers another.

    Args:
        component: the merger.
        targets: K that it was built for; 2 at least.
        form: shape of the logits of one frame of the codec that it was built for.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    reads: Any = component.reads
    require(reads in ("candidates", "logits"), f"reads is 'candidates' or 'logits', got {reads!r}")
    immediate: Any = component.immediate
    require(isinstance(immediate, bool), f"immediate is True or False, got {immediate!r}")
    frames = [_frame(seed, targets, None if reads == "candidates" else form) for seed in range(4)]
    merged = [_merged(component, answers) for answers in frames]
    again = [_merged(component, answers) for answers in reversed(frames)][::-1]
    require(
        all(_same(one, other) for one, other in zip(merged, again, strict=True)),
        "the answer for a frame depends on the frames before; a merger remembers none",
    )


def _frame(seed: int, targets: int, form: tuple[int, ...] | None) -> list[Any]:
    """Return what windows say of a frame: one of them for even seeds, K for odd ones."""
    count = targets if seed % 2 else 1
    if form is not None:
        return list(torch.randn((count, *form), generator=torch.Generator().manual_seed(seed)))
    rng = np.random.default_rng(seed)
    found = [seed % 3 if position else 2 for position in range(count)]  # candidates of each window: none, one, two
    return [
        Candidates(
            7 + seed,
            seed / 4,
            rng.uniform(0, 100, (number, 2, 2)).astype(np.float32),
            np.sort(rng.uniform(0, 1, number).astype(np.float32))[::-1].copy(),
        )
        for number in found
    ]


def _merged(component: Merger[Any], answers: Sequence[Any]) -> Any:
    """Return one answer, whose form is checked."""
    kept = [_copied(answer) for answer in answers]
    merged = component(answers, list(range(len(answers)))[::-1])
    require(all(map(_same, answers, kept)), "the merger changed the answers that it got")
    if isinstance(answers[0], Tensor):
        require(isinstance(merged, Tensor), f"logits give logits, got {type(merged).__name__}")
        require(merged.shape == answers[0].shape, f"one frame has {tuple(answers[0].shape)}, got {tuple(merged.shape)}")
        require(bool(merged.isfinite().all()), "the logits are not finite")
        return merged
    require(isinstance(merged, Candidates), f"candidates give Candidates, got {type(merged).__name__}")
    require(
        (merged.number, merged.time) == (answers[0].number, answers[0].time), "number and time of the frame changed"
    )
    require(
        merged.points.shape == (len(merged.score), 2, 2),
        f"D candidates with Q = 2 points each, got points {merged.points.shape} and scores {merged.score.shape}",
    )
    require(bool((np.diff(merged.score) <= 0).all()), f"the best candidate comes first, got scores {merged.score}")
    return merged


def _copied(answer: Any) -> Any:
    if isinstance(answer, Tensor):
        return answer.clone()
    return Candidates(answer.number, answer.time, answer.points.copy(), answer.score.copy())


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    return np.array_equal(one.points, other.points) and np.array_equal(one.score, other.score)
