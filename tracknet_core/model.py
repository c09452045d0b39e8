"""The network as a whole: frames in, logits out, whatever its parts are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from tracknet_core.contracts import (
    PLAIN,
    Backbone,
    Codec,
    Decoder,
    Detections,
    Head,
    Input,
    Normalization,
    Size,
    WindowSpec,
)

State = tuple[Tensor, ...]
"""The maps that a network carries from a window to the next; empty for most."""


class BallTracker(nn.Module):
    """Input, backbone, decoder, head and codec in a row.

    Args:
        input: how frames enter the network.
        backbone: frames to feature maps.
        decoder: feature maps to one.
        head: feature map to logits.
        codec: places to targets, logits to places.
        window: what the network is given, and what it answers for.
        normalization: mean and deviation of the frames.
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
        window: WindowSpec,
        normalization: Normalization = PLAIN,
    ) -> None:
        super().__init__()
        self.input = input
        self.backbone = backbone
        self.decoder = decoder
        self.head = head
        self.codec = codec
        self.window = window
        # Folded with the step from uint8 to 0..1, so that frames are touched once. Facts of the configuration
        # rather than weights: not in the state dict.
        self.register_buffer("mean", 255 * torch.tensor(normalization.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(normalization.std).view(3, 1, 1), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Return logits.

        Args:
            frames: (B, P, 3, H, W) uint8, RGB; of one window, or of several in a row.

        Returns:
            (B, K, *form), the cells in proportion to the codec's grid of the whole image.
        """
        return self.answers(frames)[-1]

    def answers(self, frames: Tensor) -> list[Tensor]:
        """Return all that the head says: logits (B, K, *form), in training maybe after others of the same form.

        Args:
            frames: (B, P, 3, H, W) uint8, RGB. Windows in a row begin without a state and hand it on.
        """
        state = self.start(frames)
        said: list[list[Tensor]] = []
        for window in self.windows(frames):
            outputs, state = self._window(window, state)
            said.append(outputs)
        return said[0] if len(said) == 1 else [torch.cat(parts, dim=1) for parts in zip(*said, strict=True)]

    def step(self, frames: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the logits (B, K, *form) of one window, and the state for the next."""
        outputs, state = self._window(frames, state)
        return outputs[-1], state

    def start(self, frames: Tensor) -> State:
        """Return the state before the first window of a clip, for frames (B, P, 3, H, W) of its size: all 0."""
        height, width = frames.shape[-2:]
        return tuple(
            self.mean.new_zeros(len(frames), spec.channels, height // spec.stride, width // spec.stride)
            for spec in self.decoder.state
        )

    def detect(self, frames: Tensor) -> Detections:
        """(B, P, 3, H, W) uint8 frames -> detections in pixels of these frames."""
        return self.codec.decode(self(frames))

    def cells(self, frames: Tensor) -> Size:
        """Return (w, h), the cells of the codec's grid for frames of this size."""
        return self.check_size((int(frames.shape[-1]), int(frames.shape[-2])))

    def check_size(self, size: Size) -> Size:
        """Return (w, h), the cells of the codec's grid for frames of ``size``.

        Raises:
            ValueError: the frames are not a whole number of cells, or of cells of the coarsest feature map.
        """
        stride = max(feature.stride for feature in self.backbone.features)
        if size[0] % stride or size[1] % stride:
            raise ValueError(
                f"frames of {size[0]} x {size[1]} pixels do not fit the backbone, whose coarsest map has a stride of "
                f"{stride}. Choose sides that are multiples of it."
            )
        whole = self.window.image_size
        width, height = (_cells(s, c, w) for s, c, w in zip(size, self.codec.size, whole, strict=True))
        return width, height

    def windows(self, frames: Tensor) -> Iterator[Tensor]:
        """Yield the windows (B, P, 3, H, W) that lie in a row in ``frames``, each with the background."""
        moving = int(frames.shape[1]) - (self.window.pictures - self.window.length)
        length, step = self.window.length, len(self.window.targets)
        if moving == length:
            yield frames
            return
        if moving < length or (moving - length) % step:
            raise ValueError(f"{moving} frames are no windows of {length} frames in a row, {step} frames apart.")
        for first in range(0, moving - length + 1, step):
            yield torch.cat((frames[:, first : first + length], frames[:, moving:]), dim=1)

    def _window(self, frames: Tensor, state: State) -> tuple[list[Tensor], State]:
        normalized = (frames - self.mean) / self.std  # (B, P, 3, H, W)
        features = self.backbone(self.input(normalized))
        decoded = self.decoder(features, *state)
        feature, *state_after = [decoded] if isinstance(decoded, Tensor) else decoded
        said = self.head(feature, normalized, self.cells(frames))
        outputs: Sequence[Tensor] = [said] if isinstance(said, Tensor) else said  # each (N, maps, *form)
        batch, count = frames.shape[0], len(self.window.targets)
        return [output.reshape(batch, count, *output.shape[2:]) for output in outputs], tuple(state_after)


def _cells(pixels: int, cells: int, whole: int) -> int:
    if pixels * cells % whole:
        raise ValueError(
            f"{pixels} pixels do not give a whole number of heatmap cells, where {whole} pixels give {cells}. "
            f"Choose a crop whose sides are multiples of {whole / cells:g} pixels, a cell."
        )
    return pixels * cells // whole
