"""One clip from its frames to files: decoding, the network and each writer in a thread of its own."""

from __future__ import annotations

import hashlib
import signal
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from types import TracebackType

from tracknet_core.contracts import Output, TimedFrame, TrackedFrame, Writer
from tracknet_core.files import writing
from tracknet_core.progress import Progress
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.clip_tracker import ClipTracker
from tracknet_core.tracking.jobs import Job
from tracknet_core.tracking.plan import Plan
from tracknet_core.wording import count

_FRAMES_WAITING = 10_000  # of a few hundred bytes each, for a writer that is slower than the network


class ClipRun:
    """Goes through a clip: decoding, the network and each writer in a thread of its own, tracking in this one.

    Args:
        job: what to do.
        detector: the network.
        plan: how it is led, and the tracker. Windows of a stream go alone, whatever it says.
        checkpoint: the file of the network.

    Raises:
        ConfigError: the tracker refuses its parameters, or a stream cannot give what it or the network needs.
        DataError: the clip cannot be opened.
    """

    def __init__(self, job: Job, detector: Detector, plan: Plan, *, checkpoint: Path) -> None:
        self._job = job
        self._checkpoint = checkpoint
        self._plan = plan
        self._clip = ClipTracker(job.name, job.source, detector, plan)
        self._backend = detector.backend
        alone = job.source.is_live or detector.state
        self._led = partial(_led, detector, windows=1 if alone else plan.batch_size or detector.batch_size)
        self._clip.check_online()
        self._stopped = Event()

    def run(self) -> str:
        """Let every writer have the balls of every frame, and return what became of the clip, and where it lies.

        The first Ctrl-C ends a stream: the frames that were taken from it still get their rows.

        Raises:
            DataError: no frame can be decoded, a stream broke off, a file cannot be written, or what an earlier run
                left is of another form or run.
        """
        with ExitStack() as stack:
            if self._job.source.is_live:
                stack.enter_context(_set_by_interrupt(self._stopped))
            run = self._facts()
            outputs = [self._opened(writer, run, stack) for writer in self._job.writers]
            begun = max(outputs, key=lambda output: len(output.earlier))
            last = begun.earlier[-1] if begun.earlier else -1
            frames = stack.enter_context(self._frames(begun.earlier))
            sinks = [
                stack.enter_context(_Aside(output, writer))
                for output, writer in zip(outputs, self._job.writers, strict=True)
            ]
            progress = stack.enter_context(Progress(self._job.name, self._clip.length, done=len(begun.earlier)))
            with_ball = 0
            try:
                for frame in chain(begun.read_earlier(), (frame for frame in frames if frame.number > last)):
                    for sink in sinks:
                        sink.put(frame)
                    if frame.number > last:
                        with_ball += bool(frame.balls)
                        progress.advance()
                for sink in sinks:
                    sink.finish()
            except KeyboardInterrupt:
                going_on = "" if self._job.source.is_live else "; --resume goes on with them"
                for part in (writer.part for writer in self._job.writers):
                    if part is not None:
                        sys.stderr.write(f"{part} holds the rows so far{going_on}.\n")
                raise
            loss = self._clip.loss(len(begun.earlier) + progress.count)
            if loss is not None:
                sys.stderr.write(f"warning: {loss}\n")
        what = f"{progress.count} frames, {with_ball} with a ball, {progress.rate:.1f} frames/s by {self._led()}"
        files = "".join(f"\n  {path}" for writer in self._job.writers for path in writer.paths)
        return f"{self._job.name}: {what}{files}"

    def _facts(self) -> dict[str, str]:
        """Return what the rows depend on."""
        source, state = self._job.source, self._checkpoint.stat()
        pictures = None if source.is_live else source.fingerprint()
        network = _digest(self._checkpoint.absolute(), state.st_size, state.st_mtime_ns)
        return {
            "network": f"{self._checkpoint.name} ({network})",
            "frames": f"{Path(self._job.name).name} ({_digest(pictures, self._clip.fps)})",
            "tracker": str(self._plan.tracker),
            "backend": self._backend,
            "step": str(self._clip.step),
            "ensemble": str(self._clip.ensemble),
        }

    def _opened(self, writer: Writer, run: Mapping[str, str], stack: ExitStack) -> Output:
        with writing(writer.paths[0]):
            return stack.enter_context(writer.open(run, resume=self._job.resume))

    def _frames(self, earlier: Sequence[int]) -> AbstractContextManager[Iterator[TrackedFrame]]:
        if self._job.source.is_live:
            return self._clip.frames(batch_size=1, look=self._until_stopped)
        return self._clip.frames(self._clip.start_after(earlier))

    def _until_stopped(self, frames: Generator[TimedFrame, None, None]) -> Generator[TimedFrame, None, None]:
        with closing(frames):
            for frame in frames:
                if self._stopped.is_set():
                    return
                yield frame


class _Aside:
    """Gives frames to an output in a thread of its own, so that a slow one does not hold up the others.

    A context manager: left without :meth:`finish`, the output still gets what was handed over if it can be gone on
    with, and else no more.

    Args:
        output: that frames are written to; those that it holds are not written again.
        writer: whose output it is.
    """

    def __init__(self, output: Output, writer: Writer) -> None:
        self._output = output
        self._writer = writer
        self._last = output.earlier[-1] if output.earlier else -1
        self._waiting: Queue[TrackedFrame | None] = Queue(_FRAMES_WAITING)
        self._unwanted = Event()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._work, name="writer", daemon=True)

    def put(self, frame: TrackedFrame) -> None:
        """Hand a frame over.

        Raises:
            DataError: one before it could not be written.
        """
        if self._error is not None:
            raise self._error
        if frame.number > self._last:
            self._waiting.put(frame)

    def finish(self) -> None:
        """Wait until the output has all frames.

        Raises:
            DataError: one could not be written.
        """
        self._waiting.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def __enter__(self) -> _Aside:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer.part is None:
            self._unwanted.set()
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        # To the end in any case: whoever puts a frame must not wait for ever.
        for frame in iter(self._waiting.get, None):
            if self._error is None and not self._unwanted.is_set():
                try:
                    with writing(self._writer.paths[0]):
                        self._output.write(frame)
                except BaseException as failed:  # raised again by the thread that hands frames over
                    self._error = failed


def _led(detector: Detector, windows: int) -> str:
    """Return what runs a network, for people: some of it was chosen on this machine."""
    known = detector.find_threads()
    threads = [] if known is None else [count(known, "thread")]
    return f"{detector.backend} ({', '.join([*threads, count(windows, 'window')])} at a time)"


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
