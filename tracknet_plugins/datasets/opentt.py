"""OpenTTGames (Voeikov et al. 2020): table tennis at 120 frames per second, labelled around bounces and net hits."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from tracknet_core.clips import LazyClips
from tracknet_core.contracts import Clip, Dataset, PublishedSplit, Visibility, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.frame_views import Excerpt
from tracknet_core.labels import Label, existing_root, label_frames
from tracknet_core.registry import datasets
from tracknet_core.video import VideoFrames, natural_order
from tracknet_plugins.datasets.checked_json import load_json

_LAYOUT = "game_1.mp4 with game_1/ball_markup.json, test_1.mp4 with test_1/ball_markup.json, and so on"
_SPLITS = ("train", "val", "test")
_MARKUP = "ball_markup.json"
# Archives unpacked beside the videos or with them; and the tree {training,test}/{videos,annotations} of public tools.
_VIDEOS = ("*.mp4", "*/*.mp4", "*/videos/*.mp4")
_MARKUPS = (f"*/{_MARKUP}", f"*/annotations/*/{_MARKUP}")
_NAME = re.compile(r"(game|test)_\d+")
_DIGITS = 9  # of a frame number
_MISSING = {"video": "<name>.mp4", "markup": f"<name>/{_MARKUP}"}


@datasets.register("opentt")
class OpenTT(Dataset):
    """Reads ``game_*.mp4``, ``test_*.mp4`` and the ``ball_markup.json`` of each, in a folder named as the video.

    A video lasts minutes, but only some frames before and after each event are labelled. So a clip is a stretch of
    labelled frames in which no gap is longer than ``gap``, about a rally by default; it is called
    ``game_1/000014`` by its first frame in the video. What lies between clips is never read. The frames of a gap are
    UNLABELLED: windows may look at them, and those that see no label at all are not drawn in training. ``gap=0``
    leaves runs of labelled frames only, for evaluation without frames that do not count.

    Frame numbers start at 0. A coordinate of 0 or less says that there is no ball.

    ``test`` are the videos ``test_*``, as published; ``val`` is ``game_5``, so that nothing is chosen on ``test``;
    every other ``game_*`` is ``train``. The published split, ``data.split=opentt``, has no ``val``: TTNet draws it
    from the events of the training videos.

    Args:
        root: the folder that holds the videos, or one folder for each, or ``training`` and ``test``.
        gap: longest stretch of frames without a label inside of a clip; 120 are one second.

    Raises:
        DataError: there is no such folder, or no video or markup in it.
        ValueError: ``gap`` is negative.
    """

    published_splits: ClassVar[Mapping[str, PublishedSplit]] = {"opentt": {"train": ["game_*"], "test": ["test_*"]}}

    def __init__(self, *, root: Path | None = None, gap: int = 120) -> None:
        if gap < 0:
            raise ValueError(
                f"'gap' is {gap}; expected a number of frames, 0 or more. The videos have 120 in a second."
            )
        self._gap = gap
        self._root = existing_root(root, _LAYOUT)
        self._videos = {path.stem: path for path in self._found(_VIDEOS) if _NAME.fullmatch(path.stem)}
        self._markups = {path.parent.name: path for path in self._found(_MARKUPS) if _NAME.fullmatch(path.parent.name)}
        if not self.splits:
            raise DataError(
                f"{self._root}: there is no game_1.mp4, test_1.mp4, … here. Set data.root to what holds {_LAYOUT}."
            )

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that have a video or a markup, in the order train, val, test."""
        present = {_split_of(name) for name in self._names()}
        return tuple(split for split in _SPLITS if split in present)

    def clips(self, split: str) -> LazyClips:
        """Return the clips of a split, by video and frame; this reads the markups.

        A video that lacks its markup, a markup that lacks its video or cannot be read is one clip, called
        ``game_1/markup`` or ``game_1/video`` for what is wrong, and an error when it is opened.

        Raises:
            DataError: there is no video of the split.
        """
        if split not in self.splits:
            raise DataError(
                f"{self._root}: there is no video of the split '{split}', only of {', '.join(self.splits)}."
            )
        openers: dict[str, Callable[[], Clip]] = {}
        for name in self._names():
            if _split_of(name) == split:
                openers.update(self._openers(name))
        return LazyClips(openers, source=self._root)

    def _names(self) -> list[str]:
        return sorted(self._videos.keys() | self._markups.keys(), key=lambda name: natural_order(Path(name)))

    def _found(self, patterns: Sequence[str]) -> Iterator[Path]:
        return (path for pattern in patterns for path in self._root.glob(pattern))

    def _openers(self, name: str) -> dict[str, Callable[[], Clip]]:
        """Return what opens the clips of a video."""
        for what, there in (("video", self._videos), ("markup", self._markups)):
            if name not in there:
                missing = _MISSING[what].replace("<name>", name)
                fault = f"{self._root}: there is no {missing} here, but the rest of {name}. Add it, or remove the rest."
                return {f"{name}/{what}": partial(_fail, fault)}
        path = self._markups[name]
        try:
            labels = _read_markup(path)
        except DataError as error:
            return {f"{name}/markup": partial(_fail, str(error))}
        video = VideoFrames(self._videos[name])  # one for all clips, since its packets are counted once
        stretches = _stretches(labels, self._gap)
        names = [f"{name}/{stretch[0].frame:06d}" for stretch in stretches]
        return {n: partial(_clip, n, video, self._videos[name], path, s) for n, s in zip(names, stretches, strict=True)}


