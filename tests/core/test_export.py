"""The command `export`, with a format that keeps the network in memory."""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import catalogue
import pytest
import torch
from torch import Tensor, nn

from tracknet_core import export
from tracknet_core.assembly import build_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config, load_config, parse_config
from tracknet_core.contracts import Array, Format
from tracknet_core.errors import DataError, UserError
from tracknet_core.registry import NAMESPACE


class Memory(Format):
    """Writes a word, and keeps the network; `error` is added to the logits of what comes back."""

    suffix = ".mem"
    error = 0.0
    saves: tuple[nn.Module, Tensor, dict[str, str]]
    state: list[Tensor]
    loaded_batches: list[int]

    def __init__(self, *, int8: bool = False) -> None:
        pass

    def save(self, network: nn.Module, inputs: Sequence[Tensor], path: Path, notes: Mapping[str, str]) -> None:
        frames, *Memory.state = inputs
        Memory.saves = (copy.deepcopy(network), frames, dict(notes))
        path.write_text("network")
        path.with_suffix(".weights").write_text("weights")

    def load(self, path: Path) -> Callable[..., tuple[Array, ...]]:
        assert path.read_text() == "network"
        Memory.loaded_batches = []

        def run(*inputs: Array) -> tuple[Array, ...]:
            Memory.loaded_batches.append(len(inputs[0]))
            logits, *others = Memory.saves[0](*map(torch.from_numpy, inputs))
            return tuple(result.numpy() for result in (logits + self.error, *others))

        return run

    def notes(self, path: Path) -> dict[str, str]:
        return Memory.saves[2]


class Plain(Memory):
    def __init__(self) -> None:
        pass


class Demanding(Memory):
    def check(self, path: Path) -> None:
        raise UserError(f"{path.name} needs a package.")


@pytest.fixture(autouse=True)
def formats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "formats", "memory"), Memory)
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "formats", "plain"), Plain)
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "formats", "demanding"), Demanding)


@pytest.fixture
def save(experiment: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a checkpoint of the tiny network, whose every frame has a ball."""

    def save_checkpoint(*overrides: str) -> Path:
        config = load_config(experiment, ["model.heatmap.threshold=0", *overrides])
        torch.manual_seed(0)
        state = {f"model.{key}": value for key, value in build_model(config).state_dict().items()}
        path = tmp_path / "best.ckpt"
        torch.save({"state_dict": state, **describe(config.as_dict())}, path)
        return path

    return save_checkpoint


@pytest.fixture
def run(save: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Export the tiny checkpoint; return the exit code, stdout and stderr."""
    checkpoint = save()

    def command(*arguments: str, format_: str = "memory", output: str = "ball.mem") -> tuple[int, str, str]:
        code = export.main(
            [str(checkpoint), "--format", format_, "--output", str(tmp_path / output), *map(str, arguments)]
        )
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("ball"))


def clips_of(frames: Tensor) -> list[int]:
    """Return the numbers that the tiny clips carry in the green channel of pixel (0, 0)."""
    return sorted({int(number) for number in frames[:, :, 1, 0, 0].flatten()})


def test_a_checkpoint_becomes_a_file_that_was_compared(run: Callable[..., Any], tmp_path: Path) -> None:
    code, printed, errors = run()
    assert (code, errors) == (0, "")
    first, *others = printed.splitlines()
    assert re.fullmatch(r"logits: largest difference 0; the network's run from -\d\.\d\d to -?\d\.\d\d", first)
    assert others == [
        "places: largest difference 0 px, 95 % within 0 px, half within 0 px, of 9 frames",
        "frames: 9; more balls found by the network in 0, by the file in 0",
        str(tmp_path / "ball.mem"),
    ]
    # What a format writes beside its file comes with it.
    assert written(tmp_path) == ["ball.mem", "ball.weights"]


def test_the_network_is_written_in_evaluation_mode_with_its_configuration(
    run: Callable[..., Any], config: Config
) -> None:
    run()
    network, frames, notes = Memory.saves
    assert not network.training
    assert (frames.dtype, frames.shape[1:]) == (torch.uint8, (3, 3, 48, 64))
    told = json.loads(notes["config"])
    assert told["model"]["heatmap"]["threshold"] == 0
    assert told["data"] == json.loads(json.dumps(config.as_dict()["data"]))
    assert notes["version"] == version("tracknet")


