"""The splits of a dataset that says nothing of splits: by match, since neighbouring frames are near-duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tracknet_core.labels import match_of
from tracknet_core.video import natural_order

_SPLITS = ("train", "val", "test")
_HELD_OUT = 5  # one match in so many is held out for val


def split_by_match(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the clips of each split that has any.

    If there are clips in folders ``train``, ``val`` or ``test``, these are the splits, and other clips are left out.
    Otherwise the splits go by match, as :func:`tracknet_core.labels.match_of` names it: ``val`` is the last fifth of
    the matches, one at least, and the others are ``train``; a single match is ``train``.

    Args:
        names: names of the clips, such as ``match1/a``.

    Returns:
        Names in natural order, by split.
    """
    ordered = sorted(names, key=_parts)
    by_folder = {split: [name for name in ordered if name.startswith(f"{split}/")] for split in _SPLITS}
    if any(by_folder.values()):
        return {split: found for split, found in by_folder.items() if found}
    matches = list(dict.fromkeys(map(match_of, ordered)))
    if len(matches) == 1:
        return {"train": ordered}
    held_out = set(matches[-max(1, len(matches) // _HELD_OUT) :])
    return {
        "train": [name for name in ordered if match_of(name) not in held_out],
        "val": [name for name in ordered if match_of(name) in held_out],
    }


def _parts(name: str) -> list[list[tuple[int, str]]]:
    return [natural_order(Path(part)) for part in name.split("/")]
