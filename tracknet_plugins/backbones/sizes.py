"""The sizes of images that a backbone takes."""

from __future__ import annotations

from tracknet_core.contracts import Size


def check_size(size: Size, stride: int) -> None:
    """Check that an image is a whole number of the network's coarsest cells.

    Args:
        size: (W, H) pixels of the network input.
        stride: pixels per cell.

    Raises:
        ValueError: it is not; the message names the next sizes that fit.
    """
    if any(side % stride for side in size):
        smaller, larger = (
            "x".join(str(max(1, side // stride + extra * (side % stride > 0)) * stride) for side in size)
            for extra in (0, 1)
        )
        raise ValueError(
            f"an image of {size[0]}x{size[1]} pixels is not a whole number of cells of {stride}x{stride} pixels. Set "
            f"data.preprocess.resize to {smaller} or {larger}, or choose a network with smaller cells."
        )
