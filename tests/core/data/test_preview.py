"""Labels drawn on frames."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tracknet_core.contracts import Clip, Labels, plain_labels
from tracknet_core.data.preview import contact_sheet, overlay_frames, write_preview
from tracknet_core.drawing import HIDDEN, TRUTH
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.video import VideoFrames

MakeClip = Callable[..., Clip]


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return the (row, column) of pixels of about a colour."""
    return np.argwhere(np.abs(picture.astype(int) - colour).max(axis=2) < 12)


def test_the_ring_is_around_the_ball_and_leaves_it_alone(clip: MakeClip) -> None:
    film = clip("match1/a", 4)
    (original,) = film.frames.read([0])
    first = next(overlay_frames(film))
    rows, columns = near(first[:96], TRUTH).T
    assert np.hypot(rows - 48, columns - 10).min() > 6
    assert (rows.min() + rows.max()) / 2 == pytest.approx(48, abs=1)
    np.testing.assert_array_equal(first[45:52, 7:14], original[45:52, 7:14])


def test_every_frame_has_a_bar_of_text_under_it_and_all_are_of_one_size(clip: MakeClip) -> None:
    frames = list(overlay_frames(clip("match1/a", 4)))
    assert len({frame.shape for frame in frames}) == 1
    assert frames[0].shape[0] > 96
    assert (frames[0][96:] != frames[1][96:]).any()


def test_a_hidden_ball_has_a_ring_of_another_colour(clip: MakeClip) -> None:
    film = clip("match1/a", 4)
    hidden = next(overlay_frames(film.replace(labels=plain_labels(film.xy, np.array([3, 1, 1, 0])))))
    assert len(near(hidden, HIDDEN))
    assert not len(near(hidden, TRUTH))


def test_the_ring_of_a_streak_is_as_long_as_the_streak(clip: MakeClip) -> None:
    film = clip("match1/a", 1)
    ends = np.float32([[(40, 48), (80, 48)]])
    (drawn,) = overlay_frames(film.replace(labels=Labels(ends, np.ones(1, np.int64), np.zeros(1, np.float32))))
    columns = near(drawn[:96], TRUTH)[:, 1]
    radius = (columns.max() - columns.min() - 40) / 2
    assert 6 < radius < 12
    assert (columns.min() + columns.max()) / 2 == pytest.approx(60, abs=1)


def test_the_trail_of_a_slow_ball_does_not_cover_it(clip: MakeClip) -> None:
    film = clip("match1/a", 4)
    slow = film.replace(
        labels=plain_labels(np.array([(10 + i, 48) for i in range(4)], np.float32), np.ones(4, np.int64))
    )
    *_, last = overlay_frames(slow)
    (original,) = film.frames.read([3])
    np.testing.assert_array_equal(last[44:53, 9:18], original[44:53, 9:18])


def test_a_trail_shows_where_the_ball_was(clip: MakeClip) -> None:
    film = clip("match1/a", 8)
    *_, last = overlay_frames(film)  # no ball in the last frame
    (original,) = film.frames.read([7])
    changed = np.argwhere((last[:96] != original).any(axis=2))
    assert len(changed)
    assert set(changed[:, 0]) <= set(range(44, 53))
    assert changed[:, 1].max() <= 10 + 5 * 6 + 5


def test_a_sheet_has_as_many_frames_as_asked_for(clip: MakeClip) -> None:
    films = [clip(f"match1/{i}", 6) for i in range(3)]
    sizes = {count: contact_sheet([(films, i) for i in range(3)], count).shape for count in (1, 2, 5, 6)}
    assert sizes[2][0] == sizes[1][0]
    assert sizes[5] == sizes[6]
    assert (sizes[6][0] - 8) == 3 * (sizes[2][0] - 8)


def test_a_ball_in_the_corner_fits_the_cutout(clip: MakeClip) -> None:
    film = clip("a", 2).replace(
        labels=plain_labels(np.array([(-0.5, -0.5), (127.5, 95.5)], np.float32), np.array([1, 1]))
    )
    assert contact_sheet([([film], 0)], 2).shape[2] == 3


def test_only_clips_that_are_drawn_are_read(clip: MakeClip, tmp_path: Path) -> None:
    films = [
        clip("match1/a", 5),
        clip("match2/b", 5),
        clip("match2/c", 5).replace(frames=VideoFrames(tmp_path / "no.mp4")),
    ]
    files = write_preview({"train": films}, tmp_path / "out", count=4, pattern="match?/[ab]")
    assert [file.name for file in files] == ["contact_sheet.png", "match1_a.mp4", "match2_b.mp4"]
    assert len(VideoFrames(files[1])) == 5
    with Image.open(files[0]) as sheet:
        assert sheet.size[0] > 500


def test_without_a_pattern_the_first_clip_has_a_video(clip: MakeClip, tmp_path: Path) -> None:
    files = write_preview({"train": [clip("a", 3)], "val": [clip("b", 3)]}, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(file.name for file in files)
    assert [file.name for file in files] == ["contact_sheet.png", "a.mp4"]


def test_clips_of_one_name_have_a_video_each(clip: MakeClip, tmp_path: Path) -> None:
    files = write_preview({"train": [clip("a/b_c", 3)], "val": [clip("a_b/c", 4)]}, tmp_path / "out", pattern="*")
    assert [file.name for file in files] == ["contact_sheet.png", "a_b_c.mp4", "2_a_b_c.mp4"]
    assert [len(VideoFrames(file)) for file in files[1:]] == [3, 4]


def test_names_of_videos_are_names_of_files_and_all_differ(clip: MakeClip, tmp_path: Path) -> None:
    long = f"{'x' * 200}/{'é' * 100}"
    clips = [clip("3_a", 3), clip("a", 3), clip("A", 3), clip(long, 3)]
    files = write_preview({"train": clips}, tmp_path / "out", pattern="*")
    assert [file.name for file in files[1:]] == ["3_a.mp4", "a.mp4", "2_A.mp4", f"{'é' * 100}.mp4"]
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize("name", ["../a", "a/..", "/a", "a\0b", "a\ud800", "x" * 300])
def test_a_name_that_leads_elsewhere_is_told(clip: MakeClip, tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"the clip name .* Rename the clip"):
        write_preview({"train": [clip(name, 3)]}, tmp_path / "out", pattern="*")
    assert not list(tmp_path.iterdir())


def test_a_pattern_that_matches_nothing_is_told(clip: MakeClip, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--clip x\*: matches none of the 1 clips, such as a"):
        write_preview({"train": [clip("a", 3)]}, tmp_path / "out", pattern="x*")
    assert not (tmp_path / "out").exists()


def test_clips_without_a_ball_are_told(clip: MakeClip, tmp_path: Path) -> None:
    bare = clip("a", 3).replace(labels=plain_labels(np.full((3, 2), np.nan, np.float32), np.zeros(3, np.int64)))
    with pytest.raises(DataError, match="no ball is labelled"):
        write_preview({"train": [bare]}, tmp_path / "out")
    assert not list(tmp_path.iterdir())
