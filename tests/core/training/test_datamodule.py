"""The data module."""

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tracknet_core.assembly import build_window
from tracknet_core.components import build
from tracknet_core.config import load_config
from tracknet_core.contracts import Clip, Dataset, Size, Window
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.training.datamodule import Splits, TrackingData

LENGTHS = (1, 2, 3, 4, 8)
LOADERS: dict[str, Callable[[TrackingData], Any]] = {
    "train": TrackingData.train_dataloader,
    "every": TrackingData.every_training_frame,
    "val": TrackingData.val_dataloader,
}


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
        config = load_config(experiment, overrides)
        splits = Splits(dataset or Halves(clip), config.data)
        config = config.with_image_size(splits.image_size())
        return TrackingData(splits, config, build_window(config), transforms)

    return make


def names(clips: list[Clip]) -> list[str]:
    return [clip.name for clip in clips]


def test_without_patterns_the_splits_are_the_datasets_own(make_data: Callable[..., TrackingData]) -> None:
    assert names(make_data().splits.clips("val")) == ["val/match1", "val/match2"]


def test_patterns_choose_clips_of_all_splits(make_data: Callable[..., TrackingData]) -> None:
    data = make_data("data.split={train: ['*/match1'], val: ['train/match2', 'val/match[2]']}")
    assert names(data.splits.clips("train")) == ["train/match1", "val/match1"]
    assert names(data.splits.clips("val")) == ["train/match2", "val/match2"]


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
        make_data(f"data.split={split}").splits.clips(asked)
    assert str(caught.value) == message


@pytest.mark.parametrize("broken", ["train", "val"])
def test_with_patterns_a_broken_split_is_told_as_the_reader_tells_it(
    broken: str, make_data: Callable[..., TrackingData], clip: Callable[..., Clip]
) -> None:
    dataset = Halves(clip)
    del dataset.made[broken]
    with pytest.raises(DataError, match=rf"^{broken}: no such folder\.$"):
        make_data("data.split={train: ['*']}", dataset=dataset).splits.clips("train")


def test_frames_keep_their_size_where_all_clips_agree(make_data: Callable[..., TrackingData]) -> None:
    assert make_data("data.preprocess.resize=null").splits.image_size() == (64, 48)
    assert make_data("data.preprocess.resize=[32,16]").splits.image_size() == (32, 16)


def test_clips_of_different_sizes_need_a_size(
    make_data: Callable[..., TrackingData], clip: Callable[..., Clip]
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_data("data.preprocess.resize=null", dataset=Halves(clip, ((64, 48), (32, 24))))
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
        orders.append([(batch.clip.tolist(), batch.number.tolist()) for batch in loader])
    assert len(loader) == 2
    assert orders[0] == orders[2] != orders[1]


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_of_the_next_epoch_know_the_difficulty_that_was_written(
    workers: int, make_data: Callable[..., TrackingData]
) -> None:
    data = make_data(f"training.data_loader.num_workers={workers}", "training.data_loader.prefetch_factor=2")
    data.trainer = SimpleNamespace(global_rank=0, world_size=1, current_epoch=0)  # type: ignore[assignment]
    loader = data.train_dataloader()
    assert data.difficulty.tolist() == [0.0] * 12  # two clips of six frames
    for epoch in (0, 1):
        data.trainer.current_epoch = epoch  # type: ignore[misc, union-attr]
        for batch in loader:  # workers live on from the first epoch to the second
            expected = data.places(batch) * 0.5 * epoch
            assert torch.equal(batch.labels.difficulty, expected.float())
            assert torch.equal(data.places(batch), batch.clip[:, None] * 6 + batch.number)
        data.difficulty.copy_(0.5 * torch.arange(12))


def test_a_network_with_a_state_trains_on_rows_of_windows_and_is_validated_window_by_window(
    make_data: Callable[..., TrackingData],
) -> None:
    data = make_data("data.sequence.windows=2")
    lengths = {name: batch.frames.shape[1] for name, loader in LOADERS.items() for batch in loader(data)}
    assert lengths == {"train": 6, "every": 6, "val": 3}


def test_every_training_frame_is_counted_once_and_is_not_augmented(make_data: Callable[..., TrackingData]) -> None:
    crop = build("transforms", {"name": "crop", "size": (32, 24)}, "data.transforms[0]")
    data = make_data(transforms=(crop,))
    places = []
    for batch in data.every_training_frame():
        assert batch.frames.shape[-2:] == (48, 64)
        places += data.places(batch)[batch.counted].tolist()
    assert sorted(places) == list(range(12))


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
    cure = "data.skip_broken=10 leaves out up to 10 such frames."
    assert str(caught.value) == f"match2.mp4: frame 3 cannot be read. {cure}"


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


def test_windows_that_do_not_fill_a_batch_are_told_before_an_epoch_of_nothing(
    make_data: Callable[..., TrackingData],
) -> None:
    data = make_data("training.data_loader.drop_last=true", "training.batch_size=64")
    with pytest.raises(ConfigError, match=r"drop_last: true, but the training windows do not fill one batch of 64"):
        data.train_dataloader()


def test_fewer_training_clips_than_processes_are_told(make_data: Callable[..., TrackingData]) -> None:
    data = make_data()
    data.trainer = SimpleNamespace(current_epoch=0, global_rank=2, world_size=3)  # type: ignore[assignment]
    with pytest.raises(ConfigError, match=r"training\.devices: there are fewer training clips \(2\) than processes"):
        data.train_dataloader()


@pytest.fixture
def broken(clip: Callable[..., Clip], monkeypatch: pytest.MonkeyPatch) -> Halves:
    """Clips whose frames 1 and 3 cannot be read."""
    dataset = Halves(clip)
    whole = type(dataset.made["train"][0].frames).read

    def read(self: Any, indices: Any, size: Any = None) -> Any:
        for index in indices:
            if index in (1, 3):
                raise DataError(f"{index}.png: no image.")
            yield from whole(self, [index], size)

    monkeypatch.setattr(type(dataset.made["train"][0].frames), "read", read)
    return dataset


@pytest.mark.parametrize("workers", [0, 1])
def test_so_many_broken_frames_as_the_setting_says_are_left_out_and_each_is_told_once(
    make_data: Callable[..., TrackingData], broken: Halves, workers: int
) -> None:
    loader = make_data(
        "data.skip_broken=4", f"training.data_loader.num_workers={workers}", dataset=broken
    ).train_dataloader()
    with pytest.warns(UserWarning, match="count nothing") as told:
        batches = list(loader)
    assert len(batches) == len(loader)
    # Python may warn of its own, of a fork beside threads.
    messages = sorted(str(one.message) for one in told if issubclass(one.category, UserWarning))
    assert messages[0].startswith("1.png: no image. Windows with frame 1 of train/match")
    assert len(messages) == 4
    again = list(loader)
    assert [batch.clip.shape for batch in again] == [batch.clip.shape for batch in batches]


@pytest.mark.filterwarnings("ignore:.*count nothing")
def test_one_broken_frame_more_ends_the_epoch(make_data: Callable[..., TrackingData], broken: Halves) -> None:
    loader = make_data("data.skip_broken=3", dataset=broken).train_dataloader()
    with pytest.raises(
        DataError, match=r"png: no image\. 3 others are left out, and data\.skip_broken=3 allows no more"
    ):
        list(loader)
