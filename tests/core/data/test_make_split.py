"""Splits by match, drawn with a seed and written for ``data.split``."""

from collections import Counter
from fnmatch import fnmatchcase

import pytest
from omegaconf import OmegaConf

from tracknet_core.data.make_split import group_clips, share_out, split_text
from tracknet_core.errors import ConfigError

NAMES = [f"match{match}/{rally}" for match in range(1, 11) for rally in "abc"]
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


def matched(text: str, names: list[str]) -> dict[str, list[str]]:
    """Return the names that the patterns of a split file match."""
    tree = OmegaConf.create(text)
    return {split: [n for n in names if any(fnmatchcase(n, p) for p in patterns)] for split, patterns in tree.items()}  # type: ignore[misc]


def test_a_match_is_the_name_without_its_last_part() -> None:
    assert group_clips(["a/b/1", "a/b/2", "a/1", "alone"]) == {
        "a/b": ["a/b/1", "a/b/2"],
        "a": ["a/1"],
        "alone": ["alone"],
    }


def test_a_folder_that_says_what_it_holds_is_no_match() -> None:
    names = ["match1/video/a", "match1/video/b", "match2/frames/a", "videos/a", "videos/b"]
    assert group_clips(names) == {
        "match1": names[:2],
        "match2": names[2:3],
        "videos/a": ["videos/a"],
        "videos/b": ["videos/b"],
    }
    text = split_text(share_out(group_clips(names), SHARES), "command")
    assert sorted(clip for clips in matched(text, names).values() for clip in clips) == sorted(names)


def test_an_expression_says_what_names_the_match() -> None:
    names = ["train/match1/a", "val/match1/b", "train/match12/a"]
    assert group_clips(names, r"match\d+") == {"match1": names[:2], "match12": names[2:]}


@pytest.mark.parametrize(
    ("by", "fault"), [("match(", "no regular expression"), ("game", "finds nothing"), ("x*", "finds")]
)
def test_an_expression_that_does_not_serve_is_told(by: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        group_clips(["train/match1/a"], by)


def test_shares_are_met_and_matches_stay_whole() -> None:
    parts = share_out(group_clips(NAMES), SHARES, seed=0)
    assert {split: len(part) for split, part in parts.items()} == {"train": 6, "val": 2, "test": 2}
    assert Counter(clip for part in parts.values() for clips in part.values() for clip in clips) == Counter(NAMES)
    assert Counter(name for part in parts.values() for name in part).most_common(1)[0][1] == 1


def test_a_seed_gives_one_split_and_seeds_differ() -> None:
    groups = group_clips(NAMES)
    assert share_out(groups, SHARES, 5) == share_out(groups, SHARES, 5)
    assert len({str(share_out(groups, SHARES, seed)) for seed in range(8)}) > 4


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_met_as_well_as_uneven_matches_allow(seed: int) -> None:
    sizes = {"match1": 4, "match2": 13, "match3": 6, "match4": 4, "match5": 1}
    groups = {name: [f"{name}/{i}" for i in range(size)] for name, size in sizes.items()}
    parts = share_out(groups, {"train": 0.8, "val": 0.2}, seed)
    assert sum(map(len, parts["val"].values())) == 6  # 5.6 were asked for


def test_no_split_is_empty_however_small_its_share() -> None:
    groups = group_clips(NAMES[:9])
    parts = share_out(groups, {"train": 0.98, "val": 0.01, "test": 0.01})
    assert [len(part) for part in parts.values()] == [1, 1, 1]


@pytest.mark.parametrize("shares", [(0.5, 0.2), (1.2, -0.2), (1.0, 0.0)])
def test_shares_that_are_none_are_told(shares: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="shares are positive and sum to 1"):
        share_out(group_clips(NAMES), dict(zip(("train", "val"), shares, strict=True)))


def test_fewer_matches_than_splits_are_told() -> None:
    with pytest.raises(ConfigError, match="belong to 1 matches"):
        share_out(group_clips(["a/1", "a/2"]), {"train": 0.5, "val": 0.5})


def test_a_file_matches_exactly_the_clips_of_each_split() -> None:
    names = [*NAMES, "match1/deeper/a", "[final]/a*", "[final]/b?", "alone", 'with "quotes": #/1', "über/1"]
    parts = share_out(group_clips(names), SHARES, seed=2)
    expected = {split: sorted(clip for clips in part.values() for clip in clips) for split, part in parts.items()}
    found = matched(split_text(parts, "tracknet data split"), names)
    assert {split: sorted(clips) for split, clips in found.items()} == expected


def test_a_file_can_be_read_whatever_is_in_a_name_or_the_command() -> None:
    names = [f"a{letter}b/{number}" for number, letter in enumerate("\x7f\x85\xa0\u2028\ufeff\uffff\U0001f3be")]
    text = split_text(share_out(group_clips(names), {"train": 0.5, "val": 0.5}), "tracknet data root=a\nb\udcff")
    assert text.encode().decode() == text
    assert sorted(name for clips in matched(text, names).values() for name in clips) == sorted(names)


def test_groups_of_an_expression_are_listed_by_clip_where_no_pattern_is_exact() -> None:
    names = ["train/match1/a", "val/match1/b", "train/match2/a"]
    parts = share_out(group_clips(names, r"match\d+"), {"train": 0.5, "val": 0.5}, seed=0)
    found = matched(split_text(parts, "made"), names)
    assert sorted(map(sorted, found.values())) == [names[:2], names[2:]]


def test_the_comment_says_how_the_file_was_made() -> None:
    text = split_text(share_out(group_clips(NAMES), SHARES), "tracknet data split --seed 0")
    assert text.startswith("# Split of 30 clips of 10 matches; use it with data.split=PATH. Made by\n#   tracknet data")
    assert "train:  # 6 matches, 18 clips, 60.0%\n" in text
    assert '  - "match1/*"\n' in text
