"""The parts of a network: inputs, backbones, decoders, heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from tracknet_core.contracts import HEATMAP, Backbone, Decoder, FeatureSpec, Form, Head, Input, Normalization, Size
from tracknet_core.registry import backbones, decoders, heads
from tracknet_core.testing.require import noise, require, require_module, require_shape

BATCH = 2
"""Windows, or samples, in a batch of the kit: more than one, so that mixing them up is seen."""


def check_input(component: Input, *, frames: int, size: Size = (32, 16)) -> None:
    """Check an input.

    Args:
        component: the input, built for ``frames``.
        frames: T, the length of a window.
        size: (W, H) pixels of the frames to try.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    require_module(component)
    targets = tuple(component.targets)
    require(
        len(targets) > 0 and list(targets) == sorted({*targets}) and targets[0] >= 0 and targets[-1] < frames,
        f"targets are ascending positions in a window of {frames} frames, got {targets}",
    )
    width, height = size
    windows = noise(BATCH, frames + component.background, 3, height, width)
    kept = windows.clone()
    samples = component(windows)
    count = BATCH * len(targets) // component.maps
    require(
        count * component.maps == BATCH * len(targets),
        f"{component.maps} maps per sample cannot make up {len(targets)} maps per window",
    )
    require_shape("samples", samples, (count, component.channels, height, width))
    require(torch.equal(windows, kept), "the input changed the frames that it got")
    require(
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
    require_module(backbones.complete(component))
    features = component.features
    require(
        isinstance(features, tuple) and len(features) > 0 and all(isinstance(f, FeatureSpec) for f in features),
        f"features is a tuple of FeatureSpec, got {features!r}",
    )
    strides = [feature.stride for feature in features]
    require(strides == sorted(strides), f"features go from fine to coarse, got strides {strides}")
    width, height = size
    require(
        width % strides[-1] == 0 and height % strides[-1] == 0,
        f"the size to try, {size}, is no multiple of the coarsest stride, {strides[-1]}",
    )
    normalization = component.normalization
    require(
        isinstance(normalization, Normalization)
        and len(normalization.mean) == len(normalization.std) == 3
        and min(normalization.std) > 0,
        f"normalization holds a mean and a positive deviation for three colours, got {normalization!r}",
    )
    x = noise(BATCH, in_channels, height, width)
    maps = _features(component, x)
    for feature, got in zip(features, maps, strict=True):
        require_shape(
            f"the map of {feature}", got, (BATCH, feature.channels, height // feature.stride, width // feature.stride)
        )
    _require_gradients(component, maps)
    with torch.no_grad(), _evaluating(component):
        for together, again, alone in zip(component(x), component(x), component(x[:1]), strict=True):
            require(torch.equal(together, again), "in evaluation mode, the same samples give other maps each time")
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
    require_module(decoders.complete(component))
    width, height = size
    maps = [noise(BATCH, f.channels, height // f.stride, width // f.stride) for f in in_features]
    kept = [m.clone() for m in maps]
    state = [noise(BATCH, f.channels, height // f.stride, width // f.stride, seed=3) for f in component.state]
    outputs = _decoded(component, maps, state)
    feature = component.feature
    require(isinstance(feature, FeatureSpec), f"feature is a FeatureSpec, got {feature!r}")
    for what, spec, got in zip(_names(component), (feature, *component.state), outputs, strict=True):
        require_shape(what, got, (BATCH, spec.channels, height // spec.stride, width // spec.stride))
    require(all(map(torch.equal, maps, kept)), "the decoder changed the maps that it got")
    _require_gradients(component, outputs)
    with torch.no_grad(), _evaluating(component):
        alone = _decoded(component, [m[:1] for m in maps], [m[:1] for m in state])
        for one, together in zip(alone, _decoded(component, maps, state), strict=True):
            _require_same_sample(one, together)


def check_head(
    component: Head,
    *,
    in_feature: FeatureSpec,
    maps: int,
    frames: int,
    size: Size,
    form: Form = HEATMAP,
) -> None:
    """Check a head, for grids of its own size, of half, and of the whole image.

    Args:
        component: the head, built for ``in_feature`` and ``maps``.
        in_feature: the decoder's map.
        maps: target frames per network sample.
        frames: T, the length of a window; a network sample is a window.
        size: (W, H) pixels of the network input, multiples of twice the stride.
        form: what each target frame gets.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    require_module(heads.complete(component))
    require(form.fits(component.forms), f"the head says that it gives {component.forms}, and is tried with {form}")
    width, height = size
    w, h = width // in_feature.stride, height // in_feature.stride
    feature = noise(BATCH, in_feature.channels, h, w)
    windows = noise(BATCH, frames, 3, height, width, seed=1)
    for cells in ((w, h), (w // 2, h // 2), size):
        said = component(feature, windows, cells)
        outputs = [said] if isinstance(said, Tensor) else said
        for logits in outputs:
            require_shape(f"the logits for a grid of {cells} cells", logits, (BATCH, maps, *form.shape(cells)))
    _require_gradients(component, outputs)


def _decoded(component: Decoder, maps: list[Tensor], state: Sequence[Tensor]) -> list[Tensor]:
    """Return the decoded map, and those of the state after it."""
    decoded = component(maps, *state)
    return [decoded] if isinstance(decoded, Tensor) else [*decoded]


def _names(component: Decoder) -> list[str]:
    return ["the decoded map", *(f"the map {i} of the state" for i in range(len(component.state)))]


def _features(component: Any, x: Tensor) -> list[Tensor]:
    maps = component(x)
    require(
        isinstance(maps, list) and len(maps) == len(component.features),
        f"the backbone gives a list of {len(component.features)} maps, got {type(maps).__name__} of {len(maps)}",
    )
    listed: list[Tensor] = maps
    return listed


def _require_gradients(component: Any, outputs: Sequence[Tensor]) -> None:
    """Every trainable parameter takes part, since training on several devices waits for all gradients."""
    component.zero_grad()
    if not any(parameter.requires_grad for parameter in component.parameters()):
        return
    # Random weights, since the plain sum of a normalised map is constant.
    total = sum(((output * noise(*output.shape, seed=2)).sum() for output in outputs), torch.zeros(()))
    torch.autograd.backward(total)
    idle = [name for name, p in component.named_parameters() if p.requires_grad and p.grad is None]
    require(not idle, f"these parameters take no part in the result: {', '.join(idle[:5])}")
    component.zero_grad()


def _require_same_sample(alone: Tensor, together: Tensor) -> None:
    scale = max(1.0, float(together.abs().max()))  # sums of large numbers are no more exact where they come near 0
    require(
        torch.allclose(alone, together[:1], atol=1e-3 * scale, rtol=1e-3),
        "in evaluation mode, a sample gives another result alone than in a batch",
    )


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    was_training = bool(module.training)
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)
