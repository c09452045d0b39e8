"""The conformance kit: does a component keep the contract of its kind?

For the tests of any package, with any test runner::

    from tracknet_core.testing import check_backbone, check_constructor

    def test_tiny_conv_is_a_backbone():
        check_constructor("backbones", TinyConv)
        check_backbone(TinyConv(in_channels=9, width=8), in_channels=9, size=(64, 32))

Every function returns None, or raises an AssertionError that says what the contract asks and what it got. Shapes are
compared for equality. Random numbers come from generators of their own with fixed seeds. Kinds that are types of
torch or Lightning (optimizers, schedulers, callbacks, loggers) need no check beyond :func:`check_constructor`.

Letters are those of :mod:`tracknet_core.contracts`.
"""

from __future__ import annotations

import inspect
import math
import pickle
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
import torch
from torch import Tensor, nn

from tracknet_core.contracts import (
    Backbone,
    BatchTransform,
    Candidates,
    Clip,
    Codec,
    Dataset,
    Decoder,
    Detections,
    FeatureSpec,
    Format,
    Head,
    Input,
    Loss,
    Normalization,
    ProtocolMetric,
    Size,
    TrackedFrame,
    Tracker,
    TrackPoint,
    Transform,
    Visibility,
    Window,
)
from tracknet_core.errors import CheckpointError
from tracknet_core.registry import REGISTRIES
from tracknet_core.schema import nested_kind

BATCH = 2
"""Windows, or samples, in a batch of the kit: more than one, so that mixing them up is seen."""

PLAIN = (bool, int, float, str, types.NoneType)


def check_constructor(kind: str, constructor: Callable[..., Any]) -> None:
    """Check that a constructor can be the schema of a configuration.

    Its parameters are keyword-only and, but for those that assembly supplies, typed with plain types: bool, int,
    float, str, Literal, list, tuple, dict, Any within them, and unions of these.

    Args:
        kind: kind of the component, such as ``backbones``.
        constructor: the class or function.

    Raises:
        AssertionError: a parameter is not so.
    """
    name = getattr(constructor, "__name__", repr(constructor))
    for parameter in inspect.signature(constructor).parameters.values():
        _require(
            parameter.kind is inspect.Parameter.KEYWORD_ONLY,
            f"{name}: the parameter '{parameter}' is {parameter.kind.description}; all are keyword-only, one by one. "
            "(A class without a constructor has that of its base: add 'def __init__(self)'.)",
        )
        if parameter.name in REGISTRIES[kind].supplied:
            continue
        hint = parameter.annotation
        _require(hint is not inspect.Parameter.empty, f"{name}: the parameter '{parameter.name}' has no type hint")
        if isinstance(hint, str):
            try:
                hint = eval(hint, vars(sys.modules[constructor.__module__]))
            except NameError as error:
                raise AssertionError(
                    f"{name}: the hint of '{parameter.name}' cannot be resolved at run time: {error}. Import what it "
                    "names outside of TYPE_CHECKING."
                ) from error
        _require(_is_plain(hint), f"{name}: the hint of '{parameter.name}', {hint}, is not made of plain types")


