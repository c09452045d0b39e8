"""Which clips belong to a split: the dataset's own, a published split by name, a file, or patterns of names.

Splits are by clip, and clips of one match belong together: neighbouring frames are near-duplicates, so a split that
draws single frames scores what was trained on. Some publications have such splits; they are there by their full name.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf

from tracknet_core.clips import LazyClips, clip_names
from tracknet_core.contracts import Clip, Dataset, PublishedSplit, RandomFrames, Visibility
from tracknet_core.errors import ConfigError

SplitSetting = str | Mapping[str, Sequence[str]] | None
"""``data.split``: name or file of a split, patterns of clip names for each split, or None for the dataset's own."""

RANDOM_FRAMES = "_random_frames"


def split_names(dataset: Dataset, setting: SplitSetting) -> tuple[str, ...]:
    """Return the names of the splits that there are, such as ``("train", "test")``.

    Raises:
        ConfigError: there is no such setting.
    """
    rule = _rule(dataset, setting)
    if rule is None:
        return dataset.splits
    return tuple(rule.shares if isinstance(rule, RandomFrames) else rule)


def choose_clips(dataset: Dataset, setting: SplitSetting, split: str) -> Sequence[Clip]:
    """Return the clips of a split, in the order of the dataset.

    Raises:
        ConfigError: there is no such setting or split, its patterns match no clip, or two splits share a clip.
        DataError: the dataset cannot be read.
    """
    rule = _rule(dataset, setting)
    names = split_names(dataset, setting)
    if split not in names:
        raise ConfigError(f"data.split: no '{split}' among {', '.join(names)}. Add patterns of clip names for it.")
    if rule is None:
        return dataset.clips(split)
    if isinstance(rule, RandomFrames):
        return _frames_drawn(dataset, rule, split)
    return _matching(dataset, rule, split)


def _rule(dataset: Dataset, setting: SplitSetting) -> PublishedSplit | None:
    if setting is None or isinstance(setting, Mapping):
        return setting
    published = dataset.published_splits
    if setting in published:
        return published[setting]
    if f"{setting}{RANDOM_FRAMES}" in published:
        raise ConfigError(
            f"data.split: the split '{setting}' draws random frames: neighbouring frames are near-duplicates, so what "
            "is scored was as good as trained on, and the figures say little about other video. To have it all the "
            f"same, call it by its full name: data.split={setting}{RANDOM_FRAMES}."
        )
    if Path(setting).suffix in (".yaml", ".yml"):
        return _read(Path(setting))
    raise ConfigError(
        f"data.split: '{setting}' is no split of this dataset. It accepts: {', '.join(published) or 'no names'}; the "
        "path of a file that `tracknet data split` wrote (*.yaml); patterns of clip names {train: [...], val: [...]}; "
        "null."
    )


def _read(path: Path) -> dict[str, list[str]]:
    """Read a split file: a mapping from the name of a split to patterns of clip names."""
    if not path.is_file():
        raise ConfigError(f"data.split: there is no file {path}. `tracknet data split` writes one.")
    try:
        tree = OmegaConf.to_container(OmegaConf.load(path))
    except Exception as error:  # PyYAML's errors share no base with OmegaConf's; all belong to the file
        raise ConfigError(f"data.split: {path} cannot be read as YAML: {error}") from error
    if not isinstance(tree, dict) or not all(
        isinstance(patterns, list) and all(isinstance(pattern, str) for pattern in patterns)
        for patterns in tree.values()
    ):
        raise ConfigError(
            f"data.split: {path} is no split. Expected lists of clip names: {{train: [...], val: [...]}}."
        )
    return {str(name): [str(pattern) for pattern in patterns] for name, patterns in tree.items()}


def _all_clips(dataset: Dataset) -> dict[str, tuple[Sequence[Clip], int]]:
    """Return every clip of a dataset by name, not opened: the sequence that holds it, and its index there."""
    clips = {}
    for own in dataset.splits:
        sequence = dataset.clips(own)
        clips.update({name: (sequence, i) for i, name in enumerate(clip_names(sequence))})
    return clips


def _matching(dataset: Dataset, patterns: Mapping[str, Sequence[str]], split: str) -> Sequence[Clip]:
    clips = _all_clips(dataset)
    chosen = {s: {n for n in clips if any(fnmatchcase(n, p) for p in globs)} for s, globs in patterns.items()}
    for other, names in chosen.items():
        both = sorted(names & chosen[split])
        if other != split and both:
            raise ConfigError(
                f"data.split: '{split}' and '{other}' both hold {both[0]} ({len(both)} clips in all): a clip that is "
                "trained on cannot be scored. Make the patterns disjoint."
            )
    if not chosen[split]:
        raise ConfigError(
            f"data.split.{split}: {list(patterns[split])} match none of the {len(clips)} clips, such as "
            f"{', '.join(sorted(clips)[:3])}."
        )
    return LazyClips({name: partial(_open, *held) for name, held in clips.items() if name in chosen[split]})


def _open(clips: Sequence[Clip], index: int) -> Clip:
    return clips[index]


def _frames_drawn(dataset: Dataset, rule: RandomFrames, split: str) -> Sequence[Clip]:
    return LazyClips(
        {name: partial(_with_drawn_labels, *held, rule, split) for name, held in _all_clips(dataset).items()}
    )


def _with_drawn_labels(clips: Sequence[Clip], index: int, rule: RandomFrames, split: str) -> Clip:
    """Return a clip where only the frames of the split keep their labels."""
    clip = clips[index]
    rng = np.random.default_rng([rule.seed, zlib.crc32(clip.name.encode())])
    shares = np.cumsum(list(rule.shares.values()))
    drawn = np.searchsorted(shares, rng.random(len(clip)) * shares[-1], side="right")
    others = drawn != list(rule.shares).index(split)
    points, visibility = clip.labels.points.copy(), clip.visibility.copy()
    points[others] = np.nan
    visibility[others] = Visibility.UNLABELLED
    return clip.replace(labels=clip.labels._replace(points=points, visibility=visibility))
