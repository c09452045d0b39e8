"""What a network learns: codecs and losses."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tracknet_core.contracts import (
    HEATMAP,
    AdjustableCodec,
    Codec,
    Detections,
    Form,
    Labels,
    Loss,
    Size,
    Target,
    Visibility,
    Wanted,
)
from tracknet_core.registry import codecs, losses
from tracknet_core.testing.require import ideal_logits, noise, require, require_module, require_shape, values_of


def check_codec(
    component: Codec,
    *,
    image_size: Size,
    tolerance: float = 1.0,
    to_logits: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """Check a codec: what is encoded decodes to the same place, and "no ball" to none, in images and in crops.

    What windows that agree say together is the same again.

    Args:
        component: the codec, built for ``image_size``; both sides, in pixels and in cells, are even.
        image_size: (W, H) pixels of the network input.
        tolerance: pixels of the network input that a decoded place may be off; the ends of a streak twice as many.
        to_logits: what the network would ideally say for the values of a target; the default is for probabilities,
            and for numbers of channels.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    codecs.complete(component)
    for part in (1, 2):
        width, height = image_size[0] // part, image_size[1] // part
        w, h = component.size[0] // part, component.size[1] // part
        side = torch.linspace(0.1, 0.9, 5)
        xy = torch.stack(torch.meshgrid(side * width, side * height, indexing="xy"), dim=-1)  # (B, K, 2)
        visible = torch.ones(5, 5, dtype=torch.bool)
        visible[0, 0] = visible[4, 4] = False
        code = torch.where(visible, int(Visibility.EASY), int(Visibility.ABSENT))
        code[4, 4] = int(Visibility.UNLABELLED)
        reach = torch.linspace(-1, 1, component.points).view(-1, 1) if component.points > 1 else torch.zeros(1, 1)
        points = xy.unsqueeze(-2) + reach * torch.tensor([width / 16, height / 32])  # (B, K, Q, 2)
        points[0, 0] = torch.nan
        target = component.encode(Labels(points, code, torch.zeros(5, 5)), (width, height))
        form = component.form
        require_shape(f"the values for {width}x{height} px", target.values, (5, 5, *form.target_shape((w, h))))
        require_shape("the weight", target.weight, (5, 5))
        require(bool(target.values.isfinite().all()), "the NaN of a frame without a ball reached the targets")
        require(torch.equal(target.has_ball, visible), "has_ball says in which frames a ball is drawn")
        require(float(target.weight[4, 4]) == 0, "a frame that is UNLABELLED has no weight")
        require(bool((target.weight[visible] > 0).all()), "a frame with a visible ball has a weight")
        logits = to_logits(target.values) if to_logits else ideal_logits(form, target.values)
        require_shape("the ideal logits", logits, (5, 5, *form.shape((w, h))))
        found = component.decode(logits)
        _require_detections(found, 5, 5, component.points)
        wrong = int((found.present[..., 0] != visible).sum())
        require(wrong == 0, f"a ball is found where there is one, and only there: {wrong} of 25 frames are wrong")
        error = (found.xy[..., 0, :] - xy)[visible].norm(dim=-1).max().item()
        require(error <= tolerance, f"a place comes back at most {tolerance:g} px off, got {error:.3f} px")
        ends = found.points[..., 0, :, :]
        apart = torch.minimum(*((order - points)[visible].norm(dim=-1).amax(dim=-1) for order in (ends, ends.flip(-2))))
        error = float(apart.max())
        require(error <= 2 * tolerance, f"a point comes back at most {2 * tolerance:g} px off, got {error:.3f} px")
        average = component.average(logits[2, 2].expand(3, *form.shape((w, h))), torch.tensor([1.0, 2.0, 1.0]))
        require_shape("what three windows say together", average, form.shape((w, h)))
        place = component.decode(average[None, None]).xy[0, 0, 0]
        require(
            bool((place - found.xy[2, 2, 0]).abs().max() <= tolerance), "windows that agree say together something else"
        )
    if isinstance(component, AdjustableCodec):
        _require_adjusted(component, component.adjusted)


