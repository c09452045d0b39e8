"""Clips are called by names that outputs can be called by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tracknet_core.clips import LazyClips, clip_names, name_fault
from tracknet_core.contracts import Clip
from tracknet_core.errors import DataError

MakeClip = Callable[..., Clip]

FAULTS = {
    "a\0b": "control character",
    "a\nb": "control character",
    "a\x9bb": "control character",
    "a\ud800": "no text",
    "": "no path below a folder",
    "..": "no path below a folder",
    "match1/..": "no path below a folder",
    "../a": "no path below a folder",
    "a/./b": "no path below a folder",
    "a//b": "no path below a folder",
    "/a": "no path below a folder",
    "a/": "no path below a folder",
    "a\\..\\b": "no path below a folder",
    "\\\\server\\a": "no path below a folder",
    "C:/a": "no path below a folder",
    "c:a": "no path below a folder",
    "a/" + "x" * 256: "more than 255 bytes",
    "é" * 128: "more than 255 bytes",
}


@pytest.mark.parametrize("name", ["a", "train/match1/1_01_00", "x" * 255, "..a/b..", "Spiel 1, é/猫", "a\\b", "12:30"])
def test_a_path_below_a_folder_is_a_name(name: str) -> None:
    assert name_fault(name) is None
    assert LazyClips({name: list}).names == (name,)  # type: ignore[dict-item]  # never opened


@pytest.mark.parametrize(("name", "fault"), FAULTS.items())
def test_any_other_name_is_refused_with_its_source(name: str, fault: str, clip: Any) -> None:
    with pytest.raises(
        DataError, match=rf"^labels\.json: the clip name '.*' .*{fault}.*\. Rename the clip\.$"
    ) as caught:
        LazyClips({"a": lambda: clip("a", 3), name: lambda: clip(name, 3)}, source="labels.json")
    assert str(caught.value).isprintable()
    with pytest.raises(DataError, match=f"the data set: the clip name .*{fault}"):
        clip_names([clip("a", 3), clip(name, 3)])


def test_all_that_has_to_be_renamed_is_told_at_once(clip: Any) -> None:
    names = ["a", "b/..", "c", *(f"{number}\n" for number in range(6))]
    with pytest.raises(DataError) as caught:
        LazyClips({name: lambda: clip("a", 3) for name in names}, source="labels.json")
    message = str(caught.value)
    assert message.startswith("labels.json: the clip name 'b/..' is no path below a folder, such as match1/rally1; ")
    assert [name for name in names if f"the clip name {name!r}" in message] == ["b/..", *names[3:7]]
    assert message.endswith("; and 2 more. Rename the clips.")
