"""Grey pictures: how bright each pixel is. This module must not import torch."""

from __future__ import annotations

import numpy as np

from tracknet_core.contracts import UInt8Array

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in a grey level (ITU-R BT.601)."""


def luma_of(pictures: UInt8Array, axis: int) -> UInt8Array:
    """Return the luma of RGB pictures, rounded, with an axis of length 1 in place of the colours.

    Args:
        pictures: (…, 3, …).
        axis: of the colours.
    """
    shares = np.array(LUMA, np.float32)
    # The product goes through memory once, and keeps its order: pictures from a video are channels-last.
    level = np.moveaxis(pictures, axis, -1) @ shares
    return np.expand_dims(np.rint(level).astype(np.uint8), axis)
