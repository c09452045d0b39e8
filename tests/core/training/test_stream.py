"""Windows as batches."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tracknet_core.contracts import Batch, Clip, FrameSource, Size, UInt8Array, Visibility, Window, WindowSpec
from tracknet_core.errors import ClipError, DataError
from tracknet_core.frame_views import ReadableFrames
from tracknet_core.loading.windows import EvaluationPlaces
from tracknet_core.training.sampling import TrainingPlaces
from tracknet_core.training.stream import Remark, WindowStream

LENGTHS = (1, 2, 3, 4, 8)


SMALL: Size = (32, 24)


@pytest.fixture
def clips(clip: Callable[..., Clip]) -> list[Clip]:
    """Three clips of 5, 9 and 14 frames of 64x48 px."""
    return [clip(f"clip{i}", n, (64, 48), number=i) for i, n in enumerate((5, 9, 14))]


@pytest.fixture
def make_stream(clips: list[Clip]) -> Callable[..., WindowStream]:
    """A stream of shuffled training windows of 3 frames, in batches of 4."""

    def make(**options: Any) -> WindowStream:
        places = options.pop("places", TrainingPlaces([len(c) for c in clips], 3, 1))
        settings: dict[str, Any] = {"batch_size": 4, "size": SMALL, "shuffle": True, "seed": 7}
        return WindowStream(options.pop("clips", clips), places, **(settings | options))

    return make


def read(stream: WindowStream, epoch: int = 0) -> list[Batch]:
    stream.set_epoch(epoch)
    return list(stream)


def order(batches: list[Batch]) -> list[tuple[int, int]]:
    """Return clip and first frame of each window, in the order of the batches."""
    return [(int(c), int(n[0])) for batch in batches for c, n in zip(batch.clip, batch.number, strict=True)]


def all_windows() -> list[tuple[int, int]]:
    return [(clip, start) for clip, frames in enumerate((5, 9, 14)) for start in range(frames - 2)]


def shift(window: Window, rng: np.random.Generator) -> Window:
    return window.replace(window.frames, points=window.labels.points + np.float32(rng.random()))


shift.output_size = lambda size: size  # type: ignore[attr-defined]


def test_seed_and_epoch_say_every_draw(make_stream: Callable[..., WindowStream]) -> None:
    first = read(make_stream(transforms=[shift]), epoch=3)
    second = read(make_stream(transforms=[shift]), epoch=3)
    assert len(first) == len(second) == 6
    for a, b in zip(first, second, strict=True):
        for left, right in zip((*a.labels, a.frames, *a[2:]), (*b.labels, b.frames, *b[2:]), strict=True):
            assert torch.equal(
                left.nan_to_num(-1) if left.is_floating_point() else left,
                right.nan_to_num(-1) if right.is_floating_point() else right,
            )


@pytest.mark.parametrize(("other", "epoch"), [({}, 4), ({"seed": 8}, 3)])
def test_another_epoch_or_seed_gives_another_order_of_the_same_windows(
    other: dict[str, int], epoch: int, make_stream: Callable[..., WindowStream]
) -> None:
    first, second = order(read(make_stream(), epoch=3)), order(read(make_stream(**other), epoch=epoch))
    assert first != second
    assert sorted(first) == sorted(second) == all_windows()


def test_the_augmentation_of_a_window_changes_from_epoch_to_epoch(make_stream: Callable[..., WindowStream]) -> None:
    def places(epoch: int) -> dict[tuple[int, int], float]:
        batches = read(make_stream(transforms=[shift]), epoch)
        return dict(zip(order(batches), (float(xy[0, 0]) for b in batches for xy in b.labels.xy), strict=True))

    first, second = places(0), places(1)
    assert first.keys() == second.keys()
    assert all(first[window] != second[window] for window in first)


def test_without_shuffling_windows_come_in_the_order_of_the_clips(make_stream: Callable[..., WindowStream]) -> None:
    assert order(read(make_stream(shuffle=False))) == all_windows()


@pytest.mark.parametrize("shuffle", [True, False])
def test_each_frame_is_decoded_once(shuffle: bool, clips: list[Clip], make_stream: Callable[..., WindowStream]) -> None:
    read(make_stream(shuffle=shuffle))
    for clip in clips:
        assert clip.frames.reads == list(range(len(clip)))  # type: ignore[attr-defined]


def test_frames_between_windows_are_not_decoded(clips: list[Clip], make_stream: Callable[..., WindowStream]) -> None:
    read(make_stream(places=TrainingPlaces([len(c) for c in clips], 2, 5)))
    for clip in clips:
        assert len(clip.frames.reads) == 2 * max(1, (len(clip) - 1) // 5)  # type: ignore[attr-defined]


def test_a_batch_holds_what_its_windows_show(clips: list[Clip], make_stream: Callable[..., WindowStream]) -> None:
    for batch in read(make_stream(size=(64, 48))):
        assert batch.frames.dtype == torch.uint8
        assert batch.frames.shape[1:] == (3, 3, 48, 64)
        # Pixel (0, 0) says which clip and which frame this is.
        assert torch.equal(batch.frames[:, :, 1, 0, 0].long(), batch.clip[:, None].expand(-1, 3))
        assert torch.equal(batch.frames[:, :, 2, 0, 0].long(), batch.number)
        for i, clip in enumerate(batch.clip.tolist()):
            numbers = batch.number[i].numpy()
            np.testing.assert_array_equal(batch.original_xy[i].numpy(), clips[clip].xy[numbers])
            np.testing.assert_array_equal(batch.labels.visibility[i].numpy(), clips[clip].visibility[numbers])
        assert batch.original_size.tolist() == [[64.0, 48.0]] * len(batch.clip)
        assert batch.counted.all()


def test_labels_follow_the_resized_frames_by_pixel_centres(make_stream: Callable[..., WindowStream]) -> None:
    (batch, *_) = read(make_stream(shuffle=False))
    # The first clip's ball is at (10, 24) of 64x48; at half the size its centre is (10 + 0.5) / 2 - 0.5 = 4.75.
    assert batch.original_xy[0, 0].tolist() == [10.0, 24.0]
    assert batch.labels.xy[0, 0].tolist() == [4.75, 11.75]
    ball = batch.frames[0, 0, 0].float() - 60
    columns = (ball.sum(0) * torch.arange(32)).sum() / ball.sum()
    assert float(columns) == pytest.approx(4.75, abs=0.5)


def test_frames_without_a_ball_have_no_place(make_stream: Callable[..., WindowStream]) -> None:
    for batch in read(make_stream()):
        absent = batch.labels.visibility == Visibility.ABSENT
        assert batch.labels.xy[absent].isnan().all()
        assert not batch.labels.xy[~absent].isnan().any()


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("batch_size", [1, 4, 7])
def test_the_length_is_the_number_of_batches(
    workers: int, drop_last: bool, batch_size: int, make_stream: Callable[..., WindowStream], monkeypatch: Any
) -> None:
    stream = make_stream(workers=workers, drop_last=drop_last, batch_size=batch_size)
    batches: list[Batch] = []
    for worker in range(max(1, workers)):
        info = SimpleNamespace(id=worker) if workers else None
        monkeypatch.setattr("tracknet_core.training.stream.get_worker_info", lambda info=info: info)
        batches += read(stream)
    assert len(batches) == len(stream)
    windows = order(batches)
    assert len(set(windows)) == len(windows)
    if drop_last:
        assert all(len(batch.clip) == batch_size for batch in batches)
    else:
        assert sorted(windows) == all_windows()


@pytest.mark.parametrize("workers", [0, 2])
def test_training_processes_share_the_windows(workers: int, make_stream: Callable[..., WindowStream]) -> None:
    streams = [make_stream(rank=rank, world=2, workers=workers) for rank in (0, 1)]
    assert len({len(stream) for stream in streams}) == 1
    if workers == 0:
        assert sorted(order(read(streams[0])) + order(read(streams[1]))) == all_windows()


@pytest.mark.parametrize("world", [2, 4])
def test_in_validation_all_processes_have_as_many_batches_and_every_frame_counts_once(
    world: int, clips: list[Clip], make_stream: Callable[..., WindowStream]
) -> None:
    places = EvaluationPlaces([len(clip) for clip in clips], WindowSpec(3, (0, 1, 2), False, (64, 48)))
    # Three clips: of four processes one has none.
    ranks = [
        read(make_stream(places=places, shuffle=False, batch_size=2, rank=rank, world=world)) for rank in range(world)
    ]
    assert len({len(batches) for batches in ranks}) == 1
    counted = Counter(
        (int(clip), int(number))
        for batches in ranks
        for batch in batches
        for clip, numbers, mask in zip(batch.clip, batch.number, batch.counted, strict=True)
        for number in numbers[mask]
    )
    assert counted == {(clip, number): 1 for clip, frames in enumerate((5, 9, 14)) for number in range(frames)}
    assert all((batch.labels.visibility[~batch.counted] == Visibility.UNLABELLED).all() for b in ranks for batch in b)


def test_workers_that_live_on_see_each_window_once_and_the_new_epoch(
    make_stream: Callable[..., WindowStream],
) -> None:
    stream = make_stream(workers=2, transforms=[shift])
    loader = DataLoader(stream, batch_size=None, num_workers=2, persistent_workers=True)
    epochs = []
    for epoch in (0, 1, 0):
        stream.set_epoch(epoch)
        epochs.append(list(loader))
    del loader
    assert [len(batches) for batches in epochs] == [len(stream)] * 3
    orders = [order(batches) for batches in epochs]
    assert all(sorted(o) == all_windows() for o in orders)
    assert orders[0] == orders[2] != orders[1]


# ------------------------------------------------------------------------------------------ broken frames


class Broken(FrameSource):
    """Frames of which one cannot be read."""

    def __init__(self, source: FrameSource, number: int) -> None:
        self.source, self.number = source, number

    @property
    def size(self) -> Size:
        return self.source.size

    @property
    def fps(self) -> float:
        return self.source.fps

    def __len__(self) -> int:
        return len(self.source)

    def fingerprint(self) -> None:
        return None

    def read(self, indices: Sequence[int], size: Size | None = None) -> Iterator[UInt8Array]:
        for index in indices:
            if index == self.number:
                raise DataError(f"{index}.png: no image.")
            yield from self.source.read([index], size)


@pytest.fixture
def broken_clips(clips: list[Clip]) -> list[Clip]:
    """The three clips; frame 4 of the second one cannot be read."""
    return [clips[0], clips[1].replace(frames=Broken(clips[1].frames, 4)), clips[2]]


def test_a_broken_frame_ends_the_epoch_and_is_named(
    make_stream: Callable[..., WindowStream], broken_clips: list[Clip]
) -> None:
    with pytest.raises(DataError, match=r"4\.png: no image"):
        read(make_stream(clips=broken_clips))


@pytest.mark.parametrize("shuffle", [False, True])
def test_windows_with_a_broken_frame_count_nothing_and_all_others_are_as_they_were(
    make_stream: Callable[..., WindowStream], broken_clips: list[Clip], shuffle: bool
) -> None:
    expected = read(make_stream(shuffle=shuffle), epoch=1)
    items = read(make_stream(clips=broken_clips, shuffle=shuffle, skip_broken=True), epoch=1)
    told = [item.broken for item in items if isinstance(item, Remark)]
    assert told == [{("clip1", 4): "4.png: no image."}]
    batches = [item.batch if isinstance(item, Remark) else item for item in items]
    assert order(batches) == order(expected)
    for batch, whole in zip(batches, expected, strict=True):
        has_broken = ((batch.number == 4) & (batch.clip[:, None] == 1)).any(dim=1)
        assert batch.counted[has_broken].sum() == 0
        assert (batch.labels.visibility[has_broken] == int(Visibility.UNLABELLED)).all()
        assert torch.equal(batch.frames[~has_broken], whole.frames[~has_broken])
        assert torch.equal(batch.labels.visibility[~has_broken], whole.labels.visibility[~has_broken])


def test_in_the_place_of_a_broken_frame_comes_the_one_before(clips: list[Clip]) -> None:
    for number, before in ((4, 3), (0, None)):
        frames = ReadableFrames(Broken(clips[1].frames, number))
        pictures = list(frames.read(range(9)))
        assert len(pictures) == 9
        expected = pictures[before] if before is not None else np.zeros_like(pictures[0])
        np.testing.assert_array_equal(pictures[number], expected)
        assert list(frames.broken) == [number]


def test_a_clip_that_cannot_be_used_is_no_broken_frame(clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Iterator[UInt8Array]:
        raise ClipError("the clip is gone.")

    monkeypatch.setattr(Broken, "read", refuse)
    with pytest.raises(ClipError, match="the clip is gone"):
        list(ReadableFrames(Broken(clips[1].frames, 0)).read([0]))
