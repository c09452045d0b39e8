"""Which clips belong to a split."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tracknet_core.clips import LazyClips, clip_names
from tracknet_core.contracts import Clip, Dataset, RandomFrames, Visibility
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.splits import choose_clips, split_names


class Games(Dataset):
    """Four games of two clips; the second clip of game 2 is broken."""

    splits = ("train", "val")
    published_splits = {  # noqa: RUF012 - as the contract has it
        "paper": {"train": ["game[12]/*"], "test": ["game4/*"]},
        "other_random_frames": RandomFrames({"train": 0.7, "val": 0.3}),
    }

    def __init__(self, clip: Callable[..., Clip]) -> None:
        self._make = clip

    def clips(self, split: str) -> LazyClips:
        games = {"train": (1, 2, 3), "val": (4,)}[split]
        return LazyClips({f"game{g}/{c}": lambda g=g, c=c: self._open(g, c) for g in games for c in (1, 2)})

    def _open(self, game: int, number: int) -> Clip:
        if (game, number) == (2, 2):
            raise DataError("game2/2: broken.")
        return self._make(f"game{game}/{number}", 200)


@pytest.fixture
def games(clip: Callable[..., Clip]) -> Games:
    return Games(clip)


def test_a_published_split_goes_by_its_name(games: Games) -> None:
    assert split_names(games, "paper") == ("train", "test")
    assert clip_names(choose_clips(games, "paper", "train")) == ("game1/1", "game1/2", "game2/1", "game2/2")
    assert clip_names(choose_clips(games, "paper", "test")) == ("game4/1", "game4/2")
    assert split_names(games, None) == ("train", "val")


def test_only_the_clips_of_the_split_are_opened_and_a_broken_one_is_told(games: Games) -> None:
    assert [c.name for c in choose_clips(games, {"train": ["game1/*"]}, "train")] == ["game1/1", "game1/2"]
    train = choose_clips(games, "paper", "train")
    assert train[2].name == "game2/1"
    with pytest.raises(DataError, match="game2/2: broken"):
        train[3]


def test_a_split_of_random_frames_is_refused_with_the_reason_unless_called_by_its_full_name(games: Games) -> None:
    with pytest.raises(ConfigError, match=r"near-duplicates(.|\n)*data\.split=other_random_frames"):
        choose_clips(games, "other", "train")
    train = choose_clips(games, "other_random_frames", "train")
    val = choose_clips(games, "other_random_frames", "val")
    assert clip_names(train) == clip_names(val)
    in_train = train[0].visibility != Visibility.UNLABELLED
    in_val = val[0].visibility != Visibility.UNLABELLED
    np.testing.assert_array_equal(in_train, ~in_val)
    assert 0.6 < in_train.mean() < 0.8
    assert np.isnan(train[0].xy[in_val]).all()
    again = choose_clips(games, "other_random_frames", "train")[0]
    np.testing.assert_array_equal(again.visibility, train[0].visibility)
    assert (train[0].visibility != train[1].visibility).any()


def test_a_split_file_holds_patterns(games: Games, write: Callable[[str, str], Path]) -> None:
    path = write("mine.yaml", "# made by hand\ntrain: [game1/*, game3/1]\nval: [game3/2]\n")
    assert clip_names(choose_clips(games, str(path), "train")) == ("game1/1", "game1/2", "game3/1")
    assert split_names(games, str(path)) == ("train", "val")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("papper", "'papper' is no split of this dataset. It accepts: paper, other_random_frames; the path of a file"),
        ("nowhere.yaml", "there is no file nowhere.yaml"),
        ("paper/val", "no split of this dataset"),
    ],
)
def test_an_unknown_split_is_told_with_what_there_is(games: Games, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        choose_clips(games, setting, "train")


def test_a_split_that_the_publication_does_not_have_is_told(games: Games) -> None:
    with pytest.raises(ConfigError, match=r"data\.split: no 'val' among train, test"):
        choose_clips(games, "paper", "val")


@pytest.mark.parametrize("text", ["- a\n- b\n", "train: all\n", "train: [\n"])
def test_a_file_that_is_no_split_is_told(games: Games, text: str, write: Callable[[str, str], Path]) -> None:
    path = write("mine.yaml", text)
    with pytest.raises(ConfigError, match=f"data.split: {path} (is no split|cannot be read as YAML)"):
        choose_clips(games, str(path), "train")
