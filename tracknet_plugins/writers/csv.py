"""A table of the balls, one row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from tracknet_core.contracts import ClipFacts, Point, TrackedFrame, TrackPoint
from tracknet_core.registry import writers
from tracknet_core.row_file import PLACE_DECIMALS, SCORE_DECIMALS, RowWriter, ends_of_streak, length_and_angle

COLUMNS = ("Frame", "Visibility", "X", "Y", "Confidence", "Time", "Origin", "Track")
"""The first four are those of TrackNet, the last two say where a ball comes from and which it is."""

STREAK_COLUMNS = ("Length", "Angle")
"""Further ones where the network finds both ends of a streak."""


@writers.register("csv")
class CSV(RowWriter):
    """One row per ball, and one for a frame without: ``Frame,Visibility,X,Y,Confidence,Time,Origin,Track``.

    Places are pixels of the original video, times seconds. A frame without a ball has Visibility, X, Y and Confidence
    0, as readers of TrackNet's files expect, and no Origin and Track; a ball at (0, 0) has Visibility 1.

    Of streaks, X and Y are the middle, and two more columns say ``Length``, pixels from end to end, and ``Angle``,
    degrees from the x axis, y pointing down: 0 <= angle < 180.

    Args:
        clip: what is written of.
    """

    suffix = ".csv"

    def __init__(self, *, clip: ClipFacts) -> None:
        super().__init__(clip=clip)
        self._has_streaks = clip.points > 1
        self.header = ",".join(COLUMNS + STREAK_COLUMNS * self._has_streaks) + "\n"

    def encode(self, frame: TrackedFrame) -> str:
        """Return a line per ball."""
        if not frame.balls:
            return f"{frame.number},0,0,0,0,{frame.time:.6f},,{',,' * self._has_streaks}\n"
        return "".join(self._line(frame, ball) for ball in frame.balls)

    def _line(self, frame: TrackedFrame, ball: TrackPoint) -> str:
        x, y = ball.xy
        place = f"{x:.{PLACE_DECIMALS}f},{y:.{PLACE_DECIMALS}f},{ball.score:.{SCORE_DECIMALS}f}"
        more = (
            ",{:.{n}f},{:.{n}f}".format(*length_and_angle(ball.points), n=PLACE_DECIMALS) if self._has_streaks else ""
        )
        return f"{frame.number},1,{place},{frame.time:.6f},{ball.origin},{ball.track}{more}\n"

    def number(self, line: str) -> int:
        """Return the first cell."""
        return int(line.split(",", 1)[0])

    def decode(self, lines: Iterable[str]) -> Iterator[TrackedFrame]:
        """Return the frames of lines in order."""
        for number, rows in groupby((line.rstrip("\n").split(",") for line in lines), key=lambda cells: int(cells[0])):
            several = list(rows)
            balls = tuple(self._ball(cells) for cells in several if cells[1] == "1")
            yield TrackedFrame(number, float(several[0][5]), balls)

    def _ball(self, cells: list[str]) -> TrackPoint:
        x, y = float(cells[2]), float(cells[3])
        points: tuple[Point, ...] = ((x, y),)
        if self._has_streaks:
            points = ends_of_streak((x, y), float(cells[8]), float(cells[9]))
        return TrackPoint(points, float(cells[4]), cells[6], int(cells[7]))  # type: ignore[arg-type]
