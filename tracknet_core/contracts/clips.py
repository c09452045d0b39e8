"""The clips of a split, which are opened one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import overload

from tracknet_core.contracts.road import Clip


class LazyClips(Sequence[Clip]):
    """The clips of a split, each opened when it is first asked for: names are known early, a broken one hides no other.

    Args:
        openers: for each name, in order, what opens the clip; it may raise DataError.
    """

    def __init__(self, openers: Mapping[str, Callable[[], Clip]]) -> None:
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
    """Return the names of clips, opening none that need not be."""
    return clips.names if isinstance(clips, LazyClips) else tuple(clip.name for clip in clips)
