"""The network as a whole: frames in, logits out, whatever its parts are."""

from __future__ import annotations

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
            frames: (B, P, 3, H, W) uint8, RGB.

        Returns:
            (B, K, h, w), the cells in proportion to the codec's heatmap of the whole image.
        """
        normalized = (frames - self.mean) / self.std  # (B, P, 3, H, W)
        features = self.backbone(self.input(normalized))
        logits = self.head(self.decoder(features), normalized, self.cells(frames))  # (N, maps, h, w)
        return logits.reshape(frames.shape[0], len(self.input.targets), *logits.shape[2:])

    def detect(self, frames: Tensor) -> Detections:
        """(B, P, 3, H, W) uint8 frames -> detections in pixels of these frames."""
        return self.codec.decode(self(frames))

    def cells(self, frames: Tensor) -> Size:
        """Return (w, h), the cells of the heatmap of frames of this size."""
        return self.check_size((int(frames.shape[-1]), int(frames.shape[-2])))

    def check_size(self, size: Size) -> Size:
        """Return (w, h), the cells of the heatmap of frames of ``size``.

        Raises:
            ValueError: the frames are not a whole number of heatmap cells, or of cells of the coarsest feature map.
        """
        stride = max(feature.stride for feature in self.backbone.features)
        if size[0] % stride or size[1] % stride:
            raise ValueError(
                f"frames of {size[0]} x {size[1]} pixels do not fit the backbone, whose coarsest map has a stride of "
                f"{stride}. Choose sides that are multiples of it."
            )
        width, height = (_cells(s, c, w) for s, c, w in zip(size, self.codec.size, self.image_size, strict=True))
        return width, height


def _cells(pixels: int, cells: int, whole: int) -> int:
    if pixels * cells % whole:
        raise ValueError(
            f"{pixels} pixels do not give a whole number of heatmap cells, where {whole} pixels give {cells}. "
            f"Choose a crop whose sides are multiples of {whole / cells:g} pixels, a cell."
        )
    return pixels * cells // whole
