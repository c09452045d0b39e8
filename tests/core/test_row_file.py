"""Files of rows: what stands in them, and what is left of them when a run is killed."""

from __future__ import annotations

import errno
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tracknet_core import row_file
from tracknet_core.contracts import ClipFacts, TrackedFrame, TrackPoint
from tracknet_core.errors import DataError
from tracknet_core.files import part_of
from tracknet_core.row_file import RowFile, RowWriter
from tracknet_core.video import ImageFrames
from tracknet_plugins.writers import csv
from tracknet_plugins.writers.jsonl import JSONLines

SOURCE = ImageFrames([Path("0.png")], fps=30)
CLIP = ClipFacts("rally", Path("rally"), SOURCE)
ROWS, LINES = csv.CSV(clip=CLIP), JSONLines(clip=CLIP)

RUN = {"tracker": "kalman", "step": "1"}

FRAMES = [
    TrackedFrame(0, 0.0, (TrackPoint.at((0.0, 0.0), 0.5),)),
    TrackedFrame(1, 1 / 30, ()),
    TrackedFrame(
        3, 0.1, (TrackPoint.at((12.34567, 7.0), 0.98765432, "predicted"), TrackPoint.at((1.5, 2.0), 31.5, track=2))
    ),
]

CSV = """\
Frame,Visibility,X,Y,Confidence,Time,Origin,Track
0,1,0.000,0.000,0.500000,0.000000,detected,0
1,0,0,0,0,0.033333,,
3,1,12.346,7.000,0.987654,0.100000,predicted,0
3,1,1.500,2.000,31.500000,0.100000,detected,2
"""

JSON = (
    '{"frame": 0, "time": 0.0, "balls": '
    '[{"x": 0.0, "y": 0.0, "confidence": 0.5, "origin": "detected", "track": 0}]}\n'
    '{"frame": 1, "time": 0.033333, "balls": []}\n'
    '{"frame": 3, "time": 0.1, "balls": '
    '[{"x": 12.346, "y": 7.0, "confidence": 0.987654, "origin": "predicted", "track": 0}, '
    '{"x": 1.5, "y": 2.0, "confidence": 31.5, "origin": "detected", "track": 2}]}\n'
)

STREAKS = [
    TrackedFrame(0, 0.0, (TrackPoint(((10.0, 20.0), (16.0, 12.0)), 0.5), TrackPoint.at((1.0, 2.0), 0.25, track=1))),
    TrackedFrame(1, 1 / 30, ()),
    TrackedFrame(2, 2 / 30, (TrackPoint(((30.0004, 5.0), (20.0, 5.0)), 0.75, "predicted"),)),
]

STREAK_CSV = """\
Frame,Visibility,X,Y,Confidence,Time,Origin,Track,Length,Angle
0,1,13.000,16.000,0.500000,0.000000,detected,0,10.000,126.870
0,1,1.000,2.000,0.250000,0.000000,detected,1,0.000,0.000
1,0,0,0,0,0.033333,,,,
2,1,25.000,5.000,0.750000,0.066667,predicted,0,10.000,0.000
"""

STREAK_JSON = (
    '{"frame": 0, "time": 0.0, "balls": [{"x": 13.0, "y": 16.0, "confidence": 0.5, "origin": "detected", "track": 0, '
    '"points": [[10.0, 20.0], [16.0, 12.0]]}, '
    '{"x": 1.0, "y": 2.0, "confidence": 0.25, "origin": "detected", "track": 1}]}\n'
    '{"frame": 1, "time": 0.033333, "balls": []}\n'
    '{"frame": 2, "time": 0.066667, "balls": [{"x": 25.0, "y": 5.0, "confidence": 0.75, "origin": "predicted", '
    '"track": 0, "points": [[30.0, 5.0], [20.0, 5.0]]}]}\n'
)

FORMS = [(ROWS, CSV), (LINES, JSON)]
STREAK_FORMS = [
    (csv.CSV(clip=replace(CLIP, points=2)), STREAK_CSV),
    (JSONLines(clip=replace(CLIP, points=2)), STREAK_JSON),
]


