"""What the checks of several kinds have in common: demands in words, and numbers to try."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Form, Size, Visibility


def require(condition: bool, message: str) -> None:
    """Raise an AssertionError with this message unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def require_shape(what: str, got: Any, shape: tuple[int, ...]) -> None:
    """Demand that a tensor or array, which ``what`` names, has exactly this shape."""
    require(tuple(got.shape) == shape, f"{what}: the contract asks for the shape {shape}, got {tuple(got.shape)}")


def require_module(component: Any) -> None:
    """Demand a module of torch."""
    require(isinstance(component, nn.Module), f"{type(component).__name__} is not a torch.nn.Module")


def require_visible_inside(xy: Any, visibility: Any, size: Size, where: str = "") -> None:
    """Demand that the balls that can be seen lie inside of a picture.

    Args:
        xy: (T, 2) pixels of the picture.
        visibility: (T,) codes of :class:`~tracknet_core.contracts.Visibility`.
        size: (W, H) pixels of the picture.
        where: what the message begins with.
    """
    visible = np.isin(visibility, (Visibility.EASY, Visibility.HARD))
    inside = ((xy[visible] >= -0.5) & (xy[visible] <= np.array(size) - 0.5)).all()
    require(
        bool(inside), f"{where}a visible ball lies outside of the picture of {size[0]}x{size[1]} pixels, or nowhere"
    )


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Return numbers from a normal distribution, the same at every call."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def spots(shape: tuple[int, int, int, int]) -> Tensor:
    """Return a target of the shape (B, K, h, w): one soft spot per map at a random place, heights from 0 to 1."""
    batch, targets, height, width = shape
    place = torch.rand((batch, targets, 2), generator=torch.Generator().manual_seed(0)) * torch.tensor([width, height])
    columns = torch.arange(width) - place[..., :1].round()  # (B, K, w)
    rows = torch.arange(height) - place[..., 1:].round()  # (B, K, h)
    return (-(columns[..., None, :] ** 2 + rows[..., :, None] ** 2) / 2).exp()


def values_of(form: Form, shape: tuple[int, int, int, int]) -> Tensor:
    """Return a target of any form, made of :func:`spots` of the shape (B, K, h, w): in 0..1, or numbers of channels."""
    heights = spots(shape)
    if form.layout != "map":
        heights = torch.cat((heights.amax(dim=-2), heights.amax(dim=-1)), dim=-1)  # (B, K, w + h)
    if form.indices:
        return (heights * ((form.channels or 1) - 1)).round().long()
    if form.channels is None:
        return heights
    return heights.unsqueeze(2).repeat_interleave(form.channels, dim=2)


def ideal_logits(form: Form, values: Tensor) -> Tensor:
    """Return what a network would ideally say: logits of probabilities, or one high logit for numbers of channels."""
    if not form.indices:
        return values.logit(eps=1e-6)
    return 20 * F.one_hot(values, form.channels or 1).movedim(-1, 2).float()
