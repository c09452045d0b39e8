"""The sizes of images, and the channels of frames, that a backbone takes."""

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


def channels_of_frame(in_channels: int, frames: int) -> int:
    """Return how many channels each frame of a network sample has.

    Args:
        in_channels: channels of the sample.
        frames: in it.

    Raises:
        ValueError: they have not equally many.
    """
    if in_channels % frames:
        raise ValueError(
            f"the input gives {in_channels} channels for {frames} frames, and convolutions over time take equally "
            "many of each. Choose the input 'stack'."
        )
    return in_channels // frames
