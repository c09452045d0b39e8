"""Label files: what is understood, what is forgiven with a warning, and what is an error with its line."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tracknet_core.contracts import Visibility
from tracknet_core.errors import AbsentPlaceWarning, DataError
from tracknet_core.labels import Label, existing_root, label_frames, read_rows, read_table

EASY, HARD, ABSENT, OCCLUDED = Visibility.EASY, Visibility.HARD, Visibility.ABSENT, Visibility.OCCLUDED
UNLABELLED = Visibility.UNLABELLED
NAN = math.nan


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write a label file, byte for byte."""

    def table(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "labels.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return table


def place(*labels: Label, count: int = 4, size: tuple[int, int] = (100, 50)) -> tuple[np.ndarray, np.ndarray]:
    return label_frames(Path("a.csv"), labels, source=Path("a.mp4"), count=count, size=size)


# ------------------------------------------------------------------------------------------------ rows


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Frame,X\n0,1.5\n1,2\n", "utf-8"),
        ("Frame,X\r\n0,1.5\r\n1,2\r\n", "utf-8"),
        ("Frame,X\n0,1.5\n1,2\n", "utf-8-sig"),
        ("Frame,X\n0,1.5\n1,2\n\n  \n,,\n", "utf-8"),
        (" Frame , X \n 0 , 1.5 \n1.0,\t2\n", "utf-8"),
        ("X,note,Frame\n1.5,a,0\n2,b,1\n", "utf-8"),
        ('"Frame","X"\n"0","1.5"\n"1","2"', "utf-8"),
    ],
)
def test_rows_are_read_whatever_the_editor_made_of_the_file(
    table: Callable[..., Path], text: str, encoding: str
) -> None:
    rows = read_rows(table(text, encoding), ("Frame", "X"))
    assert [(row.line, row.integer("Frame"), row.number("X")) for row in rows] == [(2, 0, 1.5), (3, 1, 2.0)]


def test_a_blank_line_in_between_does_not_shift_line_numbers(table: Callable[..., Path]) -> None:
    rows = read_rows(table("Frame\n0\n\n1\n"), ("Frame",))
    assert [row.line for row in rows] == [2, 4]


@pytest.mark.parametrize("cell", ["", "  ", "nan", "NaN"])
def test_a_blank_or_nan_coordinate_is_nan(table: Callable[..., Path], cell: str) -> None:
    (row,) = read_rows(table(f"Frame,X\n0,{cell}\n"), ("Frame", "X"))
    assert math.isnan(row.number("X"))


def test_a_row_that_is_too_short_has_blank_cells(table: Callable[..., Path]) -> None:
    (row,) = read_rows(table("Frame,X\n0\n"), ("Frame", "X"))
    assert row.text("X") == ""
    assert math.isnan(row.number("X"))


def test_a_missing_column_is_named_with_what_there_is(table: Callable[..., Path]) -> None:
    path = table("Frame,x\n0,1\n")
    with pytest.raises(DataError) as caught:
        read_rows(path, ("Frame", "X", "Y"))
    assert str(caught.value) == (
        f"{path}: the header lacks 'X', 'Y'. Columns found: 'Frame', 'x'; expected: 'Frame', 'X', 'Y'."
    )


def test_an_empty_file_lacks_all_columns(table: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"labels\.csv: the header lacks 'Frame'"):
        read_rows(table(""), ("Frame",))


def test_a_header_without_rows_is_an_error(table: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"labels\.csv: there is no row"):
        read_rows(table("Frame\n\n"), ("Frame",))


def test_a_table_may_be_a_header_alone(table: Callable[..., Path]) -> None:
    assert read_table(table("Frame, X\n\n")) == (["Frame", "X"], [])
    assert read_table(table("")) == ([], [])


def test_a_row_that_is_cut_off_leaves_the_header_whole(table: Callable[..., Path]) -> None:
    header, [row] = read_table(table("Frame;X;Y\n0;1"), separator=";")

    assert header == ["Frame", "X", "Y"]
    assert (row.text("X"), row.text("Y")) == ("1", "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv: there is no such label file"):
        read_rows(tmp_path / "nowhere.csv", ("Frame",))


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"Frame\n\xff\xfe\x00")
    with pytest.raises(DataError, match=r"labels\.csv: this label file cannot be read as CSV"):
        read_rows(path, ("Frame",))


@pytest.mark.parametrize(
    ("cell", "message"),
    [("abc", "Frame is 'abc'; expected a number"), ("1.5", "Frame is '1.5'"), ("", "Frame is ''"), ("nan", "'nan'")],
)
def test_what_is_no_whole_number_is_named_with_its_line(table: Callable[..., Path], cell: str, message: str) -> None:
    row = read_rows(table(f"Frame,X\n0,1\n{cell},2\n"), ("Frame", "X"))[1]
    with pytest.raises(DataError, match=rf"labels\.csv:3: .*{message}"):
        row.integer("Frame")


