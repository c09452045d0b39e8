"""Whatever is in a label file, a reader gives labels that keep the contract, or one message that names a file."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tracknet_core.contracts import Clip, Visibility
from tracknet_core.errors import UserError
from tracknet_core.labels import LONGEST_STREAK

ODD = re.findall(
    r"\S+",
    """
    0 1 2 3 4 -1 -0 1.5 0.3 63.5 63.6 nan inf -inf 1e308 -1e308 1e39 1e-320 1e5 99999999999999999999 0x10 1_0 \u0661
    None null true True [] {} "" "x" " ' , ; : = / .. ../.. /etc/passwd C:\\ \\u0000 \\ud800 \\ < > & &amp; <a> </a>
    <!DOCTYPE <?xml?> ]]> ball outside occluded NaN Infinity -Infinity \xe9 \ufeff
    """,
)
ODD += ["", " ", "\n", "\r", "\t", "\0", "\x1c", "\u2028", "9" * 400, "1e400", "x" * 300]


@st.composite
def damaged(draw: Callable[..., Any], text: str) -> bytes:
    """Draw a label file like ``text``, with some of its words or bytes changed."""
    words = re.findall(r"[^\W_]+|\s+|.", text)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(words)))
        until = draw(st.sampled_from([place, place + 1, place + 1, place + 5, len(words)]))
        words[place:until] = draw(st.lists(st.sampled_from(ODD), max_size=2) | st.just(words[place : place + 8]))
    content = bytearray("".join(words).encode("utf-8", "surrogatepass"))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        content[draw(st.integers(0, len(content))) :][:1] = draw(st.binary(max_size=3))
    return bytes(content)


def files(text: str) -> st.SearchStrategy[bytes]:
    """Return what draws a label file: mostly one that is nearly right."""
    return st.one_of([damaged(text)] * 6 + [st.binary(max_size=60), st.text(max_size=60).map(str.encode)])


@given(data=st.data())
def test_any_label_file_is_read_or_named(tree: Any, tmp_path: Path, data: st.DataObject) -> None:
    tree.write(tmp_path, text=data.draw(files(tree.text)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # LabelWarning and others that name rows
        try:
            reader = tree.read(tmp_path)
            splits = {split: reader.clips(split) for split in reader.splits}
        except UserError as error:
            require_named(error, tmp_path)
            return
        for clips in splits.values():
            for number in range(len(clips)):
                open_clip(clips, number, tmp_path)


def open_clip(clips: Sequence[Clip], number: int, root: Path) -> None:
    try:
        clip = clips[number]
    except UserError as error:
        require_named(error, root)
        return
    points, visibility, difficulty = clip.labels
    width, height = clip.frames.size
    assert points.shape in ((len(clip.frames), 1, 2), (len(clip.frames), 2, 2))
    assert visibility.shape == difficulty.shape == points.shape[:1]
    assert {*visibility.tolist()} <= {code.value for code in Visibility}
    known = np.isfinite(points).all(axis=(1, 2))
    assert np.isnan(points[~known]).all()
    assert known[np.isin(visibility, (Visibility.EASY, Visibility.HARD))].all()
    assert not known[np.isin(visibility, (Visibility.ABSENT, Visibility.UNLABELLED))].any()
    assert (np.abs(clip.xy[known] + 0.5 - (width / 2, height / 2)) <= (width / 2, height / 2)).all()
    assert (np.abs(points[known]) <= 2 * LONGEST_STREAK).all()


def require_named(error: UserError, root: Path) -> None:
    assert str(root) in str(error)
    assert len(str(error)) < 2000


@pytest.mark.parametrize("place", ["", "/../x"])
def test_the_checks_see_what_is_wrong(place: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        require_named(UserError("no path here"), tmp_path / place.strip("/"))
