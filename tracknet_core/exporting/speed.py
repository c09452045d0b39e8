"""How fast a network is, whatever runs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

from tracknet_core.contracts import UInt8Array
from tracknet_core.tracking.answers import Detector

BATCH_SIZE = 4
"""Windows at once."""


def frame_times(
    detectors: Mapping[str, Detector],
    rounds: int,
    *,
    batch_size: int = BATCH_SIZE,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Return seconds per target frame, of each network in each round: they take windows one after the other.

    Args:
        detectors: the networks by name.
        rounds: how often; one more, which warms up, comes first and is not counted.
        batch_size: windows at once; one that carries a state is given them one by one.
        clock: says the seconds.
    """
    times: dict[str, list[float]] = {name: [] for name in detectors}
    for number in range(rounds + 1):
        for name, detector in detectors.items():
            batch = _noise(detector, batch_size)
            began = clock()
            for part in [window[None] for window in batch] if detector.state else [batch]:
                detector.detections(part, *detector.state)
            if number:
                times[name].append((clock() - began) / batch_size / len(detector.window.targets))
    return times


def _noise(detector: Detector, count: int) -> UInt8Array:
    """Return windows (count, P, 3, H, W) as prediction hands them over, with the memory of frames."""
    width, height = detector.window.image_size
    shape = (count, detector.window.pictures, height, width, 3)
    return np.moveaxis(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), -1, 2)
