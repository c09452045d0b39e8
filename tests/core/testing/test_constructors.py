"""The kit accepts constructors that keep the contract and tells what breaks it."""

from typing import Literal

import pytest
import torch
from torch import nn

from tracknet_core.testing import check_constructor


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
