"""The command line ``tracknet data``."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import catalogue
import pytest

from tracknet_core.cli import main as tracknet
from tracknet_core.contracts import Clip
from tracknet_core.data_sets import COMMANDS, main
from tracknet_core.registry import NAMESPACE

Write = Callable[[str, str], Path]


@pytest.fixture
def section(tiny: None, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a data section of the working folder."""
    write("data/tiny.yaml", "dataset: {name: tiny}\n")
    monkeypatch.chdir(tmp_path)
    return "tiny"


def test_help_lists_the_commands_and_imports_little(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        tracknet(["data", "--help"])
    printed = capsys.readouterr().out
    assert all(f"\n  {name} " in printed for name in COMMANDS)
    code = (
        "import sys; from tracknet_core.data_sets import parser, _overview, COMMANDS; _overview(); "
        "[parser(command) for command in COMMANDS]; "
        "sys.exit(', '.join(sys.modules.keys() & {'torch', 'lightning', 'numpy', 'av', 'rich'}) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert f"usage: tracknet data {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chekc"], "no command 'chekc'. Did you mean 'check'? Known: check, preview"),
        (["preview", "--data", "tiny"], "--output"),
        (["check", "--data", "tiny", "--jobs", "0"], "0 is too small"),
        (["convert", "--data", "tiny", "--output", "x", "--crf", "52"], "--crf"),
    ],
)
def test_a_wrong_option_is_told(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check"], "Name an experiment file, or a data section"),
        (["check", "a.yaml", "b.yaml"], "one experiment at a time"),
        (["check", "none.yaml"], "no such experiment file"),
        (["check", "--data", "tiny", "data.rot=x"], "data.rot"),
        (
            ["check", "--data", "tiny", "--split", "test"],
            "--split test: there is no such split. It accepts: train, val",
        ),
        (["split", "--data", "tiny", "--output", "s.yaml", "--shares", "1", "1", "1", "1"], "up to 3"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    section: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert said in captured.err


def test_check_prints_json_alone(section: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "--json", "--data", section, "data.dataset.frames=6", "--split", "val"])
    printed = json.loads(capsys.readouterr().out)
    assert isinstance(printed, dict)
    assert code in (0, 1)


def test_a_data_set_that_is_wrong_gives_exit_code_1(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("set/train/match1/csv/1_01_ball.csv", "Frame,Visibility,X,Y\n0,1,5,5\n")
    code = main(["check", "--data", "shuttlecock", f"data.root={tmp_path / 'set'}"])
    assert code == 1
    assert "1_01" in capsys.readouterr().out


def test_a_split_that_cannot_be_read_is_a_finding_of_check_and_a_mistake_elsewhere(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("set/train/notes.txt", "no match here")
    data = ["--data", "shuttlecock", f"data.root={tmp_path / 'set'}"]
    assert main(["check", "--json", *data]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["kind"], fault["split"], fault["clip"]) == ("unreadable", "train", None)
    assert main(["stats", *data, "--output", str(tmp_path / "out")]) == 2
    assert "there is no folder match1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_experiment_of_which_only_the_data_is_needed_is_enough(
    section: str, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = write("only_data.yaml", "data: {base: tiny, dataset: {name: tiny, frames: 5}}\n")
    assert main(["stats", str(experiment), "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "clips" in printed
    assert printed.splitlines()[-2:] == [str(tmp_path / "out/stats.json"), str(tmp_path / "out/stats.png")]
    assert json.loads((tmp_path / "out/stats.json").read_text())["total"]["frames"] == 5 + 6 + 5


def test_options_and_settings_mix(section: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "preview",
        "data.dataset.frames=5",
        "--data",
        section,
        "--output",
        str(tmp_path / "out"),
        "--count",
        "2",
    ]
    assert main([*arguments, "data.root=null", "--split", "train"]) == 0
    assert (tmp_path / "out/contact_sheet.png").is_file()
    assert (tmp_path / "out/train_1.mp4").is_file()


def test_convert_writes_what_shuttlecock_reads(
    section: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", "--data", section, "--output", str(tmp_path / "out")]) == 0
    assert "3 rallies" in capsys.readouterr().out
    root = f"data.root={tmp_path / 'out'}"
    assert main(["stats", "--data", "shuttlecock", root, "--output", str(tmp_path / "stats")]) == 0


class Written:
    """A dataset whose layout is one file."""

    @staticmethod
    def write(
        splits: Mapping[str, Sequence[Clip]],
        output: Path,
        *,
        frames: str,
        crf: int,
        on_clip: Callable[[str], None],
    ) -> str:
        names = [clip.name for clips in splits.values() for clip in clips]
        for name in names:
            on_clip(name)
        output.write_text(f"{frames} {crf} {' '.join(names)}")
        return f"{len(names)} clips"


def test_convert_writes_the_layout_of_any_dataset_that_can_write(
    section: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "datasets", "written"), Written)
    arguments = ["convert", "--data", section, "--output", str(tmp_path / "out"), "--frames", "images", "--crf", "3"]
    assert main([*arguments, "--to", "written", "--split", "train"]) == 0
    assert capsys.readouterr().out == "2 clips\n"
    assert (tmp_path / "out").read_text() == "images 3 train/1 train/2"


@pytest.mark.parametrize(
    ("layout", "said"), [("tennis", "--to tennis: this dataset is read, and cannot be written."), ("tenis", "'tenis'")]
)
def test_convert_refuses_a_dataset_that_cannot_write(
    section: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str, said: str
) -> None:
    assert main(["convert", "--data", section, "--output", str(tmp_path / "out"), "--to", layout]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", [["convert"], ["preview", "--clip", "*"], ["split", "--by", ".*"]])
@pytest.mark.parametrize("name", ["../outside", "a/..", "/outside", "a\0b", "a\udcff", "x" * 300])
def test_a_clip_name_that_leads_elsewhere_is_one_message_and_nothing_is_written(
    section: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    name: str,
) -> None:
    tiny = catalogue.REGISTRY[(NAMESPACE, "datasets", "tiny")]

    class Misnamed(tiny):  # type: ignore[misc,valid-type]
        """A dataset of somebody else, whose names come from a file."""

        def __init__(self, *, root: Path | None = None) -> None:
            super().__init__(root=root, frames=3)
            self.made["train"][1] = self.made["train"][1].replace(name=name)

    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "datasets", "misnamed"), Misnamed)
    before = sorted(tmp_path.rglob("*"))
    arguments = [*command, "--data", section, "data.dataset.name=misnamed", "--output", str(tmp_path / "out")]
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: the data set: the clip name '")
    assert line.endswith(" Rename the clip.")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_split_can_be_named_by_the_config(section: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "my_split.yaml"
    arguments = ["split", "--data", section, "--output", str(target), "--by", ".*", "--shares", "0.5", "0.5"]
    assert main([*arguments, "--seed", "4"]) == 0
    text = target.read_text()
    assert capsys.readouterr().out == f"{text}{target}\n"
    assert "--seed 4" in text
    before = text
    assert main(arguments) == 2
    assert target.read_text() == before
    stats = ["stats", "--data", section, f"data.split={target}", "--output", str(tmp_path / "stats")]
    assert main(stats) == 0
    splits = json.loads((tmp_path / "stats/stats.json").read_text())["splits"]
    assert sorted(figures["clips"] for figures in splits.values()) == [1, 2]


def test_a_file_that_exists_is_not_overwritten(
    section: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/split.yaml").write_text("train: []\n")
    arguments = ["split", "--data", section, "--by", ".*", "--shares", "0.5", "0.5", "--output"]
    assert main([*arguments, str(tmp_path / "out/split.yaml")]) == 2
    assert "a file already" in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "out/none/split.yaml")]) == 2
    assert "no folder" in capsys.readouterr().err
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["train: []\n"]
