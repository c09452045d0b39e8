"""What an exported file says of itself for whoever runs it: no network has to be built to know what it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tracknet_core.contracts import GREATEST_LENGTH, GREATEST_SIDE, Size, Wanted, WindowSpec
from tracknet_core.errors import CheckpointError
from tracknet_core.schema import Faults, check_dataclass, within

KEY = "network"
"""Of the note."""


@dataclass(frozen=True)
class FileFacts:
    """What a file takes.

    Attributes:
        background: whether a window needs the background of the clip as a further picture.
        length: T, frames of a window.
        targets: the K positions in the window that get an answer, consecutive.
        image_size: (W, H) of whole frames, in pixels of the network input.
        state: shape of each map of the state, without the windows: (C, h, w).
        step: frames between windows; None for no overlap.
        candidates: places of a frame that it gives to a tracker that asks for so many.
        score: from this one on.
        luma: whether it takes frames of one colour, their luma.
        points: Q, points of a ball; None where it gives logits alone, and in files of earlier versions.
    """

    background: bool
    length: int = within(1, GREATEST_LENGTH)
    targets: list[int] = within(0, GREATEST_LENGTH - 1)
    image_size: Size = within(1, GREATEST_SIDE)
    state: list[list[int]] = within(1, GREATEST_SIDE)
    step: int | None = within(1, GREATEST_LENGTH, default=None)
    candidates: int = within(1, default=Wanted.candidates)
    score: float = Wanted.score
    luma: bool = False
    points: int | None = within(1, default=None)

    @property
    def window(self) -> WindowSpec:
        """What the network is given."""
        return WindowSpec(self.length, tuple(self.targets), self.background, self.image_size, self.step)

    @property
    def wanted(self) -> Wanted:
        """What a tracker may ask for, and gets without torch."""
        return Wanted(self.candidates, self.score)


def facts_note(
    window: WindowSpec, state: Sequence[Sequence[int]], wanted: Wanted, *, luma: bool, points: int | None
) -> dict[str, str]:
    """Return the note of a file, by its key.

    Args:
        window: what the network is given.
        state: shape of each map of its state, without the windows.
        wanted: what a tracker may ask for.
        luma: whether it takes the luma of frames alone.
        points: of a ball; None where it gives logits alone.
    """
    facts = FileFacts(
        background=window.background,
        length=window.length,
        targets=list(window.targets),
        image_size=window.image_size,
        state=[list(shape) for shape in state],
        step=window.step,
        candidates=wanted.candidates,
        score=wanted.score,
        luma=luma,
        points=points,
    )
    return {KEY: json.dumps(asdict(facts))}


def read_facts(notes: Mapping[str, str], path: Path) -> FileFacts:
    """Return what the notes of a file say.

    Args:
        notes: of the file.
        path: the file, for messages.

    Raises:
        CheckpointError: they do not say it.
    """
    faults: Faults = []
    try:
        facts: FileFacts | None = check_dataclass(FileFacts, json.loads(notes[KEY]), KEY, faults)
    except (KeyError, ValueError, RecursionError):
        facts = None
    if facts is None or faults or not _are_consecutive(facts) or facts.window.apart(None) > len(facts.targets):
        raise CheckpointError(f"{path}: does not say what network it is. Give a file that 'tracknet export' wrote.")
    return facts


def _are_consecutive(facts: FileFacts) -> bool:
    first, last = facts.targets[:1], facts.targets[-1:]
    return bool(first) and facts.targets == [*range(first[0], last[0] + 1)] and last[0] < facts.length
