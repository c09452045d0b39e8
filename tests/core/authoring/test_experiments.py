"""``tracknet experiments`` and ``tracknet copy``."""

import json
from pathlib import Path

import pytest

from tracknet_core.authoring.experiments import copy_experiment, list_experiments
from tracknet_core.cli import main
from tracknet_core.config import load_config, shipped_experiments
from tracknet_core.errors import ConfigError, DataError


def test_every_experiment_is_listed_with_its_purpose() -> None:
    listed = list_experiments()
    assert [one.name for one in listed] == list(shipped_experiments())
    assert [one.name for one in listed if not one.purpose.endswith(".") or len(one.purpose) < 20] == []
    badminton = next(one for one in listed if one.name == "badminton")
    assert badminton.purpose.endswith("in the layout of TrackNetV3.")  # the end of its first sentence, on a second line


def test_files_of_a_group_are_listed() -> None:
    names = [one.name for one in list_experiments("model")]
    assert "model/vit_heatmap" in names
    with pytest.raises(ConfigError, match=r"modle: no such group of files. It accepts: data, model, training"):
        list_experiments("modle")


@pytest.mark.parametrize("name", ["vit", "inpaint"])
@pytest.mark.parametrize("resolved", [False, True])
def test_a_copy_is_the_same_experiment(name: str, resolved: bool, tmp_path: Path) -> None:
    target = tmp_path / "my.yaml"
    copy_experiment(name, target, resolved=resolved)
    assert load_config(target) == load_config(Path(name))
    text = target.read_text(encoding="utf-8")
    assert text.splitlines()[1] == f"#   tracknet run {target}"
    assert ("base: " in text or "data: synthetic" in text) != resolved
    assert ("num_nodes: 1" in text) == resolved  # a default


def test_a_resolved_copy_takes_settings(tmp_path: Path) -> None:
    copy_experiment("vit", tmp_path / "my.yaml", ["training.epochs=7"], resolved=True)
    assert load_config(tmp_path / "my.yaml").training.epochs == 7
    with pytest.raises(ConfigError, match=r"training.epochs=7: settings are for --resolved"):
        copy_experiment("vit", tmp_path / "other.yaml", ["training.epochs=7"])
    assert not (tmp_path / "other.yaml").exists()


def test_files_of_groups_and_of_ones_own_are_copied_too(tmp_path: Path) -> None:
    copy_experiment("model/vit_heatmap", tmp_path / "my_network.yaml")
    shipped = shipped_experiments()["vit"].parent / "model" / "vit_heatmap.yaml"
    assert (tmp_path / "my_network.yaml").read_bytes() == shipped.read_bytes()
    copy_experiment("vit", tmp_path / "one.yaml")
    copy_experiment(str(tmp_path / "one.yaml"), tmp_path / "two.yaml")
    assert load_config(tmp_path / "two.yaml") == load_config(Path("vit"))
    with pytest.raises(ConfigError, match="--resolved: model/vit_heatmap is a section, no experiment"):
        copy_experiment("model/vit_heatmap", tmp_path / "three.yaml", resolved=True)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "my.yaml"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"my.yaml: there is a file already"):
        copy_experiment("vit", target)
    assert target.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["vti", "none.yaml", "model/none"])
def test_what_does_not_exist_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such"):
        copy_experiment(name, tmp_path / "my.yaml")


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["experiments"]) == 0
    assert "\nvit            ViT + upsampling decoder" in capsys.readouterr().out
    assert main(["experiments", "data", "--json"]) == 0
    assert {"data/synthetic", "data/csv"} <= {one["name"] for one in json.loads(capsys.readouterr().out)}
    assert main(["copy", "vit", "my.yaml", "--resolved", "training.epochs=2"]) == 0
    assert capsys.readouterr().out == "my.yaml\nTo train with it: tracknet run my.yaml\n"
    assert main(["copy", "vit", "my.yaml"]) == 2
    assert "there is a file already" in capsys.readouterr().err