def test_a_code_that_the_format_does_not_know_is_named_with_its_line(table: Callable[..., Path]) -> None:
    known, unknown = read_rows(table("Frame,V\n0,1\n1,7\n"), ("Frame", "V"))
    codes = {0: ABSENT, 1: EASY}
    assert known.visibility("V", codes) is EASY
    with pytest.raises(DataError, match=r"labels\.csv:3: V is 7; expected one of 0, 1"):
        unknown.visibility("V", codes)


# ---------------------------------------------------------------------------------------------- frames


def test_every_frame_gets_its_label_whatever_the_order() -> None:
    xy, visibility = place(Label(2, 3, HARD, 7, 8), Label(3, 0, EASY, 1, 2), Label(4, 1, ABSENT, 0, 0))
    np.testing.assert_array_equal(visibility, [EASY, ABSENT, UNLABELLED, HARD])
    np.testing.assert_array_equal(xy, [[1, 2], [NAN, NAN], [NAN, NAN], [7, 8]])
    assert (xy.dtype, visibility.dtype) == (np.float32, np.int64)


def test_an_occluded_ball_needs_no_place() -> None:
    xy, visibility = place(Label(2, 0, OCCLUDED, 5, 6), Label(3, 1, OCCLUDED, NAN, NAN), count=2)
    np.testing.assert_array_equal(visibility, [OCCLUDED, OCCLUDED])
    np.testing.assert_array_equal(xy, [[5, 6], [NAN, NAN]])


@pytest.mark.parametrize(
    ("x", "y"),
    [(NAN, 3), (3, NAN), (NAN, NAN), (-1, 3), (3, -0.6), (100, 3), (3, 49.6), (math.inf, 3)],
)
def test_a_visible_ball_without_a_place_in_the_image_is_unlabelled_with_a_warning(x: float, y: float) -> None:
    with pytest.warns(UserWarning, match=r"^a\.csv: .* outside the 100x50 image: 1 \(line 3\)\."):
        xy, visibility = place(Label(2, 0, EASY, 1, 2), Label(3, 1, EASY, x, y), count=2)
    np.testing.assert_array_equal(visibility, [EASY, UNLABELLED])
    np.testing.assert_array_equal(xy, [[1, 2], [NAN, NAN]])


def test_the_image_ends_at_the_outer_edges_of_its_pixels() -> None:
    corners = [(-0.5, -0.5), (99.5, 49.5), (0, 0), (99, 49)]
    _, visibility = place(*(Label(line, line, EASY, *corner) for line, corner in enumerate(corners)))
    np.testing.assert_array_equal(visibility, [EASY] * 4)


def test_one_warning_names_all_lines_of_a_file_and_their_count() -> None:
    labels = [Label(number + 2, number, EASY, NAN, NAN) for number in range(12)]
    with pytest.warns(UserWarning, match="blank, NaN") as caught:
        place(*labels, count=12)
    (warning,) = caught
    assert "12 (line 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …)" in str(warning.message)


def test_a_place_without_a_ball_is_a_warning_unless_it_stands_for_none() -> None:
    none = [Label(2, 0, ABSENT, 0, 0), Label(3, 1, ABSENT, NAN, NAN), Label(4, 2, ABSENT, -1, -1)]
    with pytest.warns(AbsentPlaceWarning, match=r"a.csv: rows that say 'no ball', .* image: 1 of 4 \(line 5\)\."):
        xy, visibility = place(*none, Label(5, 3, ABSENT, 7, 0))
    assert np.isnan(xy).all()
    assert visibility.tolist() == [ABSENT] * 4
    place(*none)  # no warning


def test_a_second_label_for_a_frame_is_an_error_with_both_lines() -> None:
    with pytest.raises(DataError, match=r"a\.csv:5: frame 1 has a label already, in line 3"):
        place(Label(3, 1, EASY, 1, 2), Label(4, 0, EASY, 1, 2), Label(5, 1, EASY, 1, 2))


@pytest.mark.parametrize("frame", [-1, 4])
def test_a_label_for_a_frame_that_does_not_exist_names_both_files_and_their_counts(frame: int) -> None:
    with pytest.raises(DataError) as caught:
        place(Label(2, 0, EASY, 1, 2), Label(3, frame, EASY, 1, 2))
    assert str(caught.value).startswith(
        f"a.csv:3: a label for frame {frame}, but a.mp4 has 4 frames (0 to 3; the label file has 2 rows)."
    )


# ------------------------------------------------------------------------------------------------ root


def test_a_root_that_is_not_set_or_missing_says_to_set_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.root: not set\. Set it to the folder that holds match1"):
        existing_root(None, "match1")
    with pytest.raises(DataError, match=r"data\.root: there is no folder .*nowhere.* holds match1"):
        existing_root(tmp_path / "nowhere", "match1")
    assert existing_root(tmp_path, "match1") == tmp_path


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_among_label_files_is_told_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    os.mkfifo(path)
    with pytest.raises(DataError, match=r"labels\.csv: this label file cannot be read as CSV .*a pipe or a device"):
        read_table(path)
