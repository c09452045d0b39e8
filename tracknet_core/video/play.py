"""A clip from a frame to its end."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from tracknet_core.contracts import FrameSource, Size, TimedFrame, UInt8Array
from tracknet_core.errors import DataError
from tracknet_core.video.file import VideoFrames
from tracknet_core.video.images import ImageSizeError


def times_of(source: FrameSource) -> list[float]:
    """Return the presentation time of each frame, in seconds from the first.

    That of a video follows its container, also where the rate varies; other sources have evenly spaced frames.
    """
    if isinstance(source, VideoFrames):
        return source.times
    return [number / source.fps for number in range(len(source))]


def play(
    source: FrameSource, size: Size | None = None, *, start: int = 0, skip_broken: bool = False
) -> Generator[TimedFrame, None, None]:
    """Yield the frames of a clip from ``start`` to the end.

    Args:
        source: the clip.
        size: width and height to deliver, in pixels; the original size if None.
        start: number of the first frame, 0-based.
        skip_broken: leave out frames that cannot be decoded. Numbers and times of the others stay.

    Raises:
        DataError: a frame cannot be decoded, unless broken ones are left out; an image is of another size; or the clip
            cannot be opened.
    """
    times = times_of(source)
    for number, picture in _pictures(source, size, start, skip_broken):
        yield TimedFrame(number, times[number], picture)


def _pictures(
    source: FrameSource, size: Size | None, start: int, skip_broken: bool
) -> Iterator[tuple[int, UInt8Array]]:
    numbers = range(start, len(source))
    if not skip_broken:
        yield from zip(numbers, source.read(numbers, size), strict=True)
    elif isinstance(source, VideoFrames):
        yield from source.play(size, start)
    else:
        for number in numbers:
            try:
                (picture,) = source.read([number], size)
            except ImageSizeError:
                raise
            except DataError:
                continue
            yield number, picture
