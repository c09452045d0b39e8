"""Change brightness, contrast and saturation of a window."""

from __future__ import annotations

import numpy as np

from tracknet_core.contracts import Transform, Window
from tracknet_core.registry import transforms

LUMA = np.array((0.299, 0.587, 0.114), dtype=np.float32)
"""Weights of red, green and blue in the grey value (ITU-R BT.601)."""


@transforms.register("color_jitter")
class ColorJitter(Transform):
    """Random brightness, contrast and saturation, the same draw for all frames of the window.

    Each setting ``s`` draws a factor uniformly from [max(0, 1 - s), 1 + s]. Brightness multiplies a value,
    contrast moves it away from the mean grey of the window, saturation away from its own grey. The three are
    one affine map of the colours, so a window is read and rounded once.

    Args:
        brightness: largest relative change of the brightness, at least 0.
        contrast: largest relative change of the contrast, at least 0.
        saturation: largest relative change of the saturation, at least 0.

    Raises:
        ValueError: a negative setting.
    """

    def __init__(self, *, brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2) -> None:
        for name, value in (("brightness", brightness), ("contrast", contrast), ("saturation", saturation)):
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{name}={value} is no strength: give a number of at least 0 (0 changes nothing)")
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation

    def __call__(self, window: Window, rng: np.random.Generator) -> Window:
        """Return the window with other colours."""
        gain = _factor(rng, self.brightness)
        contrast = _factor(rng, self.contrast)
        saturation = _factor(rng, self.saturation)
        # The mean of every fourth row and column is the mean of the window to a fraction of a grey level.
        mean = gain * float(window.frames[:, ::4, ::4].mean(axis=(0, 1, 2), dtype=np.float32) @ LUMA)

        # v -> saturation * w + (1 - saturation) * grey(w), where w = contrast * gain * v + (1 - contrast) * mean.
        # Plane by plane, which is three times as fast as pixel by pixel; the frames that leave are a view of planes.
        colours = np.moveaxis(window.frames, -1, 0).astype(np.float32, order="C")  # (3, T, H, W)
        shared = np.tensordot(LUMA * np.float32(contrast * gain * (1 - saturation)), colours, axes=1)  # (T, H, W)
        shared += np.float32((1 - contrast) * mean + 0.5)  # 0.5: the cast below rounds down
        colours *= np.float32(contrast * gain * saturation)
        colours += shared
        np.clip(colours, 0, 255, out=colours)
        return window.replace(np.moveaxis(colours.astype(np.uint8), 0, -1))


def _factor(rng: np.random.Generator, strength: float) -> float:
    return float(rng.uniform(max(0.0, 1 - strength), 1 + strength))
