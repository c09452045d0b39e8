"""Decoded frames on disk, in the size of the network input: decoded once, then read at the speed of memory.

A file holds the frames of one clip as raw bytes (N, H, W, 3) and is mapped into memory, so that a window is a slice of
it. Its name is a digest of the state of the source, the size and the format of the file: what changes any of them asks
for another file, and no file is ever out of date. Files are written beside and renamed, so a process that is killed
leaves nothing half, and two that build the same file at once do no harm.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import numpy as np

from tracknet_core.contracts import Clip, FrameSource, Size, UInt8Array
from tracknet_core.errors import DataError
from tracknet_core.files import PARTS, replaced_file
from tracknet_core.frame_views import FrameView
from tracknet_core.progress import Progress

FORMAT = 2
"""Goes up when the same source would give other pixels, or the file another layout: older files are not read then."""

STALE_SECONDS = 24 * 3600
"""A file that is being built and that nobody wrote to for so long was left by a process that was killed."""

_FRAMES, _BACKGROUND = "frames_*.rgb", "background_*"


class _Stopped(Exception):  # noqa: N818 - no error
    """Nobody wants the file any more that is being built."""


class CachedFrames(FrameView):
    """The frames of a clip, out of the cache where they are kept there, else out of their source.

    The file is mapped anew at every reading: nothing but paths is sent to workers, maps of clips that are not being
    read take no memory, and a file that another run removed meanwhile to make room is missed by nobody.

    Args:
        source: where the frames come from.
        state: its fingerprint.
        size: (W, H) pixels in which frames are kept.
        folder: where they are kept.
    """

    def __init__(self, source: FrameSource, state: str, size: Size, folder: Path) -> None:
        super().__init__(source)
        self._state = state
        self._kept_size = size
        self._shape = (len(source), size[1], size[0], 3)
        key = hashlib.sha256(f"{state}\n{size}\n{FORMAT}".encode()).hexdigest()[:32]
        self.path = folder / f"frames_{key}.rgb"

    @property
    def times(self) -> Sequence[float]:
        """Presentation time of each frame, in seconds from the first."""
        return self._source.times

    @property
    def video(self) -> Path | None:
        """The video file that the frames are the whole of; None if none is."""
        return self._source.video

    @property
    def offset(self) -> float:
        """Time that ``video`` gives to the first frame, in seconds."""
        return self._source.offset

    @property
    def bytes_on_disk(self) -> int:
        """Length of the file, in bytes."""
        return int(np.prod(self._shape, dtype=np.int64))

    def __len__(self) -> int:
        """Return the number of frames."""
        return self._shape[0]

    def fingerprint(self) -> str:
        """Return the state of the source when this object was made."""
        return self._state

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        """Yield the frames at ``indices``, as the source does; those that come from the cache are read-only."""
        kept = self.kept(size or self.size)
        if kept is None or not _ascend_within(indices, len(self)):
            return self._source.read(indices, size)
        return (kept[index] for index in indices)

    def kept(self, size: Size) -> UInt8Array | None:
        """Return all frames (N, H, W, 3) as a read-only map of the file; None if they are not kept in that size."""
        if size != self._kept_size or not self.is_kept():
            return None
        try:
            os.utime(self.path)  # says when it was last used
            return np.memmap(self.path, np.uint8, mode="r", shape=self._shape).view(np.ndarray)
        except (OSError, ValueError):  # removed between two lines, or in a folder of somebody else
            return None

    def is_kept(self) -> bool:
        """Return whether the file is there, whole."""
        try:
            return self.path.stat().st_size == self.bytes_on_disk
        except OSError:
            return False

    def build(self, advance: Callable[[], object], stop: Event) -> None:
        """Write the file.

        Args:
            advance: called after each frame.
            stop: ends the work early, without a file.

        Raises:
            DataError: a frame cannot be read.
            OSError: the file cannot be written.
        """
        with suppress(_Stopped), replaced_file(self.path) as part, part.open("xb") as file:
            for frame in self._source.read(range(len(self)), self._kept_size):
                if stop.is_set():
                    raise _Stopped
                file.write(np.ascontiguousarray(frame).data)
                advance()


class FrameCache:
    """The folder of frames that runs share.

    Args:
        folder: where it is; made when needed.
        limit_gb: most that it may hold, in 10^9 bytes.
        size: (W, H) that frames are scaled to.
    """

    def __init__(self, folder: Path, limit_gb: float, size: Size) -> None:
        self._folder = folder
        self._limit_gb = limit_gb
        self._size = size

    def attach(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips, with frames out of the cache where they are kept there."""
        attached = ((clip, self._cached(clip)) for clip in clips)
        return [clip.replace(frames=frames) if frames and frames.is_kept() else clip for clip, frames in attached]

    def build(self, clips: Sequence[Clip]) -> None:
        """Keep the frames of clips, as far as the limit allows; files that no clip needs go to make room.

        Sources without a fingerprint are left out. So is a clip of which a frame cannot be read: its frames come from
        the source, which names the bad one if a window needs it.

        Args:
            clips: all that the run is going to read.

        Raises:
            DataError: the folder cannot be made, or the file of a clip is missing.
        """
        needed = {frames.path: frames for clip in clips if (frames := self._cached(clip)) is not None}
        if not needed:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_leftovers()
            missing = self._make_room(needed)
        except OSError as error:
            raise DataError(
                f"data.cache.folder: {self._folder} cannot be used ({error.strerror}). Name another one with "
                "data.cache.folder=FOLDER, or do without, with data.cache.enabled=false."
            ) from error
        if missing:
            self._build(missing)

    def _cached(self, clip: Clip) -> CachedFrames | None:
        state = clip.frames.fingerprint()
        return None if state is None else CachedFrames(clip.frames, state, self._size, self._folder)

    def _remove_leftovers(self) -> None:
        now = time.time()
        for path, (_, written) in _files(self._folder, PARTS).items():
            if now - written > STALE_SECONDS:
                path.unlink(missing_ok=True)

    def _make_room(self, needed: Mapping[Path, CachedFrames]) -> list[CachedFrames]:
        """Remove the files that were not used for longest, as far as need be, and return what is now to be built."""
        missing = [frames for frames in needed.values() if not frames.is_kept()]
        files = _files(self._folder, _FRAMES)
        removable = sorted(files.keys() - needed.keys(), key=lambda path: files[path][1])
        staying = [files[path][0] for path, frames in needed.items() if path in files and frames.is_kept()]
        staying += [size for pattern in (PARTS, _BACKGROUND) for size, _ in _files(self._folder, pattern).values()]
        free = int(self._limit_gb * 1e9) - sum(staying)
        fitting: list[CachedFrames] = []
        for frames in missing:
            if frames.bytes_on_disk <= free:
                fitting.append(frames)
                free -= frames.bytes_on_disk
        for path in reversed(removable):  # those used last may stay
            if files[path][0] <= free:
                free -= files[path][0]
            else:
                free = 0
                path.unlink(missing_ok=True)
        if len(fitting) < len(missing):
            self._warn_unfit(len(missing) - len(fitting), needed)
        return fitting

    def _warn_unfit(self, count: int, needed: Mapping[Path, CachedFrames]) -> None:
        others = sum(size for size, _ in _files(self._folder, _BACKGROUND).values())
        total = sum(frames.bytes_on_disk for frames in needed.values()) + others
        warnings.warn(
            f"data.cache: the frames of {count} of {len(needed)} clips do not fit into {self._folder}: together they "
            f"take {_gigabytes(total)}, {_gigabytes(total - self._limit_gb * 1e9)} more than the limit. Those clips "
            f"are decoded anew in every epoch. Set data.cache.limit_gb={np.ceil(total / 1e7) / 100:g} or more, or "
            "make data.preprocess.resize smaller.",
            stacklevel=4,
        )

    def _build(self, missing: Sequence[CachedFrames]) -> None:
        """Build files side by side; decoders let other threads run."""
        stop = Event()
        full: OSError | None = None
        threads = min(len(missing), os.cpu_count() or 1)
        with _progress(missing, self._folder) as progress, ThreadPoolExecutor(threads) as pool:
            try:
                for future in [pool.submit(_built, frames, progress.advance, stop) for frames in missing]:
                    full = full or future.result()
            finally:
                stop.set()  # after Ctrl-C the others end with the frame they are at
        if full is not None:
            count = sum(not frames.is_kept() for frames in missing)
            warnings.warn(
                f"data.cache: {self._folder} cannot be written to ({full.strerror}). The frames of {count} of "
                f"{len(missing)} clips are decoded anew in every epoch. Make room on that disk, or name another folder "
                "with data.cache.folder=FOLDER.",
                stacklevel=3,
            )


