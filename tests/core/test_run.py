"""The command that trains, from the command line to the files that it leaves."""

import csv
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import catalogue
import lightning.pytorch as pl
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import get_worker_info

from tracknet_core import run
from tracknet_core.config import load_config
from tracknet_core.contracts import Cost, Target
from tracknet_core.errors import UserError
from tracknet_core.registry import NAMESPACE
from tracknet_core.training import runs
from tracknet_plugins.losses.mse import MSE

Go = Callable[..., int]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def go(experiment: Path, out: Path) -> Go:
    """Run the experiment with more arguments and return the exit code."""
    return lambda *arguments: run.main([str(experiment), "--output-dir", str(out), *arguments])


@pytest.fixture
def refused(go: Go, capsys: pytest.CaptureFixture[str], out: Path) -> Callable[..., str]:
    """Run what is wrong and return the message, which is all that the user sees."""

    def run_wrong(*arguments: str) -> str:
        assert go(*arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("error: ") == 1
        assert "Traceback" not in captured.err
        return captured.err.removeprefix("error: ").rstrip("\n")

    return run_wrong


@pytest.fixture(scope="module")
def finished(write_experiment: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of a run of two epochs that nothing disturbed."""
    folder = tmp_path_factory.mktemp("finished")
    assert run.main([str(write_experiment(folder)), "--output-dir", str(folder / "out"), "--seed", "3"]) == 0
    return folder / "out"


class Trainer:
    """Stands for Lightning's and remembers what it is asked for."""

    settings: dict[str, Any]
    module: pl.LightningModule
    options: dict[str, Any]
    strategy, world_size = SimpleNamespace(launcher=None), 1

    def __init__(self, **settings: Any) -> None:
        type(self).settings = settings

    def fit(self, module: pl.LightningModule, **options: Any) -> None:
        type(self).module, type(self).options = module, options
        raise UserError("nothing is trained here")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, go: Go) -> Callable[..., type[Trainer]]:
    """Run until Lightning would train, and return what it would have got."""

    def run_until_training(*arguments: str) -> type[Trainer]:
        with monkeypatch.context() as patch:
            patch.setattr(pl, "Trainer", Trainer)
            assert go(*arguments) == 2
        return Trainer

    return run_until_training


def only(paths: Iterator[Path]) -> Path:
    (path,) = paths
    return path


def metrics(out: Path) -> list[dict[str, str]]:
    with only(out.glob("logs/*/version_0/metrics.csv")).open(newline="") as file:
        return list(csv.DictReader(file))


def weights(out: Path) -> dict[str, torch.Tensor]:
    content = torch.load(only(out.glob("checkpoints/last_*.ckpt")), weights_only=True)
    state: dict[str, torch.Tensor] = content["state_dict"]
    return state


# ---------------------------------------------------------------------------------------- what a run leaves


def test_a_run_writes_the_promised_files_and_no_others(finished: Path) -> None:
    run_id = only((finished / "logs").iterdir()).name
    assert run_id.startswith("run-")
    assert run_id.endswith("-s3")
    datetime.strptime(run_id, "run-%Y%m%d-%H%M%S-s3")
    files = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    logs = f"logs/{run_id}"
    previews = {path for path in files if path.endswith(".png")}
    assert files - previews == {
        f"checkpoints/best_{run_id}.ckpt",
        f"checkpoints/last_{run_id}.ckpt",
        f"{logs}/config.yaml",
        f"{logs}/version_0/metrics.csv",
    }
    for kind in ("inputs", "overlays", "targets"):
        for epoch in ("epoch000", "epoch001"):
            with Image.open(finished / logs / kind / epoch / "sample_0.png") as picture:
                assert picture.width >= 64


def test_the_metrics_have_the_promised_columns(finished: Path) -> None:
    rows = metrics(finished)
    promised = {
        "epoch", "step", "train/loss", "val/loss", "val/l2", "val/pck@2", "val/pck@5", "val/pck@10", "val/pck@20",
        "val/precision", "val/recall", "val/f1", "val/accuracy",
    }  # fmt: skip
    assert promised <= rows[0].keys()
    for column in ("train/loss", "val/loss", "val/f1"):
        values = [float(row[column]) for row in rows if row[column]]
        assert len(values) == 2
        assert all(map(math.isfinite, values))
    assert sum(float(row["val/tn"]) + float(row["val/fn"]) + float(row["val/tp"]) + float(row["val/fp1"])
               + float(row["val/fp2"]) for row in rows if row["val/f1"]) == 2 * 8  # fmt: skip


def test_the_resolved_configuration_is_saved_and_can_be_run_again(finished: Path, tiny: None) -> None:
    saved = load_config(only(finished.glob("logs/*/config.yaml")))
    assert saved.training.seed == 3
    assert saved.data.preprocess.resize == (64, 48)
    content = torch.load(only(finished.glob("checkpoints/best_*.ckpt")), weights_only=True)
    assert content["tracknet"]["config"] == saved.as_dict()


def test_the_end_of_a_run_tells_figures_and_paths(go: Go, capsys: pytest.CaptureFixture[str], out: Path) -> None:
    assert go("training.epochs=1", "training.callbacks=[checkpoint]", "training.limit_train_batches=1") == 0
    printed = capsys.readouterr().out
    assert "train/loss" in printed
    assert "val/f1" in printed
    told = [Path(line.split()[1]) for line in printed.splitlines() if str(out) in line]
    assert {path.name.split("_")[0] for path in told} == {"metrics.csv", "config.yaml", "best", "last"}
    assert all(path.is_file() for path in told)


def test_the_same_seed_gives_the_same_numbers(go: Go, out: Path, finished: Path) -> None:
    assert go("training.seed=3") == 0
    assert metrics(out) == metrics(finished)
    assert all(torch.equal(value, weights(finished)[key]) for key, value in weights(out).items())


def test_another_seed_gives_other_numbers(asked: Callable[..., type[Trainer]]) -> None:
    first = asked("--seed", "1").module.state_dict()
    second = asked("--seed", "2").module.state_dict()
    again = asked("training.seed=1").module.state_dict()
    assert not torch.equal(*(s["model.backbone.convolution.weight"] for s in (first, second)))
    assert all(torch.equal(value, again[key]) for key, value in first.items())


def test_a_run_id_is_never_used_again(
    asked: Callable[..., type[Trainer]], out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = datetime(2026, 5, 4, 3, 2, 1)
    seconds = iter([0, 0, 0, 1])

    class Clock:
        @staticmethod
        def now() -> datetime:
            return begin + timedelta(seconds=next(seconds))

    monkeypatch.setattr(runs, "datetime", Clock)
    for _ in range(2):
        asked()
    assert sorted(path.name for path in (out / "logs").iterdir()) == [
        "run-20260504-030201-s0",
        "run-20260504-030202-s0",
    ]


# ------------------------------------------------------------------------------- interrupted and resumed


class Stop(pl.Callback):
    def __init__(self, *, how: str) -> None:
        self.how = how

    def on_train_batch_end(self, trainer: pl.Trainer, *arguments: Any) -> None:
        if trainer.current_epoch == 1 and trainer.global_step % 4 == 2:
            if self.how == "ctrl-c":
                signal.raise_signal(signal.SIGINT)
            raise RuntimeError("a fault in the program")


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A callback that stops a run in the middle of its second epoch."""
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "callbacks", "stop"), Stop)
    # The handler of an interactive process, which a job in the background of a shell does not inherit.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)  # Lightning leaves it ignored


@pytest.mark.parametrize("how", ["ctrl-c", "crash"])
def test_a_run_that_is_killed_and_resumed_ends_as_if_nothing_had_happened(
    how: str, go: Go, out: Path, finished: Path, stopping: None, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = f"training.callbacks=[checkpoint,{{name: stop, how: {how}}}]"
    if how == "ctrl-c":
        assert go("--seed", "3", stop) == 130
        assert "--resume auto" in capsys.readouterr().out
    else:
        with pytest.raises(RuntimeError, match="a fault in the program"):
            go("--seed", "3", stop)
    run_id = only((out / "logs").iterdir()).name
    assert go("--seed", "3", "--resume", "auto") == 0
    assert [path.name for path in (out / "logs").iterdir()] == [run_id]
    assert {path.name for path in (out / "checkpoints").iterdir()} == {f"best_{run_id}.ckpt", f"last_{run_id}.ckpt"}
    expected, resumed = weights(finished), weights(out)
    assert expected.keys() == resumed.keys()
    assert [key for key in expected if not torch.equal(expected[key], resumed[key])] == []
    with (out / "logs" / run_id / "version_1" / "metrics.csv").open(newline="") as file:
        (last,) = [row for row in csv.DictReader(file) if row["val/loss"]]
    assert last["val/loss"] == [row for row in metrics(finished) if row["val/loss"]][-1]["val/loss"]


def test_hard_frames_train_another_target_also_after_a_run_was_interrupted(go: Go, out: Path, stopping: None) -> None:
    # From the start this network finds a ball everywhere, in the middle of the frame: most are far from the true one.
    heatmap = "model.heatmap={name: blob, size: [32, 24], rim: 0.5, graded: hard}"
    model = ("model.head.prior=0.6", heatmap, "training.limit_val_batches=1")
    easy, hard = (f"{{name: hard_samples, epochs: [1], least: {least}}}" for least in (1e6, 4))

    def trained(folder: Path, *callbacks: str) -> dict[str, torch.Tensor]:
        assert go(*model, f"training.callbacks=[{','.join(callbacks)}]", "--output-dir", str(folder)) == 0
        return weights(folder)

    binary, graded = trained(out / "easy", "checkpoint", easy), trained(out / "hard", "checkpoint", hard)
    assert any(not torch.equal(binary[name], tensor) for name, tensor in graded.items())
    with pytest.raises(RuntimeError, match="a fault in the program"):
        go(*model, f"training.callbacks=[checkpoint,{hard},{{name: stop, how: crash}}]")
    assert go(*model, f"training.callbacks=[checkpoint,{hard}]", "--resume", "auto") == 0
    resumed = weights(out)
    assert [name for name, tensor in graded.items() if not torch.equal(resumed[name], tensor)] == []


def test_a_run_can_be_resumed_for_more_epochs(go: Go, finished: Path, tmp_path: Path) -> None:
    last = only(finished.glob("checkpoints/last_*.ckpt"))
    arguments = ("--resume", str(last), "training.epochs=3", "training.callbacks=[checkpoint]", "--seed", "3")
    before = last.read_bytes()
    assert go(*arguments) == 0
    assert torch.load(only((tmp_path / "out" / "checkpoints").glob("last_*.ckpt")), weights_only=True)["epoch"] == 2
    assert last.read_bytes() == before


def test_where_last_cannot_be_read_auto_goes_on_from_best(finished: Path, out: Path) -> None:
    (out / "checkpoints").mkdir(parents=True)
    for path in (finished / "checkpoints").iterdir():
        shutil.copy(path, out / "checkpoints")
    (last,) = (out / "checkpoints").glob("last_*.ckpt")
    last.write_bytes(b"")
    with pytest.warns(UserWarning, match="last_.*goes on from .*best_.*in its place"):
        assert runs.find_checkpoint("auto", out) == next((out / "checkpoints").glob("best_*.ckpt"))
    next((out / "checkpoints").glob("best_*.ckpt")).write_bytes(b"")
    with pytest.raises(UserError, match=r"best_.*not a checkpoint that can be loaded safely"):
        runs.find_checkpoint("auto", out)


@pytest.fixture
def break_loss(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make the loss NaN in training steps, counted from 0."""

    def run_broken(*steps: int) -> None:
        calls = iter(range(1000))
        whole = MSE.forward

        def forward(self: MSE, logits: Tensor, target: Target) -> Cost:
            cost = whole(self, logits, target)
            broken = logits.requires_grad and next(calls) in steps
            return Cost(cost.total * float("nan"), cost.count) if broken else cost

        monkeypatch.setattr(MSE, "forward", forward)

    return run_broken


def test_a_loss_that_is_not_finite_ends_the_run_and_is_never_saved(
    go: Go, out: Path, break_loss: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    break_loss(3)
    assert go("training.batch_size=4") == 2
    message = capsys.readouterr().err
    pattern = r"error: epoch 1, batch 4: the loss is no finite number for frames 5-7 of train/1\. What was saved "
    assert re.match(pattern, message), message
    content = torch.load(only((out / "checkpoints").glob("last_*.ckpt")), weights_only=True)
    assert content["global_step"] == 0  # from before the epoch
    assert all(value.isfinite().all() for value in content["state_dict"].values())


def test_a_loading_process_that_dies_is_one_message(
    go: Go, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def killed(*_: object) -> None:
        if get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)

    clips = catalogue.REGISTRY[(NAMESPACE, "datasets", "tiny")]().clips("train")
    monkeypatch.setattr(type(clips[0].frames), "read", killed)
    assert go("training.data_loader.num_workers=1", "training.limit_val_batches=0") == 2
    message = capsys.readouterr().err
    said = (
        r"a process that loads windows died in epoch 1 \((killed by signal|exited unexp).*\), while it read the clip "
    )
    assert re.search(said + r"val/1\. Mostly ", message), message
    assert "Traceback" not in message


def test_outputs_that_have_no_place_are_refused_before_the_work(go: Go, out: Path, refused: Callable[..., str]) -> None:
    out.write_text("a file")
    assert refused() == f"--output-dir {out}: {out} is a file. Give a folder, which is made where it is missing."


def test_so_many_broken_batches_as_the_setting_says_are_left_out(
    go: Go, out: Path, break_loss: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    break_loss(1)
    with pytest.warns(UserWarning, match=r"batch 2: .* and 1 more windows\. It is left out, 1 of at most 2"):
        assert go("training.batch_size=4", "training.skip_nonfinite=2", "training.epochs=1") == 0
    (last,) = (out / "checkpoints").glob("last_*.ckpt")
    content = torch.load(last, weights_only=True)
    assert all(value.isfinite().all() for value in content["state_dict"].values())
    assert content["callbacks"]["NonFiniteLosses"] == {"skipped": 1}


def test_the_last_epoch_is_validated_whatever_the_interval(go: Go, out: Path) -> None:
    assert go("training.validate_every=3", "training.epochs=1") == 0
    assert len(list((out / "checkpoints").glob("best_*.ckpt"))) == 1


def test_without_a_checkpoint_there_is_nothing_to_resume(refused: Callable[..., str], out: Path) -> None:
    message = refused("--resume", "auto")
    assert message == f"--resume auto: no last_*.ckpt in {out / 'checkpoints'}. Start a run without --resume first."
    assert "no such checkpoint file" in refused("--resume", str(out / "gone.ckpt"))
    assert not out.exists()


def test_a_checkpoint_of_another_model_is_not_resumed(refused: Callable[..., str], finished: Path, out: Path) -> None:
    last = only(finished.glob("checkpoints/last_*.ckpt"))
    message = refused("--resume", str(last), "model.backbone.width=4")
    assert message.startswith(f"{last}: was trained with model.backbone = ")
    assert "'width': 8" in message
    assert "'width': 4" in message
    assert message.endswith("training.init_from=…")
    assert not out.exists()


def test_weights_alone_are_not_resumed(refused: Callable[..., str], finished: Path, tmp_path: Path) -> None:
    content = torch.load(only(finished.glob("checkpoints/last_*.ckpt")), weights_only=True)
    del content["optimizer_states"]
    path = tmp_path / "weights.ckpt"
    torch.save(content, path)
    assert refused("--resume", str(path)).startswith(f"{path}: weights alone cannot be resumed.")


def test_a_run_can_start_from_the_weights_of_another(asked: Callable[..., type[Trainer]], finished: Path) -> None:
    last = only(finished.glob("checkpoints/last_*.ckpt"))
    trainer = asked(f"training.init_from={last}", "training.loss=focal")
    assert trainer.options["ckpt_path"] is None
    state = trainer.module.state_dict()
    expected = {key: value for key, value in weights(finished).items() if key.startswith("model.")}
    assert expected
    assert all(torch.equal(value, state[key]) for key, value in expected.items())


def test_weights_that_do_not_fit_are_not_a_start(refused: Callable[..., str], finished: Path, out: Path) -> None:
    last = only(finished.glob("checkpoints/last_*.ckpt"))
    message = refused(f"training.init_from={last}", "model.backbone.width=4")
    assert message.startswith(f"{last}: its weights do not fit this model: backbone.convolution.weight is (8, 9, 4, 4)")
    assert not out.exists()


# --------------------------------------------------------------------------------------------- dry run


def test_a_dry_run_shows_everything_and_writes_nothing(
    go: Go, experiment: Path, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    before = set(experiment.parent.rglob("*"))
    assert go("--dry-run", "training.optimizer.lr=0.125") == 0
    printed = capsys.readouterr().out
    assert set(experiment.parent.rglob("*")) == before
    assert "lr: 0.125" in printed
    assert "TinyBackbone" in printed
    assert "GFLOP" in printed
    assert "train: 2 clips, 17 frames" in printed
    assert "val: 1 clips, 8 frames" in printed


def test_a_dry_run_finds_faults_of_what_only_training_needs(refused: Callable[..., str], out: Path) -> None:
    assert refused("--dry-run", "training.protocols=[{name: pck, radii: [-1]}]").startswith("training.protocols[0]: ")
    assert not out.exists()


# ------------------------------------------------------------------------------- settings for Lightning


def test_a_split_without_val_trains_without_validation(go: Go, out: Path) -> None:
    with pytest.warns(UserWarning, match="no split 'val' among train: the run trains without validation"):
        assert go("data.split={train: [train/*]}", "training.epochs=1") == 0
    (checkpoint,) = (out / "checkpoints").iterdir()
    assert checkpoint.name.startswith("last_")
    (metrics,) = out.glob("logs/*/version_0/metrics.csv")
    assert "val/loss" not in metrics.read_text().splitlines()[0]


def test_figures_of_one_name_under_two_protocols_are_told_apart(go: Go, out: Path) -> None:
    assert go("training.protocols=[wasb, tracknet]", "training.epochs=1") == 0
    (metrics,) = out.glob("logs/*/version_0/metrics.csv")
    assert {"val/f1", "val/tracknet/f1"} <= set(metrics.read_text().splitlines()[0].split(","))


def test_the_background_of_a_clip_reaches_the_network(go: Go, out: Path, tmp_path: Path) -> None:
    arguments = ("training.epochs=1", f"data.cache.folder={tmp_path / 'cache'}", "data.preprocess.flip_prob=0.5")
    assert go("model.input.name=background", *arguments) == 0
    assert list((out / "checkpoints").glob("best_*"))


@pytest.mark.parametrize("limit", ["0", "null", "0.0"])
def test_no_limit_means_all_batches(limit: str, asked: Callable[..., type[Trainer]]) -> None:
    settings = asked(f"training.limit_train_batches={limit}", f"training.limit_val_batches={limit}").settings
    assert settings["limit_train_batches"] is None
    assert settings["limit_val_batches"] is None


def test_limits_and_clipping_are_handed_on(asked: Callable[..., type[Trainer]]) -> None:
    settings = asked(
        "training.limit_train_batches=2", "training.limit_val_batches=0.5", "training.grad_clip=0.25"
    ).settings
    assert (settings["limit_train_batches"], settings["limit_val_batches"]) == (2, 0.5)
    assert settings["gradient_clip_val"] == 0.25
    assert asked("training.grad_clip=0").settings["gradient_clip_val"] is None


@pytest.mark.parametrize(
    ("settings", "wanted"), [(["training.precision=fp16"], "fp16"), (["training.amp=true"], "fp16"),
                             (["training.precision=bf16"], "bf16")]
)  # fmt: skip
def test_a_precision_that_the_machine_lacks_falls_back_with_one_warning(
    settings: list[str], wanted: str, asked: Callable[..., type[Trainer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    with pytest.warns(UserWarning, match=f"training.precision: {wanted} is not supported on the CPU") as caught:
        assert asked(*settings).settings["precision"] == "32-true"
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("training.precision=fp32", "32-true"),
        ("training.precision=fp16", "16-mixed"),
        ("training.amp=true", "16-mixed"),
        ("training.precision=bf16", "bf16-mixed"),
    ],
)
def test_precisions_have_lightnings_names(
    setting: str, name: str, asked: Callable[..., type[Trainer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert asked(setting, "training.accelerator=auto").settings["precision"] == name


# ------------------------------------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["model.backbone=tinny"], ["model.backbone.name: ", "'tinny'", "Did you mean 'tiny'?", "convnext", "vit"]),
        (["--model", "tinny"], ["model: no file is called 'tinny'", "Known: ", "tiny"]),
        (
            ["model.backbone.widht=3"],
            ["model.backbone.widht: 'tiny' has no such parameter", "Did you mean 'width'?", "dropout"],
        ),
        (["training.epochs=many"], ["training.epochs: 'many' is not accepted", "a whole number"]),
        (["training.precision=fp64"], ["training.precision: 'fp64'", "'fp32', 'fp16', 'bf16'"]),
        (["model.backbone.width=0"], ["model.backbone: width: 0", "Give at least 1"]),
        (["data=tennis", "data.root=/no/such/folder"], ["/no/such/folder"]),
        (["data=shuttlecock", "data.root=/no/such/folder"], ["/no/such/folder"]),
        (["data=tennis"], ["data.root: required, but not set."]),
        (["training.init_from=/no/such/file.ckpt"], ["/no/such/file.ckpt: no such checkpoint file."]),
        (
            [
                "model.backbone={name: vit, variant: vit_tiny_patch16_224, patch_size: 16}",
                "model.decoder={name: fpn}",
            ],
            ["model.decoder: fpn needs a pyramid", "(16,", "'convnext'", "'upsampling'"],
        ),
        (["data.transforms=[{name: crop, size: [96, 48]}]"], ["data.transforms[0]: ", "96"]),
        (["data.transforms=[{name: crop, size: [30, 48]}]"], ["data.transforms: ", "30", "stride of 4"]),
        (
            ["training.scheduler.warmup_epochs=5"],
            ["training.scheduler: warmup_epochs: 5.0 is longer than the training"],
        ),
        (["training.accelerator=gpuu"], ["training: Lightning refuses these settings: ", "gpuu"]),
        (["epochs"], ["epochs: an override has the form key=value"]),
    ],
)
def test_a_mistake_is_one_message_with_path_value_options_and_cure(
    arguments: list[str], texts: list[str], refused: Callable[..., str]
) -> None:
    message = refused(*arguments)
    for text in texts:
        assert text in message


def test_several_mistakes_are_told_together_one_line_each(refused: Callable[..., str]) -> None:
    lines = refused("training.epochs=many", "model.backbone.widht=3").splitlines()
    assert lines[0] == ""
    assert sorted(line.split(": ")[0] for line in lines[1:]) == ["  model.backbone.widht", "  training.epochs"]


def test_a_missing_experiment_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run.main([str(tmp_path / "gone.yaml")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'gone.yaml'}: no such experiment file.")


def _bytes(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY not at all" * 20)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "b")


def _foreign(path: Path) -> None:
    torch.save({"state_dict": {"weight": torch.zeros(3)}}, path)


@pytest.mark.parametrize("make", [_bytes, _zip, _foreign])
@pytest.mark.parametrize("how", ["--resume={}", "training.init_from={}"])
def test_a_checkpoint_of_something_else_is_told(
    make: Callable[[Path], None], how: str, tmp_path: Path, refused: Callable[..., str], out: Path
) -> None:
    path = tmp_path / "odd.ckpt"
    make(path)
    message = refused(how.format(path))
    assert message.startswith(f"{path}: ")
    assert message.endswith("Give a .ckpt file that tracknet wrote.")
    assert not out.exists()


# ---------------------------------------------------------------------------------------------- start-up


def test_help_does_not_import_torch() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "tracknet_core.run", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--dry-run" in done.stdout
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "tracknet_core" in imported
    assert not imported & {"torch", "lightning", "timm", "omegaconf", "tracknet_plugins"}
