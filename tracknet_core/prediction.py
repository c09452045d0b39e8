"""One clip from its frames to rows and an overlay: decoding, the network and drawing each in a thread of its own."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path

from tracknet_core.assembly import build
from tracknet_core.contracts import Candidates, Tracker, TrackPoint
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.inference import Detector, clip_background, detect
from tracknet_core.overlay import drawn
from tracknet_core.playback import LiveFrames, TimedFrame, ahead, play
from tracknet_core.progress import Progress
from tracknet_core.schema import Node
from tracknet_core.sources import Job
from tracknet_core.writers import CsvRows, JsonRows, RowFile, Rows, TrackedFrame

_FRAMES_AHEAD = 64  # at the size of the network: 28 MB at 512 x 288
_ROWS_AHEAD = 256
_WARM_UP_SECONDS = 10.0  # what a tracker sees again before it goes on, when a run is resumed


class Prediction:
    """Goes through a clip: decoding, the network and drawing each in a thread, tracking and rows in this one.

    Args:
        job: what to do.
        detector: the network.
        tracker: node of the tracker; None takes the best candidate of each frame.
        options: of the command line.

    Raises:
        ConfigError: the tracker refuses its parameters, or a stream cannot give what it or the network needs.
        DataError: the clip cannot be opened.
    """

    def __init__(self, job: Job, detector: Detector, tracker: Node | None, options: argparse.Namespace) -> None:
        self._job = job
        self._detector = detector
        self._options = options
        self._live = isinstance(job.source, LiveFrames)
        self._size, self._fps = job.source.size, job.source.fps
        self._tracker: Tracker | None = None
        if tracker is not None:
            self._tracker = build("trackers", tracker, "--tracker", fps=self._fps, size=self._size)
        if self._live and self._tracker is not None and not self._tracker.causal:
            raise ConfigError(f"--tracker: '{options.tracker}' looks into the future, which a stream does not have.")
        if self._live and detector.background:
            raise ConfigError(f"{job.name}: the network needs the background of a whole clip. Record the stream first.")

    def run(self) -> None:
        """Write the rows and the overlay.

        Raises:
            DataError: no frame can be decoded, a stream broke off, or the rows of an earlier run are of another form.
        """
        with ExitStack() as stack:
            file = stack.enter_context(
                RowFile(self._job.rows, self._rows(), live=self._live, resume=self._options.resume)
            )
            done = len(file.earlier)
            last = file.earlier[-1].number if file.earlier else -1
            frames = self._tracked(self._candidates(self._start(last), stack))
            new = (frame for frame in frames if frame.number > last)
            if self._job.overlay is not None:
                overlay = self._drawn(chain(file.earlier, new), self._job.overlay)
                shown = stack.enter_context(closing(ahead(overlay, _ROWS_AHEAD)))
                new = (frame for frame in shown if frame.number > last)
            progress = stack.enter_context(Progress(self._job.name, self._length(), done=done))
            with_ball = 0
            try:
                for frame in new:
                    file.write(frame)
                    with_ball += bool(frame.balls)
                    progress.advance()
            except KeyboardInterrupt:
                if not self._live:  # where it is the way to end
                    sys.stderr.write(f"{file.part} holds the rows so far; --resume goes on with them.\n")
                    raise
            self._report_missing(done + progress.count)
        sys.stdout.write(
            f"{self._job.name}: {progress.count} frames, {with_ball} with a ball, {progress.rate:.1f} frames/s\n"
        )
        sys.stdout.flush()

    def _rows(self) -> Rows:
        return JsonRows() if self._options.format == "jsonl" else CsvRows(tracked=self._tracker is not None)

    def _length(self) -> int | None:
        return None if isinstance(self._job.source, LiveFrames) else len(self._job.source)

    def _start(self, last: int) -> int:
        """Return where to begin so that the rows after frame ``last`` are those of an uninterrupted run.

        Windows keep their places, which are multiples of the step. A tracker sees some seconds again.
        """
        if last < 0 or (self._tracker is not None and not self._tracker.causal):
            return 0
        step = self._options.step or len(self._detector.targets)
        again = 2 * self._detector.frames
        if self._tracker is not None:
            again += round(_WARM_UP_SECONDS * self._fps)
        return max(0, last + 1 - again) // step * step

    def _candidates(self, start: int, stack: ExitStack) -> Iterator[Candidates]:
        source, size = self._job.source, self._detector.image_size
        background = None
        frames: Iterable[TimedFrame]
        if isinstance(source, LiveFrames):
            frames = source.play(size)
        else:
            frames = play(source, size, start=start, skip_broken=True)
            if self._detector.background:
                background = clip_background(source, size, skip_broken=True)
        pictures = stack.enter_context(closing(ahead(frames, self._detector.frames if self._live else _FRAMES_AHEAD)))
        found = detect(
            self._detector,
            pictures,
            self._size,
            step=self._options.step,
            ensemble=self._options.ensemble,
            batch_size=1 if self._live else self._options.batch_size,
            background=background,
        )
        return stack.enter_context(closing(ahead(found, _ROWS_AHEAD)))

    def _tracked(self, candidates: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        if self._tracker is None:
            for found in candidates:
                best = zip(found.xy[:1].tolist(), found.score[:1].tolist(), strict=True)
                yield TrackedFrame(found.number, found.time, tuple(TrackPoint((x, y), score) for (x, y), score in best))
            return
        seen: deque[tuple[int, float]] = deque()  # what the tracker has taken and not yet answered

        def remembered() -> Iterator[Candidates]:
            for found in candidates:
                seen.append((found.number, found.time))
                yield found

        for points in self._tracker(remembered()):
            yield TrackedFrame(*seen.popleft(), points)

    def _drawn(self, frames: Iterable[TrackedFrame], path: Path) -> Iterator[TrackedFrame]:
        if isinstance(self._job.source, LiveFrames):
            raise TypeError("a stream has no overlay")
        return drawn(frames, self._job.source, path, self._job.video)

    def _report_missing(self, written: int) -> None:
        length = self._length()
        if written == 0:
            raise DataError(f"{self._job.name}: no frame can be decoded.")
        if length is not None and written < length:
            warnings.warn(
                f"{self._job.name}: {length - written} of {length} frames cannot be decoded; their rows are missing.",
                stacklevel=2,
            )
