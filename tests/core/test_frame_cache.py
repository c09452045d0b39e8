"""Frames on disk."""

import gc
import os
import pickle
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tracknet_core import frame_cache
from tracknet_core.assembly import build_window
from tracknet_core.background import Backgrounds
from tracknet_core.config import Config, load_config
from tracknet_core.contracts import Clip, Dataset, FrameSource, Size, UInt8Array, WindowSpec, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.frame_cache import CachedFrames, FrameCache
from tracknet_core.loading.windows import EvaluationPlaces
from tracknet_core.training.datamodule import Splits, TrackingData
from tracknet_core.training.sampling import TrainingPlaces
from tracknet_core.training.stream import WindowStream
from tracknet_core.video import VideoFrames, write_video

SIZE: Size = (32, 24)
BYTES = 10 * 24 * 32 * 3
"""Of a clip of 10 frames."""


class Kept(FrameSource):
    """The frames of a clip, with a fingerprint, that count how often they are read."""

    def __init__(self, clip: Clip, state: str | None) -> None:
        self.inner, self.state, self.reads, self.error = clip.frames, state, 0, None

    size = property(lambda self: self.inner.size)
    fps = property(lambda self: self.inner.fps)

    def __len__(self) -> int:
        return len(self.inner)

    def fingerprint(self) -> str | None:
        return self.state

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.inner.read(indices, size)


@pytest.fixture
def make(clip: Callable[..., Clip]) -> Callable[..., Clip]:
    """Make a clip of 10 frames of 64x48 px that may be kept."""

    def make_clip(name: str, frames: int = 10, state: str | None = "", number: int = 0) -> Clip:
        made = clip(name, frames, (64, 48), number=number)
        return made.replace(frames=Kept(made, name if state == "" else state))

    return make_clip


@pytest.fixture
def make_cache(tmp_path: Path) -> Callable[..., FrameCache]:
    """Make the cache of a run; the limit is in clips of 10 frames."""

    def make_frame_cache(clips: float = 1000, size: Size = SIZE) -> FrameCache:
        return FrameCache(tmp_path / "cache", clips * BYTES / 1e9, size)

    return make_frame_cache


def files(folder: Path) -> list[Path]:
    return sorted((folder / "cache").iterdir()) if (folder / "cache").is_dir() else []


def attached(cache: FrameCache, clip: Clip) -> Any:
    return cache.attach([clip])[0].frames


