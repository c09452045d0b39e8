"""A network in the form that files hold: plain tensors in and out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr
from io import StringIO

import torch
from torch import Tensor, nn

from tracknet_core.contracts import LARGEST_BATCH, AdjustableCodec, Array, Codec, Wanted
from tracknet_core.exporting.luma_network import of_luma
from tracknet_core.luma import luma_of
from tracknet_core.model import BallTracker, State

Run = Callable[..., tuple[Tensor, ...]]
"""(B, P, 3, H, W) uint8 frames, and the maps of a state, to what :class:`Portable` returns."""


class Portable(nn.Module):
    """A network with its normalisation and, where it can be a graph, its decoding.

    Codecs whose work follows the cells of a map one by one, such as connected components, cannot be a graph; then
    the logits come alone, and whoever runs the file decodes them.

    Args:
        model: the network, in evaluation mode.
        frames: (B, P, 3, H, W) uint8, an example of its input.
        wanted: what a tracker may ask for beside what the codec gives.

    Attributes:
        decodes: whether places are among the results.
        wanted: what they answer, as far as the codec can: nothing more than its own, or what was asked for.
        luma: whether it takes frames of one colour, their luma: (B, P, 1, H, W).
    """

    def __init__(self, model: BallTracker, frames: Tensor, wanted: Wanted = Wanted()) -> None:  # noqa: B008 - frozen
        super().__init__()
        model_of_luma = of_luma(model.eval())
        self.luma = model_of_luma is not None
        self.model = model if model_of_luma is None else model_of_luma
        self.eval()
        codec, self._further, self.wanted = model.codec, None, Wanted()
        with torch.no_grad():
            self.decodes = can_be_graph(codec, self.model(self.frames_of(frames[:1])))
        if self.decodes and wanted != Wanted():
            self._further = codec.adjusted(wanted) if isinstance(codec, AdjustableCodec) else None
            self.wanted = wanted

    def forward(self, frames: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Look at windows.

        Args:
            frames: (B, P, 3, H, W) uint8, or (B, P, 1, H, W) luma.
            *state: maps (B, C, h, w) before these windows, of a network that has some.

        Returns:
            Logits (B, K, *form); points (B, K, D, Q, 2), score (B, K, D) and present (B, K, D) unless the codec stays
            outside; the same three of an adjusted codec, where there is one; and the maps after these windows.
        """
        logits, after = self.model.step(frames, state)
        places = decoded(self.model.codec, logits) if self.decodes else ()
        further = decoded(self._further, logits) if self._further is not None else ()
        return logits, *places, *further, *after

    def start(self, frames: Tensor) -> State:
        """Return the state before the first window of a clip, for frames (B, P, 3, H, W)."""
        return self.model.start(frames)

    def frames_of(self, rows: Tensor) -> Tensor:
        """Return windows as it takes them: (…, P, 3, H, W), or their luma (…, P, 1, H, W)."""
        return torch.from_numpy(luma_of(rows.numpy(), -3)) if self.luma else rows

    @torch.no_grad()
    def inputs(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Return what the network takes while it goes through windows in a row, all windows after one another.

        Args:
            rows: (N, S, P, R, H, W), N times S windows in a row, of R colours.

        Returns:
            Frames (N * S, P, R, H, W), and the maps of the state before each of these windows.
        """
        if not self.model.decoder.state:
            return (rows.flatten(0, 1),)
        taken = []
        for row in rows.unsqueeze(2):  # (S, 1, P, 3, H, W)
            state = self.start(row[0])
            for frames in row:
                taken.append((frames, *state))
                _, state = self.model.step(frames, state)
        return tuple(torch.cat(parts) for parts in zip(*taken, strict=True))


def of_file(run: Callable[..., tuple[Array, ...]]) -> Run:
    """Return what a format has loaded as a function of tensors."""

    def run_tensors(*inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(torch.from_numpy, run(*(tensor.numpy() for tensor in inputs))))

    return run_tensors


def with_decoding(run: Run, codec: Codec) -> Run:
    """Return the same function with points, score and present of the codec itself, also where there were none."""

    def complete(frames: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logits, *rest = run(frames, *state)
        places, after = rest[: len(rest) - len(state)], rest[len(rest) - len(state) :]
        return logits, *(places[:3] or decoded(codec, logits)), *after

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