def _built(frames: CachedFrames, advance: Callable[[], object], stop: Event) -> OSError | None:
    """Build a file; return why the disk refused it, and let the others stop then."""
    try:
        frames.build(advance, stop)
    except DataError:
        return None
    except OSError as error:
        stop.set()
        return error
    return None


def _progress(missing: Sequence[CachedFrames], folder: Path) -> Progress:
    """Return what counts the frames, and says before hours of work what they will take of the disk."""
    size = _gigabytes(sum(frames.bytes_on_disk for frames in missing))
    sys.stderr.write(f"keeping the frames of {len(missing)} clips in {folder} ({size})\n")
    return Progress("frames", sum(len(frames) for frames in missing))


def _files(folder: Path, pattern: str) -> dict[Path, tuple[int, float]]:
    """Return the length in bytes and the time of the last use of files; those that vanish meanwhile are left out."""
    files: dict[Path, tuple[int, float]] = {}
    for path in folder.glob(pattern):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        files[path] = (state.st_size, state.st_mtime)
    return files


def _ascend_within(indices: Sequence[int], count: int) -> bool:
    """Return whether the source would deliver these frames; else it says what is wrong with them."""
    numbers = np.asarray(indices, dtype=np.int64)
    return bool((np.diff(numbers) > 0).all() and (numbers >= 0).all() and (numbers < count).all())


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.3g} GB"