def test_frames_are_those_of_the_source_and_decoded_once(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    clip = make("a")
    make_cache().build([clip])
    frames = attached(make_cache(), clip)
    assert isinstance(frames, CachedFrames)
    assert isinstance(frames, FrameSource)
    assert (len(frames), frames.size, frames.fps, frames.fingerprint()) == (10, (64, 48), 25.0, "a")
    assert clip.frames.reads == 1  # type: ignore[attr-defined]
    for indices in (range(10), [3], [0, 4, 9], []):
        np.testing.assert_array_equal(
            list(frames.read(indices, SIZE)),
            list(clip.frames.inner.read(indices, SIZE)),  # type: ignore[attr-defined]
        )
    assert [path.stat().st_size for path in files(tmp_path)] == [BYTES]
    make_cache().build([clip])
    assert clip.frames.reads == 1  # type: ignore[attr-defined]
    # Another size is read from the source.
    np.testing.assert_array_equal(list(frames.read([2])), list(clip.frames.inner.read([2])))  # type: ignore[attr-defined]
    assert clip.frames.reads == 2  # type: ignore[attr-defined]


def test_a_video_in_the_cache_is_bit_equal_and_wrong_numbers_are_told_as_the_video_tells_them(
    make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "rally.mp4"
    write_video(path, rng.integers(0, 256, (9, 48, 64, 3), dtype=np.uint8), fps=30)
    clip = Clip("a", VideoFrames(path), plain_labels(np.zeros((9, 2), np.float32), np.zeros(9, np.int64)))
    make_cache().build([clip])
    frames = pickle.loads(pickle.dumps(attached(make_cache(), clip)))
    np.testing.assert_array_equal(list(frames.read(range(9), SIZE)), list(VideoFrames(path).read(range(9), SIZE)))
    with pytest.raises(DataError, match="there is no frame 9; the frames are 0 to 8"):
        frames.read([9], SIZE)
    with pytest.raises(ValueError, match="must ascend"):
        frames.read([2, 1], SIZE)


@pytest.mark.parametrize("change", ["size", "time"])
def test_frames_of_a_changed_video_are_built_anew(
    change: str, make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    path = tmp_path / "rally.mp4"

    def clip() -> Clip:
        return Clip("a", VideoFrames(path), plain_labels(np.zeros((4, 2), np.float32), np.zeros(4, np.int64)))

    write_video(path, np.full((4, 48, 64, 3), 50, np.uint8), fps=30)
    before = path.stat()
    make_cache().build([clip()])
    assert int(next(attached(make_cache(), clip()).read([0], SIZE)).mean()) in range(45, 55)
    write_video(path, np.full((4, 48, 64, 3), 200, np.uint8), fps=30)
    if change == "size":
        with path.open("ab") as file:
            file.write(bytes(8 + before.st_size))  # of another length, at the same time
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not isinstance(attached(make_cache(), clip()), CachedFrames)
    make_cache().build([clip()])
    assert int(next(attached(make_cache(), clip()).read([0], SIZE)).mean()) in range(195, 205)


def test_sources_without_a_fingerprint_are_not_kept(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    clip = make("a", state=None)
    make_cache().build([clip])
    assert attached(make_cache(), clip) is clip.frames
    assert files(tmp_path) == []


def test_a_file_of_the_wrong_length_is_not_read_and_built_anew(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    clip = make("a")
    make_cache().build([clip])
    frames = attached(make_cache(), clip)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])
    assert frames.kept(SIZE) is None
    assert attached(make_cache(), clip) is clip.frames
    np.testing.assert_array_equal(list(frames.read([5], SIZE)), list(clip.frames.read([5], SIZE)))
    make_cache().build([clip])
    assert isinstance(attached(make_cache(), clip), CachedFrames)


def test_frames_that_another_run_removed_come_from_the_source(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    clip = make("a")
    make_cache().build([clip])
    frames = attached(make_cache(), clip)
    reading = frames.read(range(10), SIZE)
    first = next(reading)
    files(tmp_path)[0].unlink()
    expected = list(clip.frames.read(range(10), SIZE))
    np.testing.assert_array_equal([first, *reading], expected)  # what is mapped stays
    np.testing.assert_array_equal(list(frames.read(range(10), SIZE)), expected)


# ------------------------------------------------------------------------------- killed, side by side


KILLED = """
import sys, time
from pathlib import Path
from threading import Event
import numpy as np
from tracknet_core.contracts import FrameSource
from tracknet_core.frame_cache import CachedFrames

class Slow(FrameSource):
    size, fps = (32, 24), 25.0
    def __len__(self): return 10
    def read(self, indices, size=None):
        for index in indices:
            if index == 7:
                print("half", flush=True)
                time.sleep(60)
            yield np.full((24, 32, 3), 99, np.uint8)

folder = Path(sys.argv[1])
folder.mkdir()
CachedFrames(Slow(), "a", (32, 24), folder).build(lambda: None, Event())
"""


def test_a_process_killed_while_writing_leaves_nothing_that_is_read(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "cache")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL
    (part,) = files(tmp_path)
    assert part.suffix == ".part"
    clip = make("a")  # of the same name in the cache
    assert attached(make_cache(), clip) is clip.frames
    make_cache().build([clip])
    frames = attached(make_cache(), clip)
    np.testing.assert_array_equal(
        list(frames.read(range(10), SIZE)),
        list(clip.frames.inner.read(range(10), SIZE)),  # type: ignore[attr-defined]
    )
    # It may be that of a process at work, until nobody wrote to it for a day.
    assert part.exists()
    a_day_ago = time.time() - frame_cache.STALE_SECONDS - 1
    os.utime(part, (a_day_ago, a_day_ago))
    make_cache().build([clip])
    assert files(tmp_path) == [frames.path]


def test_two_that_build_the_same_file_at_once_do_no_harm(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    runs = [[make(f"clip{i}", number=i) for i in range(4)] for _ in range(3)]
    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(lambda clips: make_cache().build(clips), runs))
    assert [path.stat().st_size for path in files(tmp_path)] == [BYTES] * 4
    for clip in runs[0]:
        np.testing.assert_array_equal(
            list(attached(make_cache(), clip).read(range(10), SIZE)), list(clip.frames.read(range(10), SIZE))
        )


# ------------------------------------------------------------------------------------------ the limit


def test_the_frames_that_were_not_used_for_longest_go_and_never_those_of_this_run(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    old = {name: make(name) for name in "abcd"}
    for age, clip in enumerate(old.values()):
        make_cache().build([clip])
        frames = attached(make_cache(), clip)
        os.utime(frames.path, (1e9 + age, 1e9 + age))
    list(attached(make_cache(), old["a"]).read([0], SIZE))  # now 'b' is the oldest, then 'c'
    (tmp_path / "cache" / "background_1.png").write_bytes(bytes(BYTES))
    # Room for 5 and a bit: one for the background, two for this run ('c' and 'e'), two for the others.
    make_cache(5.5).build([old["c"], make("e")])
    kept = [name for name, clip in (old | {"e": make("e")}).items() if attached(make_cache(), clip) is not clip.frames]
    assert kept == ["a", "c", "d", "e"]
    assert (tmp_path / "cache" / "background_1.png").exists()


def test_clips_that_do_not_fit_are_read_from_their_source_and_told_once(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache]
) -> None:
    clips = [make("a"), make("long", 25), make("b"), make("c")]
    with pytest.warns(UserWarning, match="do not fit") as caught:
        make_cache(2.5).build(clips)
    (warning,) = caught
    message = str(warning.message)
    assert message.startswith("data.cache: the frames of 2 of 4 clips do not fit into ")
    assert "together they take 0.000127 GB, 6.91e-05 GB more than the limit" in message  # 5.5 and 3 clips of 23040 B
    assert "Set data.cache.limit_gb=0.01 or more" in message
    frames = [clip.frames for clip in make_cache().attach(clips)]
    assert [isinstance(source, CachedFrames) for source in frames] == [True, False, True, False]


def test_a_clip_with_a_bad_frame_stays_with_its_source_which_tells(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    bad, good = make("bad"), make("good")
    bad.frames.error = DataError("bad.mp4: frame 3 cannot be decoded.")  # type: ignore[attr-defined]
    make_cache().build([bad, good])
    assert attached(make_cache(), bad) is bad.frames
    assert isinstance(attached(make_cache(), good), CachedFrames)
    assert len(files(tmp_path)) == 1


def test_a_full_disk_is_a_warning_and_leaves_no_half_file(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tracknet_core.frame_cache.os.fsync", refuse)
    with pytest.warns(UserWarning, match=r"cannot be written to \(No space left on device\)\. The frames of 2 of 2"):
        make_cache().build([make("a"), make("b")])
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_named_with_the_cure(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DataError, match=r"^data\.cache\.folder: .*cache cannot be used \(.*data\.cache\.enabled=false"):
        make_cache().build([make("a")])


def test_a_log_gets_one_line_and_a_warm_cache_none(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    make_cache().build([make("a"), make("b")])
    assert capfd.readouterr() == ("", f"keeping the frames of 2 clips in {tmp_path / 'cache'} (4.61e-05 GB)\n")
    make_cache().build([make("a"), make("b")])
    assert capfd.readouterr() == ("", "")


# --------------------------------------------------------------------------------------- the loaders


class Kind(Dataset):
    """Clips that may be kept, one in train and one that is too short for a window in val."""

    splits = ("train", "val", "test")

    def __init__(self, make: Callable[..., Clip]) -> None:
        self.made = {"train": [make("a")], "val": [make("b", 2)], "test": [make("c")]}

    def clips(self, split: str) -> list[Clip]:
        return self.made[split]


def equal(first: list[Any], second: list[Any]) -> bool:
    return len(first) == len(second) > 0 and all(
        torch.equal(a.nan_to_num(-1) if a.is_floating_point() else a, b.nan_to_num(-1) if b.is_floating_point() else b)
        for one, other in zip(first, second, strict=True)
        for a, b in zip((*one.labels, *one[2:], one.frames), (*other.labels, *other[2:], other.frames), strict=True)
    )


def data(dataset: Any, config: Config) -> TrackingData:
    return TrackingData(Splits(dataset, config.data), config, build_window(config))


def test_loaders_read_train_and_val_from_the_cache_and_give_the_same_batches(
    make: Callable[..., Clip], experiment: Path, tmp_path: Path
) -> None:
    folder = f"data.cache.folder={tmp_path / 'cache'}"
    dataset = Kind(make)
    plain = data(dataset, load_config(experiment, [folder]))
    plain.prepare_data()
    expected = list(plain.train_dataloader()), list(plain.val_dataloader())
    assert files(tmp_path) == []
    cached = data(dataset, load_config(experiment, [folder, "data.cache.enabled=true"]))
    cached.prepare_data()
    assert len(files(tmp_path)) == 2
    reads = [clip[0].frames.reads for clip in dataset.made.values()]
    batches = list(cached.train_dataloader()), list(cached.val_dataloader())
    assert equal(batches[0], expected[0])
    assert equal(batches[1], expected[1])
    assert [clip[0].frames.reads for clip in dataset.made.values()] == reads == [2, 2, 0]


@pytest.mark.parametrize("has_background", [False, True])
def test_windows_with_transforms_and_backgrounds_are_the_same_from_the_cache(
    has_background: bool, make: Callable[..., Clip], make_cache: Callable[..., FrameCache], tmp_path: Path
) -> None:
    def quarter(window: Any, rng: np.random.Generator) -> Any:
        left = int(rng.integers(16))
        return window.replace(frames=window.frames[:, :12, left : left + 16])

    clips = [make("a", number=1), make("b", 2, number=2)]
    make_cache().build(clips)
    background = Backgrounds(tmp_path / "backgrounds", SIZE) if has_background else None

    def batches(clips: list[Clip], transforms: tuple[Any, ...]) -> list[Any]:
        places = TrainingPlaces([10, 2], 3, 1)
        return list(
            WindowStream(
                clips, places, batch_size=4, size=SIZE, transforms=transforms, background=background, shuffle=True
            )
        )

    for transforms in ((), (quarter,)):
        assert equal(batches(make_cache().attach(clips), transforms), batches(clips, transforms))


def test_the_memory_of_a_reader_does_not_grow_over_epochs(
    make: Callable[..., Clip], make_cache: Callable[..., FrameCache]
) -> None:
    clips = [make(f"clip{i}", 60) for i in range(3)]
    make_cache().build(clips[1:])
    places = EvaluationPlaces([60] * 3, WindowSpec(3, (0, 1, 2), False, (64, 48)))
    stream = WindowStream(make_cache().attach(clips), places, batch_size=4, size=SIZE, shuffle=True)
    held, cycles = [], []
    gc.disable()
    tracemalloc.start()
    try:
        for epoch in range(6):
            stream.set_epoch(epoch)
            clips[0].frames.inner.reads.clear()  # type: ignore[attr-defined]
            for _ in stream:
                pass
            # Nothing waits for the collector; but it also empties Python's free list of tuples, of up to 128 kB.
            cycles.append(gc.collect())
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        gc.enable()
    assert cycles[1:] == [0] * 5  # the first epoch imports
    # An epoch passes 180 frames of 2304 bytes through; 20 kB are the small things that Python holds back.
    assert held[-1] - held[1] < 20_000


def test_crops_that_wait_do_not_hold_whole_frames(make: Callable[..., Clip]) -> None:
    def corner(window: Any, rng: np.random.Generator) -> Any:
        return window.replace(frames=window.frames[:, :4, :4])

    stream = WindowStream(
        [make("a", 20)], TrainingPlaces([20], 3, 1), batch_size=4, size=SIZE, transforms=[corner], shuffle=True
    )
    samples = list(stream._samples([0], 0, 0))
    assert len(samples) == 18
    for sample in samples:
        assert isinstance(sample.pictures, np.ndarray)
        assert sample.pictures.base is None