def test_notes_say_how_to_feed_the_file_without_tracknet(run: Callable[..., Any]) -> None:
    run()
    notes = Memory.saves[2]
    assert notes["frames"] == "uint8 (B, 3, 3, 48, 64): windows, pictures, R G B, rows, columns"
    assert notes["pictures"] == "3 consecutive frames, oldest first; scaled to 64 x 48 as a whole"
    assert notes["targets"].startswith("[0, 1, 2]: ")
    facts = {"background": False, "length": 3, "targets": [0, 1, 2], "image_size": [64, 48], "state": [], "step": None}
    facts |= {"points": 1, "luma": False}
    facts |= {"candidates": 6, "score": 0.02}  # what the default tracker asks for
    assert json.loads(notes["network"]) == facts
    assert "state" not in notes
    assert notes["results"].startswith(
        "logits: float (B, K, …); points: float (B, K, D, 1, 2), column and row in pixels"
    )


def test_notes_do_not_tell_where_files_lie(save: Callable[..., Path], tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.touch()
    checkpoint = save(
        f"data.root={tmp_path}",
        f"data.cache.folder={tmp_path / 'cache'}",
        f"training.init_from={tmp_path / 'first.ckpt'}",
        f"data.dataset={{name: mixed, parts: {{a: {{name: tiny, root: {tmp_path}}}}}}}",
        f"plugins=[{plugin}, json]",
    )
    assert str(tmp_path) in checkpoint.read_bytes().decode("latin-1")
    assert export.main([str(checkpoint), "--format", "memory", "--output", str(tmp_path / "ball.mem")]) == 0
    notes = Memory.saves[2]
    assert str(tmp_path) not in "".join(notes.values())
    told = parse_config(json.loads(notes["config"]), built=[])
    assert (told.data.root, told.training.init_from, told.data.cache.folder) == (None, None, "~/.cache/tracknet")
    assert [Path(plugin).name for plugin in told.plugins] == ["mine.py", "json"]


def test_validation_windows_are_compared_alone_and_together(run: Callable[..., Any]) -> None:
    run()
    # 8 frames are 3 windows: the first, then the others.
    assert Memory.loaded_batches == [1, 2]
    assert clips_of(Memory.saves[1]) == [3]


def test_int8_is_calibrated_on_training_clips_and_compared_on_others(run: Callable[..., Any]) -> None:
    code, printed, _ = run("--int8")
    assert code == 0
    assert clips_of(Memory.saves[1]) == [1, 2]
    assert "\nframes: 9;" in printed
    assert "same clips" not in printed


def test_int8_says_so_where_it_has_to_be_compared_on_the_clips_of_its_calibration(run: Callable[..., Any]) -> None:
    code, printed, _ = run("--int8", "data.split={train: ['*']}")
    assert code == 0
    assert "calibrated and compared on the same clips: there is no other split than 'train'\n" in printed


def test_int8_is_not_judged_on_frames_without_balls(
    save: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = save("model.heatmap.threshold=1")
    arguments = [str(checkpoint), "--format", "memory", "--output", str(tmp_path / "ball.mem"), "--int8"]
    assert export.main(arguments) == 2
    assert "no ball is found in the frames compared" in capsys.readouterr().err
    assert written(tmp_path) == []


def test_a_background_goes_in_as_a_picture(save: Callable[..., Path], tmp_path: Path) -> None:
    checkpoint = save("model.input.name=background", f"data.cache.folder={tmp_path / 'cache'}")
    assert export.main([str(checkpoint), "--format", "memory", "--output", str(tmp_path / "ball.mem")]) == 0
    assert Memory.saves[1].shape[1:] == (4, 3, 48, 64)
    assert Memory.saves[2]["pictures"].startswith("3 consecutive frames, oldest first and the background of the clip")


RECURRENT = ("model.decoder={name: unet, channels: [8], recurrent: true}", "data.dataset.frames=14")


def test_a_state_is_among_what_goes_in_and_out(save: Callable[..., Path], tmp_path: Path) -> None:
    checkpoint = save(*RECURRENT)
    assert export.main([str(checkpoint), "--format", "memory", "--output", str(tmp_path / "ball.mem")]) == 0
    network, frames, notes = Memory.saves
    (state,) = Memory.state
    # Four windows in a row, twelve frames, of the 14 of the clip; the last row moves back into it.
    assert frames[:, :, 2, 0, 0].tolist() == [[*range(i, i + 3)] for i in (0, 3, 6, 9, 2, 5, 8, 11)]
    assert state.shape == (8, 8, 12, 16)
    before = torch.zeros(1, 8, 12, 16)
    for window, told in zip(frames[:4], state[:4], strict=True):
        assert torch.equal(told, before[0])
        *_, before = network(window[None], before)
    assert (state[4] == 0).all()
    assert (state[5] != 0).any()
    assert notes["state"].startswith("[[8, 12, 16]]: maps of these shapes, float, with B before them")
    assert "0 before the first window" in notes["state"]
    assert json.loads(notes["network"])["state"] == [[8, 12, 16]]
    assert Memory.loaded_batches == [1] * 4 + [1] * 4  # the first row, then the other


def test_a_file_that_forgets_is_told_from_the_network(
    save: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(self: Memory, path: Path) -> Callable[..., tuple[Array, ...]]:
        run = remembering(self, path)
        return lambda frames, state: run(frames, 0 * state)

    remembering = Memory.load
    monkeypatch.setattr(Memory, "load", load)
    assert export.main([str(save(*RECURRENT)), "--format", "memory", "--output", str(tmp_path / "ball.mem")]) == 2
    assert " differ by " in capsys.readouterr().err
    assert written(tmp_path) == []


@pytest.mark.parametrize(("arguments", "words"), [((), "its logits differ by 0.1"), (("--int8",), None)])
def test_a_file_that_differs_is_not_left(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: Any
) -> None:
    monkeypatch.setattr(Memory, "error", 0.1)
    code, printed, errors = run(*arguments)
    assert printed.startswith("logits: largest difference 0.1; ")
    if words is None:  # places are the same, which is what counts in 8 bits
        assert code == 0
        return
    assert code == 2
    assert errors.startswith(f"error: --format memory: {words} from the network's, and ")
    assert errors.endswith("Another format may do. No file was left.\n")
    assert written(tmp_path) == []


@pytest.mark.parametrize("name", ["ball.mem", "ball.weights"])
def test_nothing_is_overwritten(run: Callable[..., Any], tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    code, _, errors = run()
    assert (code, errors) == (
        2,
        f"error: --output {tmp_path / name}: there is a file already. Name a new one, or move it away.\n",
    )
    assert written(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_the_name_ends_as_the_files_of_the_format_do(run: Callable[..., Any], tmp_path: Path) -> None:
    code, _, errors = run(output="ball.v2")
    assert code == 2
    assert errors == (
        f"error: --output {tmp_path / 'ball.v2'}: the files of this format end in .mem. Write ball.v2.mem.\n"
    )


def test_a_place_that_cannot_be_written_to_is_named(run: Callable[..., Any], tmp_path: Path) -> None:
    name = f"{'b' * 300}.mem"  # longer than file systems take
    code, _, errors = run(output=name)
    assert code == 2
    assert errors.startswith(f"error: --output {tmp_path / name}: cannot be written (File name too long)")
    assert run(output=f"{'b' * 240}.mem")[0] == 0  # nothing that is longer is written meanwhile


def test_what_a_format_lacks_is_told_before_the_checkpoint_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tmp_path / "gone.ckpt"), "--format", "demanding", "--output", str(tmp_path / "ball.mem")]
    assert export.main(arguments) == 2
    assert capsys.readouterr().err == "error: ball.mem needs a package.\n"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_answered_with_those_that_exist(run: Callable[..., Any]) -> None:
    code, _, errors = run(format_="memoir")
    assert code == 2
    assert "no component of kind 'formats' is called 'memoir'. Did you mean 'memory'?" in errors


def test_a_format_without_8_bits_says_so(run: Callable[..., Any]) -> None:
    code, _, errors = run("--int8", format_="plain")
    assert code == 2
    assert "'plain' has no such parameter" in errors


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(tmp_path / "gone.ckpt"), "--format", "memory", "--output", str(tmp_path / "ball.mem")]
    assert export.main(arguments) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'gone.ckpt'}: no such checkpoint file.\n"
    assert written(tmp_path) == []


def test_a_codec_that_is_no_graph_stays_outside_of_the_file(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracknet_core.exporting.network.can_be_graph", lambda codec, logits: False)
    code, printed, _ = run()
    assert code == 0
    assert printed.startswith("the codec 'gaussian' cannot be part of the file, which gives logits alone\nlogits: ")
    assert "of 9 frames" in printed
    (_logits,) = Memory.saves[0](Memory.saves[1])
    told = "logits: float (B, K, …), to be decoded as the codec 'gaussian' of tracknet does"
    assert Memory.saves[2]["results"] == told


# ------------------------------------------------------------------------------------------------- the data


@pytest.fixture
def unreadable(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the data of the checkpoint away, and whatever data come with tracknet."""

    class Gone(catalogue.REGISTRY[NAMESPACE, "datasets", "tiny"]):  # type: ignore[misc]
        def clips(self, split: str) -> Any:
            raise DataError("/somewhere: no such folder.")

    for name in ("tiny", "synthetic"):
        monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "datasets", name), Gone)


def test_settings_change_the_data(run: Callable[..., Any]) -> None:
    _, printed, _ = run("data.dataset.frames=20")
    assert "\nframes: 21;" in printed  # 7 windows


def test_a_single_window_is_enough(run: Callable[..., Any]) -> None:
    code, printed, errors = run("data.dataset.frames=3")
    assert (code, errors) == (0, "")
    assert "\nframes: 3;" in printed
    assert Memory.loaded_batches == [1]


def test_a_setting_without_any_split_is_refused(run: Callable[..., Any]) -> None:
    code, _, errors = run("data.split={}")
    assert code == 2
    assert errors.startswith("error: data.split: no 'val' among")


def test_other_data_are_named_like_sections(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "long.yaml").write_text("base: tiny\ndataset: {name: tiny, frames: 11}\n")
    assert "\nframes: 12;" in run("--data", "long")[1]


def test_settings_of_other_sections_are_refused(run: Callable[..., Any]) -> None:
    code, _, errors = run("model.heatmap.sigma=3")
    assert (code, errors) == (
        2,
        "error: model.heatmap.sigma=3: settings here are those of the data: data.key=value.\n",
    )


@pytest.mark.usefixtures("unreadable")
def test_without_the_data_of_the_checkpoint_synthetic_frames_are_compared(run: Callable[..., Any]) -> None:
    code, printed, _ = run()
    assert code == 0
    assert printed.startswith(
        "the data of the checkpoint cannot be read, so synthetic frames are compared: /somewhere: no such folder.\n"
        "logits: "
    )
    frames = Memory.saves[1]
    assert (frames.shape, frames.dtype) == ((16, 3, 3, 48, 64), torch.uint8)
    assert len(frames.unique()) > 100
    assert all(not torch.equal(window[0], window[-1]) for window in frames)  # a ball that moves
    run(output="again.mem")
    assert torch.equal(frames, Memory.saves[1])


@pytest.mark.usefixtures("unreadable")
def test_synthetic_frames_have_the_background_that_the_network_wants(save: Callable[..., Path], tmp_path: Path) -> None:
    checkpoint = save("model.input.name=background", f"data.cache.folder={tmp_path / 'cache'}")
    assert export.main([str(checkpoint), "--format", "memory", "--output", str(tmp_path / "ball.mem")]) == 0
    frames = Memory.saves[1]  # (B, T + 1, 3, H, W)
    assert frames.shape[1] == 4
    assert (frames >= frames[:, -1:]).all()  # the background lacks the bright ball
    assert (frames[:, :-1] > frames[:, -1:]).any()


@pytest.mark.usefixtures("unreadable")
def test_data_that_were_asked_for_are_not_replaced(run: Callable[..., Any], tmp_path: Path) -> None:
    code, _, errors = run("data.dataset.frames=9")
    assert (code, errors) == (2, "error: /somewhere: no such folder.\n")
    assert written(tmp_path) == []


@pytest.mark.usefixtures("unreadable")
def test_int8_is_not_calibrated_on_synthetic_frames_unasked(run: Callable[..., Any]) -> None:
    code, _, errors = run("--int8")
    assert code == 2
    assert "--int8: calibrates on the data of the checkpoint, and they cannot be read: /somewhere: no such" in errors
    assert "--data NAME data.root=/path/to/data" in errors


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from tracknet_core import export\n"
        "try: export.main(['--help'])\n"
        "except SystemExit: sys.exit(', '.join(sys.modules.keys() & {'torch', 'numpy', 'omegaconf'}) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Load none of those that you do not trust" in " ".join(done.stdout.split())
