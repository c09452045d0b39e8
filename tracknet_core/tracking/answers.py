"""What is led over a clip: a network that is ready to look at frames, whatever runs it.

Its answers are NumPy arrays, so that a file whose runtime needs no torch runs without it. This module must not import
torch.

Letters: B windows of a batch, P pictures (T frames and maybe a background), K target frames, D detections per frame, Q
points of a ball.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracknet_core.contracts import Array, Codec, FloatArray, UInt8Array, Wanted, WindowSpec
from tracknet_core.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from tracknet_core.config import Config

State = tuple[Any, ...]
"""The maps that a network carries from a window to the next, as whatever runs it holds them; empty for most."""


class Found(NamedTuple):
    """Detections as NumPy arrays.

    Attributes:
        points: (…, D, Q, 2) float32, places in pixels of the network input.
        score: (…, D) float32.
        present: (…, D) bool.
    """

    points: FloatArray
    score: FloatArray
    present: Array


@dataclass(frozen=True)
class Detector:
    """A trained network that is ready to look at frames: (B, P, 3, H, W) uint8, whose memory may be channels-last.

    One that looks at luma alone takes (B, P, 1, H, W) as well, which is less work.

    Attributes:
        window: what it is given, and what it answers for.
        points: Q, points of a ball.
        device: where it runs.
        detections: frames, and the maps of a state -> what is found in each of (B, K) frames, and the state after them.
        logits: the same -> logits (B, K, *form), for those who average them, and the state.
        decode: logits (*form) of each of F frames -> what is found in each of (F,) frames.
        adjust: returns the same network with a codec that gives what a tracker asks for, as far as it can.
        find_codec: returns what turns logits into places; this may import torch.
        find_config: returns the experiment that it was trained with.
        state: before the first window of a clip. A network that has one is given windows one by one, in order.
        batch_size: windows that it is given together where nobody says how many.
        luma: whether it looks at luma alone.
        backend: what runs it: torch, or the name of a format.
        find_threads: returns how many of them run it, known once it has seen frames; None where nobody can tell.
    """

    window: WindowSpec
    points: int
    device: str
    detections: Callable[..., tuple[Found, State]]
    logits: Callable[..., tuple[Tensor, State]]
    decode: Callable[[Sequence[Tensor]], Found]
    adjust: Callable[[Wanted], Detector]
    find_codec: Callable[[], Codec]
    find_config: Callable[[], Config]
    state: State = ()
    batch_size: int = 8
    luma: bool = False
    backend: str = "torch"
    find_threads: Callable[[], int | None] = lambda: None

    def adjusted(self, wanted: Wanted) -> Detector:
        """Return the same network with a codec that gives what a tracker asks for, as far as it can."""
        return self if wanted == Wanted() else self.adjust(wanted)

    @cached_property
    def codec(self) -> Codec:
        """What turns logits into places."""
        return self.find_codec()

    @cached_property
    def config(self) -> Config:
        """The experiment that it was trained with."""
        return self.find_config()


class FirstLook:
    """Refuses a network whose numbers are not finite at the first frames of a video that it sees.

    Args:
        path: the file of the network.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.begin()

    def begin(self) -> None:
        """Count what comes next as the first."""
        self._is_over = False

    def __call__(self, are_finite: Callable[[], bool]) -> None:
        """Ask, once.

        Raises:
            CheckpointError: a number is not finite.
        """
        if not self._is_over and not are_finite():
            raise CheckpointError(
                f"{self._path}: gives numbers that are not finite: its training or its export went wrong. Use an "
                "earlier checkpoint, or another format."
            )
        self._is_over = True


def blank(window: WindowSpec) -> UInt8Array:
    """Return a black window, (1, P, 3, H, W)."""
    width, height = window.image_size
    return np.zeros((1, window.pictures, 3, height, width), np.uint8)
