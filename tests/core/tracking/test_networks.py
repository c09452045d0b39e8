"""Which network a command line names: a file, a folder, a model, or none, where the default finds the ball."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import catalogue
import pytest

from tracknet_core.errors import CheckpointError, ConfigError
from tracknet_core.model_folder import CONFIG, WEIGHTS
from tracknet_core.registry import NAMESPACE
from tracknet_core.tracking import detector, networks
from tracknet_core.tracking.networks import network_and_videos, network_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that are called like those of a model."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in (WEIGHTS, CONFIG):
        (folder / name).touch()
    return folder


@pytest.fixture(autouse=True)
def models(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model called ``halls``, which is the default."""
    model: Callable[[], Path] = lambda: folder  # noqa: E731
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "models", "halls"), model)
    monkeypatch.setattr(networks, "default_of", lambda option: {"--model": "halls"}[option])
    monkeypatch.chdir(folder.parent)


@pytest.mark.parametrize(
    ("words", "network", "videos"),
    [
        (["best.ckpt", "a.mp4"], "best.ckpt", ["a.mp4"]),
        (["best.onnx", "a.mp4", "b.mp4"], "best.onnx", ["a.mp4", "b.mp4"]),
        (["shipped", "a.mp4"], "shipped", ["a.mp4"]),
        (["halls", "a.mp4"], None, ["a.mp4"]),
        (["a.mp4"], None, ["a.mp4"]),
        (["games", "a.mp4"], None, ["games", "a.mp4"]),
    ],
)
def test_the_first_word_may_be_a_network(
    words: list[str], network: str | None, videos: list[str], folder: Path
) -> None:
    found = network_and_videos(words, None)
    assert found == (folder if network is None else Path(network), videos)


def test_no_format_is_asked_for_what_is_known_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "_installed_formats", lambda: pytest.fail("formats were imported"))
    for network in ("best.ckpt", "shipped", "halls"):
        assert detector.is_network(network)


def test_with_the_option_all_words_are_videos(folder: Path) -> None:
    assert network_and_videos(["a.mp4", "b.mp4"], "halls") == (folder, ["a.mp4", "b.mp4"])
    assert network_and_videos(["a.mp4"], "other.ckpt") == (Path("other.ckpt"), ["a.mp4"])


def test_where_a_backend_is_named_so_is_the_network() -> None:
    assert network_and_videos(["best.engine", "a.mp4"], None, "mine") == (Path("best.engine"), ["a.mp4"])


def test_a_file_or_folder_goes_before_a_model_of_its_name(folder: Path) -> None:
    (folder.parent / "halls").mkdir()
    assert network_path("halls") == Path("halls")
    assert network_and_videos(["halls", "a.mp4"], None) == (folder, ["halls", "a.mp4"])  # a folder of images


def test_a_network_needs_a_video() -> None:
    with pytest.raises(ConfigError, match=re.escape("best.ckpt: a network, and no video for it")):
        network_and_videos(["best.ckpt"], None)


def test_an_unknown_name_answers_with_the_models_that_there_are() -> None:
    with pytest.raises(CheckpointError, match=r"hals: no such file, and no component of kind 'models'.*'halls'"):
        network_path("hals")
