"""What networks of the family VballNet have in common: windows of grey frames, as many as the weights say."""

from __future__ import annotations

from collections.abc import Sequence

from tracknet_core.contracts import Size
from tracknet_core.published import Weights, shape_of


def family_settings(model: str, weights: Weights, layer: str, size: Size = (512, 288)) -> Sequence[str]:
    """Return the settings of a model group.

    Args:
        model: its name.
        weights: by their published names.
        layer: whose weight begins with the axis of the frames.
        size: (W, H) pixels of a frame.
    """
    frames = shape_of(weights, f"{layer}.weight")[0]
    return (f"model={model}", f"data.sequence.length={frames}", f"data.preprocess.resize=[{size[0]},{size[1]}]")
