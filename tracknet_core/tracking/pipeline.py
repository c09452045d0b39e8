"""One clip from its frames to rows and an overlay: decoding, the network and drawing each in a thread of its own."""

from __future__ import annotations

import hashlib
import math
import signal
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path
from threading import Event

from tracknet_core.assembly import build
from tracknet_core.contracts import Candidates, TrackedFrame, Tracker
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.overlay import drawn
from tracknet_core.progress import Progress
from tracknet_core.schema import Node
from tracknet_core.tracking.clip import clip_background, default_ensemble, detect
from tracknet_core.tracking.detector import Detector
from tracknet_core.tracking.jobs import Job
from tracknet_core.video.live import DECODING_NICENESS, LiveFrames, TimedFrame, ahead, play
from tracknet_core.writers import CsvRows, JsonRows, RowFile, Rows

_FRAMES_AHEAD = 64  # at the size of the network: 28 MB at 512 x 288
_ROWS_AHEAD = 256


class Prediction:
    """Goes through a clip: decoding, the network and drawing each in a thread, tracking and rows in this one.

    Args:
        job: what to do.
        detector: the network.
        tracker: validated node of the tracker.
        checkpoint: the file of the network.
        step: frames between the starts of windows; None for no overlap.
        ensemble: validated node of what overlapping windows make of a frame; None for the default of a step.
        batch_size: windows that pass through the network together; a stream's go alone.

    Raises:
        ConfigError: the tracker refuses its parameters, or a stream cannot give what it or the network needs.
        DataError: the clip cannot be opened.
    """

    def __init__(
        self,
        job: Job,
        detector: Detector,
        tracker: Node,
        *,
        checkpoint: Path,
        step: int | None,
        ensemble: Node | None,
        batch_size: int,
    ) -> None:
        self._job = job
        self._detector = detector
        self._checkpoint = checkpoint
        self._step = step or len(detector.targets)
        self._ensemble = ensemble or default_ensemble(detector, step)
        self._live = isinstance(job.source, LiveFrames)
        self._batch_size = 1 if self._live else batch_size
        self._size, self._fps = job.source.size, job.source.fps
        self._node = tracker
        self._tracker: Tracker = build("trackers", tracker, "--tracker", fps=self._fps, size=self._size)
        if self._live and not self._tracker.causal:
            raise ConfigError(f"--tracker: '{tracker['name']}' looks into the future, which a stream does not have.")
        if self._live and detector.background:
            raise ConfigError(f"{job.name}: the network needs the background of a whole clip. Record the stream first.")
        self._stopped = Event()

    def run(self) -> None:
        """Write the rows and the overlay.

        The first Ctrl-C ends a stream: the frames that were taken from it still get their rows.

        Raises:
            DataError: no frame can be decoded, a stream broke off, the rows cannot be written, or those of an earlier
                run are of another form or run.
        """
        with ExitStack() as stack:
            if self._live:
                stack.enter_context(_set_by_interrupt(self._stopped))
            rows = RowFile(self._job.rows, self._rows(), self._facts(), live=self._live, resume=self._job.resume)
            file = stack.enter_context(rows)
            done = len(file.earlier)
            last = file.earlier[-1] if file.earlier else -1
            frames = self._tracker(self._candidates(self._start(file.earlier), stack))
            new = (frame for frame in frames if frame.number > last)
            if self._job.overlay is not None:
                overlay = self._drawn(chain(file.read_earlier(), new), self._job.overlay)
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
                going_on = "" if self._live else "; --resume goes on with them"
                sys.stderr.write(f"{file.part} holds the rows so far{going_on}.\n")
                raise
            self._report_missing(done + progress.count)
        sys.stdout.write(
            f"{self._job.name}: {progress.count} frames, {with_ball} with a ball, {progress.rate:.1f} frames/s\n"
        )
        sys.stdout.flush()

    def _rows(self) -> Rows:
        return JsonRows() if self._job.rows.suffix == JsonRows.suffix else CsvRows()

    def _facts(self) -> dict[str, str]:
        """Return what the rows depend on."""
        source, state = self._job.source, self._checkpoint.stat()
        pictures = None if isinstance(source, LiveFrames) else source.fingerprint()
        network = _digest(self._checkpoint.absolute(), state.st_size, state.st_mtime_ns)
        return {
            "network": f"{self._checkpoint.name} ({network})",
            "frames": f"{Path(self._job.name).name} ({_digest(pictures, self._fps)})",
            "tracker": str(self._node),
            "step": str(self._step),
            "ensemble": str(self._ensemble),
        }

    def _length(self) -> int | None:
        return None if isinstance(self._job.source, LiveFrames) else len(self._job.source)

    def _start(self, earlier: Sequence[int]) -> int:
        """Return the frame to begin at so that the rows after ``earlier`` are those of an uninterrupted run.

        Windows keep their places, which are multiples of the step among the frames that can be decoded. A tracker sees
        again as much as it remembers.
        """
        again = 2 * self._detector.frames + self._tracker.memory * self._fps
        if len(earlier) <= again:
            return 0
        return earlier[(len(earlier) - math.ceil(again)) // self._step * self._step]

    def _candidates(self, start: int, stack: ExitStack) -> Iterator[Candidates]:
        source, size = self._job.source, self._detector.image_size
        background = None
        frames: Iterable[TimedFrame]
        if isinstance(source, LiveFrames):
            frames = self._until_stopped(source.play(size))
        else:
            frames = play(source, size, start=start, skip_broken=True)
            if self._detector.background:
                background = clip_background(source, size)
        depth = self._detector.frames if self._live else _FRAMES_AHEAD
        pictures = stack.enter_context(closing(ahead(frames, depth, niceness=DECODING_NICENESS)))
        found = detect(
            self._detector,
            pictures,
            self._size,
            step=self._step,
            ensemble=self._ensemble,
            batch_size=self._batch_size,
            background=background,
        )
        return stack.enter_context(closing(ahead(found, _ROWS_AHEAD)))

    def _until_stopped(self, frames: Generator[TimedFrame, None, None]) -> Generator[TimedFrame, None, None]:
        with closing(frames):
            for frame in frames:
                if self._stopped.is_set():
                    return
                yield frame

    def _drawn(self, frames: Iterable[TrackedFrame], path: Path) -> Iterator[TrackedFrame]:
        if isinstance(self._job.source, LiveFrames):
            raise TypeError("a stream has no overlay")
        return drawn(frames, self._job.source, path, self._job.video)

    def _report_missing(self, written: int) -> None:
        length = self._length()
        if written == 0:
            raise DataError(f"{self._job.name}: no frame can be decoded.")
        if length is not None and written < length:
            sys.stderr.write(
                f"warning: {self._job.name}: {length - written} of {length} frames cannot be decoded; their rows are "
                "missing.\n"
            )


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@contextmanager
def _set_by_interrupt(stopped: Event) -> Iterator[None]:
    """Let the first Ctrl-C set an event; the next is what it was before."""

    def stop(*_: object) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
