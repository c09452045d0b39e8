"""The kit accepts what keeps a contract and tells what breaks it."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchmetrics import Metric

from tracknet_core.contracts import (
    BatchTransform,
    Candidates,
    Clip,
    Detections,
    FeatureSpec,
    Format,
    Input,
    Normalization,
    TrackedFrame,
    Tracker,
    TrackPoint,
    Transform,
    Visibility,
    Window,
)
from tracknet_core.errors import CheckpointError
from tracknet_core.testing import (
    check_backbone,
    check_batch_transform,
    check_codec,
    check_constructor,
    check_dataset,
    check_decoder,
    check_format,
    check_head,
    check_input,
    check_loss,
    check_protocol,
    check_tracker,
    check_transform,
)

FEATURE = FeatureSpec(channels=4, stride=4)
SIZE = (32, 16)


@pytest.fixture
def refused():
    """Expect that the kit complains in these words."""
    return lambda words: pytest.raises(AssertionError, match=words)


# ------------------------------------------------------------------------------------------ constructors


class Good:
    def __init__(
        self, *, in_channels, width: int = 1, names: "list[str] | None" = None, how: Literal["a"] = "a"
    ) -> None:
        pass


class Positional:
    def __init__(self, width: int = 1) -> None:
        pass


class Untyped:
    def __init__(self, *, width=1) -> None:
        pass


class Open:
    def __init__(self, *, width: int = 1, **others: int) -> None:
        pass


class Unresolvable:
    def __init__(self, *, width: "Elsewhere" = 1) -> None:  # noqa: F821
        pass


class Rich:
    def __init__(self, *, width: torch.Tensor | None = None) -> None:
        pass


class Inherited(nn.Module):
    pass


def test_a_plain_keyword_only_constructor_is_a_schema():
    check_constructor("backbones", Good)


@pytest.mark.parametrize(
    ("constructor", "words"),
    [
        (Positional, "keyword-only"),
        (Untyped, "'width' has no type hint"),
        (Open, "variadic keyword"),
        (Unresolvable, "'width' cannot be resolved"),
        (Rich, "'width'.*not made of plain types"),
        (Inherited, "def __init__"),
    ],
)
def test_other_constructors_are_refused(refused, constructor, words):
    with refused(words):
        check_constructor("backbones", constructor)


# ------------------------------------------------------------------------------------------------ inputs


class Stacked(nn.Module, Input):
    channels, targets, maps = 9, (0, 1, 2), 3

    def forward(self, frames: Any) -> Any:
        return frames.flatten(1, 2)


class Shuffled(Stacked):
    channels, maps = 3, 1

    def forward(self, frames: Any) -> Any:
        return frames.transpose(0, 1).flatten(0, 1)


class Dimmed(Stacked):
    def forward(self, frames: Any) -> Any:
        return frames.mul_(0.5).flatten(1, 2)


def test_an_input_passes():
    check_input(Stacked(), frames=3)


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Shuffled(), "depend on the other windows"),
        (Dimmed(), "changed the frames"),
        (object(), "not a torch.nn.Module"),
    ],
)
def test_broken_inputs_are_refused(refused, component, words):
    with refused(words):
        check_input(component, frames=3)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("channels", 8, r"shape \(2, 8, 16, 32\), got \(2, 9, 16, 32\)"),
        ("targets", (0, 3), "positions in a window of 3"),
        ("targets", (), "positions"),
        ("maps", 4, "4 maps per sample"),
    ],
)
def test_inputs_with_wrong_facts_are_refused(refused, name, value, words):
    component = Stacked()
    setattr(component, name, value)
    with refused(words):
        check_input(component, frames=3)


# --------------------------------------------------------------------------------------------- backbones


class Patches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = (FEATURE,)
        self.normalization = Normalization(mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
        self.layer = nn.Conv2d(3, 4, 4, stride=4)

    def forward(self, x: Any) -> Any:
        return [self.layer(x)]


class Rounding(Patches):
    def forward(self, x: Any) -> Any:
        return [self.layer(F.pad(x, (0, 4)))]


class Idle(Patches):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(2, 2)


class Noisy(Patches):
    def forward(self, x: Any) -> Any:
        return [F.dropout(self.layer(x), 0.5)]


class Mixing(Patches):
    def forward(self, x: Any) -> Any:
        return [self.layer(x - x.mean(dim=0))]


class Single(Patches):
    def forward(self, x: Any) -> Any:
        return self.layer(x)


def test_a_backbone_passes():
    backbone = Patches()
    check_backbone(backbone, in_channels=3, size=SIZE)
    assert backbone.training
    assert backbone.layer.weight.grad is None


@pytest.mark.parametrize(
    ("backbone", "words"),
    [
        (Rounding(), r"shape \(2, 4, 4, 8\), got \(2, 4, 4, 9\)"),
        (Idle(), "unused.weight, unused.bias"),
        (Noisy(), "other maps each time"),
        (Mixing(), "another result alone than in a batch"),
        (Single(), "a list of 1 maps, got Tensor"),
    ],
)
def test_broken_backbones_are_refused(refused, backbone, words):
    with refused(words):
        check_backbone(backbone, in_channels=3, size=SIZE)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("features", [FEATURE], "tuple of FeatureSpec"),
        ("features", (FEATURE, FeatureSpec(4, 2)), r"fine to coarse, got strides \[4, 2\]"),
        ("features", (FeatureSpec(4, 3),), "multiple of the coarsest stride"),
        ("normalization", None, "mean and a positive deviation"),
        ("normalization", Normalization((0, 0, 0), (1, 0, 1)), "positive deviation"),
    ],
)
def test_backbones_with_wrong_facts_are_refused(refused, name, value, words):
    backbone = Patches()
    setattr(backbone, name, value)
    with refused(words):
        check_backbone(backbone, in_channels=3, size=SIZE)


# ------------------------------------------------------------------------------------- decoders and heads


class Doubling(nn.Module):
    feature = FeatureSpec(channels=4, stride=2)

    def forward(self, features: Any) -> Any:
        return F.interpolate(features[0], scale_factor=2.0)


class Keeping(Doubling):
    def forward(self, features: Any) -> Any:
        return features[0]


class Overwriting(Doubling):
    def forward(self, features: Any) -> Any:
        return F.interpolate(features[0].relu_(), scale_factor=2.0)


def test_a_decoder_passes():
    check_decoder(Doubling(), in_features=(FEATURE,), size=SIZE)


@pytest.mark.parametrize(
    ("decoder", "words"),
    [(Keeping(), r"shape \(2, 4, 8, 16\), got \(2, 4, 4, 8\)"), (Overwriting(), "changed the maps")],
)
def test_broken_decoders_are_refused(refused, decoder, words):
    with refused(words):
        check_decoder(decoder, in_features=(FEATURE,), size=SIZE)


class Resizing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 3, 1)

    def forward(self, feature: Any, frames: Any, size: Any) -> Any:
        return F.interpolate(self.layer(feature), (size[1], size[0]))


class Transposed(Resizing):
    def forward(self, feature: Any, frames: Any, size: Any) -> Any:
        return F.interpolate(self.layer(feature), size)


def test_a_head_passes():
    check_head(Resizing(), in_feature=FEATURE, maps=3, frames=3, size=SIZE)


def test_a_head_that_takes_width_for_height_is_refused(refused):
    with refused(r"heatmap of \(8, 4\) cells.*\(2, 3, 4, 8\), got \(2, 3, 8, 4\)"):
        check_head(Transposed(), in_feature=FEATURE, maps=3, frames=3, size=SIZE)


# ------------------------------------------------------------------------------------------------ codecs


class NearestCell:
    """One cell of 1 per ball, in heatmaps of a fourth of the size."""

    size = (16, 8)

    def encode(self, xy: Any, visible: Any, size: Any) -> Any:
        target = torch.zeros(*visible.shape, size[1] // 4, size[0] // 4)
        for b, k in visible.nonzero().tolist():
            x, y = ((xy[b, k] + 0.5) / 4 - 0.5).round().long().tolist()
            target[b, k, y, x] = 1.0
        return target

    def decode(self, logits: Any) -> Any:
        score, index = logits.sigmoid().flatten(2).max(dim=-1, keepdim=True)
        cell = torch.stack((index % logits.shape[-1], index // logits.shape[-1]), dim=-1).float()
        return Detections((cell + 0.5) * 4 - 0.5, score, score > 0.5)


class Shifted(NearestCell):
    def decode(self, logits: Any) -> Any:
        found = super().decode(logits)
        return replace(found, xy=found.xy + 3)


class Certain(NearestCell):
    def decode(self, logits: Any) -> Any:
        found = super().decode(logits)
        return replace(found, present=torch.ones_like(found.present))


class Leaking(NearestCell):
    def encode(self, xy: Any, visible: Any, size: Any) -> Any:
        return super().encode(xy, visible, size) + 0 * xy[..., :1, None]


class Fixed(NearestCell):
    def encode(self, xy: Any, visible: Any, size: Any) -> Any:
        return F.pad(super().encode(xy, visible, size), (0, 16 - size[0] // 4))


class Flat(NearestCell):
    def decode(self, logits: Any) -> Any:
        found = super().decode(logits)
        return replace(found, score=found.score[..., 0])


def test_a_codec_passes_within_the_tolerance_of_its_cells(refused):
    check_codec(NearestCell(), image_size=(64, 32), tolerance=2.9)
    with refused("at most 1 px off, got"):
        check_codec(NearestCell(), image_size=(64, 32), tolerance=1.0)


@pytest.mark.parametrize(
    ("codec", "words"),
    [
        (Shifted(), "at most 2.9 px off"),
        (Certain(), "2 of 25 frames are wrong"),
        (Leaking(), "NaN.*reached the targets"),
        (Fixed(), r"targets for 32x16 px have the shape \(5, 5, 4, 8\), got \(5, 5, 4, 16\)"),
        (Flat(), r"detections.score"),
    ],
)
def test_broken_codecs_are_refused(refused, codec, words):
    with refused(words):
        check_codec(codec, image_size=(64, 32), tolerance=2.9)


# ------------------------------------------------------------------------------------------------ losses


class Squared(nn.Module):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        per_frame = (logits.sigmoid() - target).square().mean(dim=(2, 3))
        return (per_frame * weight).sum() / weight.sum().clamp(min=1)


class Unreduced(Squared):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        return (logits.sigmoid() - target).square().mean(dim=(2, 3)) * weight


class Dividing(Squared):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        return super().forward(logits, target, weight) / weight.sum()


class Unweighted(Squared):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        return super().forward(logits, target, torch.ones_like(weight))


class Constant(Squared):
    def forward(self, logits: Any, target: Any, weight: Any) -> Any:
        return 0 * logits.sum()


def test_a_loss_passes():
    check_loss(Squared())


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (Unreduced(), r"a scalar, got the shape \(2, 3\)"),
        (Dividing(), "finite where no frame counts"),
        (Unweighted(), "weight 0 still changes"),
        (Constant(), "no finite gradient other than 0"),
    ],
)
def test_broken_losses_are_refused(refused, loss, words):
    with refused(words):
        check_loss(loss)


# ---------------------------------------------------------------------------------------------- datasets


class Grey:
    """Frames as bright as their number."""

    size = (8, 6)
    fps = 25.0

    def __len__(self) -> int:
        return 5

    def read(self, indices: Any, size: Any = None) -> Any:
        width, height = size or self.size
        for index in indices:
            yield np.full((height, width, 3), index, dtype=np.uint8)


class Stubborn(Grey):
    def read(self, indices: Any, size: Any = None) -> Any:
        return super().read(indices)


class Rally:
    splits = ("train",)

    def __init__(self, frames: Any = None, **changes: Any) -> None:
        self.clip = replace(
            Clip(
                name="one",
                frames=frames or Grey(),
                xy=np.array([[1, 2], [np.nan, np.nan], [3, 4], [5, 5], [np.nan, np.nan]], dtype=np.float32),
                visibility=np.array([1, 0, 2, 3, -1]),
            ),
            **changes,
        )

    def clips(self, split: str) -> list[Clip]:
        return [self.clip, replace(self.clip, name="two")]


class Twins(Rally):
    def clips(self, split: str) -> list[Clip]:
        return [self.clip, self.clip]


class Restless(Rally):
    def __init__(self) -> None:
        super().__init__()
        self.turn = 1

    def clips(self, split: str) -> list[Clip]:
        self.turn = -self.turn
        return super().clips(split)[:: self.turn]


class Empty(Rally):
    def clips(self, split: str) -> list[Clip]:
        return []


def test_a_dataset_passes():
    check_dataset(Rally(), "train")


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (Empty(), "'train' has no clips"),
        (Twins(), "unique"),
        (Restless(), "same order"),
        (Rally(Stubborn()), r"half the size.*\(3, 4, 3\), got \(6, 8, 3\)"),
        (Rally(visibility=np.array([1, 1, 2, 3, -1])), "clip 'one': a visible ball lies outside"),
        (Rally(visibility=np.array([1, 0, 2, 9, -1])), r"the codes \{9\}"),
        (Rally(visibility=np.array([1, 0, 2])), r"visibility of clip 'one'.*\(5,\), got \(3,\)"),
    ],
)
def test_broken_datasets_are_refused(refused, dataset, words):
    with refused(words):
        check_dataset(dataset, "train")


def test_a_split_that_the_reader_does_not_name_is_refused(refused):
    with refused("'test' among them"):
        check_dataset(Rally(), "test")


# -------------------------------------------------------------------------------------------- transforms


class Mirror(Transform):
    def __call__(self, window: Window, rng: Any) -> Window:
        if rng.random() < 0.5:
            return window
        width = window.frames.shape[2]
        return window.replace(frames=window.frames[:, :, ::-1], xy=np.array([width - 1, 0]) + window.xy * [-1, 1])


class Forgetful(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        return super().__call__(window, rng).replace(xy=window.xy)


class InPlace(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        window.frames[:] //= 2
        return window


class PerFrame(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        gain = rng.uniform(0.5, 1, size=(len(window.frames), 1, 1, 1))
        return window.replace(frames=(window.frames * gain).astype(np.uint8))


class FramesOnly(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        frames = window.frames.copy()
        frames[: len(window)] //= 2
        return window.replace(frames=frames)


class Unseeded(Mirror):
    calls = 0

    def __call__(self, window: Window, rng: Any) -> Window:
        self.calls += 1
        return window.replace(frames=window.frames // (1 + self.calls % 2))


class Oversized(Mirror):
    def output_size(self, size: Any) -> Any:
        return size[0] + 1, size[1]


class Floating(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        return window.replace(frames=window.frames / 255)


class Emptying(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        return window.replace(frames=np.zeros_like(window.frames), visibility=0 * window.visibility)


class Guessing(Mirror):
    def __call__(self, window: Window, rng: Any) -> Window:
        return window.replace(xy=np.nan_to_num(window.xy), visibility=np.abs(window.visibility))


class EverySecond(Transform):
    def __call__(self, window: Window, rng: Any) -> Window:
        return window.at(range(0, len(window), 2))

    def input_frames(self, frames: int) -> int:
        return 2 * frames - 1


class Short(EverySecond):
    def input_frames(self, frames: int) -> int:
        return frames


class Shuffled(Transform):
    def __call__(self, window: Window, rng: Any) -> Window:
        return window.replace(frames=window.frames[::-1], xy=window.xy[::-1], visibility=window.visibility[::-1])


@pytest.mark.parametrize("transform", [Mirror(), EverySecond()])
def test_a_transform_passes(transform):
    check_transform(transform)


def test_a_transform_of_single_frames_passes_if_it_is_said_to_be_one():
    check_transform(PerFrame(), alike=False)


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (Forgetful(), "but the spot went to"),
        (InPlace(), "changed the window"),
        (PerFrame(), "one draw is for all"),
        (FramesOnly(), "frames or background, become unequal"),
        (Unseeded(), "the same draw give another result"),
        (Oversized(), r"\(3, 64, 97, 3\), got \(3, 64, 96, 3\)"),
        (Floating(), "frames are uint8, got float64"),
        (Emptying(), "ABSENT, but xy has a place"),
        (Guessing(), "UNLABELLED gets a label"),
        (Short(), r"\(3, 64, 96, 3\), got \(2, 64, 96, 3\)"),
        (Shuffled(), "but the spot went to"),
    ],
)
def test_broken_transforms_are_refused(refused, transform, words):
    with refused(words):
        check_transform(transform)


class Swap(BatchTransform):
    """Gives some windows the place of others."""

    def mix(self, frames: Any, target: Any, weight: Any) -> Any:
        order = torch.randperm(len(frames))
        return frames[order], target[order], weight[order]


class Halving(Swap):
    def mix(self, frames: Any, target: Any, weight: Any) -> Any:
        return frames / 2, target, weight


class Scribbling(Swap):
    def mix(self, frames: Any, target: Any, weight: Any) -> Any:
        return frames, target.mul_(0.5), weight


class Uncontrolled(Swap):
    calls = 0

    def mix(self, frames: Any, target: Any, weight: Any) -> Any:
        self.calls += 1
        return frames, target / self.calls, weight


class Dropping(Swap):
    def mix(self, frames: Any, target: Any, weight: Any) -> Any:
        return frames[:, : target.shape[1]], target, weight


class Reviving(Swap):
    def mix(self, frames: Any, target: Any, weight: Any) -> Any:
        return frames, target, torch.ones_like(weight)


def test_a_batch_transform_passes():
    check_batch_transform(Swap())


@pytest.mark.parametrize(
    ("transform", "words"),
    [
        (Halving(), "frames stay torch.uint8, got torch.float32"),
        (Scribbling(), "changed the tensors"),
        (Uncontrolled(), "same seed of torch"),
        (Dropping(), r"\(4, 4, 3, 18, 32\), got \(4, 3, 3, 18, 32\)"),
        (Reviving(), "weight 0 come to count"),
    ],
)
def test_broken_batch_transforms_are_refused(refused, transform, words):
    with refused(words):
        check_batch_transform(transform)


# --------------------------------------------------------------------------------------------- protocols


class Share(Metric):
    """Share of labelled, counted frames in which something is found."""

    rule = "any place is close"
    full_state_update = False

    def __init__(self) -> None:
        super().__init__()
        self.add_state("found", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("frames", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, detections: Any, xy: Any, visibility: Any, counted: Any, size: Any) -> None:
        counted = counted & (visibility != Visibility.UNLABELLED)
        self.found += (detections.present[..., 0] & counted).sum()
        self.frames += counted.sum()

    def compute(self) -> Any:
        return {"share": self.found / self.frames}


class Silent(Share):
    rule = ""


class AllLabels(Share):
    def update(self, detections: Any, xy: Any, visibility: Any, counted: Any, size: Any) -> None:
        super().update(detections, xy, torch.ones_like(visibility), counted, size)


class AllFrames(Share):
    def update(self, detections: Any, xy: Any, visibility: Any, counted: Any, size: Any) -> None:
        super().update(detections, xy, visibility, torch.ones_like(counted), size)


class Last(Share):
    def update(self, *batch: Any) -> None:
        self.found, self.frames = torch.tensor(0.0), torch.tensor(0.0)
        super().update(*batch)


class NoSums(Share):
    def update(self, *batch: Any) -> None:
        super().update(*batch)
        self.frames = self.frames.square()

    def compute(self) -> Any:
        return {"some": (self.found > 0).float()}


class Undefined(Share):
    def compute(self) -> Any:
        return {"share": torch.tensor(torch.nan)}


def test_a_protocol_passes():
    check_protocol(Share())


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (Silent(), "rule is a sentence"),
        (NoSums(), "the state 'frames' is no sum"),
        (AllLabels(), "an UNLABELLED frame counts"),
        (AllFrames(), "not 'counted' counts"),
        (Last(), "batches do not add up"),
        (Undefined(), "'share' is nan"),
    ],
)
def test_broken_protocols_are_refused(refused, protocol, words):
    with refused(words):
        check_protocol(protocol)


# ---------------------------------------------------------------------------------------------- trackers


class BestOfEach(Tracker):
    """The best candidate of every frame."""

    def point(self, frame: Candidates) -> TrackPoint:
        x, y = frame.xy[0].tolist()
        return TrackPoint((x, y), float(frame.score[0]))

    def balls(self, frame: Candidates) -> Any:
        return (self.point(frame),) if len(frame.score) else ()

    def __call__(self, frames: Any) -> Any:
        for frame in frames:
            yield self.frame(frame)

    def frame(self, frame: Candidates) -> Any:
        return TrackedFrame(frame.number, frame.time, self.balls(frame))


class Offline(BestOfEach):
    causal = False

    def __call__(self, frames: Any) -> Any:
        yield from [self.frame(frame) for frame in frames]


class LookingAhead(Offline):
    causal = True


class LosingOne(BestOfEach):
    def __call__(self, frames: Any) -> Any:
        yield from [self.frame(frame) for frame in frames][:-1]

    causal = False


class Inventing(BestOfEach):
    def balls(self, frame: Any) -> Any:
        return (TrackPoint((1.0, 1.0), 1.0),)


class Blind(BestOfEach):
    def balls(self, frame: Any) -> Any:
        return ()


class Twins(BestOfEach):
    def balls(self, frame: Any) -> Any:
        return super().balls(frame) * 2


class Listing(BestOfEach):
    def balls(self, frame: Any) -> Any:
        return list(super().balls(frame))


class Arrays(BestOfEach):
    def point(self, frame: Any) -> Any:
        return TrackPoint(tuple(frame.xy[0]), float(frame.score[0]))


class Prophet(BestOfEach):
    def point(self, frame: Any) -> Any:
        return replace(super().point(frame), origin="filled")


class Guessing(BestOfEach):
    def point(self, frame: Any) -> Any:
        return replace(super().point(frame), origin="guessed")


class Moving(BestOfEach):
    def point(self, frame: Any) -> Any:
        point = super().point(frame)
        frame.xy[0] += 1
        return point


class Remembering(BestOfEach):
    """Gives the ball of the frame before where there is none, and keeps it in itself."""

    last: Any = None

    def balls(self, frame: Any) -> Any:
        self.last = super().balls(frame) or (() if self.last is None or frame.number < 5 else self.last)
        return self.last


class Counting(BestOfEach):
    """Numbers all balls of a clip, and says that it remembers but a second."""

    memory = 1.0

    def __call__(self, frames: Any) -> Any:
        number = 0
        for frame in frames:
            balls = self.balls(frame)
            number += len(balls)
            yield TrackedFrame(frame.number, frame.time, tuple(replace(ball, track=number) for ball in balls))


class OldForm(BestOfEach):
    """Gives the balls alone, as trackers once did."""

    def frame(self, frame: Any) -> Any:
        return self.balls(frame)


class CountingFromZero(BestOfEach):
    def __call__(self, frames: Any) -> Any:
        for number, frame in enumerate(frames):
            yield replace(self.frame(frame), number=number)


class Short(BestOfEach):
    memory = 0.0


@pytest.mark.parametrize("tracker", [BestOfEach(), Offline(), Short()])
def test_a_tracker_passes(tracker):
    check_tracker(tracker)
    check_tracker(tracker, size=(640, 360), fps=120.0)


@pytest.mark.parametrize(
    ("tracker", "words"),
    [
        (LookingAhead(), "frame 0 came after 5 frames were asked for"),
        (LosingOne(), "5 frames give as many, got 4"),
        (Inventing(), "where there never was a candidate"),
        (Blind(), "is not followed"),
        (Twins(), r"frame 0: two balls have the same track: \[0, 0\]"),
        (Listing(), "a tuple of TrackPoint is due, got \\[\\]"),
        (Arrays(), "place and score are finite floats"),
        (Prophet(), "causal tracker knows no later frames"),
        (Guessing(), "unknown origin 'guessed'"),
        (Moving(), "changed the candidates"),
        (Remembering(), "two calls at the same time disturb each other"),
        (
            OldForm(),
            r"yields frames, such as TrackedFrame\(frame.number, frame.time, balls\), not the balls alone: got \(\)",
        ),
        (CountingFromZero(), "frame 0: number 3 and time .* stay those of the candidates, got 0 and"),
        (Counting(), "a clip that begins 1 s earlier, its memory, has other balls"),
    ],
)
def test_broken_trackers_are_refused(refused, tracker, words):
    with refused(words):
        check_tracker(tracker)


# ----------------------------------------------------------------------------------------------- formats


class Pickled(Format):
    """Keeps what it saved in memory, and a mark in the file."""

    suffix = ".net"

    def __init__(self) -> None:
        pass

    def save(self, network: Any, frames: Any, path: Any, notes: Any) -> None:
        path.write_text("network")
        self.network, self.kept = network, dict(notes)

    def load(self, path: Any) -> Any:
        self._check(path)
        return self.network

    def notes(self, path: Any) -> dict[str, str]:
        self._check(path)
        return self.kept

    def _check(self, path: Any) -> None:
        if not path.is_file() or path.read_text() != "network":
            raise CheckpointError(f"{path}: no network.")


class Trusting(Pickled):
    def _check(self, path: Any) -> None:
        pass


class Undotted(Pickled):
    suffix = "net"


class Littering(Pickled):
    def save(self, network: Any, frames: Any, path: Any, notes: Any) -> None:
        super().save(network, frames, path, notes)
        path.with_name("graph.tmp").touch()


class Forgetful(Pickled):
    def notes(self, path: Any) -> dict[str, str]:
        return {key: text.strip("<&>") for key, text in super().notes(path).items() if key == "config"}


class Rounded(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        return lambda frames: (network(frames)[0].round(), *network(frames)[1:])


class OneWindow(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        return lambda frames: network(frames[:1])


class Buffered(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        buffers: dict[Any, Any] = {}

        def run(frames: Any) -> Any:
            results = network(frames)
            for buffer, result in zip(buffers.setdefault(frames.shape, results), results, strict=True):
                buffer.copy_(result)
            return buffers[frames.shape]

        return run


def test_a_format_passes(tmp_path):
    check_format(Pickled(), tmp_path)


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Undotted(), "suffix"),
        (Littering(), r"leaves nothing but network\.\*, got graph\.tmp"),
        (Forgetful(), "notes come back"),
        (Rounded(), "logits of the file is up to 0.[0-9]+ off"),
        (OneWindow(), "shape"),
        (Buffered(), "off"),
        (Trusting(), "raises CheckpointError"),
    ],
)
def test_broken_formats_are_refused(refused, component, words, tmp_path):
    with refused(words), torch.no_grad():
        check_format(component, tmp_path)