def begin(path: Path, text: str) -> None:
    """Leave what an interrupted run leaves."""
    part_of(path).write_text(text)
    path.with_name(f"{path.name}.run").write_text(json.dumps(RUN))


@pytest.mark.parametrize(("rows", "text"), FORMS)
def test_a_finished_file_holds_every_frame(tmp_path: Path, rows: RowWriter, text: str) -> None:
    path = tmp_path / "new" / f"rally{rows.suffix}"
    with RowFile(path, rows, RUN) as file:
        for frame in FRAMES:
            file.write(frame)
        assert not path.exists()
    assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("rows", "text"), FORMS)
def test_rows_come_back_as_they_were_written(rows: RowWriter, text: str) -> None:
    lines = text.removeprefix(rows.header).splitlines(keepends=True)
    frames = list(rows.decode(lines))
    assert [frame.number for frame in frames] == [0, 1, 3]
    assert [len(frame.balls) for frame in frames] == [1, 0, 2]
    assert "".join(map(rows.encode, frames)) == "".join(lines)


@pytest.mark.parametrize(("rows", "text"), FORMS)
@pytest.mark.parametrize("torn", ["", "3", "4,1,5.0"])
def test_a_run_goes_on_after_the_last_frame_that_is_surely_whole(
    tmp_path: Path, rows: RowWriter, text: str, torn: str
) -> None:
    path = tmp_path / "rally"
    begin(path, text + torn)
    with RowFile(path, rows, RUN, resume=True) as file:
        assert file.earlier == [0, 1]
        assert "".join(map(rows.encode, file.read_earlier())) == part_of(path).read_text().removeprefix(rows.header)
        file.write(FRAMES[2])
    assert path.read_text() == text


@pytest.mark.parametrize("left", ["", "Frame,Vis", "Frame,Visibility,X,Y,Confidence,Time,Origin,Track\n"])
def test_a_file_that_was_just_begun_begins_again(tmp_path: Path, left: str) -> None:
    path = tmp_path / "rally.csv"
    begin(path, left)
    with RowFile(path, ROWS, RUN, resume=True) as file:
        assert file.earlier == []
        for frame in FRAMES:
            file.write(frame)
    assert path.read_text() == CSV


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        (ROWS, "Frame,Visibility,X,Y,Confidence,Time\n0,1,1.000,2.000,0.5,0.0\n"),
        (LINES, CSV),
        (ROWS, "a\nb\n"),
    ],
)
def test_rows_of_another_form_are_left_alone(tmp_path: Path, rows: RowWriter, left: str) -> None:
    path = tmp_path / "rally"
    begin(path, left)
    with pytest.raises(DataError, match=r"rally\.part: cannot go on with these rows"):
        RowFile(path, rows, RUN, resume=True)
    assert part_of(path).read_text() == left


def test_a_header_of_another_form_counts_without_rows_too(tmp_path: Path) -> None:
    path = tmp_path / "rally.csv"
    begin(path, "Frame,Visibility,X,Y,Confidence,Time\n")
    with pytest.raises(DataError, match="its first line is"):
        RowFile(path, ROWS, RUN, resume=True)


@pytest.mark.parametrize("left", [CSV, ROWS.header])
@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('{"tracker": "wasb", "step": "1"}', "another run began them: tracker wasb, now kalman"),
        (None, "another run began them: tracker unknown, now kalman; step unknown, now 1"),
        ('{"tracker": "kal', "cannot go on with these rows"),
        ("[]", r"rally\.csv\.run does not say what run it is of"),
        (200_000 * "[", "cannot go on with these rows"),
    ],
)
def test_rows_of_another_run_are_left_alone(tmp_path: Path, left: str, record: str | None, message: str) -> None:
    path = tmp_path / "rally.csv"
    part_of(path).write_text(left)
    if record is not None:
        path.with_name("rally.csv.run").write_text(record)
    with pytest.raises(DataError, match=message):
        RowFile(path, ROWS, RUN, resume=True)
    assert part_of(path).read_text() == left


