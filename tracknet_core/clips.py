"""The clips of a split, which are opened one by one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import overload

from tracknet_core.contracts import Clip
from tracknet_core.errors import DataError
from tracknet_core.files import LONGEST_FILE_NAME

_TOLD = 5  # names of clips in a message


class LazyClips(Sequence[Clip]):
    """The clips of a split, each opened when it is first asked for: names are known early, a broken one hides no other.

    Args:
        openers: for each name, in order, what opens the clip; it may raise DataError.
        source: the file or folder that the names come from, for messages.

    Raises:
        DataError: a name has a :func:`name_fault`.
    """

    def __init__(self, openers: Mapping[str, Callable[[], Clip]], *, source: object = "the data set") -> None:
        _check_names(openers, source)
        self._openers = list(openers.values())
        self._opened: list[Clip | None] = [None] * len(openers)
        self.names = tuple(openers)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self._openers)

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> list[Clip]: ...
    def __getitem__(self, index: int | slice) -> Clip | list[Clip]:
        """Return a clip, opened at the first time.

        Raises:
            DataError: what its opener raises.
        """
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        clip = self._opened[index]
        if clip is None:
            clip = self._opened[index] = self._openers[index]()
        return clip


def clip_names(clips: Sequence[Clip]) -> tuple[str, ...]:
    """Return the names of clips, opening none that need not be.

    Raises:
        DataError: a name has a :func:`name_fault`.
    """
    if isinstance(clips, LazyClips):
        return clips.names
    names = tuple(clip.name for clip in clips)
    _check_names(names, "the data set")
    return names


def name_fault(name: str) -> str | None:
    """Return why a name, which may come from a file of somebody else, is none for a clip; None if it is one.

    Outputs are called by the names of clips, so a name is a path below a folder on any system: of parts that are names
    of files, with ``/`` between them.
    """
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        return "holds a control character, or one that is no text"
    parts = re.split(r"[/\\]", name)
    if {"", ".", ".."}.intersection(parts) or re.match("[A-Za-z]:", name):
        return "is no path below a folder, such as match1/rally1"
    if any(len(part.encode()) > LONGEST_FILE_NAME for part in parts):
        return f"has a part of more than {LONGEST_FILE_NAME} bytes"
    return None


def _check_names(names: Iterable[str], source: object) -> None:
    """Refuse a split as a whole, and tell all there is to rename: a score of fewer clips would be another one."""
    faults = ((name, name_fault(name)) for name in names)
    told = [f"the clip name {name[:80]!r} {fault}" for name, fault in faults if fault is not None]
    if told:
        more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
        clips = "clips" if len(told) > 1 else "clip"
        raise DataError(f"{source}: {'; '.join(told[:_TOLD])}{more}. Rename the {clips}.")
