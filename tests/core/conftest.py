"""A tiny dataset and a tiny network, for tests of the core that need some of each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import catalogue
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tracknet_core.config import Config, load_config
from tracknet_core.contracts import (
    Clip,
    Dataset,
    FeatureSpec,
    FrameSource,
    Normalization,
    Size,
    UInt8Array,
    Visibility,
    plain_labels,
)
from tracknet_core.loading.windows import Place
from tracknet_core.registry import NAMESPACE

SIZE = (128, 96)
"""Original pixels; experiments halve them."""

EXPERIMENT = """\
data:
  base: tiny
model:
  base: tiny
training:
  epochs: 2
  batch_size: 4
  optimizer: {lr: 5.0e-3}
  scheduler: {warmup_epochs: 0.5}
  accelerator: cpu
  devices: 1
"""

DATA = """\
dataset: {name: tiny}
sequence: {enabled: true, length: 3, stride: 1}
preprocess: {resize: [64, 48]}
"""

MODEL = """\
input: {name: stack}
backbone: {name: tiny}
decoder: {name: upsampling, channels: [8]}
head: {name: heatmap}
heatmap: {name: gaussian, size: [32, 24], sigma: 1.0}
"""


@dataclass
class MemoryFrames(FrameSource):
    """Frames in memory that remember which of them were read."""

    frames: UInt8Array
    fps: float = 25.0
    reads: list[int] = field(default_factory=list)

    @property
    def size(self) -> Size:
        return self.frames.shape[2], self.frames.shape[1]

    def __len__(self) -> int:
        return len(self.frames)

    def fingerprint(self) -> None:
        return None

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        width, height = size or self.size
        rows = np.arange(height) * self.size[1] // height
        columns = np.arange(width) * self.size[0] // width
        for index in indices:
            self.reads.append(index)
            yield self.frames[index][rows][:, columns]


def make_clip(name: str, frames: int, size: Size = SIZE, *, number: int = 0) -> Clip:
    """Return a clip of a white square on grey that moves 5 px to the right in each frame; the last has none.

    The green and the blue channel of pixel (0, 0) hold the clip's number and the frame's.
    """
    width, height = size
    pictures = np.full((frames, height, width, 3), 60, dtype=np.uint8)
    pictures[:, 0, 0, 1] = number
    pictures[:, 0, 0, 2] = np.arange(frames)
    xy = np.full((frames, 2), np.nan, dtype=np.float32)
    visibility = np.full(frames, Visibility.ABSENT, dtype=np.int64)
    for i in range(frames - 1):
        x, y = 10 + (5 * i) % (width - 20), height // 2
        pictures[i, y - 3 : y + 4, x - 3 : x + 4] = 255
        xy[i], visibility[i] = (x, y), Visibility.EASY
    return Clip(name, MemoryFrames(pictures), plain_labels(xy, visibility))


class TinyRallies(Dataset):
    """Three clips, two to train on."""

    splits = ("train", "val")

    def __init__(self, *, root: Path | None = None, frames: int = 8, width: int = SIZE[0]) -> None:
        if frames < 2:
            raise ValueError(f"frames: {frames} is too small. Give at least 2.")
        self.made = {
            "train": [
                make_clip("train/1", frames, number=1),
                make_clip("train/2", frames + 1, (width, SIZE[1]), number=2),
            ],
            "val": [make_clip("val/1", frames, number=3)],
        }

    def clips(self, split: str) -> list[Clip]:
        return self.made[split]


class TinyBackbone(nn.Module):
    """One map at stride 4, with a norm and with dropout, whose draws a seed must repeat."""

    def __init__(
        self, *, in_channels: int, fetch: bool, width: int = 8, dropout: float = 0.1, pretrained: bool = False
    ) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width: {width} is too small. Give at least 1.")
        if pretrained and fetch:
            raise ValueError("pretrained: true, but there are no weights.")
        self.features = (FeatureSpec(width, 4),)
        self.normalization = Normalization((0.4, 0.5, 0.6), (0.2, 0.2, 0.2))
        self.convolution = nn.Conv2d(in_channels, width, 4, stride=4)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.dropout(self.norm(self.convolution(x)).relu())]


@pytest.fixture(scope="module")
def tiny() -> Iterator[None]:
    """The dataset and the backbone `tiny`, known to the tests of one module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalogue.REGISTRY, (NAMESPACE, "datasets", "tiny"), TinyRallies)
        patch.setitem(catalogue.REGISTRY, (NAMESPACE, "backbones", "tiny"), TinyBackbone)
        yield
    torch.use_deterministic_algorithms(False)  # a run turns it on for its process


@pytest.fixture(scope="module")
def write_experiment(tiny: None) -> Callable[[Path], Path]:
    """Write an experiment that trains the tiny network for two epochs, with its groups, into a folder."""

    def write_into(folder: Path) -> Path:
        for name, text in (("data/tiny", DATA), ("model/tiny", MODEL), ("experiment", EXPERIMENT)):
            path = folder / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return path

    return write_into


@pytest.fixture
def experiment(write_experiment: Callable[[Path], Path], tmp_path: Path) -> Path:
    """An experiment that trains the tiny network for two epochs."""
    return write_experiment(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file below tmp_path, folders included."""

    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def config(experiment: Path) -> Config:
    """The resolved experiment."""
    return load_config(experiment)


@pytest.fixture
def clip() -> Callable[..., Clip]:
    """Make a clip in memory."""
    return make_clip


@pytest.fixture
def check_window() -> Callable[[Place, int, int, int], None]:
    """Check a window of a clip of so many frames: consecutive frames of it, the last of a short one repeated."""

    def check(place: Place, clip: int, frames: int, length: int) -> None:
        assert place.clip == clip
        assert place.numbers.shape == place.counted.shape == (length,)
        assert place.numbers.min() >= 0
        assert place.numbers.max() < frames
        assert set(np.diff(place.numbers)) <= {0, 1}

    return check
