"""Where the ball is in each frame of a clip, as arrays, and what can be made of it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from tracknet_core.components import build
from tracknet_core.config import parse_component
from tracknet_core.contracts import (
    Array,
    ClipFacts,
    FrameSource,
    IntArray,
    LiveSource,
    TimedFrame,
    TrackedFrame,
    TrackPoint,
    Writer,
)
from tracknet_core.errors import DataError
from tracknet_core.files import PARTS, new_file, replaced_file, writing
from tracknet_core.row_file import length_and_angle
from tracknet_core.tracking.given import Video, source_of
from tracknet_core.tracking.notebook import Sketch, as_html

Floats = npt.NDArray[np.float64]
Origin = Literal["detected", "predicted", "filled"]

NOTHING = ""
"""The origin of what is not there."""


class Trajectory:
    """Where the ball is in each frame of a clip.

    A row is a ball, or a frame without one: N rows are N frames, unless a tracker follows several balls. Places are in
    pixels of the original video, with the centre of the top-left pixel at (0, 0).

    Attributes:
        name: of the clip.
        size: width and height of its frames, in pixels.
        fps: frames per second.
        frame: (N,) int64, numbers of frames, 0-based; one that cannot be decoded has no row.
        time: (N,) float64, seconds from the first frame.
        found: (N,) bool, whether there is a ball.
        points: (N, Q, 2) float64, places: of a plain ball Q = 1, of a streak its two ends; NaN without a ball.
        score: (N,) float64, confidence; NaN without a ball.
        origin: (N,) text: ``detected`` by the network, ``predicted`` or ``filled`` in by the tracker, or empty.
        track: (N,) int64, which of several balls; -1 without a ball.
        pictures: a few small frames (h, w, 3), for people.
    """

    def __init__(
        self,
        name: str,
        source: FrameSource | LiveSource,
        frames: Iterable[TrackedFrame],
        *,
        points: int = 1,
        pictures: Sequence[TimedFrame] = (),
    ) -> None:
        self.name = name
        self.size, self.fps = source.size, source.fps
        self._source = source
        numbers, tracks, times, scores, places = array("q"), array("q"), array("d"), array("d"), array("d")
        origins: list[str] = []
        for frame in frames:
            for ball in frame.balls or (None,):
                numbers.append(frame.number)
                times.append(frame.time)
                tracks.append(-1 if ball is None else ball.track)
                scores.append(np.nan if ball is None else ball.score)
                origins.append(NOTHING if ball is None else ball.origin)
                for n in range(points):
                    # A plain ball among streaks is one whose ends are in one place.
                    places.extend((np.nan, np.nan) if ball is None else ball.points[min(n, len(ball.points) - 1)])
        self.frame: IntArray = np.array(numbers, np.int64)
        self.time: Floats = np.array(times, np.float64)
        self.found: npt.NDArray[np.bool_] = np.array(tracks, np.int64) >= 0
        self.points: Floats = np.array(places, np.float64).reshape(-1, points, 2)
        self.score: Floats = np.array(scores, np.float64)
        self.origin: npt.NDArray[np.str_] = np.array(origins, dtype="U9")
        self.track: IntArray = np.array(tracks, np.int64)
        self.pictures = tuple(pictures)

    @property
    def x(self) -> Floats:
        """(N,) from the left, in pixels: the mean of the points; NaN without a ball."""
        x: Floats = self.points[..., 0].mean(axis=1)
        return x

    @property
    def y(self) -> Floats:
        """(N,) from the top, in pixels: the mean of the points; NaN without a ball."""
        y: Floats = self.points[..., 1].mean(axis=1)
        return y

    @property
    def length(self) -> Floats:
        """(N,) pixels from end to end of a streak, as files have it; 0 of a plain ball, NaN without a ball."""
        return self._of_streaks()[:, 0]

    @property
    def angle(self) -> Floats:
        """(N,) degrees of a streak from the x axis, y pointing down, 0 <= angle < 180; NaN without a ball."""
        return self._of_streaks()[:, 1]

    @property
    def has_streaks(self) -> bool:
        """Whether the network finds both ends of a streak."""
        points: int = self.points.shape[1]
        return points > 1

    def __len__(self) -> int:
        """Return N, the number of rows."""
        return len(self.frame)

    def __repr__(self) -> str:
        return f"<Trajectory {self.name}: {self.summary}>"

    @property
    def summary(self) -> str:
        """What there is to say of it, in words."""
        frames, with_ball = (len(np.unique(numbers)) for numbers in (self.frame, self.frame[self.found]))
        width, height = self.size
        return f"{frames} frames, {with_ball} with a ball; {width}x{height}, {self.fps:.4g} frames/s"

    def columns(self) -> dict[str, Array]:
        """Return the rows as columns, by name: what :meth:`to_dataframe` has."""
        names = ["frame", "time", "found", "x", "y", "score", "origin", "track"]
        return {name: getattr(self, name) for name in [*names, *["length", "angle"] * self.has_streaks]}

    def frames(self) -> Iterator[TrackedFrame]:
        """Yield the frames with their balls, as writers and protocols take them."""
        starts = [*np.flatnonzero(np.diff(self.frame, prepend=-1)).tolist(), len(self)]
        for start, end in pairwise(starts):
            balls = tuple(self._ball(row) for row in range(start, end) if self.found[row])
            yield TrackedFrame(int(self.frame[start]), float(self.time[start]), balls)

    def to_csv(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the table that ``tracknet predict`` writes, and return its path.

        Args:
            path: of the file.
            overwrite: replace a file that is there.

        Raises:
            DataError: there is a file, or it cannot be written.
        """
        return self._write("--format", Path(path), self._source, overwrite=overwrite)

    def to_dataframe(self) -> Any:
        """Return the rows as a ``pandas.DataFrame``, with the columns of :meth:`columns`.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            # Here rather than above: nothing else needs it, and it is no dependency.
            import pandas  # noqa: PLC0415
        except ImportError as error:
            raise ImportError(
                "to_dataframe() needs pandas, which is not installed: pip install pandas. The arrays (.x, .y, .score, "
                "…) and .to_csv() need nothing."
            ) from error
        return pandas.DataFrame(self.columns())

    def overlay(self, path: str | Path, *, video: Video | None = None, overwrite: bool = False) -> Path:
        """Write the video again with the balls and their trails, and return its path.

        It is MP4; where the sound of the video does not fit into MP4, it is Matroska, whatever the path is called.

        Args:
            path: of the file, such as ``match_overlay.mp4``.
            video: what to draw on, for frames that came once; None takes those that were tracked.
            overwrite: replace a file that is there.

        Raises:
            DataError: there is a file, it cannot be written, the frames came once and are gone, or those of ``video``
                have another size than those that were tracked.
        """
        source = self._source if video is None else source_of(video, self.fps)[1]
        if source.is_live:
            raise DataError(
                f"{self.name}: these frames came once, and none was kept. Say what to draw on: overlay(path, video=…)."
            )
        if source.size != self.size:
            (width, height), (own_width, own_height) = source.size, self.size
            raise DataError(
                f"{self.name}: {own_width}x{own_height} pixels were tracked, and this video has {width}x{height}: "
                "places would be wrong. Give one of the same size, or track it."
            )
        return self._write("--overlay", Path(path), source, overwrite=overwrite)

    def _repr_html_(self) -> str:
        """Return pictures with the ball and a chart of its way, for notebooks."""
        columns = self.columns()
        shown = {name: columns[name] for name in ("frame", "time", "found", "x", "y", "origin", "track")}
        return as_html(Sketch(self.name, self.summary, self.size, pictures=self.pictures, **shown))

    def _ball(self, row: int) -> TrackPoint:
        points = tuple((x, y) for x, y in self.points[row].tolist())
        return TrackPoint(points, float(self.score[row]), cast("Origin", str(self.origin[row])), int(self.track[row]))

    def _of_streaks(self) -> Floats:
        """Return (N, 2) lengths and angles."""
        rows = [
            length_and_angle(points) if found else (np.nan, np.nan)
            for points, found in zip(self.points.tolist(), self.found, strict=True)
        ]
        return np.array(rows, np.float64).reshape(-1, 2)

    def _write(self, option: str, path: Path, source: FrameSource | LiveSource, *, overwrite: bool) -> Path:
        """Let the writer of an option write in a folder beside a path, and give its file that name."""
        node = parse_component("writers", None, option)
        kept = replaced_file(path) if overwrite else new_file(path, "path")
        with (
            writing(path, "path"),
            kept as part,
            TemporaryDirectory(prefix=PARTS.split("*")[0], suffix=PARTS.split("*")[1], dir=path.parent) as folder,
        ):
            clip = ClipFacts(self.name, Path(folder, path.stem), source, self.points.shape[1])
            writer: Writer = build("writers", node, option, clip=clip)
            with writer.open({}, resume=False) as output:
                for frame in self.frames():
                    output.write(frame)
            writer.paths[0].replace(part)
        return path
