"""A small copy of each format: a clip of four pictures, all of whose labels are in one file."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import Dataset
from tracknet_core.registry import datasets
from tracknet_core.video import write_video

SIZE = (64, 48)
COUNT = 4

ROWS = "Frame,Visibility,X,Y\n0,1,30,20\n1,0,0,0\n2,1,31.5,20.25\n3,1,33,20\n"

TRACK = """\
<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id>1</id><size>4</size><start_frame>0</start_frame><stop_frame>3</stop_frame>
    <labels><label><name>ball</name></label></labels>
    <original_size><width>64</width><height>48</height></original_size></task></meta>
  <track id="0" label="ball" source="manual">
    <points frame="0" outside="0" occluded="0" keyframe="1" points="30.50,20.50" z_order="0">
      <attribute name="used_in_game">1</attribute></points>
    <points frame="2" outside="0" occluded="1" keyframe="1" points="31.50,20.50" z_order="0">
      <attribute name="used_in_game">1</attribute></points>
    <points frame="3" outside="1" occluded="0" keyframe="1" points="31.50,20.50" z_order="0">
      <attribute name="used_in_game">0</attribute></points>
  </track>
</annotations>
"""

ON_IMAGES = """\
<annotations><version>1.1</version><meta><task><labels><label><name>ball</name></label></labels></task></meta>
  <image id="0" name="0.png" width="64" height="48">
    <box label="ball" occluded="0" xtl="28.0" ytl="18.0" xbr="33.0" ybr="23.0" z_order="0"></box>
    <tag label="good"></tag></image>
  <image id="1" name="1.png" width="64" height="48"></image>
  <image id="2" name="2.png" width="64" height="48">
    <ellipse label="ball" occluded="1" cx="31.5" cy="20.5" rx="2" ry="2"></ellipse></image>
