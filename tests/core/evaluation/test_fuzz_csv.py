"""Whatever is in the CSV file of another program, it is scored, or one message names the file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, strategies as st

from tracknet_core.contracts import Clip
from tracknet_core.errors import LabelWarning, UserError
from tracknet_core.evaluation.csv_rows import COLUMNS
from tracknet_core.evaluation.foreign_csv import predictions_of
from tracknet_core.evaluation.request import TrueFiles
from tracknet_core.evaluation.results import Prediction
from tracknet_core.evaluation.truth_csv import scored_by_files

MakeClip = Callable[..., Clip]

FRAMES = 6
NAMES = [name for names in COLUMNS.values() for name in names]
CELLS = re.findall(
    r"\S+",
    """
    0 1 2 3 4 5 6 7 -1 0.5 12.5 1279 nan inf -inf 1e29 1e31 1e308 -1e308 99999999999999999999 1_0 \u0661 0003.jpg .jpg
    / true x "
    """,
)

TABLES = [
    "Frame,Visibility,X,Y,Confidence,Length,Angle\n0,1,10,20,0.5,3,45\n1,0,0,0,0,,\n2,1,30,40,0.9,0,0\n5,1,31,40,,,\n",
    "file name,visibility,x-coordinate,y-coordinate\n0000.jpg,1,10,20\n0003.jpg,0,,\n",
    "frame_num,x,y\n" + "".join(f"{number},{number / 8},0.5\n" for number in range(1, 7)),
]


@st.composite
def table(draw: Callable[..., Any]) -> bytes:
    """Draw a file of several columns, or one of those above with some of its cells changed."""
    cell = st.sampled_from([*CELLS, "", " "]) | st.integers(-1, 8).map(str)
    if draw(st.booleans()):
        header = draw(st.lists(st.sampled_from([*NAMES, "l", ""]), min_size=3, max_size=7))
        rows = draw(st.lists(st.lists(cell, min_size=1, max_size=8), max_size=8))
        return "\n".join(",".join(row) for row in [header, *rows]).encode()
    parts = re.findall(r"[^,\n]+|,|\n", draw(st.sampled_from(TABLES)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(parts)))
        parts[place : place + draw(st.integers(0, 2))] = draw(st.lists(cell | st.just("\n0,1,5,5\n"), max_size=2))
    return "".join(parts).encode()


FILES = st.one_of(table(), table(), table(), st.binary(max_size=40))


@given(content=FILES, first_frame=st.sampled_from([None, 0, 1]))
def test_any_predictions_are_scored_or_named(
    content: bytes, first_frame: Any, tmp_path: Path, make_clip: MakeClip
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    clip = make_clip("match1/a", [(10.0, 20.0)] * FRAMES)
    try:
        ((scored, prediction),), notes = predictions_of(tmp_path, [clip], first_frame)
    except UserError as error:
        require_named(error, path)
        return
    assert scored is clip
    assert all(note.isprintable() for note in notes)
    require_prediction(prediction, FRAMES)


@given(truth=FILES, predicted=FILES, first_frame=st.sampled_from([None, 0, 1]))
def test_any_truth_is_scored_or_named(truth: bytes, predicted: bytes, first_frame: Any, tmp_path: Path) -> None:
    for folder, content in (("truth", truth), ("predicted", predicted)):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "a.csv").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabelWarning)
        warnings.simplefilter("ignore", UserWarning)
        try:
            scored, _ = scored_by_files(tmp_path / "predicted", TrueFiles(tmp_path / "truth", (1280, 720)), first_frame)
        except UserError as error:
            require_named(error, tmp_path)
            return
    ((clip, prediction),) = scored
    known = np.isfinite(clip.labels.points).all(axis=(1, 2))
    assert np.isnan(clip.labels.points[~known]).all()
    assert (np.abs(clip.xy[known] + 0.5 - (640, 360)) <= (640.1, 360.1)).all()
    require_prediction(prediction, len(clip.frames))


def require_named(error: UserError, path: Path) -> None:
    assert str(path) in str(error)


def require_prediction(prediction: Prediction, frames: int) -> None:
    assert len(prediction.points) == len(prediction.present) == len(prediction.score) == frames
    assert np.isfinite(prediction.points[prediction.present]).all()


def test_the_tables_are_read(tmp_path: Path, make_clip: MakeClip) -> None:
    for number, text in enumerate(TABLES):
        (tmp_path / f"{number}.csv").write_text(text)
        ((_, prediction),), _ = predictions_of(tmp_path / f"{number}.csv", [make_clip(str(number), [None] * 8)])
        assert prediction.present.any()
