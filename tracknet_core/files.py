"""Outputs that are whole or not there at all, and that never replace what a person made.

Everything is written under another name beside its place, and gets its name when it is complete: :func:`new_file` and
:func:`new_folder` for what must not exist yet, :func:`replaced_file` for what may be there from before, and
:func:`part_of` and :func:`complete` for what grows so slowly that an interrupted command goes on with it.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tracknet_core.errors import ConfigError, DataError

LONGEST_FILE_NAME = 255
"""Bytes of the name of a file or folder, which no usual file system exceeds."""

PARTS = ".tracknet-*.part"
"""What the names of files look like that are being written, or that a killed process left."""


@contextmanager
def replaced_file(target: Path, *, alone: bool = False) -> Iterator[Path]:
    """Give a path to write a file at; it takes the place of ``target`` when the block ends without an error.

    Several processes may write one target: each writes a file of its own, and the last one stays.

    Args:
        target: what is written.
        alone: that nobody else writes it: then what a killed process has left of it is replaced as well.

    Raises:
        OSError: it cannot be written; the error names ``target``.
    """
    part = part_of(target) if alone else _part_beside(target)
    part.unlink(missing_ok=True)
    try:
        with _named(target, part):
            yield part
            _flush(part)
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def replace_text(target: Path, text: str) -> None:
    """Write a text file, in the place of one that may be there."""
    with replaced_file(target) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def new_file(target: Path, option: str = "--output") -> Iterator[Path]:
    """Give a path to write a file at; it appears at ``target`` when the block ends without an error.

    Other files that are written beside that path appear beside ``target``, before it: when it is there, all are.

    Args:
        target: path of a file that does not exist.
        option: where the path was given, for messages.

    Raises:
        DataError: there is a file, at the beginning or by the end; or no folder, or none that can be written to.
    """
    with writing(target, option):
        check_free(target, option)
        folder = _part_beside(target)
        folder.mkdir()
    try:
        with _named(target, folder):
            yield folder / target.name
        with writing(target, option):
            _appear(folder, target, option)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_folder(target: Path, option: str = "--output") -> Iterator[Path]:
    """Give an empty folder to write into; it becomes ``target`` when the block ends without an error.

    Args:
        target: path of a folder that does not exist, or is empty.
        option: where the path was given, for messages.

    Raises:
        DataError: ``target`` holds something, at the beginning or by the end, or is no folder, or cannot be made; or an
            interrupted command left its half output beside it.
    """
    taken = DataError(f"{option} {target}: there is something already. Name a folder that is new or empty.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise taken
    part = part_of(target)
    try:
        part.mkdir(parents=True)
    except FileExistsError as error:
        raise DataError(
            f"{part}: left by a command that was interrupted, or that is still at work. Remove it, or name another "
            f"{option}."
        ) from error
    except OSError as error:
        raise DataError(f"{option} {target}: this folder cannot be made ({error.strerror}).") from error
    try:
        with _named(target, part):
            yield part
        try:
            if target.exists():
                target.rmdir()
            part.rename(target)
        except OSError as error:
            raise taken from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def regular(path: Path) -> Path:
    """Return a path that may be opened to read: a pipe would be waited for without end.

    Raises:
        OSError: it is a pipe, a socket or a device.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "a pipe or a device, and no file", str(path))
    return path


def part_of(path: Path) -> Path:
    """Return where something grows until it is complete, if whoever was interrupted goes on with it."""
    return path.with_name(f"{path.name}.part")


def complete(path: Path) -> None:
    """Give what grew at :func:`part_of` its name; it takes the place of a file that is there."""
    part = part_of(path)
    _flush(part)
    part.replace(path)


def check_free(target: Path, option: str = "--output") -> None:
    """Refuse the path of a file that exists.

    Raises:
        DataError: there is something at ``target``, or no folder to write it in.
        OSError: it cannot be found out.
    """
    if not target.parent.is_dir():
        raise DataError(f"{option} {target}: there is no folder {target.parent}. Make it first.")
    try:
        target.lstat()
    except FileNotFoundError:
        return
    raise _taken(target, option)


def check_folder(folder: Path, option: str = "--output") -> None:
    """Refuse what cannot become a folder of outputs, before hours of work.

    Raises:
        ConfigError: it cannot be made, or nothing can be written into it.
    """
    try:
        above = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    except OSError as error:
        raise ConfigError(f"{option} {folder}: this folder cannot be made ({error.strerror}). Give another.") from error
    if not above.is_dir():
        raise ConfigError(f"{option} {folder}: {above} is a file. Give a folder, which is made where it is missing.")
    if not os.access(above, os.W_OK):
        raise ConfigError(f"{option} {folder}: you may not write into {above}. Give another folder.")


@contextmanager
def writing(target: Path, option: str = "--output") -> Iterator[None]:
    """Turn what the system says while ``target`` is written into a message.

    Raises:
        DataError: in the place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise DataError(f"{option} {target}: cannot be written ({error.strerror}). Name another file.") from error


@contextmanager
def _named(target: Path, part: Path) -> Iterator[None]:
    """Let what the system says name the file that a person knows of, where it names its half or nothing."""
    try:
        yield
    except OSError as error:
        named = None if error.filename is None else Path(os.fsdecode(error.filename))
        if error.errno is None or (named is not None and not named.is_relative_to(part)):
            raise
        raise OSError(error.errno, error.strerror, str(target)) from error


def _taken(target: Path, option: str) -> DataError:
    return DataError(f"{option} {target}: there is a file already. Name a new one, or move it away.")


def _part_beside(target: Path) -> Path:
    """Return a path that nobody else writes at; not made of the name, which may be as long as names can be."""
    return target.with_name(PARTS.replace("*", uuid4().hex))


def _flush(path: Path) -> None:
    """Wait until a file is on the disk, else a power cut could leave its name without its bytes."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _appear(folder: Path, target: Path, option: str) -> None:
    """Give the files of a folder their names beside ``target``: all of them, ``target`` itself last, or none."""
    appeared: list[Path] = []
    written = sorted(folder.iterdir(), key=lambda path: path.name == target.name)
    try:
        for path in written:
            _flush(path)
            place = target.with_name(path.name)
            try:
                os.link(path, place)  # unlike renaming, this never replaces what somebody wrote meanwhile
            except FileExistsError as error:
                raise _taken(place, option) from error
            except OSError:  # a disk without links
                check_free(place, option)
                path.rename(place)
            appeared.append(place)
    except BaseException:
        for place in appeared:
            place.unlink()
        raise
