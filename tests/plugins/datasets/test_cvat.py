"""The reader of CVAT's exports on small trees written here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.testing import check_dataset
from tracknet_core.video import write_video
from tracknet_plugins.datasets.cvat import CVAT

NAN = np.nan


def point(frame: int, place: str, occluded: int = 0, outside: int = 0) -> str:
    return f'<points frame="{frame}" keyframe="0" outside="{outside}" occluded="{occluded}" points="{place}"/>\n'


def box(frame: int, corners: tuple[float, float, float, float], outside: int = 0) -> str:
    left, top, right, bottom = corners
    place = f'xtl="{left}" ytl="{top}" xbr="{right}" ybr="{bottom}"'
    return f'<box frame="{frame}" keyframe="1" outside="{outside}" occluded="0" {place} z_order="0"/>\n'


def track(*shapes: str, label: str = "ball") -> str:
    return f'<track id="0" label="{label}" source="manual">\n{"".join(shapes)}</track>\n'


def image(name: str, *shapes: str, number: int = 0, size: tuple[int, int] = (64, 36)) -> str:
    body = "".join(shapes)
    return f'<image id="{number}" name="{name}" width="{size[0]}" height="{size[1]}">\n{body}</image>\n'


def mark(place: str, occluded: int = 0, label: str = "ball") -> str:
    return f'<points label="{label}" occluded="{occluded}" points="{place}" z_order="0"></points>\n'


def document(*body: str, meta: str = "", size: tuple[int, int] = (64, 36)) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><task>'
        "<labels><label><name>ball</name></label><label><name>player</name></label></labels>"
        f"{meta}<original_size><width>{size[0]}</width><height>{size[1]}</height></original_size></task></meta>\n"
        f"{''.join(body)}</annotations>\n"
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write labels below the root and 64x36 pictures, picture n of grey level 20 n."""

    def write(labels: str, text: str | None = None, *, video: tuple[str, int] | None = None, images: str = "") -> Path:
        path = tmp_path / labels
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_text(text)
        if video:
            target = tmp_path / video[0]
            target.parent.mkdir(parents=True, exist_ok=True)
            write_video(target, [np.full((36, 64, 3), 20 * number, np.uint8) for number in range(video[1])], fps=25)
        for number, name in enumerate(images.split()):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 36), (20 * number,) * 3).save(tmp_path / name)
        return path

    return write


