"""Whatever an experiment or an override says, it is a configuration that survives a file, or all its faults at once."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tracknet_core.config import Config, load_config, parse_config
from tracknet_core.errors import ConfigError

ROOT = Path(__file__).parents[3]
EXPERIMENT = ROOT / "experiments" / "convnext.yaml"

Place = tuple[Any, ...]

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 600),
    st.sampled_from([2**31, 2**63, -(2**63), 10**400]),
    st.floats(),
    st.sampled_from(
        ["", "None", "1", "adamw", "gaussian", "all", "a/b", "..", "\0", "\ud800", "é", "x" * 300, "a: b", "~"]
    ),
    st.sampled_from(["???", "${training.epochs}", "${a}", "${", "\\${a}", "${oc.env:NO_SUCH}", "${data}", "{}", "[]"]),
    st.text(max_size=8),
)
TREES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("name"), inner)
)
KEYS = st.sampled_from(["name", "epoch", "lr", "base", "", "a.b", "data", "0", "\0", "${a}", "plugins"]) | st.text(
    max_size=4
)

PLANTED: dict[Place, Any] = {
    ("data", "sequence", "lenght"): 3,
    ("data", "sequence", "length"): 10**9,
    ("data", "preprocess", "resize"): ["a", 1],
    ("data", "root"): {"a": 1},
    ("model", "backbone", "no_such"): 1,
    ("model", "head"): 5,
    ("model", "decoder", "name"): "no_such_decoder",
    ("training", "epochs"): "many",
    ("training", "optimizer", "lr"): 10**400,
    ("training", "protocols"): 7,
    ("no_such_section",): {},
}


@cache
def whole() -> dict[str, Any]:
    return load_config(EXPERIMENT).as_dict()


@cache
def places() -> list[Place]:
    """Return where the configuration has values, lists and mappings."""

    def inside(node: Any, above: Place) -> Iterator[Place]:
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in children:
            yield (*above, key)
            yield from inside(value, (*above, key))

    return list(inside(whole(), ()))


def put(tree: dict[str, Any], place: Place, value: Any) -> None:
    """Set a value, if there still is a place for it."""
    node: Any = tree
    try:
        for key in place[:-1]:
            node = node[key]
        if isinstance(node, dict | list):
            node[place[-1]] = value
    except (KeyError, IndexError, TypeError):  # another draw has changed what was there
        return


def require_round_trip(config: Config, folder: Path) -> None:
    path = folder / "again.yaml"
    path.write_text(config.as_yaml(), encoding="utf-8")
    assert load_config(path) == config


def require_faults(error: ConfigError) -> None:
    assert error.faults
    assert all(isinstance(fault, str) and 0 < len(fault) < 3000 for fault in error.faults)


@given(data=st.data())
def test_any_tree_is_a_configuration_or_all_its_faults(tmp_path: Path, data: st.DataObject) -> None:
    tree = copy.deepcopy(whole())
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.sampled_from(places()))
        if data.draw(st.booleans()):
            place = (*place[:-1], data.draw(KEYS)) if isinstance(place[-1], str) else place
        put(tree, place, data.draw(TREES))
    tree["plugins"] = None
    try:
        config = parse_config(tree)
    except ConfigError as error:
        require_faults(error)
        return
    require_round_trip(config, tmp_path)


@given(data=st.data())
def test_any_overrides_are_a_configuration_or_all_their_faults(tmp_path: Path, data: st.DataObject) -> None:
    overrides = []
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places()))
        key = ".".join(map(str, place)) if data.draw(st.integers(0, 4)) else data.draw(st.text(max_size=8))
        value = data.draw(
            st.one_of(
                st.sampled_from(
                    ["", "null", "1e400", "0x10", "16:9", "[1,", "{a", "!!int x", "&a [*a]", "? a", "- a", "'"]
                ),
                TREES.map(str),
                st.text(max_size=8),
            )
            if data.draw(st.booleans())
            else st.sampled_from(
                ["3", "0.5", "[64,48]", "[]", "{}", "true", "${training.epochs}", "vgg", "unet", "none"]
            )
        )
        overrides.append(f"{key}={value}")
    if any(override.startswith("plugins") for override in overrides):
        return  # which are imported
    try:
        config = load_config(EXPERIMENT, overrides)
    except ConfigError as error:
        require_faults(error)
        return
    require_round_trip(config, tmp_path)


@given(data=st.data())
def test_any_file_is_an_experiment_or_all_its_faults(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "drawn.yaml"
    words = re.findall(r"\w+|\s+|.", EXPERIMENT.read_text(encoding="utf-8"), re.DOTALL)
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(words)))
        odd = st.sampled_from(
            [":", "-", "[", "{", "&a", "*a", "!!int", "<<", "?", "|", "'", "\t", "\0", "${", "1", "name"]
        )
        words[place : place + data.draw(st.integers(0, 3))] = data.draw(st.lists(odd, max_size=2))
    content = data.draw(
        st.just("".join(words).encode()) | st.binary(max_size=40) | TREES.map(json.dumps).map(str.encode)
    )
    if b"plugins" in content:
        return
    path.write_bytes(content)
    try:
        config = load_config(path)
    except ConfigError as error:
        require_faults(error)
        return
    require_round_trip(config, tmp_path)


@given(planted=st.sets(st.sampled_from(list(PLANTED)), min_size=1))
def test_every_fault_is_told_at_once(planted: set[Place]) -> None:
    tree = copy.deepcopy(whole())
    for place in planted:
        put(tree, place, PLANTED[place])
    with pytest.raises(ConfigError) as caught:
        parse_config(tree)
    told = " ".join(caught.value.faults)
    assert len(caught.value.faults) >= len(planted)
    assert all(".".join(place) in told for place in planted)


def test_what_is_changed_is_whole(tmp_path: Path) -> None:
    require_round_trip(parse_config(whole()), tmp_path)
