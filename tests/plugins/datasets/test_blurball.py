"""The BlurBall reader on small trees written here."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import FrameSource
from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.registry import datasets
from tracknet_core.testing import check_constructor, check_dataset
from tracknet_core.video import write_video
from tracknet_plugins.datasets.blurball import BlurBall

HEADER = "Frame,Visibility,X,Y,l,theta\n"
ROWS = "0,1,30.5,20,4,45\n1,0,0,0,0,0\n2,1,32,22,0,nan\n"
NAN = np.nan


@pytest.fixture
def write_rally(tmp_path: Path) -> Callable[..., None]:
    """Write a rally of 64x36 pictures, picture n of grey level 20 n, and its label file, into files below tmp_path."""

    def write(
        match: str = "00",
        rally: str = "001",
        rows: str | None = ROWS,
        *,
        folder: str | None = "rallies_videos",
        images: int = 0,
        labels: str | None = None,
        header: str = HEADER,
    ) -> None:
        pictures = [np.full((36, 64, 3), 20 * number, np.uint8) for number in range(3)]
        if folder:
            (tmp_path / match / folder).mkdir(parents=True, exist_ok=True)
            write_video(tmp_path / match / folder / f"{rally}.mp4", pictures, fps=60)
        for number in range(images):
            image = tmp_path / match / "frames" / rally / f"{number:05d}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pictures[number]).save(image)
        if rows is not None:
            path = tmp_path / (labels or f"{match}/csv/{rally}.csv")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(header + rows)

    return write


def test_blurball_is_registered_by_name_and_keeps_the_contract(
    tmp_path: Path, write_rally: Callable[..., None]
) -> None:
    assert datasets.get("blurball") is BlurBall
    check_constructor("datasets", BlurBall)
    write_rally()
    check_dataset(BlurBall(root=tmp_path), "train")


def test_a_rally_has_the_centres_of_its_streaks_and_its_video(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally()
    (clip,) = BlurBall(root=tmp_path).clips("train")
    assert isinstance(clip.frames, FrameSource)
    assert (clip.name, len(clip), clip.frames.size, clip.frames.fps) == ("00/001", 3, (64, 36), 60.0)
    np.testing.assert_array_equal(clip.visibility, [1, 0, 1])
    np.testing.assert_array_equal(clip.xy, [[30.5, 20], [NAN, NAN], [32, 22]])


def test_the_ends_of_a_streak_lie_half_its_length_to_both_sides(
    tmp_path: Path, write_rally: Callable[..., None]
) -> None:
    write_rally(rows="0,1,30,20,5,126.86989764584402\n1,0,0,0,0,0\n2,1,32,22,0,nan\n")
    dataset = BlurBall(root=tmp_path, streaks=True)
    check_dataset(dataset, "train")
    (clip,) = dataset.clips("train")
    # cos and sin of that angle are -0.6 and 0.8: 3, 4, 5.
    np.testing.assert_allclose(clip.labels.points[0], [[33, 16], [27, 24]], rtol=1e-6)
    np.testing.assert_array_equal(clip.labels.points[1], np.full((2, 2), np.nan))
    np.testing.assert_array_equal(clip.labels.points[2], [[32, 22], [32, 22]])
    np.testing.assert_allclose(clip.xy[0], [30, 20], rtol=1e-6)


@pytest.mark.parametrize("cells", ["-4,45", "inf,45", "1e30,45", "4,nan", "4,"])
def test_a_streak_that_has_no_ends_is_named_with_its_line(
    cells: str, tmp_path: Path, write_rally: Callable[..., None]
) -> None:
    write_rally(rows=f"0,1,30,20,{cells}\n")
    with pytest.raises(DataError, match=r"001\.csv:2: l is .* and theta .*; expected half the length"):
        _ = BlurBall(root=tmp_path, streaks=True).clips("train")[0]


def test_streaks_need_their_columns(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally(rows="0,1,30,20\n", header="Frame,Visibility,X,Y\n")
    assert len(BlurBall(root=tmp_path).clips("train")[0]) == 3
    with pytest.raises(DataError, match=r"the header lacks 'l', 'theta'"):
        _ = BlurBall(root=tmp_path, streaks=True).clips("train")[0]


def test_columns_in_another_order_and_missing_rows_do_no_harm(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally(rows="2,1,30,20,45,4\n0,1,31,21,45,4\n", header="Frame,Visibility,X,Y,theta,l\n")
    (clip,) = BlurBall(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [1, -1, 1])
    np.testing.assert_array_equal(clip.xy, [[31, 21], [NAN, NAN], [30, 20]])


def test_the_archive_is_read_as_it_comes(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally("03", "002", folder="videos_rallies", labels="all_csv_annotations/03_csv_002.csv")
    (clip,) = BlurBall(root=tmp_path).clips("train")
    assert clip.name == "03/002"
    np.testing.assert_array_equal(clip.visibility, [1, 0, 1])


def test_the_root_may_be_the_folder_above_matches(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally("matches/00")
    assert [clip.name for clip in BlurBall(root=tmp_path).clips("train")] == ["00/001"]


def test_images_are_numbered_as_the_labels_are(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally(folder=None, images=3)
    (clip,) = BlurBall(root=tmp_path, frames="images", fps=50).clips("train")
    assert (len(clip.frames), clip.frames.fps) == (3, 50.0)
    assert [round(float(frame.mean())) for frame in clip.frames.read([0, 2])] == [0, 40]


def test_images_with_a_gap_are_refused(tmp_path: Path, write_rally: Callable[..., None]) -> None:
    write_rally(folder=None, images=3)
    (tmp_path / "00/frames/001/00000.png").unlink()  # then 00001.png would pass for frame 0
    with pytest.raises(DataError, match=r"00001\.png: expected the image of frame 0 here"):
        BlurBall(root=tmp_path, frames="images").clips("train")[0]


def test_splits_go_by_match_and_the_published_one_is_known_by_name(
    tmp_path: Path, write_rally: Callable[..., None]
) -> None:
    matches = [f"{number:02d}" for number in range(26)]
    for match in matches:
        write_rally(match, folder=None)
    dataset = BlurBall(root=tmp_path)
    found = {split: [name[:2] for name in dataset.clips(split).names] for split in dataset.splits}
    assert found == {"train": matches[:20], "val": ["20", "21"], "test": matches[22:]}
    published = BlurBall.published_splits["blurball"]
    assert isinstance(published, dict)
    chosen = {s: [m for m in matches if any(fnmatchcase(f"{m}/001", p) for p in published[s])] for s in published}
    assert chosen == {"train": [*matches[:14], *matches[15:22]], "test": matches[22:]}


def test_rallies_come_in_natural_order_and_a_lonely_one_is_an_error_of_its_own(
    tmp_path: Path, write_rally: Callable[..., None]
) -> None:
    write_rally(rally="10")
    write_rally(rally="9", rows=None)
    write_rally(rally="2", folder=None)
    clips = BlurBall(root=tmp_path).clips("train")
    assert clips.names == ("00/2", "00/9", "00/10")
    with pytest.raises(DataError, match=r"rallies_videos/2\.mp4: there is no such video, nor .*videos_rallies/2\.mp4"):
        clips[0]
    with pytest.raises(DataError, match=r"csv/9\.csv: there is no such label file, nor .*00_csv_9\.csv"):
        clips[1]
    assert clips[2].name == "00/10"


def test_rows_that_cannot_be_used_are_unlabelled_with_a_warning(
    tmp_path: Path, write_rally: Callable[..., None]
) -> None:
    write_rally(rows="0,1,nan,nan,0,0\n1,1,,,0,0\n2,1,700,20,0,0\n")
    with pytest.warns(LabelWarning, match=r"001\.csv: .*outside the 64x36 image: 3 \(line 2, 3, 4\)"):
        (clip,) = BlurBall(root=tmp_path).clips("train")
    np.testing.assert_array_equal(clip.visibility, [-1, -1, -1])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("3,1,1,2,0,0\n", r"001\.csv:2: a label for frame 3, but .*001\.mp4 has 3 frames"),
        ("0,2,1,2,0,0\n", r"001\.csv:2: Visibility is 2; expected one of 0, 1"),
    ],
)
def test_a_row_that_contradicts_is_named_with_its_line(
    tmp_path: Path, write_rally: Callable[..., None], rows: str, message: str
) -> None:
    write_rally(rows=rows)
    with pytest.raises(DataError, match=message):
        BlurBall(root=tmp_path).clips("train")[0]


def test_a_wrong_root_match_or_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no match 00, 01, … here\. Set data\.root"):
        BlurBall(root=tmp_path)
    (tmp_path / "00").mkdir()
    with pytest.raises(DataError, match=r"00: there are no rallies in this match"):
        BlurBall(root=tmp_path).clips("train")
    with pytest.raises(DataError, match="no match of the split 'val', only of train"):
        BlurBall(root=tmp_path).clips("val")


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'fps' is 0; expected"):
        BlurBall(root=tmp_path, fps=0)
    with pytest.raises(ValueError, match="'frames' is 'pictures'; expected"):
        BlurBall(root=tmp_path, frames="pictures")  # type: ignore[arg-type]
