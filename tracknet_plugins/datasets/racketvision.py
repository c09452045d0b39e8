"""RacketVision (Dong et al. 2026): badminton, table tennis and tennis; about every fifth frame is labelled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from tracknet_core.clips import LazyClips, name_fault
from tracknet_core.contracts import Clip, Dataset, PublishedSplit, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.files import regular
from tracknet_core.labels import Label, existing_root, label_frames, read_rows
from tracknet_core.registry import datasets
from tracknet_core.video import VideoFrames

_LAYOUT = (
    "badminton, tabletennis or tennis, each with info/train.json, videos/<match>_<rally>.mp4 and "
    "all/<match>/csv/<rally>_ball.csv"
)
_SPORTS = ("badminton", "tabletennis", "tennis")
_SPLITS = ("train", "val", "test")
_COLUMNS = ("Frame", "X", "Y", "Visibility")
_CODES = {0: Visibility.ABSENT, 1: Visibility.EASY}


@datasets.register("racketvision")
class RacketVision(Dataset):
    """Reads the rallies that ``<sport>/info/{train,val,test}.json`` lists as ``[[match, rally], …]``.

    A clip is called ``train/tennis/<match>/<rally>``: ``*/tennis/<match>/*`` matches a match. Its pictures are
    ``<sport>/videos/<match>_<rally>.mp4``, its labels ``<sport>/all/<match>/csv/<rally>_ball.csv``, whose frame numbers
    start at 0. Frames without a row, about four in five, are UNLABELLED.

    Args:
        root: the folder that holds the sports, or some of them.
        sport: which sport; ``all`` takes those that are there.

    Raises:
        DataError: there is no such folder, or none of its lists of rallies.
        ValueError: ``sport`` is not one of the values above.
    """

    published_splits: ClassVar[Mapping[str, PublishedSplit]] = {
        "racketvision": {split: [f"{split}/*"] for split in _SPLITS}
    }

    def __init__(
        self, *, root: Path | None = None, sport: Literal["all", "badminton", "tabletennis", "tennis"] = "all"
    ) -> None:
        if sport not in ("all", *_SPORTS):
            raise ValueError(f"'sport' is '{sport}'; expected all, {', '.join(_SPORTS)}.")
        self._root = existing_root(root, _LAYOUT)
        self._sports = _SPORTS if sport == "all" else (sport,)
        if not self.splits:
            raise DataError(
                f"{self._root}: there is no info/train.json, val.json or test.json of {', '.join(self._sports)} here. "
                f"Set data.root to what holds {_LAYOUT}."
            )

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that a sport lists, in the order train, val, test."""
        return tuple(split for split in _SPLITS if self._lists(split))

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by sport, in the order of the lists.

        Raises:
            DataError: no sport lists the split; a list cannot be read, is empty or names a rally twice.
        """
        lists = self._lists(split)
        if not lists:
            raise DataError(f"{self._root}: no sport lists the split '{split}', only {', '.join(self.splits)}.")
        return LazyClips(
            {
                f"{split}/{sport}/{match}/{rally}": partial(self._clip, split, sport, match, rally)
                for sport, path in lists.items()
                for match, rally in _read_list(path)
            },
            source=self._root,
        )

    def _lists(self, split: str) -> dict[str, Path]:
        """Return the list of rallies of each sport that has one for this split."""
        paths = {sport: self._root / sport / "info" / f"{split}.json" for sport in self._sports}
        return {sport: path for sport, path in paths.items() if split in _SPLITS and path.is_file()}

    def _clip(self, split: str, sport: str, match: str, rally: str) -> Clip:
        video = self._root / sport / "videos" / f"{match}_{rally}.mp4"
        path = self._root / sport / "all" / match / "csv" / f"{rally}_ball.csv"
        frames = VideoFrames(video)
        labels = [
            Label(
                row.line,
                row.integer("Frame"),
                row.visibility("Visibility", _CODES),
                row.number("X"),
                row.number("Y"),
            )
            for row in read_rows(path, _COLUMNS)
        ]
        xy, visibility = label_frames(path, labels, source=video, count=len(frames), size=frames.size)
        return Clip(f"{split}/{sport}/{match}/{rally}", frames, plain_labels(xy, visibility))


def _read_list(path: Path) -> list[tuple[str, str]]:
    """Return the match and the rally of each clip of a list."""
    try:
        entries = json.loads(regular(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: this list of rallies cannot be read as JSON ({error}).") from error
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: expected a list of rallies, [[match, rally], …], with one or more.")
    pairs: dict[tuple[str, str], None] = {}
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(part, str | int) for part in entry):
            raise DataError(f"{path}: {json.dumps(entry)[:80]} is no rally; expected [match, rally].")
        pair = (str(entry[0]), str(entry[1]))
        # The list comes from outside: what it names is read, and copied by whoever converts or previews.
        if any(map(name_fault, pair)):
            raise DataError(
                f"{path}: {json.dumps(entry)[:80]} does not name folders and files; expected [match, rally]."
            )
        if pair in pairs:
            raise DataError(f"{path}: {json.dumps(entry)[:80]} is listed twice. Remove one of them.")
        pairs[pair] = None
    return list(pairs)
