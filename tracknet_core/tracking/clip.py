"""From the frames of a clip to candidates: windows in turn through the network, and what overlapping ones say together.

Letters: B windows of a batch, T frames of a window, P pictures (T frames and maybe a background), K target frames, D
detections per frame.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from tracknet_core.background import median, sampled_frames
from tracknet_core.components import Late, build
from tracknet_core.config import parse_component
from tracknet_core.contracts import (
    Candidates,
    FrameSource,
    LiveSource,
    Merger,
    Size,
    TimedFrame,
    UInt8Array,
    rescale,
)
from tracknet_core.errors import DataError
from tracknet_core.loading.windows import Excerpt, cut
from tracknet_core.schema import Node
from tracknet_core.tracking.answers import Detector, Found
from tracknet_core.video import DECODING_NICENESS, LumaSource, ahead

_READ_AHEAD = 64  # frames at the size of the network: 28 MB at 512 x 288


def detect_clip(
    detector: Detector,
    frames: FrameSource,
    *,
    step: int | None = None,
    ensemble: Node | None = None,
    batch_size: int | None = None,
) -> Iterator[Candidates]:
    """Yield the candidates of every frame of a clip that can be read, in order; decoding runs ahead in a thread.

    Args:
        detector: the network.
        frames: the clip.
        step: frames between the starts of windows, 1 to K; None for the network's own.
        ensemble: validated node of what overlapping windows make of a frame; None for the default of a step.
        batch_size: windows that pass through the network together; None for what suits it.

    Raises:
        DataError: the clip cannot be opened.
        ValueError: a parameter is out of its range.
    """
    background = clip_background(frames, detector.window.image_size) if detector.window.background else None
    with closing(ahead(pictures_for(detector, frames), _READ_AHEAD, niceness=DECODING_NICENESS)) as pictures:
        yield from detect(
            detector,
            pictures,
            frames.size,
            step=step,
            ensemble=ensemble,
            batch_size=batch_size,
            background=background,
        )


def pictures_for(
    detector: Detector, source: FrameSource | LiveSource, start: int = 0, *, coloured: bool = False
) -> Generator[TimedFrame, None, None]:
    """Yield the frames of a source as a network takes them, from ``start`` on, which is 0 for a live one.

    Where it looks at luma alone and the source can give that, pictures are (H, W, 1), unless they are to be coloured.
    """
    size = detector.window.image_size
    if detector.luma and not coloured and not detector.window.background and isinstance(source, LumaSource):
        return source.play_luma(size, start=start)
    return source.play(size) if source.is_live else source.play(size, start=start)


def clip_background(frames: FrameSource, size: Size) -> UInt8Array:
    """Return the background of a clip as training takes it: the median of frames evenly along it, RGB (H, W, 3).

    Frames that cannot be decoded are left out.

    Args:
        frames: the clip.
        size: width and height in pixels.

    Raises:
        DataError: no frame can be read.
    """
    sampled = sampled_frames(len(frames))
    try:
        return median(frames.read(sampled, size))
    except DataError:  # to leave a broken frame out, all are decoded
        wanted = set(sampled)
        readable = [frame.picture for frame in frames.play(size) if frame.number in wanted]
        if not readable:
            raise
        return median(readable)


def detect(
    detector: Detector,
    frames: Iterable[TimedFrame],
    size: Size,
    *,
    step: int | None = None,
    ensemble: Node | None = None,
    batch_size: int | None = None,
    background: UInt8Array | None = None,
) -> Iterator[Candidates]:
    """Yield the candidates of every frame, in order, while frames come in: their number need not be known.

    Windows start ``step`` frames apart. As no window reaches beyond the end, the last moves back into the clip; one of
    a clip that is shorter than T repeats its last frame. A network with a state sees them one after the other, and
    begins without a state.

    Args:
        detector: the network.
        frames: pictures of the size that the network takes, (H, W, 3); of one that looks at luma alone also (H, W, 1).
        size: width and height that the places are wanted in: those of the original video, in pixels.
        step: frames between the starts of windows, 1 to K; None for the network's own.
        ensemble: validated node of what overlapping windows make of a frame; None for the default of a step.
        batch_size: windows that pass through the network together, of which 1 keeps the delay of a live stream short;
            None for what suits it.
        background: (H, W, 3), for networks that need it.

    Raises:
        ValueError: a parameter is out of its range.
    """
    check_windows(detector, step, batch_size)
    step = detector.window.apart(step)
    if detector.window.background and background is None:
        raise ValueError("background: None, but this network looks at the background of the clip as well.")
    merged = _Merged(detector, size, build_merger(detector, step, ensemble))
    windows = cut(frames, detector.window, step)
    while batch := list(islice(windows, batch_size or detector.batch_size)):
        yield from merged.after(batch, _stack(batch, background))
    yield from merged.rest()


def default_ensemble(detector: Detector, step: int | None) -> Node:
    """Return what becomes of a frame where nobody says it: without overlap there is one answer, otherwise all count."""
    overlap = detector.window.apart(step) < len(detector.window.targets)
    return parse_component("mergers", None, "--step" if overlap else "--ensemble")


def build_merger(detector: Detector, step: int | None, ensemble: Node | None) -> Merger[Any]:
    """Return what overlapping windows make of a frame.

    Raises:
        ConfigError: it refuses its parameters.
    """
    merger: Merger[Any] = build(
        "mergers",
        ensemble or default_ensemble(detector, step),
        "--ensemble",
        targets=len(detector.window.targets),
        codec=Late(lambda: detector.codec),
    )
    return merger


def check_windows(detector: Detector, step: int | None, batch_size: int | None) -> None:
    """Check how a detector is to be led over a clip.

    Raises:
        ValueError: a parameter is out of its range.
    """
    count = len(detector.window.targets)
    if step is not None and not 1 <= step <= count:
        raise ValueError(
            f"step: {step} is out of range. Give 1 to {count}, the frames that a window of this network reports."
        )
    apart = detector.window.apart(step)
    if apart != count and detector.state:
        raise ValueError(
            f"step: {apart} lets windows overlap, and this network carries a state from a window to the next, which it "
            f"learned {count} frames apart. Leave it out."
        )
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size: {batch_size} windows are too few. Give at least 1.")


# ------------------------------------------------------------------------------------------- windows


_Window = Excerpt[TimedFrame]


def _stack(windows: Sequence[_Window], background: UInt8Array | None) -> UInt8Array:
    """Return (B, P, 3, H, W), whose memory is channels-last as frames come."""
    last = [] if background is None else [background]
    pictures = np.stack([p for window in windows for p in (*(frame.picture for frame in window.frames), *last)])
    batch = pictures.reshape(len(windows), -1, *pictures.shape[1:])  # (B, P, H, W, 3)
    return np.moveaxis(batch, -1, 2)


# --------------------------------------------------------------------------------- overlapping windows


@dataclass
class _Reported:
    """What windows say of a frame.

    Attributes:
        frame: the frame.
        answers: one of each window that reports it.
        positions: place of the frame among the K targets of each.
    """

    frame: TimedFrame
    answers: list[Any] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)


class _Merged:
    """Holds what windows say of a frame until it is final, and lets a merger make one answer of it.

    Args:
        detector: the network.
        size: width and height of the original video, in pixels.
        merger: what becomes of the frames that several windows report.
    """

    def __init__(self, detector: Detector, size: Size, merger: Merger[Any]) -> None:
        self._detector = detector
        self._scale = np.array(size, np.float32) / np.array(detector.window.image_size, np.float32)
        self._merger = merger
        self._state = detector.state  # after the last window
        self._held: dict[int, _Reported] = {}  # by place in the run of frames, ascending
        self._given = 0  # frames before this place are given out

    def after(self, windows: Sequence[_Window], frames: UInt8Array) -> list[Candidates]:
        """Return the frames that are final after these windows.

        Args:
            windows: B of them, in order.
            frames: (B, P, 3, H, W), their pictures.
        """
        ready: list[_Reported] = []
        for window, answers in zip(windows, self._answers(windows, frames), strict=True):
            # A short clip has fewer frames than answers.
            for position, (frame, answer) in enumerate(zip(window.targets, answers, strict=False)):
                place = window.start + position
                if place >= self._given:
                    held = self._held.setdefault(place, _Reported(frame))
                    held.answers.append(answer)
                    held.positions.append(position)
            # Later windows report no frame before the first of this one.
            ready += self._take(window.start + len(window.targets) * self._merger.immediate)
        return self._candidates(ready)

    def rest(self) -> list[Candidates]:
        """Return the frames that waited for a further window."""
        return self._candidates(list(self._held.values()))

    def _take(self, end: int) -> Iterator[_Reported]:
        """Take out, in order, the frames before a place."""
        for place in range(self._given, end):
            yield self._held.pop(place)
        self._given = max(self._given, end)

    def _answers(self, windows: Sequence[_Window], frames: UInt8Array) -> Iterator[Sequence[Any]]:
        """Yield what each of B windows says of its targets; those of a network with a state are looked at in turn."""
        together = 1 if self._detector.state else len(windows)
        for first in range(0, len(windows), together):
            part = frames[first : first + together]
            if self._merger.reads == "logits":
                logits, self._state = self._detector.logits(part, *self._state)
                yield from logits  # (K, *form) each
            else:
                found, self._state = self._detector.detections(part, *self._state)
                for window, *of_window in zip(windows[first : first + together], *found, strict=True):
                    yield self._found(window.targets, Found(*of_window))

    def _candidates(self, ready: Sequence[_Reported]) -> list[Candidates]:
        """Return what was found in frames that are final."""
        merged = [self._merger(reported.answers, reported.positions) for reported in ready]
        if self._merger.reads == "candidates" or not merged:
            return merged
        return self._found([reported.frame for reported in ready], self._detector.decode(merged))

    def _found(self, frames: Sequence[TimedFrame], found: Found) -> list[Candidates]:
        """Return what was found in each of ``frames``, in pixels of the original video."""
        return [
            Candidates(frame.number, frame.time, rescale(points[present], self._scale), score[present])
            for frame, points, score, present in zip(frames, *found, strict=False)  # a short clip has fewer frames
        ]
