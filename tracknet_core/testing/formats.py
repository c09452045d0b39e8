"""Formats: networks in files that run without this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tracknet_core.contracts import Format
from tracknet_core.errors import CheckpointError
from tracknet_core.testing.require import require, require_shape


def check_format(component: Format, folder: Path, *, tolerance: float = 1e-4) -> None:
    """Check a format: a small network comes back from the file as it was, for any number of windows.

    Args:
        component: the format.
        folder: an empty folder to write to.
        tolerance: largest difference of logits, scores (0..1) and places (pixels), all of which are near 1 or above.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    suffix: Any = component.suffix
    require(isinstance(suffix, str) and suffix[:1] == ".", f"suffix is one such as '.onnx', got {suffix!r}")
    network = _BrightestCell().eval().requires_grad_(False)
    frames = torch.randint(256, (5, 3, 3, 32, 48), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    frames[1] //= 4  # a window without a ball
    expected = network(frames)
    kept = frames.clone()
    notes = {"config": '{"text": "ä \\" \\n <&>"}', "version": "1.2"}
    path = folder / f"network{suffix}"
    runs_code: Any = component.runs_code
    require(isinstance(runs_code, bool), f"runs_code is True or False, got {runs_code!r}")
    component.check(path)
    component.save(network, frames[:1], path, notes)
    require(torch.equal(frames, kept) and all(map(torch.equal, network(frames), expected)), "saving changed something")
    require(path.is_file(), f"save writes the file that it was told, {path.name}")
    others = [other.name for other in folder.iterdir() if other.stem != path.stem]
    require(not others, f"save leaves nothing but {path.stem}.*, got {', '.join(others)}")
    require(component.notes(path) == notes, f"the notes come back as they were, got {component.notes(path)}")

    run = component.load(path)
    for part in (slice(0, 1), slice(1, 3), slice(0, 5)):
        results = run(frames[part])
        wanted = [tensor[part] for tensor in expected]
        _require_same_results(results, wanted, tolerance)
        run(255 - frames[part])
        _require_same_results(results, wanted, tolerance)  # it is no buffer that the next call writes to
    foreign = folder / f"foreign{suffix}"
    for content in (b"", b"no network at all"):
        foreign.write_bytes(content)
        for function in (component.load, component.notes):
            _require_refused(function, foreign)
    foreign.unlink()
    _require_refused(component.load, foreign)


class _BrightestCell(nn.Module):
    """A network in small: uint8 frames are averaged over cells of 4 pixels; the brightest cell is the ball."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.Conv2d(3, 1, 4, stride=4)
        nn.init.constant_(self.cells.weight, 1 / 8)
        nn.init.constant_(self.cells.bias, -2.7)  # type: ignore[arg-type]

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        logits = (
            self.cells(frames.flatten(0, 1).float() / 255).unflatten(0, frames.shape[:2]).squeeze(2)
        )  # (B, K, h, w)
        width = logits.shape[-1]
        value, index = logits.flatten(2).topk(2, dim=-1)  # (B, K, D)
        xy = torch.stack([index % width, index // width], dim=-1) * 4 + 1.5
        return logits, xy.unsqueeze(-2), value.sigmoid(), value > 0


def _require_same_results(results: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float) -> None:
    names = ("logits", "points", "score", "present")
    require(len(results) == len(names), f"a file gives {', '.join(names)}, got {len(results)} results")
    for name, got, wanted in zip(names, results, expected, strict=True):
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
