"""The reader of COCO's JSON on small trees written here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.testing import check_dataset
from tracknet_plugins.datasets import checked_json
from tracknet_plugins.datasets.coco import COCO

NAN = np.nan
BALL = {"id": 3, "name": "ball", "keypoints": ["head", "tail"]}
PLAYER = {"id": 4, "name": "player"}


def box(image: int, corners: list[float], **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": 3, "bbox": corners, **more}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a label file for 64x36 images, and the images, image n of grey level 20 n."""

    def write(
        names: str = "m1/a/0.jpg",
        annotations: list[Any] | None = None,
        *,
        labels: str = "annotations/train.json",
        images: str = "images",
        changes: dict[int, dict[str, Any]] | None = None,
        **more: Any,
    ) -> Path:
        nodes = []
        for number, name in enumerate(names.split()):
            file = tmp_path / images / name
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 36), (20 * number,) * 3).save(file)
            node = {"id": 10 + number, "file_name": name, "width": 64, "height": 36}
            nodes.append({**node, **(changes or {}).get(number, {})})
        path = tmp_path / labels
        path.parent.mkdir(parents=True, exist_ok=True)
        tree = {"images": nodes, "annotations": annotations or [], "categories": [PLAYER, BALL], **more}
        path.write_text(json.dumps(tree))
        return path

    return write


