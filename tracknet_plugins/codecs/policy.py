"""What the frames of a batch train: a ball, none, or nothing, and how much each of them counts.

Letters: B batch, K target frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from tracknet_core.contracts import Labels, Visibility

Hidden = Literal["empty", "ignore", "ball"]
"""What a frame trains whose ball is OCCLUDED: no ball, nothing, or the ball where it is said to be."""

VISIBLE = [int(code) for code in Visibility if code.is_visible]


class Choice(NamedTuple):
    """What frames train.

    Attributes:
        has_ball: (B, K) bool, whether the ball is drawn.
        weight: (B, K) float32, how much a frame counts; 0 leaves it out.
    """

    has_ball: Tensor
    weight: Tensor


class Policy:
    """What the labels of frames train.

    Args:
        hidden: what an OCCLUDED ball trains. With ``ball``, a frame whose place is not known is left out.
        weights: how much frames count, by the names of their visibility: ``absent``, ``easy``, ``hard``, ``occluded``;
            1 where nothing is said. TOTNet trains with more weight on what is hard to see (Xu et al. 2025).

    Raises:
        ValueError: an unknown setting, or a negative weight.
    """

    def __init__(self, hidden: Hidden = "empty", weights: Mapping[str, float] | None = None) -> None:
        names = {code.name.lower(): int(code) for code in Visibility if code is not Visibility.UNLABELLED}
        if hidden not in ("empty", "ignore", "ball"):
            raise ValueError(f"hidden: {hidden!r} is unknown. Give one of empty, ignore, ball.")
        for name, weight in (weights or {}).items():
            if name not in names:
                raise ValueError(f"weights: '{name}' is no visibility. Give weights for {', '.join(names)}.")
            if not 0 <= weight < float("inf"):
                raise ValueError(f"weights: {name} is {weight}. Give a number of at least 0.")
        self._hidden = hidden
        self._weights = {names[name]: float(weight) for name, weight in (weights or {}).items()}

    def choose(self, labels: Labels[Tensor]) -> Choice:
        """Return what frames (B, K) train."""
        code = labels.visibility
        has_ball = torch.isin(code, code.new_tensor(VISIBLE))
        weight = (code != int(Visibility.UNLABELLED)).float()
        hidden = code == int(Visibility.OCCLUDED)
        if self._hidden == "ignore":
            weight = weight * ~hidden
        if self._hidden == "ball":
            known = labels.points.isfinite().flatten(2).all(dim=-1)
            has_ball = has_ball | (hidden & known)
            weight = weight * ~(hidden & ~known)
        for number, factor in self._weights.items():
            weight = torch.where(code == number, weight * factor, weight)
        return Choice(has_ball, weight)
