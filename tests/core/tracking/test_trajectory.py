"""Rows of balls as arrays, and what is made of them."""

from __future__ import annotations

import base64
import io
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tracknet_core import Trajectory
from tracknet_core.contracts import ClipFacts, TimedFrame, TrackedFrame, TrackPoint
from tracknet_core.errors import DataError
from tracknet_core.video import ArrayFrames, PassingFrames, VideoFrames
from tracknet_plugins.writers.csv import CSV

PICTURES = np.zeros((5, 48, 64, 3), np.uint8)
SOURCE = ArrayFrames(PICTURES, fps=10)

PLAIN = (
    TrackedFrame(0, 0.0, (TrackPoint.at((10.0, 20.0), 0.9),)),
    TrackedFrame(1, 0.1),
    TrackedFrame(3, 0.3, (TrackPoint.at((1 / 3, 0.1), 0.25, "filled", 1), TrackPoint.at((30.0, 40.0), 0.5))),
    TrackedFrame(4, 0.4, (TrackPoint.at((0.0, 0.0), 0.125),)),
)
STREAKS = (
    TrackedFrame(0, 0.0, (TrackPoint(((10.0, 20.0), (13.0, 24.0)), 0.9),)),
    TrackedFrame(1, 0.1),
    TrackedFrame(2, 0.2, (TrackPoint.at((5.0, 6.0), 0.5, "predicted"),)),
)


def plain(**options: Any) -> Trajectory:
    return Trajectory("rally", SOURCE, PLAIN, **options)


def test_a_row_is_a_ball_or_a_frame_without() -> None:
    found = plain()
    assert len(found) == 5
    assert found.frame.tolist() == [0, 1, 3, 3, 4]
    assert found.time.tolist() == [0.0, 0.1, 0.3, 0.3, 0.4]
    assert found.found.tolist() == [True, False, True, True, True]
    np.testing.assert_array_equal(found.x, [10, np.nan, 1 / 3, 30, 0])
    np.testing.assert_array_equal(found.y, [20, np.nan, 0.1, 40, 0])
    np.testing.assert_array_equal(found.score, [0.9, np.nan, 0.25, 0.5, 0.125])
    assert found.origin.tolist() == ["detected", "", "filled", "detected", "detected"]
    assert found.track.tolist() == [0, -1, 1, 0, 0]
    assert list(found.columns()) == ["frame", "time", "found", "x", "y", "score", "origin", "track"]
    assert repr(found) == "<Trajectory rally: 4 frames, 3 with a ball; 64x48, 10 frames/s>"


def test_frames_come_back_as_they_were() -> None:
    assert tuple(plain().frames()) == PLAIN


def test_streaks_have_length_and_angle() -> None:
    found = Trajectory("rally", SOURCE, STREAKS, points=2)
    np.testing.assert_array_equal(found.x, [11.5, np.nan, 5])
    np.testing.assert_array_equal(found.length, [5, np.nan, 0])
    np.testing.assert_allclose(found.angle, [53.130, np.nan, 0])
    assert list(found.columns())[-2:] == ["length", "angle"]


@pytest.mark.parametrize(("frames", "points"), [(PLAIN, 1), (STREAKS, 2)])
def test_the_table_is_what_the_writer_makes_of_the_frames(
    frames: tuple[TrackedFrame, ...], points: int, tmp_path: Path
) -> None:
    writer = CSV(clip=ClipFacts("rally", tmp_path / "rally", SOURCE, points))
    expected = writer.header + "".join(map(writer.encode, frames))
    found = Trajectory("rally", SOURCE, frames, points=points)
    assert found.to_csv(str(tmp_path / "table.txt")).read_text() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["table.txt"]


def test_nothing_is_overwritten_unless_somebody_says_so(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("mine")
    with pytest.raises(DataError, match="there is a file already"):
        plain().to_csv(path)
    assert path.read_text() == "mine"
    plain().to_csv(path, overwrite=True)
    assert path.read_text().startswith("Frame,Visibility,X,Y")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_no_folder_is_told(tmp_path: Path) -> None:
    for overwrite in (False, True):
        with pytest.raises(DataError, match=r"nowhere/table\.csv"):
            plain().to_csv(tmp_path / "nowhere" / "table.csv", overwrite=overwrite)


def test_without_pandas_a_table_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        plain().to_dataframe()


def test_a_data_frame_has_the_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = ModuleType("pandas")
    pandas.DataFrame = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    table = plain().to_dataframe()
    assert list(table) == list(plain().columns())
    assert table["frame"].tolist() == [0, 1, 3, 3, 4]


def test_an_overlay_shows_the_ball(tmp_path: Path) -> None:
    path = plain().overlay(tmp_path / "seen.mp4")
    assert path == tmp_path / "seen.mp4"
    assert [picture.max() > 100 for picture in VideoFrames(path).read([0, 2])] == [True, True]  # cross, trail and text


def test_frames_that_came_once_have_to_be_given_again(tmp_path: Path) -> None:
    source = PassingFrames(iter(PICTURES), fps=10)
    found = Trajectory("rally", source, PLAIN)
    with pytest.raises(DataError, match="came once"):
        found.overlay(tmp_path / "seen.mp4")
    assert found.overlay(tmp_path / "seen.mp4", video=PICTURES).is_file()


def test_places_are_not_drawn_on_a_video_of_another_size(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="64x48 pixels were tracked, and this video has 128x96"):
        plain().overlay(tmp_path / "seen.mp4", video=np.zeros((5, 96, 128, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def shown(found: Trajectory) -> tuple[ElementTree.Element, str]:
    html = found._repr_html_()
    return ElementTree.fromstring(html), html


def test_a_notebook_shows_pictures_with_the_ball_and_its_way() -> None:
    black = np.zeros((180, 240, 3), np.uint8)
    pictures = [TimedFrame(number, number / 10, black) for number in (0, 1, 4)]
    page, html = shown(plain(pictures=pictures))

    images = list(page.iter("img"))
    assert [image.get("alt") for image in images] == ["frame 0, 0.00 s", "frame 4, 0.40 s"]  # of frame 1 has none
    for image in images:
        data = base64.b64decode((image.get("src") or "").removeprefix("data:image/jpeg;base64,"))
        assert np.asarray(Image.open(io.BytesIO(data))).max() > 100
    (chart,) = page.iter("svg")
    lines = [path.get("d") or "" for path in chart.iter("path")]
    # Two tracks in each of two panels; of the first, frames 0 | 3, 4: a dot, and a line after the gap.
    assert len(lines) == 4
    assert [line.count("M") for line in lines] == [2, 1, 2, 1]
    assert len(list(chart.iter("circle"))) == 2  # the ball that was filled in, in both panels
    assert not re.search(r"https?://(?!www\.w3\.org)|<script", html)


def test_a_notebook_shows_a_clip_without_a_ball() -> None:
    found = Trajectory("<rally>", SOURCE, [TrackedFrame(0, 0.0), TrackedFrame(1, 0.1)], pictures=[])
    page, html = shown(found)
    assert "&lt;rally&gt;" in html
    assert not list(page.iter("svg"))


def test_a_long_clip_has_a_small_chart() -> None:
    frames = [TrackedFrame(n, n / 10, (TrackPoint.at((n % 60, n % 40), 0.5),)) for n in range(20_000)]
    assert len(Trajectory("rally", SOURCE, frames)._repr_html_()) < 100_000
