"""Outputs are whole or not there at all, and never replace what a person made."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tracknet_core.errors import DataError
from tracknet_core.files import (
    PARTS,
    check_free,
    complete,
    new_file,
    new_folder,
    part_of,
    regular,
    replace_text,
    replaced_file,
    writing,
)

Writing = Callable[[Path], AbstractContextManager[Path]]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ------------------------------------------------------------------------------------------ all of them


def write(path: Path, text: str) -> None:
    (path / "inside" if path.is_dir() else path).write_text(text)


@pytest.mark.parametrize("way", [new_file, new_folder, replaced_file])
def test_nothing_has_the_name_before_it_is_complete(way: Writing, tmp_path: Path) -> None:
    target = tmp_path / "out"
    with way(target) as path:
        write(path, "half")
        assert not target.exists()
        write(path, "whole")
    assert names(tmp_path) == ["out"]
    assert (target / "inside" if target.is_dir() else target).read_text() == "whole"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("way", [new_file, new_folder, replaced_file])
def test_an_interruption_leaves_nothing(way: Writing, error: type[BaseException], tmp_path: Path) -> None:
    def interrupted() -> None:
        with way(tmp_path / "out") as path:
            write(path, "half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert names(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from tracknet_core import files
with getattr(files, sys.argv[1])(Path(sys.argv[2])) as path:
    (path / "inside" if path.is_dir() else path).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("way", ["new_file", "new_folder", "replaced_file"])
def test_a_process_that_is_killed_leaves_what_was_there(way: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    if way == "replaced_file":
        target.write_text("before")
    done = subprocess.run([sys.executable, "-c", KILLED, way, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    if way == "replaced_file":
        assert target.read_text() == "before"
    else:
        assert not target.exists()
    (left,) = [path for path in tmp_path.iterdir() if path != target]
    assert left.suffix == ".part"
    assert left.match(PARTS) or way == "new_folder"


def test_what_grew_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "rally.csv"
    target.write_text("before")
    part_of(target).write_text("all rows")
    complete(target)
    assert target.read_text() == "all rows"
    assert names(tmp_path) == ["rally.csv"]


# ---------------------------------------------------------------------------------------- what is replaced


def test_a_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "config.yaml"
    target.write_text("before")
    replace_text(target, "zwölf")
    assert target.read_text(encoding="utf-8") == "zwölf"
    assert names(tmp_path) == ["config.yaml"]


def test_of_two_that_replace_one_file_the_last_stays_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with replaced_file(target) as first, replaced_file(target) as second:
        first.write_text("first, which is longer")
        second.write_text("second")
    assert target.read_text() == "first, which is longer"
    assert names(tmp_path) == ["out"]


# --------------------------------------------------------------------------------------- what must not exist


def test_a_file_that_exists_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("mine")
    message = f"--json {target}: there is a file already. Name a new one, or move it away."
    with pytest.raises(DataError) as caught, new_file(target, "--json"):
        pass
    assert str(caught.value) == message
    assert target.read_text() == "mine"
    assert names(tmp_path) == ["out"]


def test_a_link_to_nowhere_is_somebodys_file(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match="there is a file already"):
        check_free(target)


def test_a_file_needs_a_folder(tmp_path: Path) -> None:
    target = tmp_path / "gone" / "out"
    with pytest.raises(DataError, match=r"--output .*: there is no folder .*gone\. Make it first\."), new_file(target):
        pass


def test_a_name_too_long_is_told_before_the_work(tmp_path: Path) -> None:
    began = False
    with pytest.raises(DataError, match="cannot be written"), new_file(tmp_path / ("a" * 300)):
        began = True
    assert not began


def no_links(*arguments: Any) -> None:
    raise OSError(errno.EPERM, "no links here")


@pytest.mark.parametrize("has_links", [True, False])
def test_what_somebody_else_wrote_meanwhile_is_not_replaced(
    has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "out"

    def overtaken() -> None:
        with new_file(target) as path:
            path.write_text("ours")
            target.write_text("theirs")

    with pytest.raises(DataError, match="there is a file already"):
        overtaken()
    assert target.read_text() == "theirs"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("has_links", [True, False])
def test_files_written_beside_a_new_one_appear_with_it(
    has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    with new_file(tmp_path / "ball.xml") as path:
        path.with_suffix(".bin").write_text("weights")
        path.write_text("graph")
    assert names(tmp_path) == ["ball.bin", "ball.xml"]


@pytest.mark.parametrize("has_links", [True, False])
@pytest.mark.parametrize("taken", ["ball.bin", "ball.xml"])
def test_files_that_appear_together_all_do_or_none(
    taken: str, has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)

    def overtaken() -> None:
        with new_file(tmp_path / "ball.xml") as path:
            path.with_suffix(".bin").write_text("weights")
            path.write_text("graph")
            (tmp_path / taken).write_text("theirs")

    with pytest.raises(DataError, match=f"{taken}: there is a file already"):
        overtaken()
    assert names(tmp_path) == [taken]
    assert (tmp_path / taken).read_text() == "theirs"


def test_what_the_system_says_becomes_a_message(tmp_path: Path) -> None:
    message = r"--report .*out: cannot be written \(No space left on device\)\. Name another"
    with pytest.raises(DataError, match=message), writing(tmp_path / "out", "--report"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# ------------------------------------------------------------------------------------------------- folders


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    with new_folder(target) as folder:
        (folder / "a").write_text("a")
    assert names(target) == ["a"]


def test_what_somebody_else_put_into_the_folder_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "out"

    def overtaken() -> None:
        with new_folder(target) as folder:
            (folder / "ours").write_text("ours")
            target.mkdir()
            (target / "theirs").write_text("theirs")

    with pytest.raises(DataError, match="there is something already"):
        overtaken()
    assert names(tmp_path) == ["out"]
    assert names(target) == ["theirs"]


def test_two_commands_do_not_write_one_folder(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out"):
        with pytest.raises(DataError, match="still at work"), new_folder(tmp_path / "out"):
            pass
        assert names(tmp_path) == ["out.part"]


def test_a_file_that_cannot_be_written_is_named_and_not_its_half(tmp_path: Path) -> None:
    target = tmp_path / "config.yaml"
    for error in (OSError(errno.ENOSPC, "full"), OSError(errno.ENOSPC, "full", "another file")):
        expected = error.filename or str(target)
        with pytest.raises(OSError, match="full") as caught, replaced_file(target):
            raise error
        assert caught.value.filename == expected
    with pytest.raises(OSError, match="config") as caught, replaced_file(tmp_path / "gone" / "config.yaml") as part:
        part.write_text("a")
    assert caught.value.filename == str(tmp_path / "gone" / "config.yaml")


@pytest.mark.parametrize("write", [new_file, new_folder])
def test_an_output_that_the_disk_has_no_room_for_is_named(write: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "output"
    with pytest.raises(OSError, match="full") as caught, write(target) as part:
        raise OSError(errno.ENOSPC, "full", os.fsencode(part))
    assert caught.value.filename == str(target)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_no_file_to_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(OSError, match="a pipe or a device, and no file"):
        regular(tmp_path / "pipe.csv")
    (tmp_path / "file.csv").touch()
    for path in (tmp_path / "file.csv", tmp_path, tmp_path / "gone.csv"):
        assert regular(path) == path  # what else is wrong, is told where it is opened
