"""Plain values against type hints, and nodes against constructors."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field as dataclass_field
from pathlib import Path
from typing import Any, Literal, Union

import catalogue
import pytest

from tracknet_core.contracts import Dataset, Loss
from tracknet_core.registry import NAMESPACE
from tracknet_core.schema import check_component, check_dataclass, check_value, component, nested_kind


class Lens:
    def __init__(self, *, in_channels: int, focus: float, zoom: int = 2, sizes: tuple[int, ...] = (1, 2)) -> None:
        pass


@pytest.fixture
def lens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "backbones", "lens"), Lens)


@pytest.fixture
def fault() -> Callable[[Any, Any], str]:
    """Check a value that is wrong and return the message."""

    def check(value: Any, hint: Any) -> str:
        faults: list[str] = []
        check_value(value, hint, "a.b", faults)
        (message,) = faults
        return message

    return check


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (3, int, 3),
        (3, float, 3.0),
        (True, bool, True),
        ("x", str, "x"),
        (None, str | None, None),
        (None, Union[int, None], None),  # noqa: UP007 - the old spelling is another class
        ([1, 2], tuple[int, int], (1, 2)),
        ((1, 2), list[int], [1, 2]),
        ([1, 2, 3], tuple[float, ...], (1.0, 2.0, 3.0)),
        ([], tuple[int, ...], ()),
        ("sum", Literal["sum", "concat"], "sum"),
        ({"a": ["x"]}, dict[str, list[str]], {"a": ["x"]}),
        ([[1, 2], [3, 4]], list[tuple[int, int]], [(1, 2), (3, 4)]),
        ("w.pth", bool | str, "w.pth"),
        ({"anything": object}, Any, {"anything": object}),
        ("~/data", Path | None, "~/data"),
    ],
)
def test_a_fitting_value_is_returned_as_the_hint_has_it(value: Any, hint: Any, expected: Any) -> None:
    faults: list[str] = []
    result = check_value(value, hint, "a", faults)
    assert faults == []
    assert result == expected
    assert type(result) is type(expected)


def test_an_exact_fit_goes_before_a_conversion() -> None:
    faults: list[str] = []
    assert type(check_value(3, float | int, "a", faults)) is int
    assert type(check_value(0.5, int | float, "a", faults)) is float
    assert faults == []


@pytest.mark.parametrize(
    ("value", "hint", "accepted"),
    [
        ("3", int, "a whole number"),
        (3.0, int, "a whole number"),
        (True, int, "a whole number"),
        (True, float, "a number"),
        (float("nan"), float, "a number"),
        (10**400, float, "a number"),
        (2**63, int, "a whole number"),
        ([16**5000], list[int], "a list, each a whole number"),
        (1, bool, "true or false"),
        (3, str, "text"),
        (None, int, "a whole number"),
        ([1], tuple[int, int], "a list of 2: [a whole number, a whole number]"),
        ([1, "x"], list[int], "a list, each a whole number"),
        ("12", list[str], "a list, each text"),
        ("max", Literal["sum", "concat"], "'sum', 'concat'"),
        (True, Literal[1, 2], "1, 2"),
        ("x", int | None, "a whole number or null"),
        ([1], dict[str, int], "a mapping of a whole number"),
        ({"a": "x"}, dict[str, int], "a mapping of a whole number"),
        (3, Path | None, "a path or null"),
    ],
)
def test_a_wrong_value_is_told_with_path_value_and_what_is_accepted(
    value: Any, hint: Any, accepted: str, fault: Callable[[Any, Any], str]
) -> None:
    message = fault(value, hint)
    assert message.startswith("a.b: ")
    assert message.endswith(f"It accepts: {accepted}.")


def test_a_wrong_value_is_shown_as_yaml_has_it(fault: Callable[[Any, Any], str]) -> None:
    assert "a.b: null is not accepted" in fault(None, int)
    assert "a.b: true is not accepted" in fault(True, int)
    assert "a.b: 'x' is not accepted" in fault("x", int)


def test_a_long_value_is_cut(fault: Callable[[Any, Any], str]) -> None:
    assert f"'{'x' * 199}… is not accepted" in fault("x" * 5000, int)
    assert "a.b: a number of too many digits is not accepted" in fault(16**5000, int)


def test_the_word_none_gets_the_cure(fault: Callable[[Any, Any], str]) -> None:
    assert fault("None", int | None).endswith("To say 'nothing' in YAML, write null.")


def test_a_node_is_filled_with_the_defaults_of_its_constructor(lens: None) -> None:
    faults: list[str] = []
    node = check_component("backbones", {"name": "lens", "focus": 1, "sizes": [5]}, "model.backbone", faults)
    assert faults == []
    assert node == {"name": "lens", "focus": 1.0, "zoom": 2, "sizes": (5,)}


def test_a_name_alone_is_a_node_too(lens: None) -> None:
    faults: list[str] = []
    check_component("backbones", "lens", "model.backbone", faults)
    assert faults == ["model.backbone.focus: 'lens' requires it, but it is not set."]


def test_all_faults_of_a_node_are_found_at_once(lens: None) -> None:
    faults: list[str] = []
    node = {"name": "lens", "zom": 3, "zoom": "near", "in_channels": 3, "sizes": 7}
    check_component("backbones", node, "model.backbone", faults)
    assert faults == [
        "model.backbone.zom: 'lens' has no such parameter. Did you mean 'zoom'? It accepts: focus, zoom, sizes.",
        "model.backbone.in_channels: 'in_channels' follows from the rest of the experiment and cannot be set. "
        "Remove it.",
        "model.backbone.focus: 'lens' requires it, but it is not set.",
        "model.backbone.zoom: 'near' is not accepted. It accepts: a whole number.",
        "model.backbone.sizes: 7 is not accepted. It accepts: a list, each a whole number.",
    ]


def test_an_unknown_name_answers_with_the_nearest_and_all(lens: None) -> None:
    faults: list[str] = []
    check_component("backbones", {"name": "lense"}, "model.backbone", faults)
    (message,) = faults
    assert message.startswith("model.backbone.name: no component of kind 'backbones' is called 'lense'.")
    assert "Did you mean 'lens'?" in message
    assert "tracknet_backbones" in message


@pytest.mark.parametrize("node", [{}, {"zoom": 3}, {"name": 3}])
def test_a_node_without_a_name_is_asked_for_one(node: dict[str, Any], lens: None) -> None:
    faults: list[str] = []
    check_component("backbones", node, "model.backbone", faults)
    (message,) = faults
    assert message.startswith("model.backbone.name: required: which of ")
    assert "lens" in message


def test_a_number_is_no_component() -> None:
    faults: list[str] = []
    check_component("backbones", 3, "model.backbone", faults)
    assert faults == ["model.backbone: 3 is not a component. Write {name: …, parameter: value}."]


@dataclass(frozen=True)
class Camera:
    lens: dict[str, Any] = component("backbones")
    filters: list[dict[str, Any]] = component("backbones", default_factory=list)
    shots: int = 1
    names: list[str] = dataclass_field(default_factory=list)


def test_a_section_is_checked_with_its_components(lens: None) -> None:
    faults: list[str] = []
    value = {"lens": {"name": "lens", "focus": 2}, "filters": [{"name": "lens", "focus": 3, "zoom": 4}], "shots": 5}
    camera = check_dataclass(Camera, value, "camera", faults)
    assert faults == []
    assert camera.lens == {"name": "lens", "focus": 2.0, "zoom": 2, "sizes": (1, 2)}
    assert camera.filters == [{"name": "lens", "focus": 3.0, "zoom": 4, "sizes": (1, 2)}]
    assert camera.shots == 5


def test_all_faults_of_a_section_are_found_at_once(lens: None) -> None:
    faults: list[str] = []
    value = {"shot": 5, "shots": "many", "filters": ["lens"]}
    assert check_dataclass(Camera, value, "camera", faults) is None
    assert faults == [
        "camera.shot: no such setting. Did you mean 'shots'? It accepts: lens, filters, shots, names.",
        "camera.lens: required, but not set.",
        "camera.filters[0].focus: 'lens' requires it, but it is not set.",
        "camera.shots: 'many' is not accepted. It accepts: a whole number.",
    ]


@pytest.mark.parametrize("value", ["lens", {"name": "lens"}, 3])
def test_a_list_of_components_must_be_a_list(value: Any, lens: None) -> None:
    faults: list[str] = []
    check_dataclass(Camera, {"lens": {"name": "lens", "focus": 1}, "filters": value}, "camera", faults)
    (message,) = faults
    assert message.startswith("camera.filters: ")
    assert "is not a list of components" in message


def test_a_section_must_be_a_mapping() -> None:
    faults: list[str] = []
    assert check_dataclass(Camera, [1], "camera", faults) is None
    assert faults == ["camera: [1] is not a mapping. It accepts: lens, filters, shots, names."]


# ------------------------------------------------------------------------------------------ nested components


class Archive(Dataset):
    def __init__(self, *, root: Path | None, fps: float = 30.0) -> None:
        pass


class Shelf(Dataset):
    def __init__(
        self,
        *,
        root: Path | None = None,
        first: Dataset,
        others: list[Dataset] = [],  # noqa: B006
        named: dict[str, Dataset] = {},  # noqa: B006
    ) -> None:
        pass


@pytest.fixture
def archives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "datasets", "archive"), Archive)
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "datasets", "shelf"), Shelf)


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (Dataset, "datasets"),
        (list[Loss], "losses"),
        (dict[str, Dataset], "datasets"),
        (int, None),
        (list[int], None),
        (dict, None),
        (str | None, None),
        (Literal["a"], None),
    ],
)
def test_a_protocol_alone_in_a_list_or_by_name_is_a_nested_component(hint: Any, kind: str | None) -> None:
    assert nested_kind(hint) == kind


def test_nested_nodes_are_filled_with_defaults_and_set_what_assembly_would_supply(archives: None) -> None:
    faults: list[str] = []
    archive = {"name": "archive", "root": "/data"}
    node = {"name": "shelf", "first": archive, "others": [archive], "named": {"a": {"name": "shelf", "first": archive}}}
    checked = check_component("datasets", node, "data.dataset", faults)
    filled = {"name": "archive", "root": "/data", "fps": 30.0}
    assert faults == []
    assert checked == {
        "name": "shelf",
        "first": filled,
        "others": [filled],
        "named": {"a": {"name": "shelf", "root": None, "first": filled, "others": [], "named": {}}},
    }


def test_all_faults_of_nested_nodes_are_found_with_their_paths(archives: None) -> None:
    faults: list[str] = []
    node = {
        "name": "shelf",
        "root": "/data",
        "first": {"name": "archive", "root": 3, "fsp": 25},
        "others": ["archive", 3],
        "named": {"tennis": {"name": "archive", "root": None, "fps": "fast"}, "badminton": {"name": "archve"}},
    }
    check_component("datasets", node, "data.dataset", faults)
    unknown = faults.pop()
    assert unknown.startswith("data.dataset.named.badminton.name: no component of kind 'datasets' is called 'archve'.")
    assert faults == [
        "data.dataset.root: 'root' follows from the rest of the experiment and cannot be set. Remove it.",
        "data.dataset.first.fsp: 'archive' has no such parameter. Did you mean 'fps'? It accepts: root, fps.",
        "data.dataset.first.root: 3 is not accepted. It accepts: a path or null.",
        "data.dataset.others[0].root: 'archive' requires it, but it is not set.",
        "data.dataset.others[1]: 3 is not a component. Write {name: …, parameter: value}.",
        "data.dataset.named.tennis.fps: 'fast' is not accepted. It accepts: a number.",
    ]


def test_nodes_in_another_form_than_the_parameter_are_refused(archives: None) -> None:
    faults: list[str] = []
    archive = {"name": "archive", "root": None}
    check_component(
        "datasets", {"name": "shelf", "first": [archive], "others": archive, "named": [archive]}, "d", faults
    )
    assert [fault.split("Write")[0] for fault in faults] == [
        f"d.first: [{archive}] is not a component. ",
        f"d.others: {archive} is not a list of components. ",
        f"d.named: [{archive}] does not name components. ",
    ]


class Untyped:
    def __init__(self, *, power=2, sharp=None) -> None:  # type: ignore[no-untyped-def]
        pass


def test_a_parameter_without_a_type_is_a_fault_of_the_component(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "losses", "untyped"), Untyped)
    faults: list[str] = []
    check_component("losses", {"name": "untyped", "power": 3}, "training.loss", faults)
    assert faults == [
        "training.loss.power: a fault of 'untyped': its constructor gives 'power' no type, so that no value can be "
        "checked. Write one there, such as 'power: int'."
    ]


def test_the_package_of_a_parameter_without_a_type_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loose_losses.py").write_text("class Loose:\n    def __init__(self, *, power): ...\n")
    metadata = tmp_path / "loose-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: loose\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[tracknet_losses]\nloose = loose_losses:Loose\n")
    monkeypatch.syspath_prepend(tmp_path)
    faults: list[str] = []
    check_component("losses", {"name": "loose", "power": None}, "training.loss", faults)
    (message,) = faults
    assert message.startswith("training.loss.power: a fault of 'loose' of the package 'loose': its constructor gives ")
    assert message.endswith("Write one there, such as 'power: float'.")
    monkeypatch.delitem(sys.modules, "loose_losses")
