"""Checkpoints are whole or not there, and never cost the one before."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tracknet_core.errors import DataError
from tracknet_core.training.checkpoint_files import CheckpointFiles


def content(value: float = 1.0) -> dict[str, Any]:
    return {"state_dict": {"model.a": torch.full((4,), value), "model.steps": torch.tensor(3)}}


def test_a_checkpoint_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    files, path = CheckpointFiles(), tmp_path / "checkpoints" / "last.ckpt"
    files.save_checkpoint(content(1.0), path)
    files.save_checkpoint(content(2.0), path)
    assert torch.load(path, weights_only=True)["state_dict"]["model.a"].tolist() == [2.0] * 4
    assert [found.name for found in path.parent.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_never_saved(tmp_path: Path, value: float) -> None:
    files, path = CheckpointFiles(), tmp_path / "last.ckpt"
    files.save_checkpoint(content(1.0), path)
    with pytest.raises(DataError, match=r"last\.ckpt: not written, because 1 of 2 weights .* such as model\.a"):
        files.save_checkpoint(content(value), path)
    assert torch.load(path, weights_only=True)["state_dict"]["model.a"].tolist() == [1.0] * 4


LIMITED = """
import resource, signal, sys
from pathlib import Path
import torch
from tracknet_core.training.checkpoint_files import CheckpointFiles
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
CheckpointFiles().save_checkpoint({"state_dict": {"a": torch.zeros(100_000)}}, Path(sys.argv[1]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of file sizes to stand for a full disk")
def test_a_disk_that_takes_no_more_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    CheckpointFiles().save_checkpoint(content(1.0), path)
    done = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=False)
    assert f"DataError: {path}: cannot be written ({os.strerror(errno.EFBIG)})" in done.stderr
    assert torch.load(path, weights_only=True)["state_dict"]["model.a"].tolist() == [1.0] * 4
    assert [found.name for found in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_folder_that_cannot_be_written_to_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/last\.ckpt: cannot be written \(.*\)"):
        CheckpointFiles().save_checkpoint(content(), tmp_path / "file" / "last.ckpt")


def test_a_process_that_dies_while_it_writes_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, path = CheckpointFiles(), tmp_path / "last.ckpt"
    files.save_checkpoint(content(1.0), path)

    def killed(_content: Any, file: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        files.save_checkpoint(content(2.0), path)
    assert torch.load(path, weights_only=True)["state_dict"]["model.a"].tolist() == [1.0] * 4


def test_what_a_killed_process_left_half_is_gone_with_the_next_checkpoint(tmp_path: Path) -> None:
    path, other = tmp_path / "last.ckpt", tmp_path / "other.txt"
    other.write_text("a person's")
    (tmp_path / "last.ckpt.part").symlink_to(other)
    CheckpointFiles().save_checkpoint(content(), path)
    assert {found.name for found in tmp_path.iterdir()} == {"last.ckpt", "other.txt"}
    assert other.read_text() == "a person's"