</annotations>
"""

COCO = json.dumps(
    {
        "images": [{"id": n, "file_name": f"NAME/{n}.png", "width": SIZE[0], "height": SIZE[1]} for n in range(COUNT)],
        "categories": [{"id": 3, "name": "ball", "keypoints": ["centre"]}],
        "annotations": [
            {
                "id": 1,
                "image_id": 0,
                "category_id": 3,
                "bbox": [28, 18, 5, 5],
                "keypoints": [30, 20, 2],
                "attributes": {"occluded": True},
                "score": 0.5,
            }
        ],
        "videos": [],
    }
)

MARKUP = json.dumps({str(n): {"x": 30 + n, "y": 20} for n in range(3)}, indent=1)


@dataclass(frozen=True)
class Tree:
    """Where the files of a clip lie below the root; ``NAME`` stands for what the clip may be called.

    Attributes:
        reader: name of the dataset.
        pictures: the video, or the folder of images.
        labels: the label file.
        text: what is in it.
        settings: of the reader, such as the one that it reads images.
        others: further files that the reader needs.
    """

    reader: str
    pictures: str
    labels: str
    text: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)

    def write(self, root: Path, name: str = "1", text: bytes | None = None) -> Path:
        """Write the clip, with any text in its label file, and return that file."""
        pictures = root / self.pictures.replace("NAME", name)
        if pictures.suffix == ".mp4":
            pictures.parent.mkdir(parents=True, exist_ok=True)
            pictures.write_bytes(_video())
        else:
            pictures.mkdir(parents=True, exist_ok=True)
            for number in range(COUNT):
                (pictures / f"{number}.png").write_bytes(_image())
        for place, content in {self.labels: self.text, **self.others}.items():
            path = root / place.replace("NAME", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content.replace("NAME", name), encoding="utf-8", errors="surrogatepass")
        labels = root / self.labels.replace("NAME", name)
        if text is not None:
            labels.write_bytes(text)
        return labels

    def read(self, root: Path, **settings: Any) -> Dataset:
        """Return the reader of the tree."""
        made: Dataset = datasets.get(self.reader)(root=root, **{**self.settings, **settings})
        return made


TREES = {
    "basketball": Tree("basketball", "videos/1/NAME", "ball-annos/1/x_NAME.xml", TRACK),
    "blurball": Tree(
        "blurball",
        "00/rallies_videos/NAME.mp4",
        "00/csv/NAME.csv",
        "Frame,Visibility,X,Y,l,theta\n0,1,30,20,4.5,30\n1,0,0,0,0,0\n2,1,31,20,0,0\n",
        {"streaks": True},
    ),
    "coco": Tree("coco", "images/NAME", "annotations/train.json", COCO),
    "coco of keypoints": Tree("coco", "images/NAME", "annotations/train.json", COCO, {"place": "keypoint"}),
    "csv": Tree("csv", "NAME.mp4", "NAME.csv", "frame,x,y,visibility\n0,30,20,1\n1,,,0\n2,31.5,20.25,2\n3,1,1,3\n"),
    "csv by time": Tree(
        "csv",
        "NAME.mp4",
        "NAME.csv",
        "t;x;y\n0,0;0,5;0,5\n0,04;0,25;0,25\n",
        {"columns": {"time": "t", "x": "x", "y": "y"}, "separator": ";", "normalized": True},
    ),
    "cvat": Tree("cvat", "NAME.mp4", "NAME.xml", TRACK),
    "cvat for images": Tree("cvat", "NAME/images", "NAME/annotations.xml", ON_IMAGES),
    "gridtracknet": Tree("gridtracknet", "matchNAME/frames", "matchNAME/Labels.csv", ROWS),
    "normalized_csv": Tree(
        "normalized_csv", "NAME.mp4", "NAME.csv", "frame_num,x,y,visible\n0,0.5,0.5,1\n1,0,0,0\n2,0.25,0.5,1\n"
    ),
    "opentt": Tree("opentt", "game_1.mp4", "game_1/ball_markup.json", MARKUP),
    "racketvision": Tree(
        "racketvision",
        "tennis/videos/match1_NAME.mp4",
        "tennis/all/match1/csv/NAME_ball.csv",
        "Frame,X,Y,Visibility\n0,30,20,1\n3,0,0,0\n",
        others={"tennis/info/train.json": '[["match1", "NAME"]]'},
    ),
    "list of racketvision": Tree(
        "racketvision",
        "tennis/videos/match1_NAME.mp4",
        "tennis/info/train.json",
        '[["match1", "NAME"]]',
        others={"tennis/all/match1/csv/NAME_ball.csv": "Frame,X,Y,Visibility\n0,30,20,1\n"},
    ),
    "shuttlecock": Tree(
        "shuttlecock",
        "train/match1/video/NAME.mp4",
        "train/match1/csv/NAME_ball.csv",
        "Frame,Visibility,X,Y,Code,HiddenX,HiddenY\n0,1,30,20,,,\n1,0,0,0,,,\n2,0,0,0,3,31,20\n3,1,33,20,2,,\n",
    ),
    "streaks of shuttlecock": Tree(
        "shuttlecock",
        "train/match1/video/NAME.mp4",
        "train/match1/csv/NAME_ball.csv",
        "Frame,Visibility,X,Y,Code,HiddenX,HiddenY,Length,Angle\n0,1,30,20,,,,9,30\n1,0,0,0,,,,,\n2,0,0,0,3,31,20,4,90\n",
        {"streaks": True},
    ),
    "frames of shuttlecock": Tree(
        "shuttlecock",
        "test/match1/frame/NAME",
        "drop_frame.json",
        '{"start": {"1_NAME": 1}, "end": {"1_NAME": 3}}',
        {"frames": "images", "drop_frames": True},
        {"test/match1/csv/NAME_ball.csv": ROWS},
    ),
    "soccer": Tree("soccer", "frames/ID-NAME", "annos/ID-NAME.xml", TRACK),
    "tennis": Tree(
        "tennis",
        "game1/ClipNAME",
        "game1/ClipNAME/Label.csv",
        "file name,visibility,x-coordinate,y-coordinate,status\n0.png,1,30,20,0\n1.png,0,,,\n2.png,3,31,20,1\n",
    ),
    "volleyball": Tree(
        "volleyball", "videos/0/NAME", "volleyball_ball_annotation/0/NAME.txt", "30 20\n0 0\n31.5 20.25\n"
    ),
}


@pytest.fixture(params=TREES)
def tree(request: pytest.FixtureRequest) -> Tree:
    """Each format, with all of its label files."""
    return TREES[request.param]


@pytest.fixture(
    params=[name for name, tree in TREES.items() if "NAME" in tree.labels and tree.reader != "racketvision"]
)
def named_tree(request: pytest.FixtureRequest) -> Tree:
    """Each format whose clips have the names of their files; others list them in one, or have the published names."""
    return TREES[request.param]


@pytest.fixture
def write_tree() -> Callable[[str], Tree]:
    """Return a format by its name above."""
    return TREES.__getitem__


@cache
def _video() -> bytes:
    file = io.BytesIO()
    write_video(file, (np.full((SIZE[1], SIZE[0], 3), 50 * n, np.uint8) for n in range(COUNT)), fps=25)
    return file.getvalue()


@cache
def _image() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", SIZE).save(file, "PNG")
    return file.getvalue()
