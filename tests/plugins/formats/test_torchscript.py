"""TorchScript."""

import zipfile
from pathlib import Path

import pytest
import torch

from tracknet_core.errors import CheckpointError
from tracknet_core.testing import check_constructor, check_format
from tracknet_plugins.formats.torchscript import TorchScript


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    check_constructor("formats", TorchScript)
    check_format(TorchScript(), tmp_path)


def test_a_network_with_its_decoding_comes_back_for_any_number_of_windows(saved, assert_same) -> None:
    assert_same(TorchScript().load(saved(TorchScript())), atol=1e-4)


def test_notes_are_read_without_running_the_file(saved, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(TorchScript())
    monkeypatch.setattr(torch.jit, "load", None)
    assert TorchScript().notes(path) == {"config": "{}"}


def test_the_file_does_not_tell_where_sources_lie(saved, tmp_path: Path) -> None:
    with zipfile.ZipFile(saved(TorchScript())) as archive:
        names = archive.namelist()
        content = b"".join(archive.read(name) for name in names)
    assert not [name for name in names if name.endswith(".debug_pkl")]
    for folder in (Path(__file__).parent, Path(torch.__file__).parent):
        assert str(folder).encode() not in content


@pytest.mark.parametrize("notes", ['["config"]', "null", '{"config": 5}', "{"])
def test_notes_that_are_no_texts_are_refused(notes: str, tmp_path: Path) -> None:
    path = tmp_path / "strange.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("strange/extra/notes.json", notes)
    with pytest.raises(CheckpointError, match=r"strange\.pt: cannot be read as an archive of torch"):
        TorchScript().notes(path)


def test_an_archive_of_something_else_has_no_notes_and_is_no_network(tmp_path: Path) -> None:
    path = tmp_path / "holiday.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday/picture.txt", "sun")
    assert TorchScript().notes(path) == {}
    with pytest.raises(CheckpointError, match=r"holiday\.pt: cannot be read as TorchScript"):
        TorchScript().load(path)
