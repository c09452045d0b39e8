"""CSV files of any program: found by name, read whatever their columns are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tracknet_core.contracts import Candidates, Clip, ClipFacts, TrackedFrame
from tracknet_core.errors import DataError
from tracknet_core.evaluation.foreign_csv import predictions_of
from tracknet_core.evaluation.results import Prediction
from tracknet_core.evaluation.tracked_clip import predict_clip
from tracknet_plugins.trackers.none import NoTracker
from tracknet_plugins.writers import csv as csv_writer

CSV = "Frame,Visibility,X,Y\n0,1,10,20\n1,0,0,0\n2,1,30.5,40.25\n"
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def clip(make_clip: Callable[..., Clip]) -> Clip:
    return make_clip("test/match1/1_01_00", [(700.0, 500.0), None, (700.0, 500.0), (700.0, 500.0)])


def read_one(folder: Path, clip: Clip, first_frame: int | None = 0) -> Prediction:
    [(found, prediction)], _ = predictions_of(folder, [clip], first_frame)
    assert found is clip
    return prediction


def as_list(prediction: Prediction) -> list[list[float] | None]:
    return [None if np.isnan(place[0]) else place for place in prediction.xy.tolist()]


# -------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    [
        "1_01_00.csv",
        "1_01_00_ball.csv",
        "match1/1_01_00_ball.csv",
        "match1_1_01_00.csv",
        "test_match1_1_01_00_predict.csv",
        "match1/csv/1_01_00_ball.csv",
        "results/Test/match1/1_01_00.csv",
        "1_01_00.CSV",
        "1_01_00_ball_pred.csv",
        "1_01_00_predict_ball.csv",
    ],
)
def test_a_file_is_found_by_the_end_of_its_name(write: Write, tmp_path: Path, clip: Clip, name: str) -> None:
    write(name, CSV)

    assert as_list(read_one(tmp_path, clip)) == [[10.0, 20.0], None, [30.5, 40.25], None]


def test_a_label_file_in_the_folder_of_its_clip_is_found(
    write: Write, tmp_path: Path, make_clip: Callable[..., Clip]
) -> None:
    clips = [make_clip(f"game1/Clip{number}", [(1.0, 1.0)]) for number in (1, 2)]
    for number in (1, 2):
        write(
            f"game1/Clip{number}/Label.csv",
            f"file name,visibility,x-coordinate,y-coordinate,status\n0000.jpg,1,{number},5,\n",
        )

    found, notes = predictions_of(tmp_path, clips)

    assert [prediction.xy.tolist() for _, prediction in found] == [[[1.0, 5.0]], [[2.0, 5.0]]]
    assert notes == []


def test_the_longest_common_name_wins(write: Write, tmp_path: Path, clip: Clip) -> None:
    write("1_01_00.csv", CSV.replace("10,20", "1,1"))
    write("match1/1_01_00.csv", CSV)

    assert as_list(read_one(tmp_path, clip))[0] == [10.0, 20.0]


def test_a_file_of_another_match_does_not_fit(write: Write, tmp_path: Path, clip: Clip) -> None:
    write("match2/1_01_00.csv", CSV)

    with pytest.raises(DataError, match="no CSV file here fits a clip") as caught:
        predictions_of(tmp_path, [clip])
    assert "Files: match2/1_01_00.csv; clips: test/match1/1_01_00. " in str(caught.value)


def test_a_clip_without_a_file_is_named_and_not_scored(
    write: Write, tmp_path: Path, clip: Clip, make_clip: Callable[..., Clip]
) -> None:
    write("match1/1_01_00.csv", CSV)

    found, notes = predictions_of(tmp_path, [clip, make_clip("test/match2/1_01_00", [None])])

    assert [one.name for one, _ in found] == ["test/match1/1_01_00"]
    assert notes == [f"1 of 2 clips have no predictions in {tmp_path} and are not scored: test/match2/1_01_00."]


def test_one_file_for_two_clips_is_refused(
    write: Write, tmp_path: Path, clip: Clip, make_clip: Callable[..., Clip]
) -> None:
    write("1_01_00.csv", CSV)

    with pytest.raises(DataError, match=r"1_01_00.csv fits the clips 'test/match1/1_01_00' and 'test/match2/1_01_00'"):
        predictions_of(tmp_path, [clip, make_clip("test/match2/1_01_00", [None] * 4)])


def test_two_files_for_one_clip_are_refused(write: Write, tmp_path: Path, clip: Clip) -> None:
    write("match1/1_01_00.csv", CSV)
    write("a/test/match1/1_01_00.csv", CSV)
    write("b/test/match1/1_01_00.csv", CSV)

    with pytest.raises(DataError, match="both fit the clip 'test/match1/1_01_00'"):
        predictions_of(tmp_path, [clip])


def test_a_file_that_is_called_exactly_like_a_clip_belongs_to_no_other(
    write: Write, tmp_path: Path, make_clip: Callable[..., Clip]
) -> None:
    clips = [make_clip(name, [None] * 4) for name in ("rally1", "match2/rally1", "match3/rally1")]
    write("rally1.csv", CSV)
    write("match2/rally1.csv", CSV.replace("10,20", "1,2"))

    found, _ = predictions_of(tmp_path, clips[:2], 0)

    assert [(one.name, as_list(prediction)[0]) for one, prediction in found] == [
        ("rally1", [10.0, 20.0]),
        ("match2/rally1", [1.0, 2.0]),
    ]
    assert [one.name for one, _ in predictions_of(tmp_path, clips[1:], 0)[0]] == ["match2/rally1", "match3/rally1"]
    (tmp_path / "rally1.csv").unlink()
    assert [one.name for one, _ in predictions_of(tmp_path, clips, 0)[0]] == ["match2/rally1"]


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path, clip: Clip) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        predictions_of(tmp_path / "nowhere", [clip])


# ------------------------------------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    "text",
    [
        "Frame,X,Y,Visibility\n0,10,20,1\n2,30.5,40.25,1\n",
        "frame_num,visible,x,y\n0,1,10,20\n1,0,-1,-1\n2,1,30.5,40.25\n",
        "Frame,Ball,x,y\n0,1,10,20\n1,0,0,0\n2,1,30.5,40.25\n3,0,,\n",
        "Frame,Visibility,X,Y,l,theta\n0,1,10,20,3,45\n2,2,30.5,40.25,3,45\n",
        "frame,x,y\n0,10,20\n1,0,0\n2,30.5,40.25\n3,-1,-1\n",
        "frame,x,y\n2,30.5,40.25\n1,,\n3,nan,nan\n0,10,20\n",
        "\ufeffFrame,Visibility,X,Y,Confidence,Time,Origin\n0,1,10,20,,0.00,\n1,0,,,0,0.04,\n2,1,30.5,40.25,,0.08,\n",
    ],
)
def test_columns_have_many_names_and_orders(write: Write, tmp_path: Path, clip: Clip, text: str) -> None:
    write("1_01_00.csv", text)

    assert as_list(read_one(tmp_path, clip)) == [[10.0, 20.0], None, [30.5, 40.25], None]


@pytest.mark.parametrize("first_frame", [None, 0, 1])
def test_a_program_may_find_nothing(
    write: Write, tmp_path: Path, clip: Clip, make_clip: Callable[..., Clip], first_frame: int | None
) -> None:
    write("1_01_00.csv", "Frame,Visibility,X,Y\n")

    [(_, prediction)], notes = predictions_of(tmp_path, [clip], first_frame)

    assert as_list(prediction) == [None] * 4
    assert prediction.is_scored
    assert notes == []

    write("other.csv", "Frame,X,Y\n1,5,5\n4,6,6\n")
    found, _ = predictions_of(tmp_path, [clip, make_clip("other", [None] * 4)])
    assert [prediction.present.tolist() for _, prediction in found] == [[False] * 4, [True, False, False, True]]


def test_the_corner_is_a_place_where_visibility_says_so(write: Write, tmp_path: Path, clip: Clip) -> None:
    write("1_01_00.csv", "Frame,Visibility,X,Y\n0,1,0,0\n")

    assert as_list(read_one(tmp_path, clip))[0] == [0.0, 0.0]


def test_scores_are_read(write: Write, tmp_path: Path, clip: Clip) -> None:
    write("1_01_00.csv", "Frame,Visibility,X,Y,Confidence\n0,1,10,20,0.25\n1,0,0,0,0\n2,1,30,40,0.75\n")

    prediction = read_one(tmp_path, clip)

    assert prediction.is_scored
    np.testing.assert_equal(prediction.score, np.array([0.25, np.nan, 0.75, np.nan], np.float32))
    assert as_list(prediction.above(0.5)) == [None, None, [30.0, 40.0], None]


def test_of_several_rows_for_a_frame_the_surest_counts(write: Write, tmp_path: Path, clip: Clip) -> None:
    write("1_01_00.csv", "Frame,Visibility,X,Y,Confidence\n0,1,1,1,0.2\n0,1,2,2,0.9\n0,1,3,3,0.4\n0,0,0,0,\n")

    assert as_list(read_one(tmp_path, clip))[0] == [2.0, 2.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Frame,Visibility,X,Y\n0,1,1,1\n0,1,2,2\n", r"1_01_00.csv:3: frame 0 has a ball already, in line 2"),
        ("Frame,Visibility,X,Y\n0,1,,\n", r"1_01_00.csv:2: a ball without a place"),
        ("Frame,Visibility,X,Y\n0,1,1", r"1_01_00.csv:2: a ball without a place"),  # cut off there
        ("Frame,Visibility,X,Y\n0,1,1e40,1\n", r"1_01_00.csv:2: X is '1e\+40'; expected a number below 1e\+30"),
        ("", r"lacks a column. Found: none. It accepts, for frame: "),
        ("Frame,Visibility,X,Y\n4,1,1,1\n", r"1_01_00.csv:2: there is no frame 4: .* has 4 frames, 0 to 3"),
        ("Frame,Visibility,X,Y\n0,1,left,1\n", r"1_01_00.csv:2: X is 'left'"),
        ("file name,X,Y\nfirst.jpg,1,1\n", r"1_01_00.csv:2: file name is 'first.jpg'"),
        ("Time,X,Y\n0,1,1\n", r"lacks a column. Found: Time, X, Y. It accepts, for frame: frame, frame_num"),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_line(
    write: Write, tmp_path: Path, clip: Clip, text: str, words: str
) -> None:
    write("1_01_00.csv", text)

    with pytest.raises(DataError, match=words):
        read_one(tmp_path, clip)


# --------------------------------------------------------------------------------------- the first frame, scale


@pytest.mark.parametrize(
    ("numbers", "shift", "said"),
    [
        ((0, 3), 0, False),  # a frame 0 leaves no doubt
        ((2, 4), 1, True),  # there are 4 frames: number 4 is beyond the last
        ((1, 2), 1, True),
        ((2, 3), 0, True),
    ],
)
def test_the_first_frame_is_found_out_and_said(
    write: Write, tmp_path: Path, clip: Clip, numbers: tuple[int, int], shift: int, said: bool
) -> None:
    write("1_01_00.csv", "Frame,X,Y\n" + "".join(f"{number},{number},9\n" for number in numbers))

    [(_, prediction)], notes = predictions_of(tmp_path, [clip])

    assert np.flatnonzero(prediction.present).tolist() == [number - shift for number in numbers]
    expected = f"the first frame of the predictions was taken to be number {shift}. "
    assert [note.startswith(expected) for note in notes] == [True] * said


@pytest.mark.parametrize("first_frame", [0, 1])
def test_the_first_frame_can_be_said(write: Write, tmp_path: Path, clip: Clip, first_frame: int) -> None:
    write("1_01_00.csv", "Frame,X,Y\n2,5,9\n")

    [(_, prediction)], notes = predictions_of(tmp_path, [clip], first_frame)

    assert np.flatnonzero(prediction.present).tolist() == [2 - first_frame]
    assert notes == []


@pytest.mark.parametrize(
    ("scale", "hint"),
    [(1.0, None), (0.4, "all 12 places lie within 512x288"), (0.0005, "all 12 places lie within 0..1")],
)
def test_places_of_another_scale_are_hinted_at_but_not_scaled(
    write: Write, tmp_path: Path, make_clip: Callable[..., Clip], scale: float, hint: str | None
) -> None:
    points = [(500.0 + 50 * i, 300.0 + 30 * i) for i in range(12)]
    write("a.csv", "Frame,X,Y\n" + "".join(f"{i},{x * scale},{y * scale}\n" for i, (x, y) in enumerate(points)))

    [(_, prediction)], notes = predictions_of(tmp_path, [make_clip("a", points)])

    np.testing.assert_allclose(prediction.xy, np.array(points) * scale, rtol=1e-6)
    assert len(notes) == (hint is not None)
    assert hint is None or notes[0].startswith(hint)


def test_streaks_have_the_ends_that_they_had_before_they_were_written(tmp_path: Path, clip: Clip) -> None:
    found = [
        Candidates(n, n / 25, np.array([[(10.3, 20.2 + n), (22.1, 29.7)]], np.float32), np.array([0.5], np.float32))
        for n in range(4)
    ]
    tracked, _ = predict_clip(clip, found, NoTracker())
    writer = csv_writer.CSV(clip=ClipFacts("rally", tmp_path / "1_01_00", clip.frames, points=2))
    with writer.open({}, resume=False) as output:
        for frame in found:
            output.write(TrackedFrame(frame.number, frame.time, (frame.ball(0),)))

    read = read_one(tmp_path, clip)

    assert read.points.shape == (4, 2, 2)
    np.testing.assert_array_equal(read.points, tracked.points)
    np.testing.assert_allclose(read.points[0], [(10.3, 20.2), (22.1, 29.7)], atol=2e-3)


@pytest.mark.parametrize("columns", ["Length,Comment", "Angle,Comment"])
def test_a_column_that_says_half_of_a_streak_does_no_harm(write: Write, clip: Clip, columns: str) -> None:
    write("1_01_00.csv", f"Frame,Visibility,X,Y,{columns}\n0,1,10,20,long,-\n")
    assert read_one(write("b.txt", "").parent, clip).points.tolist()[0] == [[10, 20]]


def test_a_streak_longer_than_any_picture_is_named(write: Write, clip: Clip) -> None:
    # In float32 its middle, the place of the ball, would be lost.
    write("1_01_00.csv", "Frame,Visibility,X,Y,Length,Angle\n0,1,10,20,1e9,45\n")
    with pytest.raises(DataError, match=r"1_01_00\.csv:2: Length is '1e\+09'; expected pixels, 100000 at most"):
        read_one(write("b.txt", "").parent, clip)
