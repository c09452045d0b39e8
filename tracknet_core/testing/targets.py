"""What a network learns: codecs and losses."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tracknet_core.contracts import Codec, Detections, Loss, Size
from tracknet_core.testing.require import noise, require, require_module, require_shape, spots


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
        require(
            target.shape[:2] == (5, 5) and target.shape[-2:] == (h, w),
            f"targets for {width}x{height} px have the shape (5, 5, {h}, {w}), got {tuple(target.shape)}",
        )
        require(bool(target.isfinite().all()), "the NaN of a frame without a ball reached the targets")
        found = component.decode(to_logits(target))
        _require_detections(found, 5, 5)
        wrong = int((found.present[..., 0] != visible).sum())
        require(wrong == 0, f"a ball is found where there is one, and only there: {wrong} of 25 frames are wrong")
        error = (found.xy[..., 0, :] - xy)[visible].norm(dim=-1).max().item()
        require(error <= tolerance, f"a place comes back at most {tolerance:g} px off, got {error:.3f} px")


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
    require_module(component)
    if target is None:
        target = spots(shape)
    logits = noise(*shape).requires_grad_()
    weight = torch.ones(shape[:2])

    value = component(logits, target, weight)
    require(value.shape == (), f"the loss is a scalar, got the shape {tuple(value.shape)}")
    (gradient,) = torch.autograd.grad(value, logits)
    require(
        bool(value.isfinite()) and bool(gradient.isfinite().all()) and bool(gradient.any()),
        "the loss has no finite value, or no finite gradient other than 0",
    )

    nothing = component(logits, target, torch.zeros(shape[:2]))
    require(bool(nothing.isfinite()), f"the loss is finite where no frame counts, got {nothing.item()}")
    weight[0] = 0
    other = logits.detach().clone()
    other[0] += 3
    require(
        torch.allclose(component(logits, target, weight), component(other, target, weight)),
        "a frame with weight 0 still changes the loss",
    )


def _require_detections(found: Detections, batch: int, targets: int) -> None:
    depth = found.xy.shape[2] if found.xy.ndim == 4 else 0
    require_shape("detections.xy", found.xy, (batch, targets, max(depth, 1), 2))
    require_shape("detections.score", found.score, (batch, targets, depth))
    require_shape("detections.present", found.present, (batch, targets, depth))
    require(found.present.dtype is torch.bool, f"detections.present is bool, got {found.present.dtype}")
    ranked = found.score.masked_fill(~found.present, -math.inf)
    require(bool((ranked[..., :-1] >= ranked[..., 1:]).all()), "detections stand best first, present ones in front")
