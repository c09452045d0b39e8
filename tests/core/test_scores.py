"""The command `evaluate`: a checkpoint, or the files of any program, and the same figures for both."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import catalogue
import numpy as np
import pytest
import torch

from tracknet_core.assembly import build_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config, default_section, load_config, load_data
from tracknet_core.contracts import Candidates, Clip, TrackedFrame, Tracker, TrackPoint
from tracknet_core.errors import DataError
from tracknet_core.evaluation.tracked_clip import predict_clip
from tracknet_core.registry import NAMESPACE, protocols
from tracknet_core.scores import main
from tracknet_core.splits import choose_clips
from tracknet_core.tracking.clip import detect_clip
from tracknet_core.tracking.detector import load_detector
from tracknet_plugins.trackers.none import NoTracker


class Second(Tracker):
    """Two balls: a worse one 5 px to the right comes first."""

    def __init__(self, *, size: tuple[int, int], shift: float = 5.0) -> None:
        self.shift = shift

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        for frame in frames:
            balls = tuple(
                TrackPoint.at((float(x) + shift, float(y)), float(score) - shift / 100)
                for (x, y), score in zip(frame.xy[:1], frame.score[:1], strict=True)
                for shift in (self.shift, 0.0)
            )
            yield TrackedFrame(frame.number, frame.time, balls)


@pytest.fixture
def checkpoint(config: Config, tmp_path: Path) -> Path:
    """A network that was trained on nothing, and finds something in every frame."""
    torch.manual_seed(0)
    model = build_model(config)
    last = list(model.head.parameters())[-1]  # type: ignore[attr-defined]
    torch.nn.init.constant_(last, 2.0)
    path = tmp_path / "tiny.ckpt"
    state = {f"model.{key}": value for key, value in model.state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, path)
    return path


def rows_of(path: Path, points: Sequence[tuple[TrackPoint, ...]]) -> None:
    """Write a CSV as `tracknet predict` does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write("Frame,Visibility,X,Y,Confidence,Time\n")
        for number, balls in enumerate(points):
            file.writelines(
                f"{number},1,{ball.xy[0]:.3f},{ball.xy[1]:.3f},{ball.score:.6f},{number / 25:.6f}\n" for ball in balls
            )
            if not balls:
                file.write(f"{number},0,0,0,0,{number / 25:.6f}\n")


def balls_of(checkpoint: Path, clip: Clip) -> list[tuple[TrackPoint, ...]]:
    candidates = detect_clip(load_detector(checkpoint), clip.frames)
    return [
        tuple(TrackPoint.at(tuple(xy), score) for xy, score in zip(one.xy.tolist(), one.score.tolist(), strict=True))
        for one in candidates
    ]


@pytest.fixture
def clips(checkpoint: Path, tmp_path: Path) -> list[Clip]:
    """The clips of split `train`; the data section comes from the working folder."""
    from tracknet_core.assembly import build_dataset

    data = load_data(tmp_path / "experiment.yaml")
    return list(choose_clips(build_dataset(data), None, "train"))


Score = Callable[[Sequence[str]], dict[str, Any]]


@pytest.fixture
def score(tmp_path: Path) -> Score:
    """Run the command, and return what it writes as JSON."""
    numbers = itertools.count()

    def score(arguments: Sequence[str]) -> dict[str, Any]:
        target = tmp_path / f"score{next(numbers)}.json"
        assert main([*arguments, "--json", str(target)]) == 0
        plain: dict[str, Any] = json.loads(target.read_text())
        return plain

    return score


