"""From the frames of a clip to its tracked frames: decoding and the network in threads of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

from tracknet_core.contracts import FrameSource, LiveSource, TimedFrame, TrackedFrame
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.schema import Node
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.clip import clip_background, default_ensemble, detect, pictures_for
from tracknet_core.tracking.plan import Plan
from tracknet_core.tracking.trackers import build_tracker
from tracknet_core.video import DECODING_NICENESS, ahead

_FRAMES_AHEAD = 64  # at the size of the network: 28 MB at 512 x 288
_CANDIDATES_AHEAD = 256

Look = Callable[[Generator[TimedFrame, None, None]], Generator[TimedFrame, None, None]]
"""What stands between decoding and the network: it may look at frames, and end them."""


class ClipTracker:
    """Leads a network over a clip, and a tracker over what it finds.

    Args:
        name: how messages call the clip.
        source: its frames.
        detector: the network.
        plan: how it is led, and the tracker.

    Attributes:
        size: width and height of the frames, in pixels.
        fps: frames per second.
        step: frames between the starts of windows.
        ensemble: validated node of what overlapping windows make of a frame.

    Raises:
        ConfigError: the tracker refuses its parameters, or frames that come once cannot give what the network needs.
        DataError: the clip cannot be opened.
    """

    def __init__(self, name: str, source: FrameSource | LiveSource, detector: Detector, plan: Plan) -> None:
        self._name = name
        self._source = source
        self.size, self.fps = source.size, source.fps
        self.step = detector.window.apart(plan.step)
        self.ensemble: Node = plan.ensemble or default_ensemble(detector, plan.step)
        self._batch_size = plan.batch_size
        self._tracker_name: str = plan.tracker["name"]
        self._tracker = build_tracker(plan.tracker, fps=self.fps, size=self.size)
        self._detector = detector.adjusted(self._tracker.wanted)
        if source.is_live and detector.window.background:
            raise ConfigError(f"{name}: the network needs the background of a whole clip. Record the stream first.")

    @property
    def length(self) -> int | None:
        """The number of frames; None of those that come once."""
        return None if self._source.is_live else len(self._source)

    def check_online(self) -> None:
        """Tell before the work that balls are wanted as frames come, and the tracker gives none before the last frame.

        Raises:
            ConfigError: the tracker waits for the end of a clip, and the frames come once.
        """
        if self._source.is_live and not math.isfinite(self._tracker.delay):
            raise ConfigError(f"--tracker: '{self._tracker_name}' looks into the future, which a stream does not have.")

    def start_after(self, earlier: Sequence[int]) -> int:
        """Return the frame to begin at so that the frames after ``earlier`` are those of an uninterrupted run.

        Windows keep their places, which are multiples of the step among the frames that can be decoded. A tracker sees
        again as much as it remembers, and a network with a state the whole clip, since it may remember any of it.

        Args:
            earlier: numbers of the frames that are done, ascending.
        """
        if self._detector.state:
            return 0
        again = 2 * self._detector.window.length + self._tracker.memory * self.fps
        if len(earlier) <= again:
            return 0
        return earlier[(len(earlier) - math.ceil(again)) // self.step * self.step]

    @contextmanager
    def frames(
        self, start: int = 0, *, batch_size: int | None = None, look: Look | None = None
    ) -> Iterator[Iterator[TrackedFrame]]:
        """Give the tracked frames, in order; threads that decode and detect end with the block.

        Args:
            start: number of the first frame; 0 of those that come once.
            batch_size: windows at once, in the place of what the plan says.
            look: stands between decoding and the network, at whose size the pictures are.
        """
        with ExitStack() as stack:
            source, window = self._source, self._detector.window
            frames = pictures_for(self._detector, source, start, coloured=look is not None)
            background = None
            if not source.is_live and window.background:
                background = clip_background(source, window.image_size)
            depth = window.length if source.is_live else _FRAMES_AHEAD
            seen = frames if look is None else look(frames)
            pictures: Iterable[TimedFrame] = stack.enter_context(
                closing(ahead(seen, depth, niceness=DECODING_NICENESS))
            )
            found = detect(
                self._detector,
                pictures,
                self.size,
                step=self.step,
                ensemble=self.ensemble,
                batch_size=batch_size or self._batch_size,
                background=background,
            )
            yield self._tracker(stack.enter_context(closing(ahead(found, _CANDIDATES_AHEAD))))

    def loss(self, count: int) -> str | None:
        """Return what there is to say of frames that are missing; None if there is nothing.

        Args:
            count: frames that there were.

        Raises:
            DataError: there was none.
        """
        if count == 0:
            raise DataError(f"{self._name}: no frame can be decoded.")
        if self.length is None or count == self.length:
            return None
        missing = self.length - count
        return f"{self._name}: {missing} of {self.length} frames cannot be decoded; their rows are missing."
