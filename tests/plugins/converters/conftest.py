"""Files of published weights, filled by a formula, and what the published code answers with them.

The code of others is not here: the names and shapes of its weights are, and what it said, in float32 on a CPU, to
weights and frames that these formulas give.
"""

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tracknet_core.assembly import load_model
from tracknet_core.converting import convert
from tracknet_core.registry import converters
from tracknet_core.testing import check_constructor, check_converter


def noise(count: int, seed: int) -> Tensor:
    """Return (count,) numbers between -1 and 1, by a formula in whole numbers: a hash of the place and the seed."""
    mixed = torch.arange(1, count + 1) + 7919 * 65537 * seed
    for _ in range(2):
        mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 16)) / 2**31 - 1).float()


def weight(name: str, shape: Sequence[int], gain: float) -> Tensor:
    """Return a weight by its published name; ``gain`` is its deviation, times the root of what it sums."""
    leaf, count = name.rsplit(".", 1)[-1], math.prod(shape)
    numbers = noise(count, zlib.crc32(name.encode()) % 9973).view(tuple(shape))
    if leaf == "num_batches_tracked":
        return torch.tensor(7)
    if leaf == "running_var":
        return 1 + 0.3 * numbers
    if leaf == "weight" and len(shape) == 1:
        return 1 + 0.2 * numbers
    if leaf in ("running_mean", "bias"):
        return 0.1 * numbers
    if not shape:
        return 0.3 + 0.1 * numbers
    return 3**0.5 * gain * numbers / math.sqrt(count / shape[0])


def pictures(count: int, size: tuple[int, int]) -> Tensor:
    """Return (1, count, 3, H, W) uint8 frames."""
    numbers = noise(count * 3 * size[0] * size[1], 0)
    return ((numbers + 1) * 127.5).round().to(torch.uint8).view(1, count, 3, size[1], size[0])


class Names:
    """The names and shapes of published weights, layer by layer."""

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}

    def convolution(self, name: str, after: int, before: int, *kernel: int, bias: bool = False) -> None:
        self.shapes[f"{name}.weight"] = (after, before, *kernel)
        if bias:
            self.shapes[f"{name}.bias"] = (after,)

    def normalization(self, name: str, channels: int) -> None:
        for leaf in ("weight", "bias", "running_mean", "running_var"):
            self.shapes[f"{name}.{leaf}"] = (channels,)
        self.shapes[f"{name}.num_batches_tracked"] = ()

    def state(self, gain: float) -> dict[str, Tensor]:
        return {name: weight(name, shape, gain) for name, shape in self.shapes.items()}


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def answer(tmp_path: Path) -> Callable[..., Tensor]:
    """Return what the network of a converted file says to frames of a size."""

    def said(name: str, content: Mapping[str, Any], size: tuple[int, int], stride: int = 1) -> Tensor:
        constructor = converters.get(name)
        check_constructor("converters", constructor)
        check_converter(constructor(), content)
        torch.save(content, tmp_path / "published.pth")
        (tmp_path / "ours.ckpt").unlink(missing_ok=True)
        grid = f"model.heatmap.size=[{size[0] // stride},{size[1] // stride}]"
        overrides = [f"data.preprocess.resize=[{size[0]},{size[1]}]", grid]
        convert(tmp_path / "published.pth", tmp_path / "ours.ckpt", name, overrides=overrides)
        _, model = load_model(tmp_path / "ours.ckpt")
        with torch.inference_mode():
            logits: Tensor = model.eval()(pictures(model.window.pictures, size))
        return logits

    return said


@pytest.fixture
def agree() -> Callable[..., None]:
    """Compare an answer with that of the published code: its sum, and numbers evenly from the first to the last."""

    def compare(got: Tensor, total: float, numbers: str) -> None:
        expected = torch.tensor([float(number) for number in numbers.split()])
        got = got.flatten()
        places = torch.linspace(0, len(got) - 1, len(expected)).round().long()
        torch.testing.assert_close(got[places], expected, rtol=1e-5, atol=1e-5)
        assert got.double().sum().item() == pytest.approx(total, rel=1e-5, abs=1e-5 * len(got))

    return compare


@pytest.fixture
def fill_unet(names: Names) -> Callable[[int], None]:
    """Return what adds the names of TrackNetV2's network as codelancera-offical/TracknetV5 calls its layers."""

    def fill(channels: int) -> None:
        down = ((channels, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3))
        up = ((512 + 256, 256, 3), (256 + 128, 128, 2), (128 + 64, 64, 2))
        number = 0
        for part, blocks in (("backbone", down), ("neck", up)):
            for before, after, count in blocks:
                for i in range(count):
                    number += 1
                    names.convolution(f"{part}.conv{number}.conv.0", after, after if i else before, 3, 3)
                    names.normalization(f"{part}.conv{number}.conv.2", after)

    return fill
