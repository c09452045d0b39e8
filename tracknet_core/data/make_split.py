"""A split by match with a fixed seed, as a small text file that ``data.split`` can name."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np

from tracknet_core.errors import ConfigError
from tracknet_core.labels import match_of

SPLITS = ("train", "val", "test")

_DRAWS = 100

# What YAML does not take as it stands, or takes for the end of a line; and what is no text at all.
_BREAKS_YAML = re.compile(r"[\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def group_clips(names: Sequence[str], by: str | None = None) -> dict[str, list[str]]:
    """Return the names of clips by the match that they belong to, in the order of their first clips.

    Args:
        names: of all clips.
        by: regular expression; the text that it finds in a name is the match. None takes the folder, as
            :func:`tracknet_core.labels.match_of` does.

    Raises:
        ConfigError: ``by`` is no regular expression, or finds nothing in a name.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_group(name, by), []).append(name)
    return groups


def share_out(
    groups: Mapping[str, Sequence[str]], shares: Mapping[str, float], seed: int = 0
) -> dict[str, dict[str, list[str]]]:
    """Give every group to a split: in a drawn order, each to the split that lacks most clips.

    Of several such draws the one that comes nearest to the shares counts, since a large group that is drawn late can
    only spoil them.

    Args:
        groups: names of clips by group.
        shares: of the clips that each split is to get, above 0; the sum is 1. Groups stay whole, so the outcome is
            near these, and no split is left empty.
        seed: of the draws.

    Returns:
        For each split its groups, in their first order.

    Raises:
        ConfigError: fewer groups than splits, or shares that are none.
    """
    if not all(share > 0 for share in shares.values()) or not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        given = " ".join(f"{share:g}" for share in shares.values())
        raise ConfigError(f"--shares {given}: shares are positive and sum to 1, such as 0.7 0.15 0.15.")
    if len(groups) < len(shares):
        raise ConfigError(
            f"the clips belong to {len(groups)} matches ({', '.join(list(groups)[:5])}), which {len(shares)} splits "
            "cannot share: clips of one match are near-duplicates. Choose fewer splits (--shares 0.8 0.2), or, where "
            "these are no matches, say what names one (--by REGEX)."
        )
    names = list(groups)
    rng = np.random.default_rng(seed)
    orders = [[names[i] for i in rng.permutation(len(names))] for _ in range(_DRAWS)]
    _, owners = min((_deal(groups, shares, order) for order in orders), key=lambda draw: draw[0])
    return {split: {name: list(groups[name]) for name in names if owners[name] == split} for split in shares}


def split_text(parts: Mapping[str, Mapping[str, Sequence[str]]], command: str) -> str:
    """Return the text of a split file.

    Args:
        parts: names of clips by split and group.
        command: what made the file, for its comment.
    """
    groups = {name: clips for part in parts.values() for name, clips in part.items()}
    every = [clip for clips in groups.values() for clip in clips]
    lines = [
        f"# Split of {len(every)} clips of {len(groups)} matches; use it with data.split=PATH. Made by",
        f"#   {_on_one_line(command)}",
    ]
    for split, part in parts.items():
        count = sum(map(len, part.values()))
        lines += [f"{split}:  # {len(part)} matches, {count} clips, {count / len(every):.1%}"]
        lines += [f"  - {_quoted(p)}" for name in part for p in _patterns(name, part[name], every)]
    return "\n".join(lines) + "\n"


def _deal(
    groups: Mapping[str, Sequence[str]], shares: Mapping[str, float], order: Sequence[str]
) -> tuple[float, dict[str, str]]:
    """Return how many clips the splits have too many or too few, and the split of each group."""
    clips = sum(map(len, groups.values()))
    lacking = {split: share * clips for split, share in shares.items()}
    owners: dict[str, str] = {}
    for left, name in zip(range(len(order), 0, -1), order, strict=True):
        empty = [split for split in shares if split not in owners.values()]
        owners[name] = max(empty if len(empty) == left else shares, key=lambda split: lacking[split])
        lacking[owners[name]] -= len(groups[name])
    return sum(map(abs, lacking.values())), owners


def _group(name: str, by: str | None) -> str:
    if by is None:
        return match_of(name)
    try:
        found = re.search(by, name)
    except re.error as error:
        raise ConfigError(f"--by {by}: this is no regular expression ({error}). Example: --by 'match\\d+'.") from error
    if not found or not found.group():
        raise ConfigError(f"--by {by}: finds nothing in the clip name '{name}'. Example: --by 'match\\d+'.")
    return found.group()


def _patterns(group: str, clips: Sequence[str], every: Sequence[str]) -> list[str]:
    """Return what matches the clips of a group and no other: a pattern of the group where it can, else the names."""
    pattern = f"{_escape(group)}/*"
    exact = [name for name in every if fnmatchcase(name, pattern)] == list(clips)
    return [pattern] if exact else [_escape(name) for name in clips]


def _quoted(text: str) -> str:
    """Return a text as YAML reads it: a string of JSON."""
    return _on_one_line(json.dumps(text, ensure_ascii=False))


def _on_one_line(text: str) -> str:
    return _BREAKS_YAML.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _escape(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
