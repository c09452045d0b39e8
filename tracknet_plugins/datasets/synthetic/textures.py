"""Noise with the statistics of natural pictures: all scales at once, the coarser the stronger."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from tracknet_core.contracts import FloatArray, Size


def noise(
    size: Size, *, finest: float, coarsest: float, rng: np.random.Generator, falloff: float = 1.0, stretch: float = 1.0
) -> FloatArray:
    """Return smooth noise (H, W) with a mean of 0 and a standard deviation of 1.

    Args:
        size: width and height, in pixels.
        finest: size of the smallest grains, in pixels.
        coarsest: size of the largest.
        rng: draws.
        falloff: amplitude of an octave, as a power of its grain; 1 is the spectrum of natural pictures.
        stretch: width of a grain as a share of its height.
    """
    width, height = size
    total = np.zeros((height, width), dtype=np.float32)
    grain = coarsest
    while grain >= finest:
        columns, rows = max(2, round(width / (grain * stretch))), max(2, round(height / grain))
        coarse = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32))
        resample = Image.Resampling.BICUBIC if grain > 2 else Image.Resampling.BILINEAR
        total += np.asarray(coarse.resize(size, resample)) * np.float32((grain / coarsest) ** falloff)
        grain /= 2
    total -= total.mean()
    total /= max(float(total.std()), 1e-6)
    return total


def smooth_line(length: int, grain: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a smooth random line (length,) between -1 and 1, with bumps of about ``grain`` samples."""
    knots = rng.uniform(-1, 1, int(np.ceil(length / grain)) + 2)
    at = np.arange(length) / grain
    low = at.astype(int)
    share = at - low
    share = share * share * (3 - 2 * share)
    return np.asarray(knots[low] * (1 - share) + knots[low + 1] * share)
