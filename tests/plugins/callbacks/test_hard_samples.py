import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tracknet_core.contracts import Batch, Labels, Visibility
from tracknet_core.errors import CheckpointError
from tracknet_core.testing import check_constructor
from tracknet_plugins.callbacks.hard_samples import HardSamples
from tracknet_plugins.codecs.blob import Blob

SIZE = (32, 16)
"""Pixels of the network input; the original video has twice as many along each side."""

EASY, HARD, ABSENT, OCCLUDED = (int(code) for code in (Visibility.EASY, Visibility.HARD, Visibility.ABSENT, 3))

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]


class Seer(nn.Module):
    """A network that finds the ball where the red of a frame is full, and one that is in evaluation mode to do so."""

    def __init__(self) -> None:
        super().__init__()
        self.input = SimpleNamespace(targets=(1, 2))
        self.codec = Blob(image_size=SIZE, size=SIZE, radius=0.75)
        self.scale = nn.Parameter(torch.ones(()))
        self.norm = nn.BatchNorm2d(1)

    def forward(self, frames: Tensor) -> Tensor:
        if self.training:
            raise AssertionError("measured in training mode")
        return self.scale * (frames[:, 1:, 0].float() / 255 - 0.5) * 20  # (B, 2, H, W)


class Learner(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.model = Seer()
        self.model.norm.eval()

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.model.scale.square()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


class Clips(pl.LightningDataModule):
    """Two clips of 3 and 4 frames; (frame, true place, place that is seen, visibility), in pixels of the network."""

    def __init__(self, seen: dict[tuple[int, int], tuple[float, float]], code: int = EASY) -> None:
        super().__init__()
        self.seen, self.code = seen, code
        self.difficulty = torch.zeros(7)
        self.asked = 0

    def every_training_frame(self) -> Iterator[Batch]:
        self.asked += 1
        # Windows of three frames report the last two; the first frame of a clip is repeated in front.
        for clip, numbers, counted in (
            (0, [0, 0, 1], [False, True, True]),
            (0, [0, 1, 2], [False, False, True]),
            (1, [0, 0, 1], [False, True, True]),
            (1, [1, 2, 3], [False, True, True]),
        ):
            frames = torch.zeros(1, 3, 3, SIZE[1], SIZE[0], dtype=torch.uint8)
            for i, number in enumerate(numbers):
                if (clip, number) in self.seen:
                    x, y = self.seen[clip, number]
                    frames[0, i, :, int(y), int(x)] = 255
            original = torch.tensor([2 * 10 + 0.5, 2 * 8 + 0.5]).expand(1, 3, 1, 2)  # (10, 8) in half as many pixels
            code = torch.full((1, 3), self.code)
            labels = Labels(torch.full((1, 3, 1, 2), torch.nan), code, torch.zeros(1, 3))
            size = torch.tensor([[2.0 * SIZE[0], 2.0 * SIZE[1]]])
            yield Batch(
                frames, labels, torch.tensor([counted]), original, size, torch.tensor([clip]), torch.tensor([numbers])
            )

    def places(self, batch: Batch) -> Tensor:
        return torch.tensor([0, 3])[batch.clip].unsqueeze(1) + batch.number

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader([0.0, 1.0])  # type: ignore[arg-type]


class Watch(pl.Callback):
    """Notes the difficulties that the batches of each epoch would be read with."""

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if batch_idx == 0:
            self.seen.append(trainer.datamodule.difficulty.round(decimals=3).tolist())
            assert pl_module.training
            assert not pl_module.model.norm.training


@pytest.fixture
def seen() -> dict[tuple[int, int], tuple[float, float]]:
    """What the network sees: the ball where it is, 1, 3, 5 pixels beside it, twice not at all, 3 pixels below."""
    return {(0, 0): (10, 8), (0, 1): (11, 8), (0, 2): (13, 8), (1, 0): (15, 8), (1, 3): (10, 11)}


@pytest.mark.filterwarnings("ignore:.*in eval mode at the start")
def test_the_error_of_every_frame_that_is_far_off_is_its_difficulty(make_trainer: Any, seen: Any) -> None:
    check_constructor("callbacks", HardSamples)
    data, watch = Clips(seen), Watch()
    make_trainer(HardSamples(epochs=(2,)), watch, epochs=3).fit(Learner(), datamodule=data)
    # Twice the pixels of the network: 0 and 2 are near, 6 and 10 are far.
    measured = [0, 0, 6, 10, 0, 0, 6]
    assert watch.seen == [[0] * 7, measured, measured]
    assert data.asked == 1


@pytest.mark.parametrize(
    ("settings", "measured"),
    [
        ({"least": 1.0}, [0, 2, 6, 10, 0, 0, 6]),
        ({"least": 1.5, "most": 7.0}, [0, 2, 6, 0, 0, 0, 6]),
        ({"least": 8.0}, [0, 0, 0, 10, 0, 0, 0]),
    ],
)
@pytest.mark.filterwarnings("ignore:.*in eval mode at the start")
def test_distances_say_what_is_hard(make_trainer: Any, seen: Any, settings: Any, measured: list[float]) -> None:
    data = Clips(seen)
    trainer = make_trainer(HardSamples(epochs=(1,), **settings), epochs=1)
    trainer.fit(Learner(), datamodule=data)
    assert data.difficulty.tolist() == pytest.approx(measured)
    share = np.count_nonzero(measured) / len(seen)
    assert trainer.callback_metrics["train/hard"] == pytest.approx(share)


@pytest.mark.parametrize(("code", "hard"), [(HARD, 3), (ABSENT, 0), (OCCLUDED, 0), (-1, 0)])
@pytest.mark.filterwarnings("ignore:.*in eval mode at the start")
def test_balls_that_nobody_is_expected_to_see_are_not_hard(make_trainer: Any, seen: Any, code: int, hard: int) -> None:
    data = Clips(seen, code)
    make_trainer(HardSamples(epochs=(1,)), epochs=1).fit(Learner(), datamodule=data)
    assert data.difficulty.count_nonzero() == hard


@pytest.mark.filterwarnings("ignore:.*in eval mode at the start")
def test_a_later_measurement_replaces_the_earlier_one(make_trainer: Any, seen: Any) -> None:
    class Move(pl.Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            trainer.datamodule.seen = {(1, 1): (10, 13)}

    data, watch = Clips(seen), Watch()
    make_trainer(HardSamples(epochs=(1, 3)), Move(), watch, epochs=3).fit(Learner(), datamodule=data)
    first, second = [0, 0, 6, 10, 0, 0, 6], [0, 0, 0, 0, 10, 0, 0]
    assert watch.seen == [first, first, second]


@pytest.mark.parametrize("stop", [1, 2, 3])  # before, with and after the measurement
@pytest.mark.filterwarnings("ignore:.*in eval mode at the start")
def test_a_resumed_run_knows_what_was_measured(
    stop: int, make_trainer: Callable[..., pl.Trainer], seen: Any, tmp_path: Any
) -> None:
    first = make_trainer(HardSamples(epochs=(2,)), epochs=stop)
    first.fit(Learner(), datamodule=Clips(seen))
    first.save_checkpoint(tmp_path / "last.ckpt")
    data, watch = Clips(seen), Watch()
    trainer = make_trainer(HardSamples(epochs=(2,)), watch, epochs=4)
    trainer.fit(Learner(), datamodule=data, ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert watch.seen == [[0, 0, 6, 10, 0, 0, 6]] * (4 - stop)
    assert data.asked == (stop < 2)


@pytest.mark.filterwarnings("ignore:.*in eval mode at the start")
def test_other_data_than_those_measured_are_refused(
    make_trainer: Callable[..., pl.Trainer], seen: Any, tmp_path: Any
) -> None:
    first = make_trainer(HardSamples(epochs=(1,)), epochs=1)
    first.fit(Learner(), datamodule=Clips(seen))
    first.save_checkpoint(tmp_path / "last.ckpt")
    data = Clips(seen)
    data.difficulty = torch.zeros(9)
    trainer = make_trainer(HardSamples(epochs=(1,)), epochs=2)
    with pytest.raises(CheckpointError, match="knows 7 training frames, and there are 9"):
        trainer.fit(Learner(), datamodule=data, ckpt_path=tmp_path / "last.ckpt", weights_only=True)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"epochs": ()}, r"epochs: \[\]"),
        ({"epochs": (0,)}, r"epochs: \[0\]"),
        ({"least": 0.0}, "least: 0.0"),
        ({"least": math.nan}, "least: nan"),
        ({"least": 4.0, "most": 4.0}, "most: 4.0 is not above least, 4.0"),
    ],
)
def test_bad_values_are_refused(parameters: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        HardSamples(**parameters)