def test_coco_keeps_the_contract(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("a/0.jpg a/1.jpg b/0.jpg", [box(10, [28, 18, 5, 5])])
    check_dataset(COCO(root=tmp_path), "train")


def test_the_centre_of_a_box_is_measured_from_the_centre_of_the_first_pixel(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    annotations = [
        box(12, [28, 18, 5, 6]),  # 28 + 5 / 2 - 0.5 = 30, 18 + 6 / 2 - 0.5 = 20.5
        box(11, [0, 0, 4, 4], attributes={"occluded": True}),
        {"image_id": 10, "category_id": 4, "bbox": [1, 1, 2, 2]},
    ]
    write("m1/a/8.jpg m1/a/9.jpg m1/a/10.jpg", annotations)
    (clip,) = COCO(root=tmp_path, fps=50).clips("train")
    assert (clip.name, clip.frames.fps, len(clip)) == ("train/m1/a", 50, 3)
    np.testing.assert_array_equal(clip.visibility, [0, 3, 1])
    np.testing.assert_array_equal(clip.xy, [[NAN, NAN], [1.5, 1.5], [30, 20.5]])
    assert [round(float(frame.mean()) / 20) for frame in clip.frames.read([0, 1, 2])] == [0, 1, 2]


def test_keypoints_are_chosen_by_name_and_kept_as_they_are(tmp_path: Path, write: Callable[..., Path]) -> None:
    annotations = [
        {"image_id": 10 + n, "category_id": 3, "keypoints": [1, 1, 2, 30 + n, 20.5, code]}
        for n, code in enumerate((0, 1, 2))
    ]
    write("a/0.jpg a/1.jpg a/2.jpg a/3.jpg", annotations)
    (clip,) = COCO(root=tmp_path, place="keypoint", keypoint="tail").clips("train")
    np.testing.assert_array_equal(clip.visibility, [-1, 3, 1, 0])
    np.testing.assert_array_equal(clip.xy[1:], [[31, 20.5], [32, 20.5], [NAN, NAN]])
    with pytest.raises(DataError, match=r"'ball' has the keypoints head, tail\. Set data\.dataset\.keypoint to one"):
        COCO(root=tmp_path, place="keypoint").clips("train")
    write(
        "a/0.jpg",
        [{"image_id": 10, "category_id": 3, "keypoints": [5, 6, 2]}],
        categories=[BALL | {"keypoints": ["c"]}],
    )
    (clip,) = COCO(root=tmp_path, place="keypoint").clips("train")
    np.testing.assert_array_equal(clip.xy, [[5, 6]])


ROBOFLOW = (
    "rally1_00010_jpg.rf.0a9.jpg rally2_00003_jpg.rf.ff1.jpg rally1_00009_jpg.rf.1bc.jpg rally2_00004_jpg.rf.7d0.jpg"
)


def test_images_of_several_videos_in_one_folder_are_told_apart_by_an_expression(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    write(ROBOFLOW, [box(12, [28, 18, 5, 5])])
    with pytest.warns(UserWarning, match=r"the clip 'images' are called in 2 ways \('rally1_…', 'rally2_…'\)"):
        assert COCO(root=tmp_path).clips("train").names == ("train/images",)

    clips = COCO(root=tmp_path, clip=r"(.+)_\d+_jpg").clips("train")

    assert clips.names == ("train/rally1", "train/rally2")
    np.testing.assert_array_equal(clips[0].visibility, [1, 0])  # 9 before 10
    assert [round(float(frame.mean()) / 20) for frame in clips[0].frames.read([0, 1])] == [2, 0]
    assert COCO(root=tmp_path, clip="rally.").clips("train").names == clips.names
    with pytest.raises(DataError, match=r"clip='match\(\.\)' finds nothing in the file_name 'rally1_00010_jpg"):
        COCO(root=tmp_path, clip="match(.)").clips("train")
    with pytest.raises(ValueError, match=r"'clip' is '\(', which is no regular expression"):
        COCO(root=tmp_path, clip="(")


def test_images_that_are_called_in_one_way_or_not_numbered_are_one_clip(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    write("a/frame_000001.jpg a/frame_000002.jpg b/x.jpg b/y1.jpg c/1.jpg c/02.jpg")
    assert COCO(root=tmp_path).clips("train").names == ("train/a", "train/b", "train/c")


def test_clips_are_folders_or_videos_and_splits_are_label_files(tmp_path: Path, write: Callable[..., Path]) -> None:
    videos = {number: {"video_id": 7} for number in (1, 2)} | {3: {"video_id": 8}, 4: {"video_id": None}}
    names = "m10/0.jpg x_10.jpg x_9.jpg y.jpg z.jpg m9\\0.jpg"
    write(names, changes=videos, videos=[{"id": 7, "name": "m2/r1"}])
    write("0.jpg", labels="annotations/valid.json")
    write("0.jpg", labels="annotations/test.json")
    dataset = COCO(root=tmp_path)
    assert dataset.splits == ("train", "test", "valid")
    clips = dataset.clips("train")
    assert clips.names == ("train/images", "train/m2/r1", "train/m9", "train/m10", "train/video8")
    assert dataset.clips("valid").names == ("valid/images",)
    assert [round(float(frame.mean()) / 20) for frame in clips[1].frames.read([0, 1])] == [2, 1]
    with pytest.raises(DataError, match=r"no split 'val' here\. The splits here: train, test, valid"):
        dataset.clips("val")


def test_one_label_file_is_train_and_layouts_are_free(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("m1/0.jpg", labels="labels.json", images="pictures")
    assert [clip.name for clip in COCO(root=tmp_path, labels="labels.json", images="pictures").clips("train")] == ["m1"]
    write("m1/0.jpg", labels="valid/_annotations.coco.json", images="valid")
    dataset = COCO(root=tmp_path, labels="<split>/_annotations.coco.json", images="<split>")
    assert [clip.name for clip in dataset.clips("valid")] == ["valid/m1"]


def test_of_several_annotations_the_highest_score_counts(tmp_path: Path, write: Callable[..., Path]) -> None:
    scored = [box(10, [10, 10, 1, 1], score=0.2), box(10, [20, 20, 1, 1], score=0.9), box(10, [5, 5, 1, 1], score=0)]
    write("a/0.jpg", scored)
    (clip,) = COCO(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.xy, [[20, 20]])
    write("a/0.jpg b/0.jpg", [box(10, [10, 10, 1, 1], score=0.2), box(10, [20, 20, 1, 1])])
    broken, sound = range(2)
    clips = COCO(root=tmp_path).clips("train")
    with pytest.raises(
        DataError, match=r"train\.json: 'a/0\.jpg' has 2 annotations of the ball, and not all have a sc"
    ):
        clips[broken]
    assert clips[sound].name == "train/b"


def test_places_outside_the_image_are_unlabelled_with_one_warning(tmp_path: Path, write: Callable[..., Path]) -> None:
    annotations = [box(10, [70, 3, 2, 2]), box(11, [NAN, 3, 2, 2]), box(12, [0, 0, 0, 0])]
    write("a/0.jpg a/1.jpg a/2.jpg", annotations)
    with pytest.warns(
        LabelWarning, match=r"train\.json: .* outside the 64x36 image: 2 \(a/0\.jpg, a/1\.jpg\)"
    ) as caught:
        (clip,) = COCO(root=tmp_path).clips("train")
    assert len(caught) == 1
    np.testing.assert_array_equal(clip.visibility, [-1, -1, 1])
    np.testing.assert_array_equal(clip.xy[2], [-0.5, -0.5])


def test_labels_of_another_resolution_are_an_error_of_their_clip(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("a/0.jpg b/0.jpg", changes={0: {"width": 1280, "height": 720}})
    clips = COCO(root=tmp_path).clips("train")
    with pytest.raises(DataError, match=r"'a/0\.jpg' was labelled at 1280x720 pixels, but .* this clip have 64x36"):
        clips[0]
    assert clips[1].name == "train/b"


def test_a_missing_image_is_an_error_of_its_clip(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("a/0.jpg b/0.jpg")
    (tmp_path / "images" / "a" / "0.jpg").unlink()
    clips = COCO(root=tmp_path).clips("train")
    with pytest.raises(DataError, match=r"a/0\.jpg: there is no such image"):
        clips[0]
    assert clips[1].name == "train/b"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": {}}, r"train\.json: images is \{\}; expected a list"),
        ({"images": [5]}, r"train\.json: images\[0\] is 5; expected an object"),
        ({"images": [{"id": 1}]}, r"train\.json: images\[0\]\.file_name is missing; expected a text"),
        ({"images": [{"id": True, "file_name": "a"}]}, r"images\[0\]\.id is true; expected a number"),
        ({"images": [{"id": 1.5, "file_name": "a"}]}, r"images\[0\]\.id is 1\.5; expected a whole number"),
        (
            {"images": [{"id": 1, "file_name": "/etc/passwd"}]},
            r"images\[0\]\.file_name is '/etc/passwd'; expected a path b",
        ),
        (
            {"images": [{"id": 1, "file_name": "a/../../b.jpg"}]},
            r"file_name is 'a/\.\./\.\./b\.jpg'; expected a path below",
        ),
        ({"images": [{"id": 1, "file_name": "..\\b.jpg"}]}, r"file_name is '\.\./b\.jpg'; expected a path below"),
        ({"images": [{"id": 1, "file_name": "C:\\b.jpg"}]}, r"file_name is 'C:/b\.jpg'; expected a path below"),
        ({"images": [{"id": 1, "file_name": "a\0b.jpg"}]}, r"file_name is 'a\\x00b\.jpg'; expected a path below"),
        ({"images": [{"id": 1, "file_name": "a"}] * 2}, r"two images have the same id"),
        ({"annotations": [{"category_id": 3}]}, r"annotations\[0\]\.image_id is missing; expected a number"),
        ({"annotations": [box(99, [1, 1, 1, 1])]}, r"annotations\[0\]\.image_id is 99, and no image has this id"),
        (
            {"annotations": [box(10, [1, 1, 1])]},
            r"annotations\[0\]\.bbox has 3 numbers; expected \[x, y, width, height",
        ),
        ({"annotations": [box(10, ["1"])]}, r'annotations\[0\]\.bbox\[0\] is "1"; expected a number'),
        ({"annotations": [box(10, [10**400, 1, 1, 1])]}, r"annotations\[0\]\.bbox\[0\] is too large a number"),
        ({"categories": [PLAYER]}, r"no category 'ball' here, only player\. Set data\.dataset\.category"),
        ({"categories": 40 * ["x"]}, r'categories\[0\] is "x"; expected an object'),
        ({"videos": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]}, r"two videos have the same name"),
    ],
)
def test_wrong_values_are_named_by_file_and_key(
    tmp_path: Path, write: Callable[..., Path], changes: dict[str, Any], message: str
) -> None:
    path = write()
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(DataError, match=message):
        COCO(root=tmp_path).clips("train")


def test_wrong_keypoints_are_named(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("a/0.jpg", [{"image_id": 10, "category_id": 3, "keypoints": [5, 6, 7]}])
    with pytest.raises(
        DataError, match=r"annotations\[0\]\.keypoints has \[5\.0, 6\.0, 7\.0\] at 0; expected \[x, y, v"
    ):
        COCO(root=tmp_path, place="keypoint", keypoint="head").clips("train")


@pytest.mark.parametrize("text", ["", "{", '{"images": [}', 200_000 * "[", "\xff"])
def test_a_file_that_is_no_json_is_named(tmp_path: Path, write: Callable[..., Path], text: str) -> None:
    write().write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"train\.json: this label file cannot be read as JSON"):
        COCO(root=tmp_path).clips("train")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked_json, "LARGEST", 1 << 20)
    write().write_bytes(b"[" * (3 << 20))
    with pytest.raises(DataError, match=r"train\.json: 3 MB, and label files of at most 1 MB are read\. Divide it"):
        COCO(root=tmp_path).clips("train")


def test_a_file_that_holds_no_object_is_named(tmp_path: Path, write: Callable[..., Path]) -> None:
    write().write_text("[1, 2]")
    with pytest.raises(DataError, match=r"train\.json: is \[1, 2\]; expected an object"):
        COCO(root=tmp_path).clips("train")


def test_a_wrong_root_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no label file annotations/<split>\.json here\. Set data\.root"):
        COCO(root=tmp_path)
    with pytest.raises(DataError, match=r"there is no label file labels\.json here"):
        COCO(root=tmp_path, labels="labels.json")
    with pytest.raises(DataError, match=r"data\.root: not set"):
        COCO()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"place": "polygon"}, "'place' is 'polygon'; expected 'box'"),
        ({"keypoint": "tail"}, "'keypoint' is 'tail', but 'place' is 'box'"),
        ({"labels": "<split>/<split>.json"}, "expected <split> once at most"),
        ({"fps": 0.0}, r"'fps' is 0\.0"),
    ],
)
def test_values_that_no_one_understands_are_refused(tmp_path: Path, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        COCO(root=tmp_path, **parameters)
