"""A network in the form that files hold: plain tensors in and out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO

import torch
from torch import Tensor, nn

from tracknet_core.contracts import LARGEST_BATCH, Codec
from tracknet_core.model import BallTracker

Run = Callable[[Tensor], tuple[Tensor, ...]]
"""(B, P, 3, H, W) uint8 frames to what :class:`Portable` returns."""


class Portable(nn.Module):
    """A network with its normalisation and, where it can be a graph, its decoding.

    Codecs whose work follows the cells of a map one by one, such as connected components, cannot be a graph; then
    the logits come alone, and whoever runs the file decodes them.

    Args:
        model: the network.
        frames: (B, P, 3, H, W) uint8, an example of its input.
    """

    def __init__(self, model: BallTracker, frames: Tensor) -> None:
        super().__init__()
        self.model = model
        self.eval()
        with torch.no_grad():
            self.decodes = can_be_graph(model.codec, model(frames[:1]))

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        """(B, P, 3, H, W) uint8 -> logits (B, K, *form), points (B, K, D, Q, 2), score (B, K, D), present (B, K, D)."""
        logits = self.model(frames)
        return (logits, *decoded(self.model.codec, logits)) if self.decodes else (logits,)


def with_decoding(run: Run, codec: Codec) -> Run:
    """Return the same function with points, score and present among its results, also where there were none."""

    def complete(frames: Tensor) -> tuple[Tensor, ...]:
        logits, *places = run(frames)
        return logits, *(places or decoded(codec, logits))

    return complete


def decoded(codec: Codec, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return points, score and present for logits (B, K, *form)."""
    detections = codec.decode(logits)
    return detections.points, detections.score, detections.present


def can_be_graph(codec: Codec, logits: Tensor) -> bool:
    """Return whether the decoding of a codec is a fixed series of operations on tensors, whatever their values.

    Args:
        codec: the codec.
        logits: (B, K, *form), an example.
    """
    # Torch tells at length where it fails, in the log and in print, and here a failure is an answer.
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with torch.no_grad(), warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
            example = (torch.cat((logits[:1], logits[:1])),)
            torch.export.export(_Decoding(codec), example, dynamic_shapes=({0: batch},), strict=False)
    except Exception:  # of many kinds, and of other kinds in other versions of torch
        return False
    finally:
        logging.disable(level)
    return True


class _Decoding(nn.Module):
    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return decoded(self.codec, logits)
