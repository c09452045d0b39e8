"""No reader gives a clip a name that outputs cannot be called by, wherever the name comes from."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracknet_core.clips import clip_names
from tracknet_core.errors import DataError
from tracknet_plugins.datasets.mixed import Mixed

LONG = "x" * 300
FROM_FILES = ["a\0b", "a\ud800", LONG, "a/..", "..", "/etc", "C:/a", "a\nb", "\\\\host\\a"]


def test_every_format_is_read(tree: Any, tmp_path: Path) -> None:
    tree.write(tmp_path)
    reader = tree.read(tmp_path)
    (clip,) = reader.clips(reader.splits[0])
    assert (clip.visibility >= 0).any()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names of files")
@pytest.mark.parametrize("name", ["1\udcff", "1\x7f"])
def test_a_file_whose_name_is_no_text_is_named_with_its_folder(named_tree: Any, tmp_path: Path, name: str) -> None:
    named_tree.write(tmp_path, name)
    reader = named_tree.read(tmp_path)
    with pytest.raises(DataError, match=rf"^{re.escape(str(tmp_path))}\S*: .*{re.escape(repr(name)[1:-1])}"):
        clip_names(reader.clips(reader.splits[0]))


@pytest.mark.skipif(sys.platform == "win32", reason="capitals do not count there")
def test_names_that_differ_in_capitals_are_two_clips(named_tree: Any, tmp_path: Path) -> None:
    named_tree.write(tmp_path, "1a")
    if named_tree.write(tmp_path, "1A").samefile(named_tree.write(tmp_path, "1a")):
        pytest.skip("capitals do not count on this disk")
    reader = named_tree.read(tmp_path)
    names = [name for split in reader.splits for name in clip_names(reader.clips(split))]
    assert len(names) == len({name.casefold() for name in names}) + 1 == 2


@pytest.mark.parametrize("name", FROM_FILES)
def test_no_name_in_a_file_of_coco_leads_elsewhere(write_tree: Callable[[str], Any], tmp_path: Path, name: str) -> None:
    tree = write_tree("coco")
    labels = tree.write(tmp_path)
    listed = json.loads(labels.read_text())
    for image in listed["images"]:
        image["video_id"] = 7
    labels.write_text(json.dumps(listed | {"videos": [{"id": 7, "name": name}]}))
    with pytest.raises(DataError, match=r"train\.json: videos\[0\]\.name is .*; clips are called by it"):
        tree.read(tmp_path).clips("train")
    for image in listed["images"]:
        del image["video_id"]
        image["file_name"] = f"{name}/{image['id']}.png"
    labels.write_text(json.dumps(listed))
    with pytest.raises(DataError, match=r"train\.json: images\[0\]\.file_name is .*; expected a path below the folder"):
        tree.read(tmp_path).clips("train")


def test_an_expression_for_clips_of_coco_does_not_lead_elsewhere(
    write_tree: Callable[[str], Any], tmp_path: Path
) -> None:
    tree = write_tree("coco")
    tree.write(tmp_path, "a..b")
    with pytest.raises(DataError, match=r"train\.json: the clip name 'train/\.\.' is no path below a folder"):
        tree.read(tmp_path, clip=r"\.\.").clips("train")


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", FROM_FILES)
def test_no_name_in_a_list_of_racketvision_leads_elsewhere(
    write_tree: Callable[[str], Any], tmp_path: Path, name: str, place: int
) -> None:
    tree = write_tree("list of racketvision")
    labels = tree.write(tmp_path)
    rally = ["match1", "1"]
    rally[place] = name
    labels.write_text(json.dumps([rally]))
    with pytest.raises(DataError, match=r"train\.json: \[.* does not name folders and files"):
        tree.read(tmp_path).clips("train")


@pytest.mark.parametrize("name", [*FROM_FILES, ""])
def test_no_name_of_a_part_of_mixed_leads_elsewhere(
    write_tree: Callable[[str], Any], tmp_path: Path, name: str
) -> None:
    tree = write_tree("csv")
    tree.write(tmp_path)
    with pytest.raises(ValueError, match=r"'parts' is .*each under a name of your own"):
        Mixed(parts={"a": tree.read(tmp_path), name: tree.read(tmp_path)})


@pytest.mark.parametrize("reader", ["cvat for images", "coco"])
def test_a_clip_of_the_current_folder_has_its_name(
    write_tree: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str
) -> None:
    root = tmp_path / "rally"
    labels = write_tree(reader).write(root, ".").read_text()
    labels = labels.replace("./", "")
    if reader == "coco":
        (root / "annotations/train.json").write_text(labels)
        for image in (root / "images").iterdir():
            image.rename(root / image.name)
    monkeypatch.chdir(root)
    settings = {"images": ".", "labels": "annotations/train.json"} if reader == "coco" else {}
    assert clip_names(write_tree(reader).read(Path(), **settings).clips("train")) == ("rally",)


def test_a_long_number_is_no_name_of_a_folder(write_tree: Callable[[str], Any], tmp_path: Path) -> None:
    tree = write_tree("coco")
    labels = tree.write(tmp_path)
    labels.write_text(labels.read_text().replace("1/0.png", f"{'9' * 5000}/0.png"))
    with pytest.raises(DataError, match="expected a path below the folder"):
        tree.read(tmp_path).clips("train")
