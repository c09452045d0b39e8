"""Formats: networks in files that run without this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tracknet_core.contracts import Format
from tracknet_core.errors import CheckpointError
from tracknet_core.testing.require import require, require_shape


def check_format(component: Format, folder: Path, *, tolerance: float = 1e-4) -> None:
    """Check a format: small networks come back from the file as they were, for any number of windows.

    One has a state, the other has none.

    Args:
        component: the format.
        folder: an empty folder to write to.
        tolerance: largest difference of logits, scores (0..1) and places (pixels), all of which are near 1 or above.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    suffix: Any = component.suffix
    require(isinstance(suffix, str) and suffix[:1] == ".", f"suffix is one such as '.onnx', got {suffix!r}")
    runs_code: Any = component.runs_code
    require(isinstance(runs_code, bool), f"runs_code is True or False, got {runs_code!r}")
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(256, (5, 3, 3, 32, 48), generator=generator, dtype=torch.uint8)
    frames[1] //= 4  # a window without a ball
    memory = torch.rand(5, 3, 8, 12, generator=generator)
    for name, inputs in (("plain", (frames,)), ("remembering", (frames, memory))):
        (folder / name).mkdir()
        _check_round_trip(component, inputs, folder / name / f"network{suffix}", tolerance)

    foreign = folder / f"foreign{suffix}"
    for content in (b"", b"no network at all"):
        foreign.write_bytes(content)
        for function in (component.load, component.notes):
            _require_refused(function, foreign)
    foreign.unlink()
    _require_refused(component.load, foreign)


def _check_round_trip(component: Format, inputs: Sequence[Tensor], path: Path, tolerance: float) -> None:
    network = _BrightestCell().eval().requires_grad_(False)
    expected = network(*inputs)
    kept = [tensor.clone() for tensor in inputs]
    notes = {"config": '{"text": "ä \\" \\n <&>"}', "version": "1.2"}
    component.check(path)
    component.save(network, [tensor[:1] for tensor in inputs], path, notes)
    unchanged = all(map(torch.equal, inputs, kept)) and all(map(torch.equal, network(*inputs), expected))
    require(unchanged, "saving changed something")
    require(path.is_file(), f"save writes the file that it was told, {path.name}")
    others = [other.name for other in path.parent.iterdir() if other.stem != path.stem]
    require(not others, f"save leaves nothing but {path.stem}.*, got {', '.join(others)}")
    require(component.notes(path) == notes, f"the notes come back as they were, got {component.notes(path)}")

    run = component.load(path)
    for part in (slice(0, 1), slice(1, 3), slice(0, 5)):
        given = [tensor[part].numpy() for tensor in inputs]
        results = run(*given)
        wanted = [tensor[part] for tensor in expected]
        _require_same_results(results, wanted, tolerance)
        run(255 - given[0], *given[1:])
        _require_same_results(results, wanted, tolerance)  # it is no buffer that the next call writes to


class _BrightestCell(nn.Module):
    """A network in small: uint8 frames are averaged over cells of 4 pixels; the brightest cell is the ball.

    With a state, which is a map for each frame, what was bright in the window before counts, too.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.Conv2d(3, 1, 4, stride=4)
        nn.init.constant_(self.cells.weight, 1 / 8)
        nn.init.constant_(self.cells.bias, -2.7)  # type: ignore[arg-type]

    def forward(self, frames: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logits = (
            self.cells(frames.flatten(0, 1).float() / 255).unflatten(0, frames.shape[:2]).squeeze(2)
        )  # (B, K, h, w)
        for memory in state:
            logits = logits + memory / 2
        width = logits.shape[-1]
        value, index = logits.flatten(2).topk(2, dim=-1)  # (B, K, D)
        xy = torch.stack([index % width, index // width], dim=-1) * 4 + 1.5
        return logits, xy.unsqueeze(-2), value.sigmoid(), value > 0, *(logits.sigmoid() for _ in state)


def _require_same_results(results: Sequence[Any], expected: Sequence[Tensor], tolerance: float) -> None:
    names = ("logits", "points", "score", "present", "the state after it")[: len(expected)]
    require(len(results) == len(names), f"this file gives {', '.join(names)}, got {len(results)} results")
    for name, array, wanted in zip(names, results, expected, strict=True):
        require(isinstance(array, np.ndarray), f"{name} is a NumPy array, got a {type(array).__name__}")
        got = torch.from_numpy(array)
        require_shape(name, got, tuple(wanted.shape))
        require(got.dtype == wanted.dtype, f"{name} is {wanted.dtype}, got {got.dtype}")
        error = (got.double() - wanted.double()).abs().max().item()
        require(error <= tolerance, f"{name} of the file is up to {error:.3g} off")


def _require_refused(function: Callable[[Path], Any], path: Path) -> None:
    try:
        function(path)
    except CheckpointError as error:
        require(str(path) in str(error), f"the message names the file, got: {error}")
        return
    raise AssertionError("a file of something else, or none, raises CheckpointError")
