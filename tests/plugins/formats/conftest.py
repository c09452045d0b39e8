"""A small network with the parts that are hard to write: free batches, uint8, a norm, peaks and a sub-pixel place."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tracknet_core.contracts import Array, Format
from tracknet_plugins.codecs.gaussian import Gaussian
from tracknet_plugins.heads.detail import Detail
from tracknet_plugins.inputs.differences import Differences


class Finder(nn.Module):
    """Three frames of 64 x 48 pixels to three heatmaps of 32 x 24 cells, from random weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.input = Differences(frames=3)
        self.backbone = nn.Sequential(nn.Conv2d(11, 8, 2, stride=2), nn.GroupNorm(1, 8), nn.GELU(), nn.Conv2d(8, 8, 1))
        feature = type("Feature", (), {"channels": 8, "stride": 2})
        self.head = Detail(in_feature=feature, maps=3, frames=3, channels=8, prior=0.5)  # type: ignore[arg-type]
        nn.init.normal_(self.head.logits.convolution.weight)
        self.codec = Gaussian(image_size=(64, 48), size=(32, 24), sigma=1.0, threshold=0.1, candidates=2)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        normalized = (frames.float() - 127.5) / 60
        logits = self.head(self.backbone(self.input(normalized)), normalized, (32, 24))
        found = self.codec.decode(logits)
        return logits, found.points, found.score, found.present


@pytest.fixture(scope="package")
def finder() -> Finder:
    return Finder().eval()


@pytest.fixture(scope="package")
def frames() -> Tensor:
    """Five windows of noise that is smooth, so that 8 bits do not change its order everywhere."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randint(256, (15, 3, 6, 8), generator=generator).float()
    fine = nn.functional.interpolate(coarse, (48, 64), mode="bicubic").clamp(0, 255)
    return fine.to(torch.uint8).unflatten(0, (5, 3))


@pytest.fixture(scope="package")
def batches(frames: Tensor) -> list[Tensor]:
    """Batches of several sizes, of which one lies in memory as prediction has it: channels last."""
    return [frames[:1], frames[1:4], frames.movedim(2, -1).contiguous().movedim(-1, 2)]


@pytest.fixture(scope="package")
def assert_same(finder: Finder, batches: list[Tensor]) -> Callable[..., None]:
    """Check that a function of arrays gives what the network does."""

    def check(run: Callable[..., tuple[Array, ...]], *, atol: float) -> None:
        for windows in batches:
            results = [torch.from_numpy(array) for array in run(windows.numpy())]
            torch.testing.assert_close(results, list(finder(windows)), rtol=0, atol=atol)

    return check


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make packages as good as not installed."""

    def hide(*names: str) -> None:
        for name in names:
            monkeypatch.setitem(sys.modules, name, None)

    return hide


@pytest.fixture(scope="package")
def saved(finder: Finder, frames: Tensor, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Format], Path]:
    """Write the network in a format, once, into a folder of its own; tests change nothing there."""
    written: dict[str, Path] = {}

    def save(component: Format) -> Path:
        key = f"{type(component).__name__}-{vars(component)}"
        if key not in written:
            path = tmp_path_factory.mktemp("saved") / f"finder{component.suffix}"
            component.save(finder, [frames], path, {"config": "{}"})
            written[key] = path
        return written[key]

    return save
