"""Writer `csv`; what its rows look like and how they are gone on with is in `tests/core/test_row_file.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracknet_core.contracts import ClipFacts
from tracknet_core.testing import check_constructor, check_writer
from tracknet_core.video import ImageFrames
from tracknet_plugins.writers.csv import CSV


@pytest.mark.parametrize("points", [1, 2])
def test_the_contract_is_kept(tmp_path: Path, points: int) -> None:
    check_constructor("writers", CSV)
    check_writer(lambda clip: CSV(clip=clip), tmp_path, points=points)


def test_its_file_and_its_part_are_known_before_the_work(tmp_path: Path) -> None:
    source = ImageFrames([Path("0.png")], fps=30)
    writer = CSV(clip=ClipFacts("rally", tmp_path / "match1.a" / "rally", source))
    assert writer.paths == (tmp_path / "match1.a" / "rally.csv",)
    assert writer.part == tmp_path / "match1.a" / "rally.csv.part"
    assert not list(tmp_path.iterdir())
    assert writer.header == "Frame,Visibility,X,Y,Confidence,Time,Origin,Track\n"
