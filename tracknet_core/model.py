"""The network as a whole: frames in, logits out, whatever its parts are."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Backbone, Codec, Decoder, Detections, Head, Input, Normalization, Size


class BallTracker(nn.Module):
    """Input, backbone, decoder, head and codec in a row.

    Args:
        input: how frames enter the network.
        backbone: frames to feature maps.
        decoder: feature maps to one.
        head: feature map to logits.
        codec: places to targets, logits to places.
        image_size: (W, H) of a whole image, in pixels of the network input; crops may be smaller.
        normalization: mean and deviation of the frames; None leaves them at 0..1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        input: Input,  # noqa: A002 - the name of the kind
        backbone: Backbone,
        decoder: Decoder,
        head: Head,
        codec: Codec,
        image_size: Size,
        normalization: Normalization | None,
    ) -> None:
        super().__init__()
        self.input = input
        self.backbone = backbone
        self.decoder = decoder
        self.head = head
        self.codec = codec
        self.image_size = image_size
        mean, std = (normalization.mean, normalization.std) if normalization else ((0.0,) * 3, (1.0,) * 3)
        # Folded with the step from uint8 to 0..1, so that frames are touched once. Facts of the configuration
        # rather than weights: not in the state dict.
        self.register_buffer("mean", 255 * torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Return logits.

        Args:
            frames: (B, T, 3, H, W) uint8, RGB.

        Returns:
            (B, K, h, w), the cells in proportion to the codec's heatmap of the whole image.
        """
        normalized = (frames - self.mean) / self.std  # (B, T, 3, H, W)
        features = self.backbone(self.input(normalized))
        logits = self.head(self.decoder(features), normalized, self.cells(frames))  # (N, maps, h, w)
        return logits.reshape(frames.shape[0], len(self.input.targets), *logits.shape[2:])

    def detect(self, frames: Tensor) -> Detections:
        """(B, T, 3, H, W) uint8 frames -> detections in pixels of these frames."""
        return self.codec.decode(self(frames))

    def cells(self, frames: Tensor) -> Size:
        """Return (w, h), the cells of the heatmap of frames of this size.

        Raises:
            ValueError: the frames are not a whole number of cells.
        """
        size = (int(frames.shape[-1]), int(frames.shape[-2]))
        return cast(
            Size, tuple(_cells(s, c, whole) for s, c, whole in zip(size, self.codec.size, self.image_size, strict=True))
        )


def _cells(pixels: int, cells: int, whole: int) -> int:
    if pixels * cells % whole:
        raise ValueError(
            f"frames of {pixels} pixels do not give a whole number of heatmap cells, where {whole} pixels give {cells}: "
            f"a cell is {whole / cells:g} pixels. Choose a crop whose sides are multiples of it."
        )
    return pixels * cells // whole
