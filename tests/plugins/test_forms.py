"""For every codec there are heads and losses, and with its form of answers all of them keep their contracts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tracknet_core.components import build
from tracknet_core.contracts import Codec, FeatureSpec, Form
from tracknet_core.registry import REGISTRIES
from tracknet_core.testing import check_head, check_loss

IMAGE, CELLS = (64, 48), (16, 12)
FEATURE = FeatureSpec(8, 8)


def built_in(kind: str) -> list[str]:
    """Return the names of this package's components of a kind, which a plugin that is installed does not add to."""
    registry = REGISTRIES[kind]
    return [name for name in registry.names() if registry.distribution(name) == "tracknet"]


def made(kind: str, name: str, **supplied: Any) -> Any:
    """Return a component with its own defaults."""
    parameters = {"size": CELLS} if kind == "codecs" else {}
    return build(kind, {"name": name, **parameters}, kind, **supplied)


@pytest.fixture(params=built_in("codecs"))
def codec(request: pytest.FixtureRequest) -> Codec:
    made_codec: Codec = made("codecs", request.param, image_size=IMAGE)
    return made_codec


def fitting(kind: str, answer: Form, **supplied: Any) -> list[Any]:
    """Return the components of a kind that take answers of a form."""
    classes = {name: REGISTRIES[kind].get(name) for name in built_in(kind)}
    return [
        made(kind, name, **supplied)
        for name, part in classes.items()
        if answer.fits(getattr(part, "forms", REGISTRIES[kind].contract.forms))
    ]


def test_a_loss_compares_what_the_codec_encodes(codec: Codec) -> None:
    losses = fitting("losses", codec.form)
    assert losses
    for loss in losses:
        check_loss(loss, form=codec.form)


def test_a_head_gives_what_the_codec_decodes(codec: Codec) -> None:
    torch.manual_seed(0)
    heads = fitting("heads", codec.form, in_feature=FEATURE, maps=2, form=codec.form, frames=3, image_size=IMAGE)
    assert heads
    for head in heads:
        check_head(head, in_feature=FEATURE, maps=2, frames=3, size=IMAGE, form=codec.form)
