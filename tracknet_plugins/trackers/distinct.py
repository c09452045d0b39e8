"""Of candidates that are the same ball, the best one."""

from __future__ import annotations

import math

import numpy as np

from tracknet_core.contracts import Candidates


def check_separation(separation: float) -> None:
    """Refuse a distance between two balls that is none.

    Raises:
        ValueError: negative, or no finite number.
    """
    if not 0 <= separation < math.inf:
        raise ValueError(f"separation: {separation} is no distance. Give a share of the image height, such as 0.02.")


def distinct(frame: Candidates, separation: float) -> list[int]:
    """Return the numbers of the candidates that are not closer than ``separation`` pixels to a better one, in order."""
    apart = np.linalg.norm(frame.xy[:, None] - frame.xy, axis=2) >= separation  # (D, D)
    kept: list[int] = []
    for number in range(len(frame.score)):
        if apart[number, kept].all():
            kept.append(number)
    return kept
