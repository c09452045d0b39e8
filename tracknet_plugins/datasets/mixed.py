"""Several datasets as one, for training across sports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property, partial

import numpy as np

from tracknet_core.clips import LazyClips, clip_names, name_fault
from tracknet_core.contracts import Clip, Dataset, Visibility
from tracknet_core.errors import DataError
from tracknet_core.registry import datasets

_TRAIN = "train"


@datasets.register("mixed")
class Mixed(Dataset):
    """Joins datasets: a clip ``train/match1/1_01_00`` of the part ``badminton`` is ``badminton/train/match1/1_01_00``.

    A split is that split of all parts; a part without it adds nothing. In ``train``, ``Clip.weight`` makes the parts'
    shares of the windows as ``weights`` says, however long the parts are: windows of a clip are drawn in proportion to
    its frames times its weight, and here these products add up to equal sums for equal weights. Within a part, clips
    keep their proportions. The mean weight over all frames is 1. Other splits keep the weights of their clips, since
    nothing is drawn there.

    Windows without a label are not drawn, so what counts are the frames with a label and their neighbours: exact for
    windows of three frames, nearly so for others and where labels come in runs. The shares are those of the whole
    split: patterns of ``data.split`` that take some of its clips change them. A clip that cannot be opened counts as
    one without frames, and is an error when it is asked for.

    Args:
        parts: the datasets by a name of one's own; each node sets its own ``root``.
        weights: share of the training windows of a part relative to the others; 1 where not given.

    Raises:
        ValueError: there is no part; a name of one cannot be that of a folder; a weight is not positive, or of no part.
    """

    def __init__(self, *, parts: dict[str, Dataset], weights: dict[str, float] | None = None) -> None:
        weights = weights or {}
        if not parts or any(map(name_fault, parts)):
            raise ValueError(
                f"'parts' is {list(parts)}; expected one dataset or more, each under a name of your own, which clips "
                "are called by as if it were a folder."
            )
        unknown = [name for name in weights if name not in parts]
        if unknown:
            raise ValueError(f"'weights' names {', '.join(unknown)}, but the parts are {', '.join(parts)}. Rename it.")
        wrong = {name: weight for name, weight in weights.items() if not 0 < weight < math.inf}
        if wrong:
            raise ValueError(f"'weights' is {wrong}; expected numbers greater than 0. To leave a part out, remove it.")
        self._parts = dict(parts)
        self._weights = {name: weights.get(name, 1.0) for name in parts}

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that a part has, in the order in which the parts have them."""
        return tuple(dict.fromkeys(split for part in self._parts.values() for split in part.splits))

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, part by part.

        The first clip of ``train`` that is asked for opens all of them, since its weight depends on their lengths;
        other splits open what they are asked for.

        Raises:
            DataError: no part has the split; a part cannot list its clips.
        """
        if split not in self.splits:
            raise DataError(f"mixed: no part has a split '{split}'. The parts have {', '.join(self.splits) or 'none'}.")
        clips = {name: part.clips(split) for name, part in self._parts.items() if split in part.splits}
        scales = _Scales(clips, self._weights) if split == _TRAIN else None
        return LazyClips(
            {
                f"{part}/{name}": partial(_open, part, own, i, scales)
                for part, own in clips.items()
                for i, name in enumerate(clip_names(own))
            }
        )


class _Scales:
    """Factors on the weights of clips, computed when they are first needed.

    Args:
        clips: the clips of each part.
        weights: share of the frames drawn from each part, relative to the others.
    """

    def __init__(self, clips: Mapping[str, Sequence[Clip]], weights: Mapping[str, float]) -> None:
        self._clips = clips
        self._weights = weights

    @cached_property
    def of_parts(self) -> dict[str, float]:
        """Factor of each part; a part none of whose frames would be drawn has none."""
        frames, drawn = 0, {}
        for part, clips in self._clips.items():
            opened = [clip for i in range(len(clips)) if (clip := _opened(clips, i)) is not None]
            counts = [_frames_near_labels(clip) for clip in opened]
            frames += sum(counts)
            drawn[part] = sum(count * clip.weight for count, clip in zip(counts, opened, strict=True))
        total = sum(self._weights[part] for part in drawn if drawn[part] > 0)
        return {
            part: self._weights[part] / total * frames / own  # sums to `frames` over all: a mean weight of 1
            for part, own in drawn.items()
            if own > 0
        }


def _frames_near_labels(clip: Clip) -> int:
    labelled = np.pad(clip.visibility != Visibility.UNLABELLED, 1)
    return int((labelled[:-2] | labelled[1:-1] | labelled[2:]).sum())


def _open(part: str, clips: Sequence[Clip], index: int, scales: _Scales | None) -> Clip:
    clip = clips[index]
    scale = 1.0 if scales is None else scales.of_parts.get(part, 1.0)
    return clip.replace(name=f"{part}/{clip.name}", weight=clip.weight * scale)


def _opened(clips: Sequence[Clip], index: int) -> Clip | None:
    try:
        return clips[index]
    except DataError:  # told when this clip is asked for: a broken clip hides no other
        return None
