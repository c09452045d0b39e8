"""How fast the loader is, next to a plain reader of the kind that the published trackers use.

    python benchmarks/loader.py [--root FOLDER] [--rounds 3] [--seconds 8]

A sample is a window of 3 frames at 512x288, starts one frame apart, in random order; batches of 8. The input is made
first: three rallies of 300 frames, 1280x720, 30 fps, with camera grain that gives the 1 Mb/s of published rallies, as
H.264 with a key frame every 250 frames (x264's default) and as JPEG of quality 90. Needs `opencv-python-headless`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Table
from torch.utils.data import DataLoader, Dataset

from tracknet_core.contracts import Clip, FrameSource, UInt8Array, plain_labels
from tracknet_core.frame_cache import FrameCache
from tracknet_core.training.sampling import TrainingPlaces
from tracknet_core.training.stream import WindowStream
from tracknet_core.video import ImageFrames, VideoFrames, image_files, write_video

SIZE = (512, 288)
T = 3
BATCH_SIZE = 8
CLIPS = 3
FRAMES = 300
WORKERS = (0, 2)
MEAN = np.array((0.485, 0.456, 0.406), np.float32)
STD = np.array((0.229, 0.224, 0.225), np.float32)


# ------------------------------------------------------------------------------------------ the input


def rally(seed: int) -> Iterator[UInt8Array]:
    """Yield frames of a lit court with grain that is new in every frame, a player and a ball."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:720, :1280]
    court = (90 + 50 * np.sin(x / 97 + seed) + 40 * np.cos(y / 61)).astype(np.float32)[..., None]
    court = court + np.array([0, 20, -20], np.float32) + np.kron(rng.normal(0, 12, (180, 320, 1)), np.ones((4, 4, 1)))
    grain = rng.normal(0, 3.3, (800, 1400, 1)).astype(np.float32)
    for i in range(FRAMES):
        top, left = rng.integers(80), rng.integers(120)
        frame = court + grain[top : top + 720, left : left + 1280]
        frame[300:500, 200 + i : 320 + i] -= 60
        u, v = 100 + int(1000 * abs(np.sin(i / 25))), 100 + int(500 * abs(np.cos(i / 17)))
        frame[v : v + 8, u : u + 8] = 250
        yield np.clip(frame, 0, 255).astype(np.uint8)


def make_videos(folder: Path) -> list[Path]:
    """Write the rallies as videos."""
    paths = [folder / f"{seed}.mp4" for seed in range(CLIPS)]
    for seed, path in enumerate(paths):
        write_video(path, rally(seed), fps=30, gop=250)
    return paths


def as_images(video: Path, folder: Path) -> list[Path]:
    """Write the first frames of a video as JPEG."""
    folder.mkdir()
    frames = VideoFrames(video)
    for number, frame in enumerate(frames.read(range(min(len(frames), FRAMES)))):
        Image.fromarray(frame).save(folder / f"{number:04d}.jpg", quality=90)
    return image_files(folder)


# -------------------------------------------------------------------------------------- the baselines


class Plain(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """A map-style reader: every window decodes its own frames; normalised float32 and targets are made in the worker.

    Args:
        lengths: frames of each clip.
        read: gives the T frames of a clip from a start on, RGB of any size.
    """

    def __init__(self, lengths: Sequence[int], read: Callable[[int, int], list[UInt8Array]]) -> None:
        self._windows = [(clip, start) for clip, length in enumerate(lengths) for start in range(length - T + 1)]
        self._read = read
        self._x, self._y = np.arange(SIZE[0], dtype=np.float32), np.arange(SIZE[1], dtype=np.float32)[:, None]

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        clip, start = self._windows[index]
        frames = [(frame / np.float32(255) - MEAN) / STD for frame in self._read(clip, start)]  # each (H, W, 3)
        target = [np.exp(-((self._x - 200) ** 2 + (self._y - 100) ** 2) / (2 * 2.5**2)) for _ in range(T)]
        return torch.from_numpy(np.concatenate(frames, axis=2).transpose(2, 0, 1).copy()), torch.from_numpy(
            np.stack(target)
        )


@dataclass
class PillowImages:
    """Decode whole images and resize them."""

    clips: list[list[Path]]

    def __call__(self, clip: int, start: int) -> list[UInt8Array]:
        return [self._load(path) for path in self.clips[clip][start : start + T]]

    def _load(self, path: Path) -> UInt8Array:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize(SIZE, Image.Resampling.BILINEAR))


class OpenCVVideo:
    """Seek to the first frame of a window and read on; files stay open."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self._open: dict[int, Any] = {}

    def __call__(self, clip: int, start: int) -> list[UInt8Array]:
        if clip not in self._open:
            self._open[clip] = cv2.VideoCapture(str(self._paths[clip]))
        capture = self._open[clip]
        capture.set(cv2.CAP_PROP_POS_FRAMES, start)
        frames = []
        for _ in range(T):
            is_read, frame = capture.read()
            if not is_read:
                raise RuntimeError(f"{self._paths[clip]}: no frame after {start}")
            frames.append(cv2.cvtColor(cv2.resize(frame, SIZE), cv2.COLOR_BGR2RGB))
        return frames


def plain_loader(sources: Sequence[FrameSource], read: Any) -> Callable[[int], DataLoader[Any]]:
    """Return what makes the baseline's loader for a number of workers."""
    lengths = [len(source) for source in sources]

    def make(workers: int) -> DataLoader[Any]:
        # Made here, so that no process inherits an open file of another.
        return DataLoader(
            Plain(lengths, read()),
            batch_size=BATCH_SIZE,
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,
        )

    return make