def check_input(component: Input, *, frames: int, size: Size = (32, 16)) -> None:
    """Check an input.

    Args:
        component: the input, built for ``frames``.
        frames: T, the length of a window.
        size: (W, H) pixels of the frames to try.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    _require_module(component)
    targets = tuple(component.targets)
    _require(
        len(targets) > 0 and list(targets) == sorted({*targets}) and targets[0] >= 0 and targets[-1] < frames,
        f"targets are ascending positions in a window of {frames} frames, got {targets}",
    )
    width, height = size
    windows = _random(BATCH, frames + component.background, 3, height, width)
    kept = windows.clone()
    samples = component(windows)
    count = BATCH * len(targets) // component.maps
    _require(
        count * component.maps == BATCH * len(targets),
        f"{component.maps} maps per sample cannot make up {len(targets)} maps per window",
    )
    _require_shape("samples", samples, (count, component.channels, height, width))
    _require(torch.equal(windows, kept), "the input changed the frames that it got")
    _require(
        torch.allclose(component(windows[:1]), samples[: count // BATCH], atol=1e-5),
        "the samples of a window depend on the other windows of the batch, or do not stand in its order",
    )


def check_backbone(component: Backbone, *, in_channels: int, size: Size) -> None:
    """Check a backbone.

    Args:
        component: the backbone, built for ``in_channels`` and for images of ``size``.
        in_channels: channels of a network sample.
        size: (W, H) pixels of the network input, multiples of the coarsest stride.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    _require_module(component)
    features = component.features
    _require(
        isinstance(features, tuple) and len(features) > 0 and all(isinstance(f, FeatureSpec) for f in features),
        f"features is a tuple of FeatureSpec, got {features!r}",
    )
    strides = [feature.stride for feature in features]
    _require(strides == sorted(strides), f"features go from fine to coarse, got strides {strides}")
    width, height = size
    _require(
        width % strides[-1] == 0 and height % strides[-1] == 0,
        f"the size to try, {size}, is no multiple of the coarsest stride, {strides[-1]}",
    )
    normalization = component.normalization
    _require(
        isinstance(normalization, Normalization)
        and len(normalization.mean) == len(normalization.std) == 3
        and min(normalization.std) > 0,
        f"normalization holds a mean and a positive deviation for three colours, got {normalization!r}",
    )
    x = _random(BATCH, in_channels, height, width)
    maps = _features(component, x)
    for feature, got in zip(features, maps, strict=True):
        _require_shape(
            f"the map of {feature}", got, (BATCH, feature.channels, height // feature.stride, width // feature.stride)
        )
    _require_gradients(component, maps)
    with torch.no_grad(), _evaluating(component):
        for together, again, alone in zip(component(x), component(x), component(x[:1]), strict=True):
            _require(torch.equal(together, again), "in evaluation mode, the same samples give other maps each time")
            _require_same_sample(alone, together)


def check_decoder(component: Decoder, *, in_features: Sequence[FeatureSpec], size: Size) -> None:
    """Check a decoder.

    Args:
        component: the decoder, built for ``in_features``.
        in_features: the backbone's maps, fine to coarse.
        size: (W, H) pixels of the network input, multiples of the coarsest stride.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    _require_module(component)
    width, height = size
    maps = [_random(BATCH, f.channels, height // f.stride, width // f.stride) for f in in_features]
    kept = [m.clone() for m in maps]
    out = component(maps)
    feature = component.feature
    _require(isinstance(feature, FeatureSpec), f"feature is a FeatureSpec, got {feature!r}")
    _require_shape("the decoded map", out, (BATCH, feature.channels, height // feature.stride, width // feature.stride))
    _require(all(map(torch.equal, maps, kept)), "the decoder changed the maps that it got")
    _require_gradients(component, [out])
    with torch.no_grad(), _evaluating(component):
        _require_same_sample(component([m[:1] for m in maps]), component(maps))


def check_head(component: Head, *, in_feature: FeatureSpec, maps: int, frames: int, size: Size) -> None:
    """Check a head, for heatmaps of its own size, of half, and of the whole image.

    Args:
        component: the head, built for ``in_feature`` and ``maps``.
        in_feature: the decoder's map.
        maps: heatmaps per network sample.
        frames: T, the length of a window; a network sample is a window.
        size: (W, H) pixels of the network input, multiples of twice the stride.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    _require_module(component)
    width, height = size
    w, h = width // in_feature.stride, height // in_feature.stride
    feature = _random(BATCH, in_feature.channels, h, w)
    windows = _random(BATCH, frames, 3, height, width, seed=1)
    for cells in ((w, h), (w // 2, h // 2), size):
        logits = component(feature, windows, cells)
        _require_shape(f"the logits for a heatmap of {cells} cells", logits, (BATCH, maps, cells[1], cells[0]))
    _require_gradients(component, [logits])


def check_codec(
    component: Codec,
    *,
    image_size: Size,
    tolerance: float = 1.0,
    to_logits: Callable[[Tensor], Tensor] = lambda target: target.logit(eps=1e-6),
) -> None:
    """Check a codec: what is encoded decodes to the same place, and "no ball" to none, in images and in crops.

    Args:
        component: the codec, built for ``image_size``; both sides, in pixels and in cells, are even.
        image_size: (W, H) pixels of the network input.
        tolerance: pixels of the network input that a decoded place may be off.
        to_logits: what the network would ideally say for a target; the default is for targets that are
            probabilities.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    for part in (1, 2):
        width, height = image_size[0] // part, image_size[1] // part
        w, h = component.size[0] // part, component.size[1] // part
        side = torch.linspace(0.1, 0.9, 5)
        xy = torch.stack(torch.meshgrid(side * width, side * height, indexing="xy"), dim=-1)  # (B, K, 2)
        visible = torch.ones(5, 5, dtype=torch.bool)
        visible[0, 0] = visible[4, 4] = False
        xy[0, 0] = torch.nan
        target = component.encode(xy, visible, (width, height))
        _require(
            target.shape[:2] == (5, 5) and target.shape[-2:] == (h, w),
            f"targets for {width}x{height} px have the shape (5, 5, {h}, {w}), got {tuple(target.shape)}",
        )
        _require(bool(target.isfinite().all()), "the NaN of a frame without a ball reached the targets")
        found = component.decode(to_logits(target))
        _require_detections(found, 5, 5)
        wrong = int((found.present[..., 0] != visible).sum())
        _require(wrong == 0, f"a ball is found where there is one, and only there: {wrong} of 25 frames are wrong")
        error = (found.xy[..., 0, :] - xy)[visible].norm(dim=-1).max().item()
        _require(error <= tolerance, f"a place comes back at most {tolerance:g} px off, got {error:.3f} px")


def check_loss(
    component: Loss, *, shape: tuple[int, int, int, int] = (2, 3, 9, 16), target: Tensor | None = None
) -> None:
    """Check a loss.

    Args:
        component: the loss.
        shape: (B, K, h, w) of the logits; B of at least 2.
        target: what the logits should become; by default one soft spot per map, heights from 0 to 1.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    _require_module(component)
    if target is None:
        target = _spots(shape)
    logits = _random(*shape).requires_grad_()
    weight = torch.ones(shape[:2])

    value = component(logits, target, weight)
    _require(value.shape == (), f"the loss is a scalar, got the shape {tuple(value.shape)}")
    (gradient,) = torch.autograd.grad(value, logits)
    _require(
        bool(value.isfinite()) and bool(gradient.isfinite().all()) and bool(gradient.any()),
        "the loss has no finite value, or no finite gradient other than 0",
    )

    nothing = component(logits, target, torch.zeros(shape[:2]))
    _require(bool(nothing.isfinite()), f"the loss is finite where no frame counts, got {nothing.item()}")
    weight[0] = 0
    other = logits.detach().clone()
    other[0] += 3
    _require(
        torch.allclose(component(logits, target, weight), component(other, target, weight)),
        "a frame with weight 0 still changes the loss",
    )


def check_dataset(component: Dataset, split: str) -> None:
    """Check a reader, on files that exist.

    Reads the first clip's frames, and of the others only their labels.

    Args:
        component: the reader.
        split: the split to read.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    splits = component.splits
    _require(
        isinstance(splits, tuple) and split in splits,
        f"splits is a tuple of names with '{split}' among them, got {splits!r}",
    )
    clips = component.clips(split)
    names = [clip.name for clip in clips]
    _require(len(clips) > 0, f"the split '{split}' has no clips")
    _require(len(set(names)) == len(names), "the names of clips are unique in a split")
    _require([clip.name for clip in component.clips(split)] == names, "clips come in the same order every time")
    for clip in clips:
        _require_labels(clip)
    _require_frames(clips[0])


def check_transform(
    component: Transform,
    *,
    size: Size = (96, 64),
    draws: int = 8,
    tolerance: float | None = 1.0,
    alike: bool = True,
) -> None:
    """Check an augmentation on windows of which three frames come out, each black with a white spot for a ball.

    Windows come without and with a background picture, on which there is no spot.

    Args:
        component: the augmentation.
        size: (W, H) pixels of the frames to try.
        draws: how many random draws to try.
        tolerance: pixels of the frame that ``xy`` of an EASY ball may be off the spot; None leaves that out.
        alike: whether all pictures change in the same way; False for what is added to, or hidden in, single frames.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    width, height = component.output_size(size)
    length = component.input_frames(3)
    for seed in range(draws):
        for pictures in (length, length + 1):
            window = _window(size, length, pictures, seed)
            kept = _copied(window)
            changed = component(window, np.random.default_rng(seed))
            _require(_same_window(window, kept), "the transform changed the window that it got")
            _require(changed.frames.dtype == np.uint8, f"frames are uint8, got {changed.frames.dtype}")
            _require_shape("the frames", changed.frames, (3 + pictures - length, height, width, 3))
            _require_shape("xy", changed.xy, (3, 2))
            _require_shape("visibility", changed.visibility, (3,))
            again = component(_copied(window), np.random.default_rng(seed))
            _require(_same_window(changed, again), "the same window and the same draw give another result")
            _require_visible_inside(changed.xy, changed.visibility, (width, height))
            _require(
                bool(np.isnan(changed.xy[changed.visibility == Visibility.ABSENT]).all()),
                "a frame is ABSENT, but xy has a place for it; that is NaN",
            )
            if tolerance is not None:
                _require_spots(changed, tolerance)
            if alike:
                still = component(_still(window), np.random.default_rng(seed)).frames
                _require(
                    bool((still == still[:1]).all()),
                    "pictures of a window that are equal, frames or background, become unequal: one draw is for all",
                )
            unknown = component(_unlabelled(window), np.random.default_rng(seed)).visibility
            _require(bool((unknown == Visibility.UNLABELLED).all()), "a frame that is UNLABELLED gets a label")


def check_batch_transform(component: BatchTransform, *, shape: tuple[int, int, int, int] = (4, 3, 9, 16)) -> None:
    """Check an augmentation across the windows of a batch, without and with a background picture.

    Args:
        component: the augmentation.
        shape: (B, K, h, w) of the targets; frames are of twice that size.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    batch, targets, h, w = shape
    for pictures in (targets, targets + 1):
        generator = torch.Generator().manual_seed(pictures)
        frames = torch.randint(256, (batch, pictures, 3, 2 * h, 2 * w), generator=generator, dtype=torch.uint8)
        target, weight = _spots(shape), torch.ones(batch, targets)
        weight[0, 0] = 0
        given = (frames, target, weight)
        kept = [tensor.clone() for tensor in given]
        mixed = _mixed(component, given)
        for name, before, after in zip(("frames", "target", "weight"), given, mixed, strict=True):
            _require_shape(f"the {name} that come out", after, tuple(before.shape))
            _require(after.dtype == before.dtype, f"the {name} stay {before.dtype}, got {after.dtype}")
        _require(all(map(torch.equal, given, kept)), "the transform changed the tensors that it got")
        _require(all(map(torch.equal, mixed, _mixed(component, given))), "the same seed of torch gives another result")
        _require(bool(mixed[1].isfinite().all()), "the target is not finite")
        _require(bool((mixed[2] >= 0).all()), "a weight is negative")
        unweighted = _mixed(component, (frames, target, torch.zeros_like(weight)))[2]
        _require(not unweighted.any(), "frames with weight 0 come to count in the loss")


def check_protocol(component: ProtocolMetric) -> None:
    """Check a protocol: what it counts, that batches add up, and that its states are sums (or lists, of rows).

    Args:
        component: the metric, newly made.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    rule: Any = component.rule
    _require(isinstance(rule, str) and rule != "", f"rule is a sentence, got {rule!r}")
    xy = _random(4, 3, 2).abs() * 100 + 50
    visibility = torch.full((4, 3), int(Visibility.EASY))
    visibility[0, 0] = int(Visibility.ABSENT)
    xy[0, 0] = torch.nan
    visibility[1, 1] = int(Visibility.UNLABELLED)
    visibility[2, 1] = int(Visibility.HARD)
    visibility[3, 1] = int(Visibility.OCCLUDED)
    found = xy.nan_to_num(0.0) + torch.tensor([1.0, 40.0, 3.0, 90.0]).view(4, 1, 1)
    present = torch.ones(4, 3, 1, dtype=torch.bool)
    present[2, 0] = False
    detections = Detections(found.unsqueeze(2), torch.ones(4, 3, 1), present)
    counted = torch.ones(4, 3, dtype=torch.bool)
    size = torch.tensor([[1280.0, 720.0]] * 4)

    metric: Any = component

    def figures(*parts: tuple[slice, Tensor]) -> Mapping[str, Tensor]:
        metric.reset()
        for rows, mask in parts:
            part = Detections(detections.xy[rows], detections.score[rows], detections.present[rows])
            component.update(part, xy[rows], visibility[rows], mask[rows], size[rows])
        return component.compute()

    whole = figures((slice(0, 4), counted))
    _require(len(whole) > 0 and all(isinstance(name, str) for name in whole), "compute gives figures by name")
    for name, value in whole.items():
        _require(value.shape == (), f"the figure '{name}' is a scalar, got the shape {tuple(value.shape)}")
        _require(bool(value.isfinite()), f"the figure '{name}' is {value.item()}")
    sums = {name: state for name, state in metric.metric_state.items() if isinstance(state, Tensor)}
    _require_equal_figures(whole, figures((slice(0, 1), counted), (slice(1, 4), counted)), "batches do not add up")
    figures((slice(0, 1), counted))
    first = dict(metric.metric_state)
    figures((slice(1, 4), counted))
    for name, state in sums.items():
        added = first[name] + metric.metric_state[name]
        _require(torch.allclose(state, added), f"the state '{name}' is no sum: {added} where {state} was due")
    masked = counted.clone()
    masked[1, 1] = False  # its label says nothing
    _require_equal_figures(whole, figures((slice(0, 4), masked)), "an UNLABELLED frame counts")
    masked[2:] = False
    _require_equal_figures(
        figures((slice(0, 4), masked)), figures((slice(0, 2), masked)), "a frame that is not 'counted' counts"
    )


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
    _require(isinstance(suffix, str) and suffix[:1] == ".", f"suffix is one such as '.onnx', got {suffix!r}")
    network = _BrightestCell().eval().requires_grad_(False)
    frames = torch.randint(256, (5, 3, 3, 32, 48), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    frames[1] //= 4  # a window without a ball
    expected = network(frames)
    kept = frames.clone()
    notes = {"config": '{"text": "ä \\" \\n <&>"}', "version": "1.2"}
    path = folder / f"network{suffix}"
    runs_code: Any = component.runs_code
    _require(isinstance(runs_code, bool), f"runs_code is True or False, got {runs_code!r}")
    component.check(path)
    component.save(network, frames[:1], path, notes)
    _require(torch.equal(frames, kept) and all(map(torch.equal, network(frames), expected)), "saving changed something")
    _require(path.is_file(), f"save writes the file that it was told, {path.name}")
    others = [other.name for other in folder.iterdir() if other.stem != path.stem]
    _require(not others, f"save leaves nothing but {path.stem}.*, got {', '.join(others)}")
    _require(component.notes(path) == notes, f"the notes come back as they were, got {component.notes(path)}")

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


def check_tracker(component: Tracker, *, size: Size = (1280, 720), fps: float = 30.0) -> None:
    """Check a tracker: each frame comes back, in order, with well-formed balls; a call is a clip of its own.

    It is given a ball that crosses the image in a straight line and misses some frames, among false candidates; clips
    without any; an uneven clock; and no frames at all. What it makes of these is its own affair, but that a ball
    found in every frame, alone, is found; and that what was before its ``memory`` makes no difference.

    Args:
        component: the tracker.
        size: (W, H) pixels of the video that it was built for.
        fps: frames per second of that video.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    _require(list(component(iter(()))) == [], "a clip without frames gives nothing")
    empty = [_candidates(number, number / fps, ()) for number in range(3, 8)]  # as after frames that are broken
    tracked = _tracked(component, empty)
    _require(
        not any(frame.balls for frame in tracked), f"a ball was found where there never was a candidate: {tracked}"
    )

    plain, busy = _crossing(size, fps, busy=False), _crossing(size, fps, busy=True)
    found = _tracked(component, plain)
    late = found[len(found) // 2 :]
    near = [
        any(math.dist(point.xy, frame.xy[0]) < 0.01 * size[1] for point in tracked.balls)
        for tracked, frame in zip(late, plain[len(found) // 2 :], strict=True)
    ]
    _require(all(near), "a ball that is found in every frame, and alone, is not followed")

    kept = [(frame.xy.copy(), frame.score.copy()) for frame in busy]
    alone = _tracked(component, busy)
    _require(
        all(
            np.array_equal(f.xy, xy) and np.array_equal(f.score, score)
            for f, (xy, score) in zip(busy, kept, strict=True)
        ),
        "the tracker changed the candidates that it got",
    )
    # Two clips side by side: what one call remembers must not reach the other.
    pairs = list(zip(component(iter(busy)), component(iter(plain)), strict=True))
    _require(
        [one for one, _ in pairs] == alone and [other for _, other in pairs] == found,
        "two calls at the same time disturb each other; all that a tracker remembers belongs to one call",
    )
    if math.isfinite(component.memory):
        _require_short_memory(component, busy, fps)


# --------------------------------------------------------------------------------------------- helpers


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _require_shape(what: str, got: Any, shape: tuple[int, ...]) -> None:
    _require(tuple(got.shape) == shape, f"{what}: the contract asks for the shape {shape}, got {tuple(got.shape)}")


def _require_module(component: Any) -> None:
    _require(isinstance(component, nn.Module), f"{type(component).__name__} is not a torch.nn.Module")


def _require_gradients(component: Any, outputs: Sequence[Tensor]) -> None:
    """Every trainable parameter takes part, since training on several devices waits for all gradients."""
    component.zero_grad()
    if not any(parameter.requires_grad for parameter in component.parameters()):
        return
    # Random weights, since the plain sum of a normalised map is constant.
    total = sum(((output * _random(*output.shape, seed=2)).sum() for output in outputs), torch.zeros(()))
    torch.autograd.backward(total)
    idle = [name for name, p in component.named_parameters() if p.requires_grad and p.grad is None]
    _require(not idle, f"these parameters take no part in the result: {', '.join(idle[:5])}")
    component.zero_grad()


def _require_same_sample(alone: Tensor, together: Tensor) -> None:
    _require(
        torch.allclose(alone, together[:1], atol=1e-3, rtol=1e-3),
        "in evaluation mode, a sample gives another result alone than in a batch",
    )


def _require_detections(found: Detections, batch: int, targets: int) -> None:
    depth = found.xy.shape[2] if found.xy.ndim == 4 else 0
    _require_shape("detections.xy", found.xy, (batch, targets, max(depth, 1), 2))
    _require_shape("detections.score", found.score, (batch, targets, depth))
    _require_shape("detections.present", found.present, (batch, targets, depth))
    _require(found.present.dtype is torch.bool, f"detections.present is bool, got {found.present.dtype}")
    ranked = found.score.masked_fill(~found.present, -math.inf)
    _require(bool((ranked[..., :-1] >= ranked[..., 1:]).all()), "detections stand best first, present ones in front")


def _require_labels(clip: Clip) -> None:
    count = len(clip.frames)
    _require(count > 0, f"clip '{clip.name}' has no frames")
    _require_shape(f"xy of clip '{clip.name}'", clip.xy, (count, 2))
    _require_shape(f"visibility of clip '{clip.name}'", clip.visibility, (count,))
    codes = {int(code) for code in Visibility}
    unknown = {*clip.visibility.tolist()} - codes
    _require(not unknown, f"clip '{clip.name}' has the codes {unknown}, and {sorted(codes)} are known")
    _require(clip.frames.fps > 0, f"clip '{clip.name}' has {clip.frames.fps} frames per second")
    _require_visible_inside(clip.xy, clip.visibility, clip.frames.size, f"clip '{clip.name}': ")


def _require_visible_inside(xy: Any, visibility: Any, size: Size, where: str = "") -> None:
    visible = np.isin(visibility, (Visibility.EASY, Visibility.HARD))
    inside = ((xy[visible] >= -0.5) & (xy[visible] <= np.array(size) - 0.5)).all()
    _require(
        bool(inside), f"{where}a visible ball lies outside of the picture of {size[0]}x{size[1]} pixels, or nowhere"
    )


def _require_frames(clip: Clip) -> None:
    source = clip.frames
    indices = sorted({0, len(source) // 2, len(source) - 1})
    width, height = source.size
    frames = list(source.read(indices))
    _require(len(frames) == len(indices), f"read gave {len(frames)} frames for {len(indices)} indices")
    for frame in frames:
        _require_shape(f"a frame of clip '{clip.name}'", frame, (height, width, 3))
        _require(frame.dtype == np.uint8, f"frames are uint8, got {frame.dtype}")
    small = next(iter(source.read(indices[-1:], (width // 2, height // 2))))
    _require_shape("a frame that was asked for at half the size", small, (height // 2, width // 2, 3))
    # Sources travel to the processes of the loader.
    copied = next(iter(pickle.loads(pickle.dumps(source)).read(indices[-1:])))
    _require(
        np.array_equal(copied, frames[-1]), "a pickled source gives another frame; or the order of reading matters"
    )


def _require_spots(window: Window, tolerance: float) -> None:
    for frame, xy, code in zip(window.frames, window.xy, window.visibility, strict=False):  # less the background
        height, width = frame.shape[:2]
        margin = 4  # a spot at the border is cut, and its centre another
        if code != Visibility.EASY or not (margin <= xy[0] < width - margin and margin <= xy[1] < height - margin):
            continue
        light = frame.astype(np.float64).sum(axis=2)
        light = np.clip(light - (light.min() + light.max()) / 2, 0, None)
        rows, columns = np.mgrid[:height, :width]
        total = max(light.sum(), 1e-9)
        spot = np.array([(light * columns).sum() / total, (light * rows).sum() / total])
        error = float(np.linalg.norm(spot - xy))
        _require(error <= tolerance, f"xy says {xy.tolist()}, but the spot went to {spot.tolist()}: {error:.2f} px off")


def _require_equal_figures(one: Mapping[str, Tensor], other: Mapping[str, Tensor], complaint: str) -> None:
    for name, value in one.items():
        same = torch.allclose(value.double(), other[name].double(), equal_nan=True)
        _require(same, f"{complaint}: '{name}' is {other[name].item():g} where {value.item():g} was due")


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
        return logits, xy, value.sigmoid(), value > 0


def _require_same_results(results: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float) -> None:
    names = ("logits", "xy", "score", "present")
    _require(len(results) == len(names), f"a file gives {', '.join(names)}, got {len(results)} results")
    for name, got, wanted in zip(names, results, expected, strict=True):
        _require_shape(name, got, tuple(wanted.shape))
        _require(got.dtype == wanted.dtype, f"{name} is {wanted.dtype}, got {got.dtype}")
        error = (got.double() - wanted.double()).abs().max().item()
        _require(error <= tolerance, f"{name} of the file is up to {error:.3g} off")


def _require_refused(function: Callable[[Path], Any], path: Path) -> None:
    try:
        function(path)
    except CheckpointError as error:
        _require(str(path) in str(error), f"the message names the file, got: {error}")
        return
    raise AssertionError("a file of something else, or none, raises CheckpointError")


def _features(component: Any, x: Tensor) -> list[Tensor]:
    maps = component(x)
    _require(
        isinstance(maps, list) and len(maps) == len(component.features),
        f"the backbone gives a list of {len(component.features)} maps, got {type(maps).__name__} of {len(maps)}",
    )
    listed: list[Tensor] = maps
    return listed


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    was_training = bool(module.training)
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _spots(shape: tuple[int, int, int, int]) -> Tensor:
    batch, targets, height, width = shape
    place = torch.rand((batch, targets, 2), generator=torch.Generator().manual_seed(0)) * torch.tensor([width, height])
    columns = torch.arange(width) - place[..., :1].round()  # (B, K, w)
    rows = torch.arange(height) - place[..., 1:].round()  # (B, K, h)
    return (-(columns[..., None, :] ** 2 + rows[..., :, None] ** 2) / 2).exp()


def _window(size: Size, frames: int, pictures: int, seed: int) -> Window:
    width, height = size
    rng = np.random.default_rng(100 + seed)
    xy = rng.integers((8, 8), (width - 8, height - 8), size=(frames, 2))
    drawn = np.zeros((pictures, height, width, 3), dtype=np.uint8)
    for frame, (x, y) in zip(drawn, xy, strict=False):  # a background has no spot
        frame[y - 1 : y + 2, x - 1 : x + 2] = 255
    return Window(drawn, xy.astype(np.float32), np.full(frames, int(Visibility.EASY), dtype=np.int64))


def _still(window: Window) -> Window:
    frames = np.repeat(window.frames[:1], len(window.frames), axis=0)
    return window.replace(frames=frames, xy=np.repeat(window.xy[:1], len(window), axis=0))


def _unlabelled(window: Window) -> Window:
    nowhere = np.full_like(window.xy, np.nan)
    return window.replace(xy=nowhere, visibility=np.full_like(window.visibility, int(Visibility.UNLABELLED)))


def _mixed(component: BatchTransform, given: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return component.mix(*given)


def _copied(window: Window) -> Window:
    return Window(window.frames.copy(), window.xy.copy(), window.visibility.copy())


def _same_window(one: Window, other: Window) -> bool:
    return (
        np.array_equal(one.frames, other.frames)
        and np.array_equal(one.xy, other.xy, equal_nan=True)
        and np.array_equal(one.visibility, other.visibility)
    )


def _candidates(number: int, time: float, places: Sequence[tuple[float, float, float]]) -> Candidates:
    """Return a frame's candidates from (x, y, score), best first."""
    table = np.array(sorted(places, key=lambda place: -place[2]), dtype=np.float32).reshape(-1, 3)
    return Candidates(number, time, table[:, :2].copy(), table[:, 2].copy())


def _crossing(size: Size, fps: float, *, busy: bool) -> list[Candidates]:
    """Return 24 frames with a ball that flies across the image; if ``busy``, with gaps, false ones and a bad clock."""
    width, height = size
    rng = np.random.default_rng(0)
    frames = []
    for number in range(24):
        places = [(width * (0.1 + 0.03 * number), height * (0.2 + 0.02 * number), 0.9)]
        time = number / fps
        if busy:
            places = [] if number in (5, 11, 12, 20, 21, 22, 23) else places
            places += [(*rng.uniform((0, 0), size).tolist(), 0.6) for _ in range(number % 3)]
            time = (number + 0.4 * (number % 2)) / fps if number != 9 else 8 / fps
        frames.append(_candidates(number, time, places))
    return frames


def _require_short_memory(component: Tracker, once: Sequence[Candidates], fps: float) -> None:
    """The balls of a clip, played over and over, are the same where the frames before the tracker's memory are not."""
    count = len(once)
    again = math.ceil(component.memory * fps)
    frames = [
        replace(frame, number=start + frame.number, time=start / fps + frame.time)
        for start in range(0, again + 3 * count, count)
        for frame in once
    ]
    whole = _tracked(component, frames)[-count:]
    late = _tracked(component, frames[-again - count :])[-count:]
    for balls, others in ((one.balls, other.balls) for one, other in zip(whole, late, strict=True)):
        same = [(ball.origin, ball.track) for ball in balls] == [(ball.origin, ball.track) for ball in others]
        _require(
            same and all(math.dist(ball.xy, other.xy) < 1e-3 for ball, other in zip(balls, others, strict=True)),
            f"a clip that begins {component.memory:g} s earlier, its memory, has other balls: {others} for {balls}",
        )


def _tracked(component: Tracker, frames: Sequence[Candidates]) -> list[TrackedFrame]:
    """Return what a tracker makes of a clip, whose form is checked."""
    asked = 0

    def given() -> Iterator[Candidates]:
        nonlocal asked
        for frame in frames:
            asked += 1
            yield frame

    result = []
    for tracked in component(given()):
        _require(
            isinstance(tracked, TrackedFrame),
            "a tracker yields frames, such as TrackedFrame(frame.number, frame.time, balls), not the balls alone: got "
            f"{tracked!r}",
        )
        result.append(tracked)
        _require(
            not component.causal or asked == len(result),
            f"a causal tracker gives the balls of a frame before it asks for the next: frame {len(result) - 1} came "
            f"after {asked} frames were asked for",
        )
    _require(len(result) == len(frames), f"{len(frames)} frames give as many, got {len(result)}")
    for number, (given_one, tracked) in enumerate(zip(frames, result, strict=True)):
        where = f"frame {number}: "
        _require(
            (tracked.number, tracked.time) == (given_one.number, given_one.time),
            f"{where}number {given_one.number} and time {given_one.time} stay those of the candidates, got "
            f"{tracked.number} and {tracked.time}",
        )
        balls = tracked.balls
        _require(
            isinstance(balls, tuple) and all(isinstance(point, TrackPoint) for point in balls),
            f"{where}a tuple of TrackPoint is due, got {balls!r}",
        )
        for point in balls:
            numbers = [*point.xy, point.score]
            _require(
                len(numbers) == 3 and all(isinstance(value, float) and math.isfinite(value) for value in numbers),
                f"{where}place and score are finite floats, got {point}",
            )
            _require(point.origin in ("detected", "predicted", "filled"), f"{where}unknown origin '{point.origin}'")
            _require(
                point.origin != "filled" or not component.causal,
                f"{where}a causal tracker knows no later frames, and so fills nothing",
            )
        tracks = [point.track for point in balls]
        _require(len({*tracks}) == len(tracks), f"{where}two balls have the same track: {tracks}")
    return result


def _is_plain(hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if nested_kind(hint) is not None:
        return True
    if origin in (Union, types.UnionType, list, tuple, dict):
        return all(argument is Ellipsis or _is_plain(argument) for argument in arguments)
    if origin is Literal:
        return True
    return hint is None or hint is Any or hint in PLAIN