def test_cvat_keeps_the_contract(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("g1/r1.xml", document(track(point(0, "30.5,20.5"), point(1, "0,0", outside=1))), video=("g1/r1.mp4", 3))
    write("g1/r2/annotations.xml", document(track(point(0, "3,3"))), images="g1/r2/images/frame_000000.png")
    check_dataset(CVAT(root=tmp_path), "train")


def test_tracks_of_a_video_are_measured_from_the_centre_of_the_first_pixel(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    shapes = track(
        point(0, "30.5,20.5"),
        box(1, (28, 18, 36, 25)),
        '<ellipse frame="2" outside="0" occluded="0" cx="33" cy="23.5" rx="2" ry="2"/>\n',
        point(3, "34.5,24.5", occluded=1),
        point(4, "34.5,24.5", outside=1),
    )
    write("r1.xml", document(shapes, track(point(5, "1,1"), label="player")), video=("r1.mp4", 6))
    (clip,) = CVAT(root=tmp_path).clips("train")
    assert (clip.name, clip.frames.fps, len(clip)) == ("r1", 25, 6)
    np.testing.assert_array_equal(clip.visibility, [1, 1, 1, 3, 0, 0])
    np.testing.assert_array_equal(clip.xy, [[30, 20], [31.5, 21], [32.5, 23], [34, 24], [NAN, NAN], [NAN, NAN]])


def test_frames_that_were_not_shown_in_cvat_are_unlabelled(tmp_path: Path, write: Callable[..., Path]) -> None:
    meta = "<start_frame>1</start_frame><stop_frame>7</stop_frame><frame_filter>step=2</frame_filter>"
    shapes = track(point(3, "30.5,20.5"), point(5, "30.5,20.5", outside=1))
    write("r1.xml", document(shapes, meta=meta), video=("r1.mp4", 10))
    (clip,) = CVAT(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [-1, 0, -1, 1, -1, 0, -1, 0, -1, -1])


def test_frames_that_a_track_passes_over_are_unlabelled(tmp_path: Path, write: Callable[..., Path]) -> None:
    key_frames = track(point(1, "1,1"), point(4, "4,4"), point(5, "5,5", outside=1))
    open_end = track(point(7, "7,7"))
    write("r1.xml", document(key_frames, open_end), video=("r1.mp4", 10))
    (clip,) = CVAT(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [0, 1, -1, -1, 1, 0, 0, 1, -1, -1])


def test_tracks_that_follow_each_other_are_one_ball(tmp_path: Path, write: Callable[..., Path]) -> None:
    # CVAT exports a shape of one frame as a track, with an outside shape in the next frame, or past the end.
    tracks = [track(point(n, f"{n},9"), point(n + 1, f"{n},9", outside=1)) for n in (2, 1, 3)]
    write("r1.xml", document(*tracks), video=("r1.mp4", 4))
    (clip,) = CVAT(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [0, 1, 1, 1])
    np.testing.assert_array_equal(clip.xy[1:, 0], [0.5, 1.5, 2.5])


def test_images_exported_by_cvat_are_numbered_by_name_and_others_by_position(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    text = document(track(point(2, "2,2"), point(3, "3,3", outside=1)))
    write("a/annotations.xml", text, images="a/images/frame_000001.png a/images/frame_000002.png")
    write("b/annotations.xml", text, images="b/0007.png b/0008.png b/0009.png")
    exported, own = CVAT(root=tmp_path, fps=50).clips("train")
    assert exported.frames.fps == 50
    np.testing.assert_array_equal(exported.visibility, [0, 1])
    np.testing.assert_array_equal(own.visibility, [0, 0, 1])


def test_marks_on_images_are_found_by_the_name_of_the_image(tmp_path: Path, write: Callable[..., Path]) -> None:
    text = document(
        image("c.png", mark("30.5,20.5")),
        image("a.png", mark("9,9", label="player"), '<tag label="good"></tag>\n'),
        image("b.png", mark("31.5,21.5", occluded=1)),
    )
    write("r1/annotations.xml", text, images="r1/images/a.png r1/images/b.png r1/images/c.png r1/images/d.png")
    (clip,) = CVAT(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [0, 3, 1, -1])
    np.testing.assert_array_equal(clip.xy, [[NAN, NAN], [31, 21], [30, 20], [NAN, NAN]])


def test_images_of_one_folder_need_not_lie_where_cvat_had_them(tmp_path: Path, write: Callable[..., Path]) -> None:
    listed = [image(f"storage/set 1/{name}.png", mark(f"{x},1")) for name, x in (("b", 2), ("a", 1))]
    write("r1/annotations.xml", document(*listed), images="r1/images/a.png r1/images/b.png")
    (clip,) = CVAT(root=tmp_path).clips("train")
    assert clip.xy.tolist() == [[0.5, 0.5], [1.5, 0.5]]


def test_marks_on_images_of_a_video_are_found_by_the_number_of_the_frame(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    write("r1.xml", document(image("frame_000002.PNG", mark("3,3")), image("frame_000000")), video=("r1.mp4", 3))
    (clip,) = CVAT(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [0, -1, 1])


def test_folders_called_as_splits_are_splits(tmp_path: Path, write: Callable[..., Path]) -> None:
    text = document(track(point(0, "3,3")))
    for labels in ("train/g1/r10", "train/g1/r9", "val/g2/r1"):
        write(f"{labels}.xml", text, video=(f"{labels}.mp4", 1))
    (tmp_path / "test").mkdir()
    dataset = CVAT(root=tmp_path)
    assert {split: dataset.clips(split).names for split in dataset.splits} == {
        "train": ("train/g1/r9", "train/g1/r10"),
        "val": ("val/g2/r1",),
    }
    with pytest.raises(DataError, match=r"no split 'test' here\. The splits here: train, val"):
        dataset.clips("test")


def test_an_export_unpacked_at_the_root_is_one_clip(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("annotations.xml", document(track(point(0, "3,3"))), images="images/frame_000000.png")
    assert [clip.name for clip in CVAT(root=tmp_path).clips("train")] == [tmp_path.name]


def test_a_lonely_clip_is_an_error_of_that_clip_alone(tmp_path: Path, write: Callable[..., Path]) -> None:
    text = document(track(point(0, "3,3")))
    write("r1.xml", text, video=("r1.mp4", 1))
    write("r2.xml", text)
    write("r3.xml", video=("r3.mp4", 1))
    write("r4.xml", text, video=("r4.mp4", 1))
    write("r4/annotations.xml", text)
    clips = CVAT(root=tmp_path).clips("train")
    assert clips.names == ("r1", "r2", "r3", "r4")
    assert clips[0].name == "r1"
    with pytest.raises(DataError, match=r"r2\.xml: there are no pictures for these labels\. Add the video r2\.mp4"):
        clips[1]
    with pytest.raises(DataError, match=r"r3: expected one label file, r3\.xml or r3/annotations\.xml; found: none"):
        clips[2]
    with pytest.raises(DataError, match=r"found: r4\.xml and r4/annotations\.xml"):
        clips[3]


def test_places_outside_the_image_are_unlabelled_with_a_warning(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("r1.xml", document(track(point(0, "65,3"), point(1, "nan,3"), point(2, "64,36"))), video=("r1.mp4", 3))
    with pytest.warns(LabelWarning, match=r"r1\.xml: .* outside the 64x36 image: 2 \(line 6, 7\)"):
        (clip,) = CVAT(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [-1, -1, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            document(track(point(0, "1,1")), track(point(0, "2,2"))),
            r"r1\.xml:9: frame 0 has a label already, in line 6",
        ),
        (
            document(track(point(7, "1,1"))),
            r"r1\.xml:6: a label for frame 7, but .*r1\.mp4 has the frames 0 to 1 \(2\)",
        ),
        (document(track(point(0, "1,1;2,2"))), r"r1\.xml:6: 'ball' is marked by <points> with 2 points; expected one"),
        (document(track('<polygon frame="0" points="1,1;2,2"/>\n')), r"r1\.xml:6: 'ball' is marked by <polygon>; exp"),
        (document(track(point(0, "1"))), r"r1\.xml:6: <points> has points='1'; expected 'x,y;x,y;…'"),
        (document(track(point(0, "1,up"))), r"r1\.xml:6: <points> has 'up' in points; expected a number"),
        (document(track('<box frame="0" xtl="1"/>\n')), r"r1\.xml:6: <box> has no 'ytl'"),
        (document(track('<points points="1,1"/>\n')), r"r1\.xml:6: <points> has no 'frame'"),
        (
            document(track('<points frame="-1" points="1,1"/>\n')),
            r"r1\.xml:6: <points> has frame='-1'; expected a whole",
        ),
        (document(track('<box frame="0" outside="no"/>\n')), r"r1\.xml:6: <box> has no 'xtl'"),
        (
            document(track('<points frame="0" points="1,1" outside="no"/>\n')),
            r"<points> has outside='no'; expected 0 or",
        ),
        (document("<track/>"), r"r1\.xml:5: <track> has no 'label'"),
        (document(image("z.png", mark("1,1"))), r"r1\.xml:5: there is no image 'z\.png' in .*r1\.mp4, which has 2 fr"),
        (document(image("a/0.png"), image("b/0.png")), r"r1\.xml:5: there is no image 'a/0\.png' in .*r1\.mp4, "),
        (document(size=(128, 72)), r"r1\.xml: labelled on pictures of 128x72 pixels, but .*r1\.mp4 has 64x36"),
        (document(image("frame_000000", size=(32, 18))), r"labelled on pictures of 32x18 pixels"),
        (
            document(meta="<frame_filter>every 2</frame_filter>"),
            r"r1\.xml:4: <frame_filter> is 'every 2'; expected 'st",
        ),
        ("<annotations><meta><project/></meta></annotations>", r"r1\.xml:1: this is the export of a project"),
        ("<osm></osm>", r"r1\.xml:1: <osm> here: this is no export of CVAT 1\.1"),
        ("<annotations>" + 20 * "<a>", r"r1\.xml:1: <a> here: this is no export"),
        ("<annotations>\n<track", r"r1\.xml:2: this label file cannot be read as XML \(unclosed token\)"),
        ("", r"r1\.xml:1: this label file cannot be read as XML \(no element found\)"),
    ],
)
def test_labels_that_make_no_sense_are_named(
    tmp_path: Path, write: Callable[..., Path], text: str, message: str
) -> None:
    write("r1.xml", text, video=("r1.mp4", 2))
    with pytest.raises(DataError, match=message):
        list(CVAT(root=tmp_path).clips("train"))


def test_a_clip_may_never_show_the_ball(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("r1.xml", document(track(point(0, "1,1"), label="player")), video=("r1.mp4", 2))
    (clip,) = CVAT(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [0, 0])


def test_a_label_that_cvat_does_not_know_is_an_error_with_those_it_does(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    write("r1.xml", document(track(point(0, "1,1"), label="Shuttle")), video=("r1.mp4", 1))
    with pytest.raises(DataError, match=r"no label 'puck' here\. The labels here: Shuttle, ball, player\. Set data"):
        list(CVAT(root=tmp_path, label="puck").clips("train"))
    (clip,) = CVAT(root=tmp_path, label="Shuttle").clips("train")
    np.testing.assert_array_equal(clip.visibility, [1])


def test_an_encoding_that_nobody_knows_is_named(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("r1.xml", '<?xml version="1.0" encoding="nope"?><annotations/>', video=("r1.mp4", 1))
    with pytest.raises(DataError, match=r"r1\.xml: this label file cannot be read as XML \(unknown encoding: nope\)"):
        list(CVAT(root=tmp_path).clips("train"))


def test_a_tag_without_an_end_is_refused_early(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("r1.xml", f'<annotations a="{(3 << 20) * "x"}"/>', video=("r1.mp4", 1))
    with pytest.raises(DataError, match=r"r1\.xml:1: a tag of more than 1 MB"):
        list(CVAT(root=tmp_path).clips("train"))


def test_a_file_with_a_doctype_is_refused_before_any_entity_is_read(tmp_path: Path, write: Callable[..., Path]) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    billion = "".join(f'<!ENTITY e{n + 1} "{10 * f"&e{n};"}">' for n in range(9))
    for declaration in (f'<!ENTITY e0 "ha">{billion}', f'<!ENTITY e9 SYSTEM "{tmp_path / "secret.txt"}">'):
        text = f"<!DOCTYPE annotations [\n{declaration}]>\n<annotations><version>&e9;</version></annotations>"
        write("r1.xml", text, video=("r1.mp4", 1))
        with pytest.raises(DataError, match=r"r1\.xml:1: a DOCTYPE is not accepted in a label file"):
            list(CVAT(root=tmp_path).clips("train"))


def test_a_wrong_root_names_the_layout(tmp_path: Path, write: Callable[..., Path]) -> None:
    write("r1.xml", video=("r1.mp4", 1))
    with pytest.raises(
        DataError, match=r"there is no label file \(\*\.xml\) here\. Set data\.root to what holds game1"
    ):
        CVAT(root=tmp_path)
    with pytest.raises(DataError, match=r"data\.root: not set"):
        CVAT()


def test_values_that_no_one_understands_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'fps' is nan"):
        CVAT(root=tmp_path, fps=NAN)
    with pytest.raises(ValueError, match="'label' is blank"):
        CVAT(root=tmp_path, label=" ")
