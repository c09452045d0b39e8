"""Writers: tracked frames, to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tracknet_core.contracts import ClipFacts, TrackedFrame, TrackPoint, Writer
from tracknet_core.testing.require import require
from tracknet_core.video import VideoFrames, write_video

RUN = {"network": "clip.ckpt"}


class _Interrupted(Exception):  # noqa: N818  # no error of a writer
    """A run that ends in the middle."""


def check_writer(build: Callable[[ClipFacts], Writer], folder: Path, *, points: int = 1) -> None:
    """Check a writer: its files are those that it said, whole or not there, and an interrupted run can be gone on with.

    It is given ten frames of a small video: some have no ball, some two; one frame is missing.

    Args:
        build: makes a writer for a clip.
        folder: an empty folder to work in.
        points: Q, points of a ball.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    video = folder / "clip.mp4"
    write_video(video, [np.full((48, 64, 3), 20 * number, np.uint8) for number in range(11)], fps=25)
    source = VideoFrames(video)
    frames = [_frame(number, points) for number in range(11) if number != 4]

    def begun(name: str) -> tuple[Writer, Path]:
        place = folder / name / "clip"
        return build(ClipFacts("clip.mp4", place, source, points)), place.parent

    writer, outputs = begun("whole")
    require(bool(writer.paths), "paths names the files that it leaves, one at least")
    require(
        all(isinstance(path, Path) and path.parent == outputs for path in writer.paths),
        f"its files lie beside the place of the clip, as ClipFacts.path(suffix) does, got {writer.paths}",
    )
    require(not outputs.exists(), "the constructor writes nothing")
    _write(writer, frames)
    left = {path.name for path in outputs.iterdir()}
    require(
        left == {path.name for path in writer.paths}, f"it leaves {[path.name for path in writer.paths]}, got {left}"
    )

    writer, outputs = begun("interrupted")
    try:
        _write(writer, frames[:6], interrupted=True)
    except _Interrupted:
        pass
    else:
        raise AssertionError("an exception inside of its block went no further")
    require(not any(path.exists() for path in writer.paths), "a file of an interrupted run has its name already")
    part = writer.part
    if part is None:
        require(not any(outputs.iterdir()), "it always starts anew, and leaves something of an interrupted run")
        _write(writer, frames, resume=True)
        return
    require(part.parent == outputs and part.exists(), f"an interrupted run leaves {part}")
    writer, _ = begun("interrupted")
    with writer.open(RUN, resume=True) as output:
        earlier = list(output.earlier)
        numbers = [frame.number for frame in frames[:6]]
        require(earlier == numbers[: len(earlier)], f"earlier is what frames {numbers} begin with, got {earlier}")
        read = [frame.number for frame in output.read_earlier()]
        require(read == earlier, f"read_earlier gives the frames {earlier}, got {read}")
        for frame in frames:
            if frame.number not in earlier:
                output.write(frame)
    whole = [path.read_bytes() for path in begun("whole")[0].paths]
    require(
        [path.read_bytes() for path in writer.paths] == whole,
        "a run that was gone on with ends with the file of one that was not interrupted",
    )


def _frame(number: int, points: int) -> TrackedFrame:
    """Return a frame with one ball, none, or two."""
    balls = [
        TrackPoint(tuple((10.0 + 4 * number + 3 * end, 12.5 + 8 * track) for end in range(points)), 0.75, track=track)
        for track in range((1, 0, 2)[number % 3])
    ]
    return TrackedFrame(number, number / 25, tuple(balls))


def _write(writer: Writer, frames: Sequence[TrackedFrame], *, resume: bool = False, interrupted: bool = False) -> None:
    with writer.open(RUN, resume=resume) as output:
        for frame in frames:
            output.write(frame)
        if interrupted:
            raise _Interrupted
