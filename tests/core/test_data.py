"""Clips to windows to batches."""

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tracknet_core.assembly import build
from tracknet_core.config import load_config
from tracknet_core.contracts import Batch, Clip, Dataset, Size, Visibility, Window
from tracknet_core.data import EvaluationPlaces, Place, TrackingData, TrainingPlaces, WindowStream
from tracknet_core.errors import ConfigError, DataError

LENGTHS = (1, 2, 3, 4, 8)


# ------------------------------------------------------------------------------------------------- places


def check_window(place: Place, clip: int, frames: int, length: int) -> None:
    assert place.clip == clip
    assert place.numbers.shape == place.counted.shape == (length,)
    assert place.numbers.min() >= 0
    assert place.numbers.max() < frames
    assert set(np.diff(place.numbers)) <= {0, 1}


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("outputs", ["all", "middle", "last", "first two"])
def test_evaluation_reports_every_frame_exactly_once(length: int, outputs: str) -> None:
    targets = {
        "all": tuple(range(length)),
        "middle": (length // 2,),
        "last": (length - 1,),
        "first two": tuple(range(min(2, length))),
    }[outputs]
    lengths = range(1, 30)
    places = EvaluationPlaces(lengths, length, targets)
    for clip, frames in enumerate(lengths):
        windows = places(clip, 0)
        for place in windows:
            check_window(place, clip, frames, length)
            assert set(np.flatnonzero(place.counted)) <= set(targets)
        reported = np.concatenate([place.numbers[place.counted] for place in windows])
        assert reported.tolist() == list(range(frames))
        assert [p.numbers[0] for p in windows] == sorted(p.numbers[0] for p in windows)


def test_the_last_window_of_evaluation_moves_back_into_the_clip() -> None:
    windows = EvaluationPlaces([7], 3, (0, 1, 2))(0, 0)
    assert [place.numbers.tolist() for place in windows] == [[0, 1, 2], [3, 4, 5], [4, 5, 6]]
    assert [place.counted.tolist() for place in windows] == [[True] * 3, [True] * 3, [False, False, True]]


def test_evaluation_repeats_the_first_frame_before_a_clip_and_the_last_after_it() -> None:
    windows = EvaluationPlaces([3], 3, (1,))(0, 0)
    assert [place.numbers.tolist() for place in windows] == [[0, 0, 1], [0, 1, 2], [1, 2, 2]]
    assert all(place.counted.tolist() == [False, True, False] for place in windows)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_the_number_of_training_windows_does_not_depend_on_the_draw(length: int, stride: int) -> None:
    lengths = range(1, 30)
    places = TrainingPlaces(lengths, length, stride)
    for clip, frames in enumerate(lengths):
        starts = set()
        for draw in range(2 * stride):
            windows = places(clip, draw)
            assert len(windows) == max(1, max(1, frames - length + 1) // stride)
            for place in windows:
                check_window(place, clip, frames, length)
            firsts = [int(place.numbers[0]) for place in windows]
            assert set(np.diff(firsts)) <= {stride}
            starts.update(firsts)
        # Over the draws every window of the clip has its turn.
        if frames - length + 1 >= stride:
            assert len(starts) >= frames - length + 1 - (frames - length + 1) % stride


def test_a_clip_shorter_than_the_window_repeats_its_last_frame_and_does_not_count_it() -> None:
    (place,) = TrainingPlaces([2], 4, 1)(0, 5)
    assert place.numbers.tolist() == [0, 1, 1, 1]
    assert place.counted.tolist() == [True, True, False, False]


# ------------------------------------------------------------------------------------------------- stream

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
    return window.replace(xy=window.xy + np.float32(rng.random()))


shift.output_size = lambda size: size  # type: ignore[attr-defined]


def test_seed_and_epoch_say_every_draw(make_stream: Callable[..., WindowStream]) -> None:
    first = read(make_stream(transforms=[shift]), epoch=3)
    second = read(make_stream(transforms=[shift]), epoch=3)
    assert len(first) == len(second) == 6
    for a, b in zip(first, second, strict=True):
        for left, right in zip(a, b, strict=True):
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
        return dict(zip(order(batches), (float(xy[0, 0]) for b in batches for xy in b.xy), strict=True))

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
            np.testing.assert_array_equal(batch.visibility[i].numpy(), clips[clip].visibility[numbers])
        assert batch.original_size.tolist() == [[64.0, 48.0]] * len(batch.clip)
        assert batch.counted.all()


def test_labels_follow_the_resized_frames_by_pixel_centres(make_stream: Callable[..., WindowStream]) -> None:
    (batch, *_) = read(make_stream(shuffle=False))
    # The first clip's ball is at (10, 24) of 64x48; at half the size its centre is (10 + 0.5) / 2 - 0.5 = 4.75.
    assert batch.original_xy[0, 0].tolist() == [10.0, 24.0]
    assert batch.xy[0, 0].tolist() == [4.75, 11.75]
    ball = batch.frames[0, 0, 0].float() - 60
    columns = (ball.sum(0) * torch.arange(32)).sum() / ball.sum()
    assert float(columns) == pytest.approx(4.75, abs=0.5)


def test_frames_without_a_ball_have_no_place(make_stream: Callable[..., WindowStream]) -> None:
    for batch in read(make_stream()):
        absent = batch.visibility == Visibility.ABSENT
        assert batch.xy[absent].isnan().all()
        assert not batch.xy[~absent].isnan().any()


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
        monkeypatch.setattr("tracknet_core.data.get_worker_info", lambda info=info: info)
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


# --------------------------------------------------------------------------------------------- data module


class Halves(Dataset):
    """Two clips in each of two splits."""

    splits = ("train", "val")

    def __init__(self, clip: Callable[..., Clip], sizes: tuple[Size, Size] = ((64, 48), (64, 48))) -> None:
        self.made = {
            split: [clip(f"{split}/match{i}", 6, size, number=i) for i in (1, 2)]
            for split, size in zip(self.splits, sizes, strict=True)
        }

    def clips(self, split: str) -> list[Clip]:
        if split not in self.made:
            raise DataError(f"{split}: no such folder.")
        return self.made[split]


@pytest.fixture
def make_data(experiment: Any, clip: Callable[..., Clip]) -> Callable[..., TrackingData]:
    """The data module on a small dataset, with changed settings."""

    def make(*overrides: str, dataset: Any = None, transforms: tuple[Any, ...] = ()) -> TrackingData:
        return TrackingData(dataset or Halves(clip), load_config(experiment, overrides), transforms)

    return make


def names(clips: list[Clip]) -> list[str]:
    return [clip.name for clip in clips]


def test_without_patterns_the_splits_are_the_datasets_own(make_data: Callable[..., TrackingData]) -> None:
    assert names(make_data().clips("val")) == ["val/match1", "val/match2"]


def test_patterns_choose_clips_of_all_splits(make_data: Callable[..., TrackingData]) -> None:
    data = make_data("data.split={train: ['*/match1'], val: ['train/match2', 'val/match[2]']}")
    assert names(data.clips("train")) == ["train/match1", "val/match1"]
    assert names(data.clips("val")) == ["train/match2", "val/match2"]


@pytest.mark.parametrize(
    ("split", "asked", "message"),
    [
        (
            "{train: ['train/*'], val: ['*/match2']}",
            "train",
            "data.split: 'train' and 'val' both hold train/match2 (1 clips in all): a clip that is trained on cannot "
            "be scored. Make the patterns disjoint.",
        ),
        (
            "{train: ['train/*'], val: ['match3']}",
            "val",
            "data.split.val: ['match3'] match none of the 4 clips, such as train/match1, train/match2, val/match1.",
        ),
        ("{train: ['*']}", "val", "data.split: no 'val' among train. Add patterns of clip names for it."),
    ],
)
def test_patterns_that_make_no_split_are_told(
    split: str, asked: str, message: str, make_data: Callable[..., TrackingData]
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_data(f"data.split={split}").clips(asked)
    assert str(caught.value) == message


@pytest.mark.parametrize("broken", ["train", "val"])
def test_with_patterns_a_broken_split_is_told_as_the_reader_tells_it(
    broken: str, make_data: Callable[..., TrackingData], clip: Callable[..., Clip]
) -> None:
    dataset = Halves(clip)
    del dataset.made[broken]
    with pytest.raises(DataError, match=rf"^{broken}: no such folder\.$"):
        make_data("data.split={train: ['*']}", dataset=dataset).clips("train")


def test_frames_keep_their_size_where_all_clips_agree(make_data: Callable[..., TrackingData]) -> None:
    assert make_data("data.preprocess.resize=null").image_size() == (64, 48)
    assert make_data("data.preprocess.resize=[32,16]").image_size() == (32, 16)


def test_clips_of_different_sizes_need_a_size(
    make_data: Callable[..., TrackingData], clip: Callable[..., Clip]
) -> None:
    data = make_data("data.preprocess.resize=null", dataset=Halves(clip, ((64, 48), (32, 24))))
    with pytest.raises(ConfigError) as caught:
        data.image_size()
    message = "data.preprocess.resize: null, but the clips have different sizes (32x24, 64x48). Set it."
    assert str(caught.value) == message


def test_validation_counts_every_frame_once_and_is_not_augmented(make_data: Callable[..., TrackingData]) -> None:
    def refuse(window: Window, rng: np.random.Generator) -> Window:
        raise AssertionError("validation windows are not augmented")

    refuse.output_size = lambda size: size  # type: ignore[attr-defined]
    batches = list(make_data(transforms=(refuse,)).val_dataloader())
    counted = Counter(
        (int(clip), int(number))
        for batch in batches
        for clip, numbers, mask in zip(batch.clip, batch.number, batch.counted, strict=True)
        for number in numbers[mask]
    )
    assert counted == {(clip, number): 1 for clip in (0, 1) for number in range(6)}


@pytest.mark.parametrize("workers", [0, 1])
def test_the_training_loader_follows_the_epoch_of_the_trainer(
    workers: int, make_data: Callable[..., TrackingData]
) -> None:
    data = make_data(f"training.data_loader.num_workers={workers}", "training.data_loader.prefetch_factor=2")
    data.trainer = SimpleNamespace(global_rank=0, world_size=1, current_epoch=0)  # type: ignore[assignment]
    loader = data.train_dataloader()
    orders = []
    for epoch in (0, 1, 0):
        data.trainer.current_epoch = epoch  # type: ignore[misc, union-attr]
        orders.append(order(list(loader)))
    assert len(loader) == 2
    assert orders[0] == orders[2] != orders[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_frame_that_cannot_be_read_is_told_as_the_reader_tells_it(
    workers: int, make_data: Callable[..., TrackingData], clip: Callable[..., Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = Halves(clip)

    def read(indices: Any, size: Size | None = None) -> Any:
        raise DataError("match2.mp4: frame 3 cannot be read.")

    monkeypatch.setattr(dataset.made["train"][1].frames, "read", read)
    loader = make_data(f"training.data_loader.num_workers={workers}", dataset=dataset).train_dataloader()
    with pytest.raises(DataError) as caught:
        list(loader)
    assert str(caught.value) == "match2.mp4: frame 3 cannot be read."


def test_validation_has_as_many_pixels_per_batch_as_training(make_data: Callable[..., TrackingData]) -> None:
    # A crop of a quarter of the frame: batches of 4 crops in training, of 1 frame in validation.
    data = make_data(transforms=(build("transforms", {"name": "crop", "size": (32, 24)}, "data.transforms[0]"),))
    assert data.training_size() == (32, 24)
    assert {batch.frames.shape for batch in data.train_dataloader()} == {(4, 3, 3, 24, 32)}
    assert {batch.frames.shape for batch in data.val_dataloader()} == {(1, 3, 3, 48, 64)}


def test_a_crop_larger_than_the_frames_is_named_by_its_path(make_data: Callable[..., TrackingData]) -> None:
    data = make_data(transforms=(build("transforms", {"name": "crop", "size": (96, 24)}, "data.transforms[0]"),))
    with pytest.raises(ConfigError, match=r"^data\.transforms\[0\]: "):
        data.training_size()
