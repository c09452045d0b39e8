"""Outputs that never replace what is there, and are whole or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracknet_core.errors import DataError


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside ``target`` to write into; it gets its name when the block ends without an error.

    Args:
        target: path of a folder that does not exist yet, or is empty.

    Raises:
        DataError: ``target`` holds something, or is no folder, or cannot be made; or an interrupted command left its
            half output there.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"--output {target}: there is something already. Name a folder that is new or empty.")
    partial = target.with_name(f"{target.name}.part")
    try:
        partial.mkdir(parents=True)
    except FileExistsError as error:
        raise DataError(
            f"{partial}: left by a command that was interrupted, or that is still at work. Remove it, or name "
            "another --output."
        ) from error
    except OSError as error:
        raise DataError(f"--output {target}: this folder cannot be made ({error.strerror}).") from error
    try:
        yield partial
        if target.exists():
            target.rmdir()
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_free(target: Path) -> None:
    """Refuse a file that exists.

    Raises:
        DataError: there is something at ``target``, or no folder to write it in.
    """
    if target.exists():
        raise DataError(f"--output {target}: there is a file already. Name a new one, or move it away.")
    if not target.parent.is_dir():
        raise DataError(f"--output {target}: there is no folder {target.parent}. Make it first.")
