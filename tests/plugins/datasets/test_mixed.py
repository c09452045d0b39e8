"""Several datasets as one: names, splits, and the shares of the parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, FrameSource, Size, UInt8Array, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.registry import datasets
from tracknet_core.testing import check_dataset
from tracknet_plugins.datasets.mixed import Mixed


class Grey(FrameSource):
    """Frames as bright as their number."""

    size = (8, 6)
    fps = 25.0

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def fingerprint(self) -> None:
        return None

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        width, height = size or self.size
        return (np.full((height, width, 3), index, np.uint8) for index in indices)


class Rallies(Dataset):
    """Clips of given lengths; it remembers which were opened. A length of 0 is a clip that cannot be opened."""

    def __init__(self, splits: dict[str, list[int]], *, weight: float = 1.0, labelled: slice = slice(None)) -> None:
        self._clips = splits
        self._weight = weight
        self._labelled = labelled
        self.opened: list[str] = []

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self._clips)

    def clips(self, split: str) -> LazyClips:
        lengths = self._clips[split]
        return LazyClips({f"{split}/{i}": partial(self._clip, f"{split}/{i}", n) for i, n in enumerate(lengths)})

    def _clip(self, name: str, length: int) -> Clip:
        if not length:
            raise DataError(f"{name} is broken.")
        self.opened.append(name)
        visibility = np.full(length, Visibility.UNLABELLED, np.int64)
        visibility[self._labelled] = Visibility.EASY
        xy = np.where(visibility[:, None] == Visibility.EASY, np.float32(3), np.float32(np.nan)).repeat(2, axis=1)
        return Clip(name, Grey(length), plain_labels(xy, visibility), weight=self._weight)


def drawn(clips: Sequence[Clip]) -> dict[str, float]:
    """Return the share of the frames that is drawn from each part."""
    parts = sorted({clip.name.split("/")[0] for clip in clips})
    of = {part: sum(len(clip) * clip.weight for clip in clips if clip.name.startswith(f"{part}/")) for part in parts}
    return {part: value / sum(of.values()) for part, value in of.items()}


def test_mixed_is_registered_by_name_and_keeps_the_contract() -> None:
    assert datasets.get("mixed") is Mixed
    mixed = Mixed(parts={"a": Rallies({"train": [4, 5]}), "b": Rallies({"train": [3]})})
    check_dataset(mixed, "train")


def test_a_split_joins_that_of_the_parts_and_names_carry_the_part() -> None:
    mixed = Mixed(parts={"a": Rallies({"train": [4], "val": [3]}), "b": Rallies({"train": [3, 2], "test": [5]})})
    assert mixed.splits == ("train", "val", "test")
    names = {split: mixed.clips(split).names for split in mixed.splits}
    assert names == {
        "train": ("a/train/0", "b/train/0", "b/train/1"),
        "val": ("a/val/0",),
        "test": ("b/test/0",),
    }
    assert [clip.name for clip in mixed.clips("train")] == list(names["train"])


def test_equal_weights_draw_as_much_from_a_short_part_as_from_a_long_one() -> None:
    clips = list(Mixed(parts={"long": Rallies({"train": [60, 20]}), "short": Rallies({"train": [20]})}).clips("train"))
    # 100 frames, half of them due to each part: 50 / 80 and 50 / 20.
    assert [clip.weight for clip in clips] == pytest.approx([0.625, 0.625, 2.5])
    assert drawn(clips) == pytest.approx({"long": 0.5, "short": 0.5})


def test_weights_are_the_shares_of_the_parts_and_the_mean_over_all_frames_is_one() -> None:
    parts: dict[str, Dataset] = {name: Rallies({"train": [30, 10 * n]}) for n, name in enumerate("abc", 1)}
    clips = list(Mixed(parts=parts, weights={"a": 2, "c": 0.5}).clips("train"))
    assert drawn(clips) == pytest.approx({"a": 2 / 3.5, "b": 1 / 3.5, "c": 0.5 / 3.5})
    assert sum(len(clip) * clip.weight for clip in clips) / sum(map(len, clips)) == pytest.approx(1)


def test_clips_of_a_part_keep_their_proportions_and_a_mix_can_be_mixed() -> None:
    inner = Mixed(parts={"a": Rallies({"train": [10]}), "b": Rallies({"train": [10]})}, weights={"a": 3})
    clips = list(Mixed(parts={"x": inner, "y": Rallies({"train": [20]}, weight=7)}).clips("train"))
    assert [clip.name for clip in clips] == ["x/a/train/0", "x/b/train/0", "y/train/0"]
    assert [clip.weight for clip in clips] == pytest.approx([1.5, 0.5, 1])


def test_frames_far_from_any_label_do_not_count() -> None:
    # Windows without a label are not drawn: of the sparse part, frame 0 and its neighbour count.
    sparse = Rallies({"train": [100]}, labelled=slice(0, 1))
    clips = list(Mixed(parts={"sparse": sparse, "dense": Rallies({"train": [8]})}).clips("train"))
    assert [clip.weight for clip in clips] == pytest.approx([5 / 2, 5 / 8])


def test_a_part_without_the_split_adds_nothing_to_it_and_takes_no_share() -> None:
    clips = list(Mixed(parts={"a": Rallies({"train": [10]}), "b": Rallies({"val": [10]})}).clips("train"))
    assert [clip.weight for clip in clips] == [1]


def test_clips_of_other_splits_keep_their_weights_and_are_opened_one_by_one() -> None:
    parts = {"a": Rallies({"train": [5], "val": [4, 4]}, weight=3), "b": Rallies({"val": [9]})}
    clips = Mixed(parts=dict(parts)).clips("val")
    assert clips.names == ("a/val/0", "a/val/1", "b/val/0")
    assert clips[1].weight == 3
    assert (parts["a"].opened, parts["b"].opened) == (["val/1"], [])


def test_names_of_training_clips_are_known_without_opening_any_and_each_is_opened_once() -> None:
    part = Rallies({"train": [5, 4]})
    clips = Mixed(parts={"a": part}).clips("train")
    assert (clips.names, part.opened) == (("a/train/0", "a/train/1"), [])
    list(clips)
    assert sorted(part.opened) == ["train/0", "train/1"]


def test_a_broken_clip_hides_no_other() -> None:
    clips = Mixed(parts={"a": Rallies({"train": [10, 0]}), "b": Rallies({"train": [0]})}).clips("train")
    assert clips[0].weight == 1
    for index in (1, 2):
        with pytest.raises(DataError, match="is broken"):
            clips[index]


def test_a_split_that_no_part_has_is_refused() -> None:
    with pytest.raises(DataError, match=r"mixed: no part has a split 'test'\. The parts have train, val"):
        Mixed(parts={"a": Rallies({"train": [1], "val": [1]})}).clips("test")


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    part = Rallies({"train": [1]})
    with pytest.raises(ValueError, match=r"'parts' is .*; expected one dataset or more"):
        Mixed(parts={})
    with pytest.raises(ValueError, match=r"'weights' names tenis, but the parts are tennis"):
        Mixed(parts={"tennis": part}, weights={"tenis": 1})
    for weight in (0, -1, float("inf")):
        with pytest.raises(ValueError, match=r"'weights' is .*; expected numbers greater than 0"):
            Mixed(parts={"tennis": part}, weights={"tennis": weight})
