"""Whether a dataset is sound: every clip is opened, every frame decoded once, and what is wrong is named.

What is certain is an error, what the pictures suggest a suspicion, and what harms no training a warning.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations, groupby

import numpy as np
import numpy.typing as npt
from PIL import Image

from tracknet_core.clips import clip_names
from tracknet_core.contracts import Clip, FloatArray, FrameSource, IntArray, UInt8Array, Visibility
from tracknet_core.data.alignment import Alignment, Astray, Misfit
from tracknet_core.data.check_report import Fault, Kind, Report, Severity, SplitStatistics
from tracknet_core.errors import DataError, LabelWarning
from tracknet_core.wording import count

_VISIBLE = [code for code in Visibility if code.is_visible]

_DENSE = 0.9  # share of labelled frames from which a clip counts as labelled throughout
_SPARSE = 0.5  # below it, frames without a label are the habit of the set, not an omission
_JUMP = 0.1  # widths of the image; a step that leads away from a ball at rest or in a hand
_RETURNS = 3  # jumps to one and the same place, to a hundredth of a pixel, that are no chance
_IRREGULAR = 0.3  # deviation from the usual time between two frames that is more than the rounding of times

_THUMBNAIL = (64, 36)  # columns and rows; a player fills several cells
_THUMBNAILS_AT = (0.25, 0.5, 0.75)  # of the clip
_SAME = 25  # grey levels: rallies of one arena differ by 109 and more in some cell, a copy at crf 28 by 7 at most


def check_data(
    splits: Mapping[str, Sequence[Clip]], *, jobs: int = 1, on_clip: Callable[[str], None] | None = None
) -> Report:
    """Check every clip of every split: its files, its labels, and whether labels and pictures fit.

    Each frame is decoded once, at most 640 pixels wide; memory does not grow with the length of clips. A clip that
    cannot be opened is a fault of that clip alone. Two clips of different splits are duplicates if they are the same
    file, or have equally many frames that look the same; parts of a clip are not found.

    Args:
        splits: the clips of each split.
        jobs: clips that are decoded at the same time.
        on_clip: is called with the name of each clip when it has been checked.

    Raises:
        ValueError: ``jobs`` is below 1.
    """
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}; expected how many clips are decoded at the same time, at least 1.")
    faults: list[Fault] = []
    opened: list[_Opened] = []
    for split in splits:
        try:
            clips = splits[split]
            opened += [_open(split, clips, number, name) for number, name in enumerate(clip_names(clips))]
        except DataError as error:
            faults.append(Fault("error", "unreadable", split, None, str(error)))
    examined: list[_Examined] = []
    pool = ThreadPoolExecutor(jobs)  # decoding and resizing leave other threads their turn
    try:
        for one in pool.map(_examine, opened):
            examined.append(one)
            if on_clip is not None:
                on_clip(one.name)
    finally:
        pool.shutdown(cancel_futures=True)
    faults += [fault for one in examined for fault in one.faults]
    faults += _duplicates(examined)
    statistics = {split: _statistics([one for one in examined if one.split == split]) for split in splits}
    faults += _without_ball(statistics)
    return Report(tuple(faults), statistics)


# ---------------------------------------------------------------------------------------------- one clip


@dataclass
class _Opened:
    """A clip before its pictures are looked at; ``clip`` is None if it cannot be used."""

    split: str
    name: str
    clip: Clip | None = None
    faults: list[Fault] = field(default_factory=list)

    def add(
        self, severity: Severity, kind: Kind, message: str, frames: npt.NDArray[np.intp] | Sequence[int] = ()
    ) -> None:
        self.faults.append(Fault(severity, kind, self.split, self.name, message, tuple(map(int, frames))))


@dataclass(frozen=True)
class _Examined:
    """What is kept of a clip.

    Attributes:
        split: its split.
        name: its name.
        faults: what was found.
        visibility: (N,) codes; empty if it could not be opened.
        speeds: pixels of the original video from each visible ball to the next.
        file: digest of the fingerprint of its pictures, None if there is none.
        thumbnails: (3, rows, columns) grey; None if not all pictures can be decoded.
    """

    split: str
    name: str
    faults: list[Fault]
    visibility: IntArray
    speeds: FloatArray
    file: str | None = None
    thumbnails: UInt8Array | None = None

    @property
    def is_open(self) -> bool:
        return len(self.visibility) > 0


def _open(split: str, clips: Sequence[Clip], number: int, name: str) -> _Opened:
    """Open a clip and check its labels; not for threads, which share what catches warnings."""
    opened = _Opened(split, name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            clip = clips[number]
            if _check_counts(opened, clip):
                opened.clip = clip
        except DataError as error:
            opened.add("error", "unreadable", str(error))
    for warning in caught:
        opened.add("warning", "labels", str(warning.message))
    if opened.clip is not None:
        _check_labelled(opened, opened.clip, any(issubclass(warning.category, LabelWarning) for warning in caught))
        _check_places(opened, opened.clip)
        _check_sentinels(opened, opened.clip)
        _check_rate(opened, opened.clip.frames)
    return opened


def _examine(opened: _Opened) -> _Examined:
    """Decode every frame of a clip, and see whether the labels lie on what moves."""
    clip = opened.clip
    if clip is None:
        return _Examined(opened.split, opened.name, opened.faults, np.empty(0, np.int64), np.empty(0, np.float32))
    examined = partial(_Examined, opened.split, opened.name, opened.faults, clip.visibility, _speeds(clip))
    alignment = Alignment(clip)
    chosen = [int(share * len(clip)) for share in _THUMBNAILS_AT]
    thumbnails: dict[int, UInt8Array] = {}
    try:
        fingerprint = clip.frames.fingerprint()
        for number, frame in enumerate(clip.frames.read(range(len(clip)), alignment.size)):
            alignment.add(frame)
            if number in chosen:
                thumbnails[number] = _thumbnail(frame)
    except DataError as error:
        opened.add("error", "pictures", str(error))
        return examined()
    misfit, astray = alignment.misfit(), alignment.astray()
    if misfit is not None:
        _report_misfit(opened, clip, misfit)
    elif astray is not None:
        _report_astray(opened, astray)
    file = None if fingerprint is None else hashlib.sha256(fingerprint.encode()).hexdigest()
    return examined(file, np.stack([thumbnails[number] for number in chosen]))


def _check_counts(opened: _Opened, clip: Clip) -> bool:
    """Return whether labels and frames are of one number, and the codes known, so that the rest can be checked."""
    frames, codes, places = len(clip.frames), clip.visibility.shape, clip.xy.shape
    if not frames or codes != (frames,) or places != (frames, 2):
        opened.add(
            "error",
            "frames",
            f"{count(frames, 'frame')}, but visibility has the shape {codes} and xy {places}; expected "
            f"{(frames,)} and {(frames, 2)}, for at least one frame. The reader has to give every frame one label.",
        )
        return False
    unknown = np.flatnonzero(~np.isin(clip.visibility, list(Visibility)))
    if len(unknown):
        accepted = ", ".join(f"{code.value} {code.name}" for code in Visibility)
        opened.add("error", "labels", f"{_frames(unknown)}: no code of visibility; expected {accepted}.", unknown)
    return not len(unknown)


def _check_labelled(opened: _Opened, clip: Clip, told: bool) -> None:
    """Find frames without a label, unless that is the habit of the set, or the reader has ``told`` about them."""
    unlabelled = clip.visibility == Visibility.UNLABELLED
    labelled = np.flatnonzero(~unlabelled)
    if not len(labelled):
        opened.add("warning", "frames", f"None of the {len(clip)} frames has a label. Label them, or remove the clip.")
        return
    if told:
        return
    end = int(labelled[-1]) + 1
    if end < len(clip) and len(labelled) >= _DENSE * end:
        opened.add(
            "warning",
            "frames",
            f"The labels end with frame {end - 1}, but there are {len(clip)} frames (0 to {len(clip) - 1}). Label the "
            "others, or see whether the labels belong to this video: a cut at its start would have moved all of them.",
            range(end, len(clip)),
        )
        unlabelled[end:] = False
    gaps = np.flatnonzero(unlabelled)
    if 0 < len(gaps) <= _SPARSE * len(clip):
        opened.add("warning", "frames", f"{_frames(gaps)}: no label. They are not trained on, and have no score.", gaps)


def _check_places(opened: _Opened, clip: Clip) -> None:
    visible = np.isin(clip.visibility, _VISIBLE)
    known = np.isfinite(clip.xy).all(axis=1)
    inside = np.all((clip.xy >= -0.5) & (clip.xy <= np.array(clip.frames.size) - 0.5), axis=1)
    lost = np.flatnonzero(visible & ~known)
    outside = np.flatnonzero(visible & known & ~inside)
    cure = "Mend the place (pixels of the original video), or set the visibility to 0."
    if len(lost):
        opened.add("error", "place", f"{_frames(lost)}: a visible ball, but blank or NaN for a place. {cure}", lost)
    if len(outside):
        width, height = clip.frames.size
        message = f"{_frames(outside)}: a visible ball outside of the {width}x{height} image. {cure}"
        opened.add("error", "place", message, outside)


def _check_sentinels(opened: _Opened, clip: Clip) -> None:
    """Find a visible ball at exactly (0, 0), and one that jumps to the very same place again and again."""
    visible = np.isin(clip.visibility, _VISIBLE) & np.isfinite(clip.xy).all(axis=1)
    zero = np.flatnonzero(visible & (clip.xy == 0).all(axis=1))
    if len(zero):
        opened.add(
            "error",
            "sentinel",
            f"{_frames(zero)}: a visible ball at exactly (0, 0), which stands for no ball. Set the visibility to 0.",
            zero,
        )
    jumps = np.hypot(*np.diff(clip.xy, axis=0).T) > _JUMP * clip.frames.size[0]
    landed = np.flatnonzero(visible[1:] & visible[:-1] & jumps) + 1
    places: dict[tuple[float, float], list[int]] = defaultdict(list)
    for number in landed:
        x, y = clip.xy[number].round(2)
        places[float(x), float(y)].append(int(number))
    for (x, y), numbers in places.items():
        if len(numbers) >= _RETURNS and (x, y) != (0, 0):
            opened.add(
                "suspicion",
                "sentinel",
                f"{_frames(numbers)}: the ball jumps to exactly ({x:g}, {y:g}) each time. If that stands for no ball, "
                "set the visibility there to 0.",
                numbers,
            )


def _check_rate(opened: _Opened, frames: FrameSource) -> None:
    if len(frames) < 3:
        return
    gaps = np.diff(frames.times)
    usual = float(np.median(gaps))
    irregular = np.flatnonzero(np.abs(gaps - usual) > _IRREGULAR * usual) + 1
    if len(irregular):
        opened.add(
            "warning",
            "rate",
            f"{_frames(irregular)}: shown {gaps.min() / usual:.2g} to {gaps.max() / usual:.2g} times the usual "
            "interval after the frame before, so the frame rate varies. Frame n is still frame n, but speeds in pixels "
            "per frame mislead, and so may labels from a tool that counts seconds.",
            irregular,
        )


def _report_misfit(opened: _Opened, clip: Clip, misfit: Misfit) -> None:
    width, height = clip.frames.size
    evidence = f"{misfit.votes} of the {misfit.of} labels of a fast ball that tell anything say so"
    look = "Look at it with 'tracknet data preview'."
    if misfit.late:
        by = count(abs(misfit.late), "frame")
        when, cure = ("late", "lower") if misfit.late > 0 else ("early", "raise")
        opened.add(
            "suspicion",
            "time",
            f"The labels seem to come {by} {when}: {evidence}. {look} If it is so, {cure} the frame numbers of the "
            f"labels by {abs(misfit.late)}, or use the video that was labelled.",
        )
    if misfit.labelled_size is not None:
        size = "{}x{}".format(*misfit.labelled_size)
        unit = "fractions of width and height" if misfit.labelled_size == (1, 1) else f"pixels of a {size} picture"
        opened.add(
            "suspicion",
            "scale",
            f"The labels seem to be {unit}, but the frames are {width}x{height}: {evidence}. {look} If it is so, "
            f"multiply x by {width / misfit.labelled_size[0]:.6g} and y by {height / misfit.labelled_size[1]:.6g}.",
        )


def _report_astray(opened: _Opened, astray: Astray) -> None:
    of = astray.never + astray.now
    opened.add(
        "suspicion",
        "drift",
        f"The labels seem to lie beside the ball: in {astray.never} of {of} places of a fast ball nothing moves. Look "
        "at it with 'tracknet data preview'. If it is so, label the clip anew, or use the video that was labelled: one "
        "that was cut, or has other frames, looks the same.",
    )


def _speeds(clip: Clip) -> FloatArray:
    """Return the way of the visible ball from each frame to the next, in pixels of the original video."""
    visible = np.isin(clip.visibility, _VISIBLE) & np.isfinite(clip.xy).all(axis=1)
    steps: FloatArray = np.hypot(*np.diff(clip.xy, axis=0).T)
    return steps[visible[1:] & visible[:-1]]


def _thumbnail(frame: UInt8Array) -> UInt8Array:
    return np.asarray(Image.fromarray(frame).convert("L").resize(_THUMBNAIL, Image.Resampling.BOX))


# ---------------------------------------------------------------------------------------------- all clips


def _duplicates(examined: Sequence[_Examined]) -> Iterator[Fault]:
    """Find clips of different splits that are one and the same; clips of unequal length are not compared."""
    by_length: dict[int, list[_Examined]] = defaultdict(list)
    for one in examined:
        if one.is_open:
            by_length[len(one.visibility)].append(one)
    for group in by_length.values():
        for first, second in combinations(group, 2):
            if first.split != second.split and _is_same(first, second):
                yield Fault(
                    "error",
                    "duplicate",
                    second.split,
                    second.name,
                    f"The pictures are those of {first.name} in the split '{first.split}': what is scored was trained "
                    "on. Remove one of the two.",
                )


def _is_same(first: _Examined, second: _Examined) -> bool:
    if first.file is not None and first.file == second.file:
        return True
    if first.thumbnails is None or second.thumbnails is None:
        return False
    differences = np.abs(first.thumbnails.astype(np.int16) - second.thumbnails)
    return bool(differences.max() <= _SAME)


def _without_ball(statistics: Mapping[str, SplitStatistics]) -> Iterator[Fault]:
    """Find splits that have labels, but no ball."""
    for split, of in statistics.items():
        labelled = of.frames - of.unlabelled
        if labelled and of.absent == labelled:
            yield Fault(
                "suspicion",
                "labels",
                split,
                None,
                f"None of the {count(labelled, 'labelled frame')} shows a ball. See whether the codes of visibility "
                "mean what the reader takes them for: in some files 0 is a visible ball.",
            )


def _statistics(examined: Sequence[_Examined]) -> SplitStatistics:
    visibility = np.concatenate([np.empty(0, np.int64), *(one.visibility for one in examined)])
    speeds = np.concatenate([np.empty(0, np.float32), *(one.speeds for one in examined)])
    counts = {code: int((visibility == code).sum()) for code in Visibility}
    labelled = len(visibility) - counts[Visibility.UNLABELLED]
    return SplitStatistics(
        clips=sum(one.is_open for one in examined),
        frames=len(visibility),
        easy=counts[Visibility.EASY],
        hard=counts[Visibility.HARD],
        occluded=counts[Visibility.OCCLUDED],
        absent=counts[Visibility.ABSENT],
        unlabelled=counts[Visibility.UNLABELLED],
        without_ball=counts[Visibility.ABSENT] / labelled if labelled else None,
        speed_median=float(np.median(speeds)) if len(speeds) else None,
        speed_p95=float(np.percentile(speeds, 95)) if len(speeds) else None,
    )


def _frames(numbers: npt.NDArray[np.intp] | Sequence[int]) -> str:
    """Return 'frames 3-7, 12', shortened after the tenth run."""
    runs = []
    for _, run in groupby(enumerate(map(int, numbers)), key=lambda item: item[1] - item[0]):
        of = [number for _, number in run]
        runs.append(f"{of[0]}-{of[-1]}" if len(of) > 1 else f"{of[0]}")
    shown = ", ".join(runs[:10]) + (", …" if len(runs) > 10 else "")
    return f"frame {shown}" if len(numbers) == 1 else f"{len(numbers)} frames ({shown})"
