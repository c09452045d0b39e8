"""The ball of the NBA set: clips of Yan et al. (2020), labelled in CVAT by Tarashima et al. (2023, WASB)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, PublishedSplit, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.labels import Label, existing_root
from tracknet_core.registry import datasets
from tracknet_core.video import ImageFrames, image_files, natural_order
from tracknet_plugins.datasets.cvat_xml import Shape, image_numbers, label_marked, position_of, read_annotations

_LAYOUT = "videos/21800909/99/000000.jpg, … with ball-annos/21800909/<any name>_99.xml, and so on"
_SPLITS = ("train", "val", "test")
# fmt: off
_TEST = tuple(map(str, (
    21800974, 21801076, 21801079, 21800970, 21800965, 21801165, 21801071, 21801049, 21801070, 21800977,
    21801162, 21801120, 21801007, 21801078, 21801123, 21801188, 21801038, 21800978, 21801159, 21801152,
    21801204, 21801229, 21800988, 21801077, 21801153, 21801063, 21801096, 21801105, 21801050, 21801129,
)))
# fmt: on


def _all_but(games: Iterable[str]) -> list[str]:
    """Return patterns that match every clip ``<game>/…`` but those of ``games``.

    Each pattern is a beginning that some of the games share, followed by a character that none of them goes on with.
    """
    kept = [f"{game}/" for game in games]
    beginnings = sorted({name[:length] for name in kept for length in range(len(name))})
    followers = {begin: {name[len(begin)] for name in kept if name.startswith(begin)} for begin in beginnings}
    return [f"{begin}[!{''.join(sorted(followers[begin]))}]*" for begin in beginnings]


@datasets.register("basketball")
class Basketball(Dataset):
    """Reads ``videos/<game>/<clip>/000000.jpg`` and ``ball-annos/<game>/*_<clip>.xml``.

    A clip is called ``<game>/<clip>``, such as ``21800909/99``. A label belongs to the image whose name is its frame
    number. As in WASB, ``occluded="0"`` is a visible ball, also where the file says ``outside``; ``occluded="1"`` is
    OCCLUDED; a frame without a point is ABSENT; of several points in one shape the first counts. Where one track
    ends and another goes on, the one that is not outside counts. Games without a folder in ``ball-annos`` belong to the
    set of Yan et al., but nobody labelled their ball: they are left out.

    The splits go by game: ``test`` is the 30 games of WASB, ``val`` the other games whose number ends with 0, ``train``
    the rest. The split ``wasb`` trains on all games but those of ``test``. Its figures leave out the clips where the
    ball is never visible; set ``visible_only`` for that.

    Args:
        root: the folder that holds ``videos`` and ``ball-annos``.
        fps: frames per second of the images; the published set has 12.
        visible_only: leave out clips where the ball is never visible, which reads the label files of a split at once.

    Raises:
        DataError: there is no such folder, or no clip with labels in it.
        ValueError: ``fps`` is not positive.
    """

    published_splits: ClassVar[dict[str, PublishedSplit]] = {
        "wasb": {"train": _all_but(_TEST), "test": [f"{game}/*" for game in _TEST]}
    }

    def __init__(self, *, root: Path | None = None, fps: float = 12.0, visible_only: bool = False) -> None:
        if not fps > 0:
            raise ValueError(f"'fps' is {fps}; expected frames per second, greater than 0. The published set has 12.")
        self._fps = fps
        self._visible_only = visible_only
        self._root = existing_root(root, _LAYOUT)
        games = sorted((path for path in (self._root / "ball-annos").glob("[!.]*") if path.is_dir()), key=natural_order)
        self._games = {split: [game.name for game in games if _split_of(game.name) == split] for split in _SPLITS}
        if not self.splits:
            raise DataError(f"{self._root}: there is no game in ball-annos. Set data.root to what holds {_LAYOUT}.")

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have games with labels, in the order train, val, test."""
        return tuple(split for split in _SPLITS if self._games[split])

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by game and number; a clip lacking images or labels is an error of that clip.

        Raises:
            DataError: the split has no games here; a game has no clips.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no game of the split '{split}' here, only of {', '.join(self.splits)}."
            )
        return LazyClips(
            {
                f"{game}/{clip}": partial(self._clip, game, clip, files)
                for game in self._games[split]
                for clip, files in self._label_files(game).items()
                if not self._visible_only or _may_be_visible(files)
            },
            source=self._root,
        )

    def _label_files(self, game: str) -> dict[str, list[Path]]:
        """Return the label files of every clip of a game: one, if all is well."""
        folders = (self._root / "videos" / game).glob("[!.]*")
        found: dict[str, list[Path]] = {folder.name: [] for folder in folders if folder.is_dir()}
        for path in sorted((self._root / "ball-annos" / game).glob("[!.]*.xml")):
            found.setdefault(path.stem.rpartition("_")[2], []).append(path)
        if not found:
            raise DataError(f"{self._root / 'ball-annos' / game}: there are no clips in this game: {_LAYOUT}.")
        return {clip: found[clip] for clip in sorted(found, key=lambda clip: natural_order(Path(clip)))}

    def _clip(self, game: str, clip: str, files: list[Path]) -> Clip:
        folder = self._root / "videos" / game / clip
        if len(files) != 1:
            names = ", ".join(path.name for path in files) or "none"
            raise DataError(
                f"{folder}: expected one label file {self._root / 'ball-annos' / game}/*_{clip}.xml; found: {names}."
            )
        images = image_files(folder)
        if not images:
            raise DataError(f"{folder}: there are no images here. Add them, or remove {files[0]}.")
        frames = ImageFrames(images, fps=self._fps)
        positions = image_numbers(images)
        labels = [
            Label(
                shape.line,
                position_of(shape.frame, positions, path=files[0], line=shape.line, folder=folder),
                Visibility.OCCLUDED if shape.occluded else Visibility.EASY,
                *shape.points[0],
            )
            for shape in _read_shapes(files[0])
        ]
        xy, visibility = label_marked(files[0], labels, source=folder, frames=frames)
        return Clip(f"{game}/{clip}", frames, plain_labels(xy, visibility))


def _split_of(game: str) -> str:
    if game in _TEST:
        return "test"
    return "val" if game.endswith("0") else "train"


def _read_shapes(path: Path) -> list[Shape]:
    """Return the shapes that count, as WASB reads them: one per frame, unless two tracks claim the frame."""
    shapes = [shape for track in read_annotations(path).tracks for shape in track.shapes if shape.kind == "points"]
    inside = [shape for shape in shapes if not shape.outside]
    ended = {shape.frame: shape for shape in shapes if shape.outside}  # the last of them
    return inside + [ended[frame] for frame in ended.keys() - {shape.frame for shape in inside}]


def _may_be_visible(files: list[Path]) -> bool:
    """Whether a clip shows a ball; also where its labels cannot be read, so that opening it says why."""
    try:
        return len(files) != 1 or any(not shape.occluded for shape in _read_shapes(files[0]))
    except DataError:
        return True
