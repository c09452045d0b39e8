"""Programs of torch.export."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tracknet_core.errors import CheckpointError, UserError
from tracknet_core.testing import check_constructor, check_format
from tracknet_plugins.formats.exported import Exported
from tracknet_plugins.formats.torchscript import TorchScript


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    check_constructor("formats", Exported)
    check_format(Exported(), tmp_path)


def test_a_network_with_its_decoding_comes_back_for_any_number_of_windows(saved, assert_same) -> None:
    assert_same(Exported().load(saved(Exported())), atol=1e-6)


def test_notes_are_read_without_running_the_file(saved, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(Exported())
    monkeypatch.setattr(torch.export, "load", None)
    assert Exported().notes(path) == {"config": "{}"}


class FixedBatch(nn.Module):
    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        return (frames.reshape(len(frames), -1),)


def test_a_part_that_fixes_the_number_of_windows_is_told_how_to_mend_it(frames: Tensor, tmp_path: Path) -> None:
    path = tmp_path / "fixed.pt2"
    with pytest.raises(UserError, match=r"^the network cannot become a graph: .*tensor\.shape\[0\] stays free"):
        Exported().save(FixedBatch(), [frames], path, {})
    assert not path.exists()


def test_a_file_of_another_format_is_refused_in_silence(
    saved, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "script.pt2"
    path.write_bytes(saved(TorchScript()).read_bytes())
    capfd.readouterr()
    with pytest.raises(CheckpointError, match=r"script\.pt2: cannot be read as"):
        Exported().load(path)
    assert capfd.readouterr() == ("", "")


def test_a_damaged_file_is_refused(saved, tmp_path: Path) -> None:
    path = tmp_path / "cut.pt2"
    path.write_bytes(saved(Exported()).read_bytes()[:-300])
    with pytest.raises(CheckpointError, match="cannot be read as"):
        Exported().load(path)
