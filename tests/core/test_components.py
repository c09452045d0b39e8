"""From nodes to components: what is supplied only where it is asked for."""

from typing import Any

import catalogue
import pytest

from tracknet_core.components import Late, build
from tracknet_core.registry import NAMESPACE


class Asking:
    def __init__(self, *, codec: Any, targets: int) -> None:
        self.reads, self.immediate, self.given = "candidates", True, (codec, targets)


class Content:
    def __init__(self, *, targets: int) -> None:
        self.reads, self.immediate, self.given = "candidates", True, (targets,)


def test_what_takes_its_time_is_made_for_those_who_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "mergers", "asking"), Asking)
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "mergers", "content"), Content)
    made: list[str] = []

    def make() -> str:
        made.append("codec")
        return "a codec"

    assert build("mergers", {"name": "content"}, "--ensemble", codec=Late(make), targets=3).given == (3,)
    assert made == []
    assert build("mergers", {"name": "asking"}, "--ensemble", codec=Late(make), targets=3).given == ("a codec", 3)
    assert made == ["codec"]
