"""A network with a state goes through windows in a row; a head may say more in training than in the end."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tracknet_core.contracts import Batch, FeatureSpec, Labels, WindowSpec
from tracknet_core.model import BallTracker
from tracknet_core.training.module import TrackerModule
from tracknet_plugins.codecs.gaussian import Gaussian
from tracknet_plugins.inputs.background import Background
from tracknet_plugins.inputs.stack import Stack
from tracknet_plugins.losses.mse import MSE
from tracknet_plugins.optimizers.adamw import adamw
from tracknet_plugins.schedulers.constant import constant

SIZE = (32, 16)


class Shrunk(nn.Module):
    """A backbone that takes the mean of each patch."""

    features = (FeatureSpec(6, 4),)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [nn.functional.avg_pool2d(x[:, :6], 4)]


class Adding(nn.Module):
    """A decoder that adds up what it has seen since the start of the clip."""

    feature = FeatureSpec(6, 4)
    state = (FeatureSpec(6, 4),)

    def forward(self, features: list[Tensor], seen: Tensor) -> tuple[Tensor, Tensor]:
        return features[0] + seen, features[0] + seen


class Twice(nn.Module):
    """A head that gives a first guess in training."""

    def forward(self, feature: Tensor, frames: Tensor, size: tuple[int, int]) -> Tensor | list[Tensor]:
        logits = feature[:, :2]
        return [logits / 2, logits] if self.training else logits


@pytest.fixture(params=[False, True], ids=["frames alone", "with background"])
def model(request: pytest.FixtureRequest) -> BallTracker:
    entered = Background(frames=2) if request.param else Stack(frames=2)
    return BallTracker(
        input=entered,
        backbone=Shrunk(),
        decoder=Adding(),
        head=Twice(),
        codec=Gaussian(image_size=SIZE, size=(8, 4)),
        window=WindowSpec(2, (0, 1), background=request.param, image_size=SIZE),
    ).eval()


def pictures(model: BallTracker, frames: int) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    count = frames + model.window.background
    return torch.randint(256, (3, count, 3, SIZE[1], SIZE[0]), generator=draw, dtype=torch.uint8)


def test_windows_in_a_row_are_steps_that_hand_the_state_on(model: BallTracker) -> None:
    frames = pictures(model, 6)
    state, said = model.start(frames), []
    assert [tuple(part.shape) for part in state] == [(3, 6, 4, 8)]
    assert not state[0].any()
    for first in (0, 2, 4):
        window = torch.cat((frames[:, first : first + 2], frames[:, 6:]), dim=1)
        logits, state = model.step(window, state)
        said.append(logits)
    torch.testing.assert_close(model(frames), torch.cat(said, dim=1))
    assert not torch.equal(said[1], model(torch.cat((frames[:, 2:4], frames[:, 6:]), dim=1)))  # what was before counts


def test_frames_that_make_no_whole_windows_are_refused(model: BallTracker) -> None:
    with pytest.raises(ValueError, match=r"^5 frames are no windows of 2 frames in a row, 2 frames apart\.$"):
        model(pictures(model, 5))


def test_in_training_all_that_the_head_says_is_heard_and_the_last_counts(model: BallTracker) -> None:
    frames = pictures(model, 4)
    assert len(model.answers(frames)) == 1
    first, last = model.train().answers(frames)
    assert first.shape == last.shape == (3, 4, 4, 8)
    torch.testing.assert_close(first * 2, last)
    torch.testing.assert_close(model(frames), last)


def test_the_spec_of_windows_in_a_row() -> None:
    spec = WindowSpec(5, (1, 2, 3), background=True, image_size=SIZE)
    assert spec.in_a_row(1) == spec
    row = spec.in_a_row(3)
    assert (row.length, row.targets, row.pictures) == (11, tuple(range(1, 10)), 12)


def batch_of(frames: Tensor, clips: list[int], *, counts: bool = True) -> Batch:
    """Windows (B, P, 3, H, W) of clips, without a ball."""
    shape = (len(frames), 2)
    points = torch.full((*shape, 1, 2), torch.nan)
    return Batch(
        frames=frames,
        labels=Labels(points, torch.zeros(shape, dtype=torch.int64), torch.zeros(shape)),
        counted=torch.full(shape, counts),
        original_points=points,
        original_size=torch.tensor(SIZE, dtype=torch.float32).expand(len(frames), 2),
        clip=torch.tensor(clips),
        number=torch.zeros(shape, dtype=torch.int64),
    )


def test_validation_goes_through_a_clip_as_tracking_does(model: BallTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    module = TrackerModule(
        model=model, loss=MSE(), protocols={}, optimizer=adamw, scheduler=constant, description={}
    ).eval()
    monkeypatch.setattr(module, "log_cost", lambda *_: None)
    frames = pictures(model, 6)  # of three clips, each with three windows
    whole = model(frames)  # (3, 6, h, w)
    windows = list(model.windows(frames))
    for _ in range(2):  # two epochs
        module.on_validation_epoch_start()
        said = []
        for window in windows:
            # Two processes read clips side by side, so that batches of clips may alternate.
            together = module.validation_step(batch_of(window[:2], [0, 1]), 0).logits
            alone = module.validation_step(batch_of(window[2:], [2]), 0).logits
            said.append(torch.cat((together, alone)))
            module.validation_step(batch_of(window[:1], [2], counts=False), 0)  # fills up, and changes nothing
        torch.testing.assert_close(torch.cat(said, dim=1), whole)
