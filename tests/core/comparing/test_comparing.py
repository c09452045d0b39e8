"""The command `compare`, from the command line to its table."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from tracknet_core import compare
from tracknet_core.comparing import Shared, comparing, find_entries
from tracknet_core.isolation import Job

SHARED = ["data.split={train: [train/1], test: [train/2, val/1]}", "--protocol", "wasb", "--tracker", "none"]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Do the work of processes in this one, which knows the parts of tests; what was done, in order."""
    done: list[str] = []

    def in_turn(jobs: Sequence[Job], *, at_once: int, threads: int, tell: Callable[[str], object]) -> dict[str, str]:
        faults = {}
        for job in jobs:
            done.append(f"{type(job.work).__name__} {job.name}")
            try:
                job.work()
            except Exception as error:
                faults[job.name] = str(error) or repr(error)
        return faults

    monkeypatch.setattr(comparing, "run_apart", in_turn)
    yield done
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def go(experiment: Path, tmp_path: Path) -> Callable[..., int]:
    """Compare the tiny experiment with a wider one."""

    def run(*arguments: str) -> int:
        wider = ["--ablation", str(experiment), "model.backbone.width=12"]
        return compare.main([str(experiment), *SHARED, "--output", str(tmp_path / "out"), *wider, *arguments])

    return run


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_experiments_are_trained_scored_and_measured_once(
    here: list[str], go: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go() == 0
    wide = "experiment model.backbone.width=12"
    rows = {row["experiment"]: row for row in table(tmp_path / "out")}
    assert rows.keys() == {"experiment", wide}
    # Of each of 4 more channels: 3 pictures of 3 channels in a 4 x 4 convolution, a bias, a norm, and into 8 channels.
    few, more = (int(rows[name]["parameters"].replace(",", "")) for name in ("experiment", wide))
    assert more - few == 4 * (9 * 16 + 1 + 2 + 8)
    for row in rows.values():
        assert re.fullmatch(r"[01]\.\d{3} \[[01]\.\d{3}, [01]\.\d{3}\]", row["wasb F1"])
        assert float(row["frames/s torch"]) > 0
        # 6 windows in batches of 4 for two epochs
        assert row["steps"] == "4"
        assert row["input"] == "3 x 64 x 48"
    assert "frames/s torch" in capsys.readouterr().out
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    best, other = results["rows"]
    assert best["scores"]["wasb"]["behind"] is None
    assert other["scores"]["wasb"]["behind"] <= 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.index("Every experiment was trained for the epochs") < page.index('id="section-1"') < page.index("<svg")
    states = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.json")}
    assert go() == 0
    written_anew = {tmp_path / "out" / "results.json"}
    assert {path for path in states if path.stat().st_mtime_ns != states[path]} == written_anew
    # Scored by other rules, and not trained again.
    assert go("--protocol", "tracknet") == 0
    changed = {path.name for path in states if path.stat().st_mtime_ns != states[path]}
    assert changed == {"evaluation.json", "asked.json", "results.json"}
    assert "tracknet F1" in table(tmp_path / "out")[0]
    assert r"split \{'train': \['train/1'\]" in (tmp_path / "out" / "table.md").read_text()
    # Without a number: measured anew.
    (measured,) = (tmp_path / "out" / "experiment").glob("speed.json")
    measured.write_text(json.dumps({"torch": "was not there"}))
    assert go("--protocol", "tracknet") == 0
    assert json.loads(measured.read_text())["torch"] > 0


def test_one_that_fails_says_why_and_ends_no_other(
    here: list[str], go: Callable[..., int], tmp_path: Path, experiment: Path
) -> None:
    assert go("--ablation", f"bare={experiment}", "training.callbacks=[]") == 1
    *others, failed = table(tmp_path / "out")
    assert len(others) == 2
    assert failed["experiment"] == "bare"
    assert failed["wasb F1"].startswith("training.callbacks: none that keeps the last state")
    assert "Measuring bare" not in here


def test_a_folder_of_another_training_is_left_alone(
    here: list[str], go: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder := tmp_path / "out" / "experiment").mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"budget": 60.0, "threads": 1, "config": {}}))
    assert go() == 2
    assert "was trained with other settings (budget). Name another" in capsys.readouterr().err
    assert here == []


def test_a_name_may_be_all_that_is_changed(tmp_path: Path) -> None:
    (entry,) = find_entries([], [["mine=vit"]], Shared(), "test", tmp_path)
    assert entry.name == "mine"
    assert entry.folder == tmp_path / "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "what is to be compared?"),
        (["--ablation", "vit"], "--ablation vit: give an experiment, and what is changed of it"),
        (["vit", "vit"], "vit: is there twice"),
        (["vit", "--ablation", "vit=convnext", "data.cache.enabled=true"], "vit: is there twice"),
        (["vit", "data.split={train: ['1*'], test: ['9*']}"], "data.split.train: ['1*'] match none"),
        (["--ablation", "a b=vit", "training.seed=3", "--ablation", "a_b=vit", "training.seed=4"], "'a b' and 'a_b'"),
        (["vit", "badminton", "data.root=."], "data.dataset: "),
        (["inpaint"], "the tracker 'inpaint', no network"),
    ],
)
def test_mistakes_are_told_before_the_work(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main([*arguments, "--output", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_a_shared_data_section_leaves_networks_their_windows(tmp_path: Path) -> None:
    shared = Shared(sections={"data": "synthetic"}, overrides=["data.dataset.rallies=[1, 1, 1]"])
    entries = find_entries([Path("tracknetv3"), Path("tracknetv2")], [], shared, "val", tmp_path / "out")
    assert [entry.config.data.sequence.length for entry in entries] == [8, 3]
    assert [len(entry.config.data.transforms) for entry in entries] == [2, 2]  # mixup is gone with the section