def _split_of(name: str) -> str:
    return "test" if name.startswith("test") else "val" if name == "game_5" else "train"


def _fail(message: str) -> Clip:
    raise DataError(message)


def _clip(name: str, video: VideoFrames, source: Path, path: Path, stretch: Sequence[Label]) -> Clip:
    """Open the clip from the first to the last of ``stretch``, labels in the video's frame numbers."""
    start, last = stretch[0].frame, stretch[-1]
    if last.frame >= len(video):
        raise DataError(
            f"{path}:{last.line}: a label for frame {last.frame}, but {source} has {len(video)} frames "
            f"(0 to {len(video) - 1}). Use the video that was labelled, or remove the label."
        )
    frames = Excerpt(video, start, last.frame - start + 1)
    labels = [Label(label.line, label.frame - start, label.visibility, label.x, label.y) for label in stretch]
    xy, visibility = label_frames(path, labels, source=source, count=len(frames), size=frames.size)
    return Clip(name, frames, plain_labels(xy, visibility))


def _stretches(labels: Sequence[Label], gap: int) -> list[list[Label]]:
    """Divide ascending labels where more than ``gap`` frames lie between two of them."""
    stretches: list[list[Label]] = []
    for label in labels:
        if stretches and label.frame - stretches[-1][-1].frame <= gap + 1:
            stretches[-1].append(label)
        else:
            stretches.append([label])
    return stretches


def _read_markup(path: Path) -> list[Label]:
    """Return the labels of a video, one or more, ascending.

    Raises:
        DataError: the file is no markup; the message names the frame.
    """
    markup = load_json(path).cells
    if not markup:
        raise DataError(f'{path}: expected {{"<frame>": {{"x": …, "y": …}}, …}}, with one frame or more.')
    text = path.read_text(encoding="utf-8-sig")
    lines = {key: n for n, line in enumerate(text.splitlines(), 1) for key in re.findall(r'"(-?\d+)"\s*:', line)}
    return sorted(
        (_label(path, lines.get(key, 1), key, place) for key, place in markup.items()), key=lambda it: it.frame
    )


def _label(path: Path, line: int, key: str, place: Any) -> Label:
    try:
        if len(key) > _DIGITS:
            raise ValueError("no video has so many frames")
        frame, x, y = int(key), float(place["x"]), float(place["y"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        shown = json.dumps(place)[:80]
        raise DataError(
            f'{path}:{line}: frame "{key[:20]}" is {shown}; expected a frame number, and {{"x": …, "y": …}} in pixels.'
        ) from error
    if frame < 0:
        raise DataError(f"{path}:{line}: there is no frame {frame}; frame numbers start at 0. Remove it.")
    if x <= 0 or y <= 0:
        return Label(line, frame, Visibility.ABSENT, math.nan, math.nan)
    return Label(line, frame, Visibility.EASY, x, y)
