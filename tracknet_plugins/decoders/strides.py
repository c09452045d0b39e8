"""The strides of what decoders take and give."""

from tracknet_core.contracts import FeatureSpec


def of_stride(features: tuple[FeatureSpec, ...], stride: int) -> tuple[int, ...]:
    """Return which of the maps have a stride."""
    return tuple(i for i, feature in enumerate(features) if feature.stride == stride)


def stride_after(steps: int, stride: int) -> int:
    """Return the stride after some steps, each of which doubles the size of a map.

    Args:
        steps: how many, one for each of the decoder's ``channels``.
        stride: of the map that they begin with.

    Raises:
        ValueError: that is no whole number.
    """
    if stride % 2**steps:
        most = (stride & -stride).bit_length() - 1  # how often 2 divides the stride
        raise ValueError(
            f"channels: {steps} stages, each twice as large, would turn stride {stride} into {stride / 2**steps:g} "
            f"input pixels per cell, and a stride is a whole number. Give at most {most} "
            f"{'width' if most == 1 else 'widths'} for this backbone; the head resizes to any heatmap."
        )
    return stride >> steps