@pytest.mark.parametrize("name", ["rally.csv.part", "rally.csv.run"])
@pytest.mark.parametrize("resume", [True, False])
def test_links_are_not_followed(tmp_path: Path, name: str, resume: bool) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    (tmp_path / name).symlink_to(precious)
    with pytest.raises(DataError, match=f"{name}: a link, which would write to another file"):
        RowFile(tmp_path / "rally.csv", ROWS, RUN, resume=resume)
    assert precious.read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"rally\.csv: cannot be written \(.*\)\. Give another --output"):
        RowFile(tmp_path / "file" / "rally.csv", ROWS, RUN)


def test_an_error_before_the_first_row_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError), RowFile(tmp_path / "rally.csv", ROWS, RUN):
        raise DataError("no frame can be decoded")
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_the_part_with_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "rally.csv"
    file = RowFile(path, ROWS, RUN)
    file.write(FRAMES[0])
    file.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert part_of(path).read_text() == "".join(CSV.splitlines(keepends=True)[:2])
    assert not path.exists()


def test_a_disk_that_is_full_at_the_end_is_one_message_and_the_part_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(row_file, "complete", full)
    path = tmp_path / "rally.csv"
    message = re.escape(f"--output {path}: cannot be written (No space left on device).")
    with pytest.raises(DataError, match=message), RowFile(path, ROWS, RUN) as file:
        file.write(FRAMES[0])
    assert part_of(path).is_file()


def test_live_rows_are_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "rally.csv"
    with RowFile(path, ROWS, RUN, live=True) as file:
        for count, frame in enumerate(FRAMES[:2], 2):
            file.write(frame)
            assert part_of(path).read_text().count("\n") == count


def test_the_first_rows_are_there_at_once_and_others_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    path = tmp_path / "rally.csv"
    with RowFile(path, ROWS, RUN) as file:
        file.write(FRAMES[0])
        assert part_of(path).read_text().count("\n") == 2
        clock[0] += 0.5
        file.write(FRAMES[1])
        assert part_of(path).read_text().count("\n") == 2
        clock[0] += 0.5
        file.write(FRAMES[2])
        assert part_of(path).read_text().count("\n") == 3 + ROWS.encode(FRAMES[2]).count("\n")


# -------------------------------------------------------------------------------------------- streaks


@pytest.mark.parametrize(("form", "text"), STREAK_FORMS)
def test_streaks_have_a_length_and_an_angle_or_their_ends(form: RowWriter, text: str) -> None:
    assert form.header + "".join(map(form.encode, STREAKS)) == text


@pytest.mark.parametrize(("form", "text"), STREAK_FORMS)
def test_streaks_come_back_as_they_were_written(form: RowWriter, text: str) -> None:
    lines = text.removeprefix(form.header).splitlines(keepends=True)
    frames = list(form.decode(lines))
    assert "".join(map(form.encode, frames)) == "".join(lines)
    ends = sorted(frames[0].balls[0].points)
    assert ends[0] == (pytest.approx(10, abs=1e-3), pytest.approx(20, abs=1e-3))
    assert ends[1] == (pytest.approx(16, abs=1e-3), pytest.approx(12, abs=1e-3))


def test_an_angle_is_below_180_degrees_whichever_end_comes_first() -> None:
    form = STREAK_FORMS[0][0]

    def angle(dx: float, dy: float) -> str:
        ball = TrackPoint(((50.0, 50.0), (50.0 + dx, 50.0 + dy)), 0.5)
        return form.encode(TrackedFrame(0, 0.0, (ball,))).rstrip().rsplit(",", 1)[1]

    assert [angle(5, 5), angle(-5, -5)] == ["45.000", "45.000"]
    assert [angle(5, -5), angle(-5, 5)] == ["135.000", "135.000"]
    assert [angle(0, 5), angle(0, -5)] == ["90.000", "90.000"]
    assert [angle(5, 0), angle(-5, 0), angle(5, -1e-6)] == ["0.000", "0.000", "0.000"]
    assert angle(1e-4, 1e-4) == "0.000"  # no length, no direction