def check_loss(
    component: Loss,
    *,
    shape: tuple[int, int, int, int] = (2, 3, 9, 16),
    values: Tensor | None = None,
    form: Form = HEATMAP,
) -> None:
    """Check a loss: a sum and a count, both of which parts of a batch make up together, and least for what is right.

    Args:
        component: the loss.
        shape: (B, K, h, w) of the cells; B of at least 2.
        values: what the logits should become; by default one soft spot per map, heights from 0 to 1 or numbers of
            channels.
        form: of the logits.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    require_module(losses.complete(component))
    require(form.fits(component.forms), f"the loss says that it takes {component.forms}, and is tried with {form}")
    batch, count, h, w = shape
    values = values_of(form, shape) if values is None else values
    logits = noise(batch, count, *form.shape((w, h))).requires_grad_()
    target = Target(values, torch.ones(batch, count), torch.ones(batch, count, dtype=torch.bool))

    whole = component(logits, target)
    for name, value in (("total", whole.total), ("count", whole.count)):
        require(value.shape == (), f"the {name} is a scalar, got the shape {tuple(value.shape)}")
    (gradient,) = torch.autograd.grad(whole.total, logits, retain_graph=True)
    require(
        bool(whole.total.isfinite()) and bool(gradient.isfinite().all()) and bool(gradient.any()),
        "the loss has no finite value, or no finite gradient other than 0",
    )
    require(not whole.count.requires_grad and float(whole.count) > 0, "the count is positive, and has no gradient")

    uneven = torch.ones(batch, count)
    uneven[0, 1:] = 0
    target = target._replace(weight=uneven)
    logits = logits.detach()
    whole = component(logits, target)
    parts = [
        component(logits[rows], Target(*(part[rows] for part in target))) for rows in (slice(0, 1), slice(1, None))
    ]
    for name in ("total", "count"):
        together, alone = getattr(whole, name), sum(getattr(part, name) for part in parts)
        require(
            torch.allclose(together, alone, rtol=1e-5),
            f"the {name} of a batch is not the sum of those of its parts: {together.item():g} and {alone.item():g}",
        )

    require(
        bool(component(ideal_logits(form, values), target).mean() < whole.mean()),
        "logits that say what the target does cost no less than random ones",
    )

    nothing = component(logits, target._replace(weight=torch.zeros(batch, count)))
    require(float(nothing.total) == 0 == float(nothing.count), "where no frame counts, total and count are 0")
    target.weight[0] = 0
    other = logits.clone()
    other[0] += 3
    require(
        torch.allclose(component(logits, target).total, component(other, target).total),
        "a frame with weight 0 still changes the loss",
    )


def _require_adjusted(component: Codec, adjusted: Callable[[Wanted], Codec]) -> None:
    """A codec that is asked for more gives no less; asked for nothing, it gives the same."""
    logits = 4 * noise(2, 3, *component.form.shape(component.size))
    before = component.decode(logits).present.sum(dim=-1)
    more, same = adjusted(Wanted(candidates=9, score=0.001)), adjusted(Wanted())
    found = more.decode(logits)
    _require_detections(found, 2, 3, component.points)
    require(bool((found.present.sum(dim=-1) >= before).all()), "a codec that is asked for more gives less")
    for name, codec in (("a codec that is asked for nothing", same), ("the codec that a copy is asked of", component)):
        require(torch.equal(codec.decode(logits).present.sum(dim=-1), before), f"{name} gives something else")


def _require_detections(found: Detections, batch: int, targets: int, points: int) -> None:
    depth = found.points.shape[2] if found.points.ndim == 5 else 0
    require_shape("detections.points", found.points, (batch, targets, max(depth, 1), points, 2))
    require_shape("detections.score", found.score, (batch, targets, depth))
    require_shape("detections.present", found.present, (batch, targets, depth))
    require(found.present.dtype is torch.bool, f"detections.present is bool, got {found.present.dtype}")
    ranked = found.score.masked_fill(~found.present, -math.inf)
    require(bool((ranked[..., :-1] >= ranked[..., 1:]).all()), "detections stand best first, present ones in front")
