"""Experiments that come with tracknet are found by their names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tracknet_core.config import experiment_file, load_config, load_data, shipped_experiments, shipped_folder
from tracknet_core.errors import ConfigError

ROOT = Path(__file__).parents[3]


def test_all_files_but_tables_are_experiments() -> None:
    files = {file.stem for file in (ROOT / "experiments").glob("*.yaml")}
    assert {*shipped_experiments()} == files - {"shorthands", "options"}
    assert shipped_folder() == ROOT / "experiments"


def test_a_bare_name_is_an_experiment_of_tracknet_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert experiment_file(Path("vit")) == ROOT / "experiments" / "vit.yaml"
    assert load_config(Path("vit")) == load_config(ROOT / "experiments" / "vit.yaml")
    assert load_data(Path("vit")).dataset["name"] == "synthetic"


def test_a_file_of_ones_own_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vit").write_text("data: synthetic\n", encoding="utf-8")
    assert experiment_file(Path("vit")) == Path("vit")


@pytest.mark.parametrize("path", ["vit.yaml", "folder/vit", "/vit"])
def test_a_path_is_a_path(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert experiment_file(Path(path)) == Path(path)


@pytest.mark.parametrize(("name", "nearest"), [("vti", "vit"), ("own", "own.yaml"), ("xyzzy", None), (".", None)])
def test_a_wrong_name_is_answered_with_the_nearest(
    name: str, nearest: str | None, faults: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.yaml").write_text("data: synthetic\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"one of accurate, .*, wasb\.$") as caught:
        experiment_file(Path(name))
    said = f"Did you mean '{nearest}'?"
    assert (said in str(caught.value)) if nearest else ("Did you mean" not in str(caught.value))
