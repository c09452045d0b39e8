"""The first window that reports a frame, and no other."""

from __future__ import annotations

from collections.abc import Sequence

from tracknet_core.contracts import Candidates, Merger
from tracknet_core.registry import mergers


@mergers.register("none")
class First(Merger[Candidates]):
    """A frame belongs to the first window that reports it; later ones are not asked."""

    reads = "candidates"
    immediate = True

    # A Protocol's own takes any arguments, but the constructor is the schema.
    def __init__(self) -> None:
        pass

    def __call__(self, answers: Sequence[Candidates], positions: Sequence[int]) -> Candidates:
        """Return the first answer."""
        return answers[0]