def test_a_checkpoint_and_the_files_of_its_predictions_have_the_same_figures(
    checkpoint: Path, clips: list[Clip], score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for clip in clips:
        rows_of(tmp_path / "rows" / f"{clip.name}.csv", balls_of(checkpoint, clip))
    monkeypatch.chdir(tmp_path)

    one = score([str(checkpoint), "--split", "train", "--tracker", "none"])
    other = score(["--predictions", "rows", "--data", "tiny", "--split", "train"])

    for part in ("protocols", "trajectory", "clips"):
        assert one[part] == other[part]
    assert list(one["protocols"]) == ["wasb", "pck"]
    found = one["protocols"]["wasb"]["figures"]
    assert found["tp"] + found["fp1"] + found["fp2"] + found["tn"] + found["fn"] == 17
    assert found["fp1"] + found["tp"] > 0
    assert one["protocols"]["wasb"]["intervals"]["f1"] is not None


def test_a_data_set_and_the_files_of_its_truth_have_the_same_figures(
    clips: list[Clip], score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for clip in clips[:1]:  # of one clip nothing is drawn, which would take seconds
        found = [
            () if rng.random() < 0.2 else (TrackPoint.at((rng.uniform(0, 30), rng.uniform(0, 20)), rng.random()),)
            for _ in range(len(clip))
        ]
        found[: len(clip) // 2] = [
            (TrackPoint.at((float(x) + 1.5, float(y)), 0.9),) if np.isfinite(x) else ()
            for x, y in clip.xy[: len(clip) // 2]
        ]
        rows_of(tmp_path / "rows" / f"{clip.name}.csv", found)
        truth = tmp_path / "truth" / f"{clip.name}.csv"
        truth.parent.mkdir(parents=True, exist_ok=True)
        truth.write_text(
            "Frame,Visibility,X,Y\n"
            + "".join(
                f"{number},{code},{float(x)!r},{float(y)!r}\n"
                for number, (code, (x, y)) in enumerate(zip(clip.visibility, clip.xy, strict=True))
                if code != -1
            )
        )
    monkeypatch.chdir(tmp_path)
    rules = ["--protocol", "wasb", "tracknet", "tracknetv5", "yastrebksv", "racketvision", "totnet", "pck"]
    width, height = clips[0].frames.size

    one = score(["--predictions", "rows", "--data", "tiny", "--split", "train", *rules])
    other = score(["--predictions", "rows", "--truth", "truth", "--size", f"{width}x{height}", *rules])

    assert one["protocols"] == other["protocols"]
    assert one["trajectory"] == other["trajectory"]
    assert one["protocols"]["wasb"]["figures"]["tp"] > 0


def test_the_rules_are_those_of_the_training_unless_others_are_named(
    checkpoint: Path, score: Score, experiment: Path
) -> None:
    content = torch.load(checkpoint, weights_only=True)
    config = load_config(experiment, ["training.protocols=[tracknet, {name: pck, radii: [3]}]"])
    torch.save({**content, **describe(config.as_dict())}, checkpoint)

    found = score([str(checkpoint), "--split", "val"])["protocols"]

    assert list(found) == ["tracknet", "pck"]
    assert list(found["pck"]["figures"]) == ["l2", "pck@3"]
    assert list(score([str(checkpoint), "--split", "val", "--protocol", "wasb"])["protocols"]) == ["wasb"]


def test_where_nothing_was_trained_the_rules_are_those_that_any_training_starts_from(
    checkpoint: Path, score: Score, experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "1.csv").write_text("Frame,X,Y\n0,5,5\n")
    monkeypatch.chdir(tmp_path)
    content = torch.load(checkpoint, weights_only=True)
    torch.save({**content, **describe(load_config(experiment, ["training.protocols=[]"]).as_dict())}, checkpoint)
    rules = default_section("training")["protocols"]

    foreign = score(["--predictions", "rows", "--data", "tiny", "--split", "val"])["protocols"]
    own = score([str(checkpoint), "--split", "val"])["protocols"]

    assert list(foreign) == list(own) == [rule["name"] for rule in rules]


def test_json_is_there_even_if_no_page_can_be_made(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(evaluation: Any) -> str:
        raise RuntimeError("a fault in the program")

    monkeypatch.setattr("tracknet_core.evaluation.compute.report", broken)
    json_, page = tmp_path / "a.json", tmp_path / "a.html"
    with pytest.raises(RuntimeError):
        main([str(checkpoint), "--split", "val", "--json", str(json_), "--report", str(page)])
    assert json.loads(json_.read_text())["split"] == "val"
    assert not page.exists()


def test_of_several_balls_the_surest_counts_as_in_a_file(checkpoint: Path, clips: list[Clip]) -> None:
    def candidates() -> Iterator[Candidates]:
        return detect_clip(load_detector(checkpoint), clips[0].frames)

    plain, _ = predict_clip(clips[0], candidates(), NoTracker())
    followed, _ = predict_clip(clips[0], candidates(), Second(size=(640, 360), shift=5.0))

    np.testing.assert_array_equal(followed.xy, plain.xy)
    assert plain.present.any()


@pytest.mark.parametrize("tracker", [NoTracker(), Second(size=(640, 360), shift=5.0)], ids=["none", "second"])
def test_a_frame_that_cannot_be_read_is_one_without_a_ball(
    make_candidates: Callable[[Sequence[int]], list[Candidates]],
    clips: list[Clip],
    tracker: Tracker,
) -> None:
    count = len(clips[0])

    prediction, notes = predict_clip(clips[0], make_candidates([0, *range(3, count)]), tracker)

    assert prediction.present.tolist() == [True, False, False] + [True] * (count - 3)
    assert prediction.xy[3:, 0].tolist() == list(range(3, count))
    assert notes == [f"{clips[0].name}: 2 of {count} frames cannot be decoded, and count as without a ball."]
    assert predict_clip(clips[0], make_candidates(range(count)), tracker)[1] == []
    with pytest.raises(DataError, match="no frame can be decoded"):
        predict_clip(clips[0], [], tracker)


@pytest.fixture
def make_candidates() -> Callable[[Sequence[int]], list[Candidates]]:
    """Make a ball in each frame, at its number."""
    return lambda numbers: [
        Candidates.at(number, number / 25, np.float32([[number, 5]]), np.float32([0.5])) for number in numbers
    ]


def test_settings_of_the_data_replace_those_of_the_checkpoint(
    checkpoint: Path, score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "trackers", "second"), Second)

    found = score(
        [
            *(str(checkpoint), "--split", "val", "data.dataset.frames=5", "data.preprocess.resize=[32,24]"),
            *("--protocol", "{name: pck, radii: [3]}", "--tracker", "{name: second, shift: 2}", "--device", "cpu"),
        ]
    )

    assert [clip["frames"] for clip in found["clips"].values()] == [5]
    assert list(found["protocols"]["pck"]["figures"]) == ["l2", "pck@3"]


def test_a_threshold_leaves_out_what_is_less_sure(
    clips: list[Clip], score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    balls = [(TrackPoint.at((float(x), float(y)), 0.25 + 0.5 * (n % 2)),) for n, (x, y) in enumerate(clips[0].xy)]
    rows_of(tmp_path / "rows" / "train" / "1.csv", balls[:-1])
    monkeypatch.chdir(tmp_path)
    arguments = ["--predictions", "rows", "--split", "train", "--protocol", "wasb", "data=tiny"]

    assert score(arguments)["protocols"]["wasb"]["figures"]["tp"] == 7
    assert score([*arguments, "--threshold", "0.5"])["protocols"]["wasb"]["figures"]["tp"] == 3


def test_the_command_prints_tables_and_writes_json(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "found.json"

    assert main([str(checkpoint), "--split", "val", "--json", str(target)]) == 0

    printed = capsys.readouterr()
    assert printed.out.startswith(f"{checkpoint}: 1 clip of 'val', 8 frames\n\nwasb: close is d < 4 px")
    assert printed.err.startswith("warning: there is one clip only")
    assert json.loads(target.read_text())["protocols"]["wasb"]["rule"].startswith("close is d < 4 px")
    assert sorted(path.name for path in tmp_path.glob("found*")) == ["found.json"]


def test_the_command_writes_a_report(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "found.html"

    assert main([str(checkpoint), "--split", "train", "--report", str(target)]) == 0

    assert capsys.readouterr().out.endswith(f"\n{target}\n")
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "close is d &lt; 4 px of the original video" in page
    assert "data:image/jpeg;base64," in page
    assert sorted(path.name for path in tmp_path.glob("found*")) == ["found.html"]


def test_runs_are_compared_from_their_files(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pck = ["--protocol", "wasb", "{name: pck, radii: [3]}"]
    pck += ["--tracker", "none"]  # some ball in every frame
    assert main([str(checkpoint), "--split", "train", *pck, "--json", "a.json"]) == 0
    assert (
        main([str(checkpoint), "--split", "train", *pck, "--json", "b.json", "--threshold", "1e9", "--name", "none"])
        == 0
    )
    found = [json.loads(Path(name).read_text())["protocols"] for name in ("a.json", "b.json")]
    capsys.readouterr()

    assert main(["--compare", "a.json", "b.json", "--report", "c.html", "--json", "c.json"]) == 0

    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("2 runs over the 2 clips that all share\nA  a.json  ")
    assert printed.out.splitlines()[2] == "B  b.json  none"
    parts = printed.out.split("\n\n")
    assert parts[1] == "threshold differs\n  A  -\n  B  1000000000.0"
    wasb = parts[2].splitlines()
    columns = wasb[1].split()
    for line, of_run in zip(wasb[2:4], found, strict=True):  # the counts of the files, from their states
        row = dict(zip(columns, line.split()[1:], strict=True))
        for count in ("tp", "fp1", "fp2", "tn", "fn"):
            assert float(row[count]) == of_run["wasb"]["figures"][count]
    assert [line.split("  ")[0] for line in wasb[4:]] == ["B - A", "B - A from", "B - A to"]
    assert "pck@3" in printed.out
    page = Path("c.html").read_text(encoding="utf-8")
    assert "B - A" in page
    assert "data:image/jpeg;base64," in page  # the data are found again, by what a.json says of them
    saved = json.loads(Path("c.json").read_text())
    assert saved["runs"] == ["a.json", "b.json"]
    assert saved["protocols"]["wasb"]["figures"][0] == {
        name: pytest.approx(value) for name, value in found[0]["wasb"]["figures"].items()
    }
    difference = saved["protocols"]["wasb"]["differences"][0]
    assert difference["figures"]["fn"] == found[1]["wasb"]["figures"]["fn"] - found[0]["wasb"]["figures"]["fn"]
    assert len(difference["intervals"]["f1"]) == 2
    assert sorted(path.name for path in tmp_path.glob("*c.*")) == ["c.html", "c.json"]


def test_all_protocols_can_be_asked_for_at_once(checkpoint: Path, tmp_path: Path) -> None:
    assert main([str(checkpoint), "--split", "train", "--protocol", "all", "--json", str(tmp_path / "a.json")]) == 0
    scored = json.loads((tmp_path / "a.json").read_text())["protocols"]
    assert list(scored) == list(protocols.names())
    assert {"pck", "racketvision", "totnet", "tracknet", "tracknetv5", "wasb", "yastrebksv"} <= scored.keys()


def test_what_the_numbers_depend_on_stands_beside_them(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--split", "train", "--protocol", "wasb", "--step", "1", "--tracker", "kalman"]
    assert main([str(checkpoint), *options, "--json", "a.json", "--report", "a.html", "--name", "mine"]) == 0
    saved = json.loads(Path("a.json").read_text())
    assert saved["name"] == "mine"
    said = saved["conditions"]
    assert said["source sha256"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert json.loads(said["tracker"])["name"] == "kalman"
    assert json.loads(said["data"])["dataset"]["name"] == "tiny"
    assert (said["step"], said["split"], said["tracknet"]) == ("1", "train", version("tracknet"))
    assert {"ensemble", "device", "configuration sha256", "labels sha256", "torch", "machine"} <= said.keys()
    assert "threshold" not in said
    page = Path("a.html").read_text(encoding="utf-8")
    assert said["source sha256"] in page
    printed = capsys.readouterr().out
    assert printed.startswith("mine: 2 clips")
    assert said["source sha256"] in printed


PLUGIN = """
from torchmetrics import Metric
import torch
from tracknet_core.registry import protocols

@protocols.register("frames_of_mine")
class FramesOfMine(Metric):
    rule = "all frames count"

    def __init__(self):
        super().__init__()
        self.add_state("frames", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, detections, points, visibility, counted, size):
        self.frames += counted.sum()

    def compute(self):
        return {"frames": self.frames}
"""


@pytest.mark.parametrize("named_by", ["--plugin", "plugins"])
def test_a_protocol_may_come_from_a_plugin(
    checkpoint: Path, score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named_by: str
) -> None:
    monkeypatch.setattr(catalogue, "REGISTRY", dict(catalogue.REGISTRY))
    plugin = tmp_path / f"mine_{named_by.strip('-')}.py"
    plugin.write_text(PLUGIN)
    given = ["--plugin", str(plugin)] if named_by == "--plugin" else [f"plugins=[{plugin}]"]

    found = score([str(checkpoint), *given, "--split", "val", "--protocol", "frames_of_mine"])

    assert found["protocols"]["frames_of_mine"]["figures"] == {"frames": 8}


def test_a_checkpoint_may_have_an_equals_sign_and_stand_after_the_protocols(
    checkpoint: Path, score: Score, tmp_path: Path
) -> None:
    renamed = checkpoint.rename(tmp_path / "epoch=3-step=10.ckpt")

    found = score(["--split", "val", "--protocol", "pck", str(renamed), "data.dataset.frames=5"])

    assert found["source"] == str(renamed)
    assert list(found["protocols"]) == ["pck"]
    assert [clip["frames"] for clip in found["clips"].values()] == [5]


# ------------------------------------------------------------------------------------------------ files


@pytest.mark.parametrize(("option", "other"), [("json", "report"), ("json", "csv"), ("csv", "markdown")])
def test_json_and_report_cannot_be_one_file(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, other: str
) -> None:
    (tmp_path / "folder").mkdir()
    one, same = tmp_path / "x.out", tmp_path / "folder" / ".." / "x.out"

    assert main([str(checkpoint), "--split", "val", f"--{option}", str(one), f"--{other}", str(same)]) == 2

    assert f"--{option} and --{other}: both are {one}. Name two files." in capsys.readouterr().err
    assert not one.exists()


def test_every_output_is_of_one_evaluation(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = {form: tmp_path / f"found.{form}" for form in ("json", "csv", "markdown", "report")}
    wanted = [word for form, path in targets.items() for word in (f"--{form}", str(path))]

    assert main([str(checkpoint), "--split", "val", "--protocol", "wasb", *wanted]) == 0

    assert capsys.readouterr().out.endswith("\n\n" + "".join(f"{path}\n" for path in targets.values()))
    plain = json.loads(targets["json"].read_text())
    f1 = plain["protocols"]["wasb"]["figures"]["f1"]
    with targets["csv"].open(newline="") as file:
        rows = {(row["protocol"], row["part"]): row for row in csv.DictReader(file)}
    assert float(rows["wasb", "all"]["f1"]) == f1
    assert plain["misses"]["wasb"]["overall"]["dropped"] is not None
    assert f"| wasb | {f1:.4f} |" in targets["markdown"].read_text()
    assert f"<td>{f1:.4f}</td>" in targets["report"].read_text()
    assert sorted(path.name for path in tmp_path.glob("*found*")) == sorted(path.name for path in targets.values())


def test_pictures_of_a_comparison_are_of_the_data_that_were_scored_or_it_is_said_why_not(
    checkpoint: Path, score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = [str(checkpoint), "--split", "val", "--protocol", "wasb", "--tracker", "none"]
    one, other = score(best), score([*best, "--threshold", "1e9"])
    data = json.loads(one["conditions"]["data"])
    unknown = {**data, "dataset": {**data["dataset"], "name": "nobody"}}
    monkeypatch.chdir(tmp_path)

    def page_of(*described: str | None) -> str:
        """Compare the two, of which the files describe the data so, or not at all."""
        for name, run, text in zip(("a.json", "b.json"), (one, other), described, strict=True):
            conditions = {key: value for key, value in run["conditions"].items() if key != "data"}
            plain = {**run, "conditions": conditions if text is None else {**conditions, "data": text}}
            Path(name).write_text(json.dumps(plain))
        Path("c.html").unlink(missing_ok=True)
        assert main(["--compare", "a.json", "b.json", "--report", "c.html"]) == 0
        return Path("c.html").read_text()

    shorter = json.dumps({**data, "dataset": {**data["dataset"], "frames": 9}})
    for text, reason in (
        (shorter, "1 of 1 clips are not as they were when a.json was written."),
        (json.dumps(unknown), "the data of a.json cannot be read again: conditions.data.dataset.name: no component"),
        ("[", "the data of a.json cannot be read again: "),
        (None, "a.json is of files without a video."),
    ):
        page = page_of(text, text)
        assert f"There are no pictures: {reason}" in page
        assert "data:image" not in page
    page = page_of(shorter, json.dumps(data))
    assert "There are no pictures" not in page
    assert "data:image/jpeg;base64," in page


def test_a_file_of_the_user_is_neither_overwritten_nor_removed(checkpoint: Path, tmp_path: Path) -> None:
    mine = tmp_path / "y.json.part"
    mine.write_text("mine")

    assert main([str(checkpoint), "--split", "val", "--json", str(tmp_path / "y.json")]) == 0

    assert mine.read_text() == "mine"


def test_a_mistake_leaves_nothing_behind(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()

    assert main([str(checkpoint), "--split", "nowhere", "--json", str(target / "y.json")]) == 2
    assert list(target.iterdir()) == []


def test_names_may_be_nearly_as_long_as_names_can_be(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / ("a" * 250 + ".json")

    assert main([str(checkpoint), "--split", "val", "--json", str(target)]) == 0
    assert json.loads(target.read_text())["split"] == "val"


@pytest.mark.parametrize("option", ["--json", "--report"])
@pytest.mark.parametrize(
    ("name", "words"), [("a" * 300, "File name too long"), ("/proc/x.json", "cannot be written")], ids=["long", "proc"]
)
def test_a_file_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    name: str,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["nowhere.ckpt", option, name]) == 2  # that there is no such checkpoint would be told later

    printed = capsys.readouterr().err
    assert printed.startswith(f"error: {option} {name}: cannot be written (")
    assert words in printed


def test_a_folder_whose_name_is_no_text_is_printed_and_written_all_the_same(
    experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(os.fsdecode(b"rows\xff"))
    monkeypatch.chdir(tmp_path)
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("names of files are text here")
    (folder / "1.csv").write_text("Frame,X,Y\n0,5,5\n")

    wanted = ["--json", "a.json", "--report", "a.html"]
    assert main(["--predictions", str(folder), "--data", "tiny", "--split", "val", *wanted]) == 0

    assert capsys.readouterr().out.startswith("rows\\udcff: 1 clip of 'val'")
    assert json.loads(Path("a.json").read_text())["source"] == str(folder)
    assert "Evaluation of rows\\udcff" in Path("a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "what is to be scored? Give one checkpoint, or --predictions FOLDER, not nothing."),
        (
            ["a.ckpt", "b.ckpt"],
            "what is to be scored? Give one checkpoint, or --predictions FOLDER, not a.ckpt, b.ckpt.",
        ),
        (["a.ckpt", "--predictions", "rows"], "not a.ckpt, rows."),
        (["a.ckpt"], "a.ckpt: no such file."),
        (["a.ckpt", "--first-frame", "1"], "--first-frame: says how --predictions count, but there are none."),
        (
            ["--protocol", "wasb", "a=1.ckpt", "b.ckpt"],
            "not nothing. Taken for protocols: wasb, b.ckpt. Taken for settings: a=1.ckpt.",
        ),
        (["--predictions", "rows"], "--predictions: of which data? Name its section"),
        (
            ["--predictions", "rows", "--tracker", "wasb", "--data", "tiny"],
            "--tracker: works on what a checkpoint finds",
        ),
        (["--predictions", "rows", "--device", "cuda", "--data", "tiny"], "--device: works on what a checkpoint finds"),
        (["--predictions", "rows", "--batch-size", "3", "--data", "tiny"], "--batch-size: works on what a checkpoint"),
        (["a.ckpt", "--threshold", "nan"], "--threshold nan: no score can be compared with this. Give a number."),
        (
            ["--predictions", "rows", "--data", "tiny"],
            "--split: there is no 'test' among train, val. Choose one of these",
        ),
        (["--predictions", "rows", "--data", "tiny", "--split", "val"], "--predictions rows: there is no such folder."),
        (["a.ckpt", "--json", "experiment.yaml"], "--json experiment.yaml: there is a file already. Name a new one"),
        (["a.ckpt", "--report", "experiment.yaml"], "--report experiment.yaml: there is a file already."),
        (["a.ckpt", "--report", "nowhere/a.html"], "--report nowhere/a.html: there is no folder nowhere."),
        (["--compare", "a.json"], "--compare a.json: one file is nothing to compare. Name two or more."),
        (["--compare", "a.json", "b.json"], "a.json: this file cannot be read (No such file or directory)."),
        (
            ["--compare", "a.json", "b.json", "--data", "tiny", "--threshold", "0.5"],
            "--compare: scores nothing, so only outputs (--json, --csv, --markdown, --report) go with it, not --data, "
            "--threshold.",
        ),
        (["model.ckpt", "--compare", "a.json", "b.json"], "--markdown, --report) go with it, not model.ckpt."),
        (["a.ckpt", "--json", "nowhere/a.json"], "--json nowhere/a.json: there is no folder nowhere. Make it first."),
    ],
)
def test_a_mistake_is_one_message(
    experiment: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(arguments) == 2

    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert message in printed.err
    assert "Traceback" not in printed.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--step", "9"], "--step: 9 is out of range"),
        (["--batch-size", "0"], "--batch-size: 0 windows are too few"),
        (["--backend", "nobody"], "no component of kind 'formats' is called 'nobody'."),
        (["--protocol", "wsab"], "--protocol.name: no component of kind 'protocols' is called 'wsab'."),
        (["--protocol", "{name: pck, radius: 3}"], "--protocol.radius: 'pck' has no such parameter."),
        (["--protocol", "{name"], "--protocol {name: not a component."),
        (["--protocol", "{name: pck, radii: [2]}", "{name: pck, radii: [7]}"], "--protocol: 'pck' is there twice."),
        (["--tracker", "nobody"], "--tracker.name: no component of kind 'trackers' is called 'nobody'."),
    ],
)
def test_what_is_impossible_with_a_checkpoint_is_refused(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main([str(checkpoint), "--split", "val", *options]) == 2
    assert message in capsys.readouterr().err


def test_a_threshold_needs_scores(
    experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows").mkdir()
    with (tmp_path / "rows" / "1.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["Frame", "X", "Y"], [0, 5, 5]])
    monkeypatch.chdir(tmp_path)

    assert main(["--predictions", "rows", "--data", "tiny", "--split", "val", "--threshold", "0.5"]) == 2
    assert "--threshold: the predictions of clip 'val/1' have no score." in capsys.readouterr().err


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from tracknet_core import scores\n"
        "try: scores.main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(', '.join(sys.modules.keys() & {'torch', 'numpy', 'omegaconf'}) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("example: tracknet evaluate ")