# ---------------------------------------------------------------------------------------- what is measured


def as_clips(sources: Sequence[FrameSource]) -> list[Clip]:
    """Return clips with a ball in the middle of every frame."""
    return [
        Clip(str(i), source, plain_labels(np.full((len(source), 2), 300, np.float32), np.ones(len(source), np.int64)))
        for i, source in enumerate(sources)
    ]


def loader_of(clips: Sequence[Clip]) -> Callable[[int], DataLoader[Any]]:
    """Return what makes tracknet's loader for a number of workers."""

    def make(workers: int) -> DataLoader[Any]:
        places = TrainingPlaces([len(clip) for clip in clips], T, 1)
        stream = WindowStream(clips, places, batch_size=BATCH_SIZE, size=SIZE, shuffle=True, workers=workers)
        return DataLoader(stream, batch_size=None, num_workers=workers, persistent_workers=workers > 0)

    return make


def samples_per_second(loader: DataLoader[Any], seconds: float) -> float:
    """Read for a while, epoch after epoch; the start of the workers and the filling of buffers count."""
    begin = time.perf_counter()
    samples = 0
    while True:
        for batch in loader:
            samples += len(batch[0])
            passed = time.perf_counter() - begin
            if passed >= seconds:
                return samples / passed


def memory_of_an_epoch(loader: DataLoader[Any]) -> tuple[float, float]:
    """Return the megabytes of this process before and after an epoch, the second one: the first fills what is reused.

    Pages of mapped files are left out: they are the system's, which takes them back when it needs them.
    """
    held = []
    for _ in range(2):
        for _ in loader:
            pass
        held.append(anonymous_memory())
    return held[0], held[1]


def anonymous_memory() -> float:
    """Return the megabytes that this process holds for itself; NaN where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        held = dict(line.split(":", 1) for line in status.splitlines())
        return sum(int(held[name].split()[0]) for name in ("RssAnon", "RssShmem")) / 1000
    except (OSError, KeyError):
        return float("nan")


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, help="folder in which to find *.mp4, at any depth; the first three count")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of each measurement")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.root, options.rounds, options.seconds)


def measure(folder: Path, root: Path | None, rounds: int, seconds: float) -> None:
    """Print samples/s of every reader, and the memory that an epoch takes."""
    console = Console(width=120)
    videos = make_videos(folder) if root is None else sorted(root.rglob("*.mp4"))[:CLIPS]
    if not videos:
        raise SystemExit(f"--root {root}: there is no *.mp4 in this folder.")
    images = [as_images(video, folder / str(number)) for number, video in enumerate(videos)]
    of_video = [VideoFrames(path) for path in videos]
    of_images = [ImageFrames(paths, fps=30) for paths in images]
    cache = FrameCache(folder / "cache", 50.0, SIZE)
    cache.build(as_clips([*of_video, *of_images]))

    readers: dict[tuple[str, str], Callable[[int], DataLoader[Any]]] = {
        ("video", "baseline: OpenCV seeks"): plain_loader(of_video, lambda: OpenCVVideo(videos)),
        ("video", "tracknet, no cache"): loader_of(as_clips(of_video)),
        ("video", "tracknet, warm cache"): loader_of(cache.attach(as_clips(of_video))),
        ("images", "baseline: Pillow"): plain_loader(of_images, lambda: PillowImages(images)),
        ("images", "tracknet, no cache"): loader_of(as_clips(of_images)),
        ("images", "tracknet, warm cache"): loader_of(cache.attach(as_clips(of_images))),
    }
    rates: dict[tuple[str, str, int], list[float]] = {}
    for number in range(rounds):
        for (source, reader), make in readers.items():
            for workers in WORKERS:
                rate = samples_per_second(make(workers), seconds)
                rates.setdefault((source, reader, workers), []).append(rate)
        console.print(f"round {number + 1} of {rounds} is done")

    columns = [name for w in WORKERS for name in (f"{w} workers: samples/s", "x baseline")]
    table = Table("source", "reader", *columns, box=box.MARKDOWN)
    for source, reader in readers:
        baseline = next(name for kind, name in readers if kind == source)
        row = []
        for w in WORKERS:
            own, others = rates[source, reader, w], rates[source, baseline, w]
            # The ratio within a round: what else the machine does then slows down both.
            ratio = statistics.median(a / b for a, b in zip(own, others, strict=True))
            row += [f"{statistics.median(own):.1f}", f"{ratio:.1f}"]
        table.add_row(source, reader, *row)
    console.print(table)

    memory = Table("source", "reader", "MB before an epoch", "MB after it", box=box.MARKDOWN)
    for (source, reader), make in readers.items():
        if not reader.startswith("baseline"):
            memory.add_row(source, reader, *(f"{held:.0f}" for held in memory_of_an_epoch(make(0))))
    console.print(memory)


if __name__ == "__main__":
    main()
