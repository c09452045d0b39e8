"""The notes of ONNX files, read without ONNX."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tracknet_core.errors import CheckpointError
from tracknet_plugins.formats.onnx import ONNX
from tracknet_plugins.formats.onnx_notes import read_notes

NOTES = {"config": "{}", "empty": "", "long": "é" * 1000, "lines": "a\nb"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    graph = onnx.helper.make_graph([], "graph", [], [])
    model = onnx.helper.make_model(graph, ir_version=2**31, producer_name="somebody")
    onnx.helper.set_model_props(model, NOTES)
    path = tmp_path / "any.onnx"
    onnx.save(model, path)
    return path


def test_they_are_what_onnx_reads(file: Path) -> None:
    assert read_notes(file) == NOTES == {prop.key: prop.value for prop in onnx.load(file).metadata_props}


def test_a_file_without_notes_has_none(file: Path) -> None:
    model = onnx.load(file)
    onnx.helper.set_model_props(model, {})
    onnx.save(model, file)
    assert read_notes(file) == {}


@pytest.mark.parametrize(
    "content", [b"", b"no file of ONNX", b"\xff" * 40, b"\x0d1234", b"\x72\x7fshort", b"\x72\x02\x0a\x7f"]
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "any.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"any\.onnx: cannot be read as ONNX"):
        ONNX().notes(tmp_path / "any.onnx")


def test_a_file_that_was_cut_off_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="cannot be read as ONNX"):
        ONNX().notes(file)
