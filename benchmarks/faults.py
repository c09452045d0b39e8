"""What faults cost: each is tried, and a table says what was told, the exit code and what was lost.

    nox -s faults
    python benchmarks/faults.py [--only WORD] [--kills 20] [--seed 0] [--second-disk /dev/shm]

A table in Markdown, that of docs/faults.md; exit code 1 if a fault ended in a traceback or cost something. Every
command runs in a process that is forked after the imports. Full and read-only disks are small file systems that are
mounted for the purpose: run it as root, or under `unshare --user --map-root-user --mount`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import get_worker_info

from tracknet_core import cli
from tracknet_core.checkpoint import read_checkpoint
from tracknet_core.contracts import Cost
from tracknet_core.video import ImageFrames
from tracknet_plugins.losses.mse import MSE

SIZE = (64, 48)
FRAMES = 8
CLIPS = ("train/a", "train/b", "val/c", "test/d")
PATIENCE = 300  # seconds
SHOWN = 150  # characters of a message

EXPERIMENT = """\
data:
  dataset: {{name: csv, videos: "*/*", labels: "{{stem}}/labels.csv"}}
  root: {root}
  sequence: {{length: 3}}
  preprocess: {{resize: [64, 48]}}
model:
  backbone: {{name: vgg, channels: [32, 64, 128], blocks: 1}}
  decoder: {{name: upsampling, channels: [16]}}
  heatmap: {{name: gaussian, size: [32, 24], sigma: 1.0}}
training:
  epochs: 3
  batch_size: 4
  callbacks: [checkpoint, progress]
  scheduler: {{warmup_epochs: 0.5}}
  accelerator: cpu
  devices: 1
"""

FAILING = """\
import os
import lightning.pytorch as pl
from tracknet_core.errors import DataError
from tracknet_core.registry import callbacks

@callbacks.register("fail")
class Fail(pl.Callback):
    def __init__(self, *, kill: bool = False) -> None:
        self.kill = kill

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        if trainer.current_epoch == 1 and trainer.global_rank == 1:
            if self.kill:
                os.kill(os.getpid(), 9)
            raise DataError("the disk of process 1 is gone.")
"""


@dataclass(frozen=True)
class Told:
    """What became of a command."""

    code: int | None  # None: still at work when patience ended
    text: str

    @property
    def message(self) -> str:
        """What was told: of a traceback its last line."""
        text = self.text.strip()
        if "Traceback (most recent" in text:
            return f"TRACEBACK {text.splitlines()[-1]}"
        told = r"^(?:error|warning): *(.*(?:\n  .*)*)|^/\S+\.py:\d+: (?:\w+: )?(.*)"
        errors = re.findall(told, text, re.MULTILINE)
        found = [first or second for first, second in errors]
        return " ".join(found[-1].split()) if found else ""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    item: int
    fault: str
    told: Told
    lost: str = "nothing"
    is_right: bool = True


class Place:
    """Folders of a trial: data, a trained network, small disks."""

    def __init__(self, folder: Path, second: Path) -> None:
        self.folder = folder
        self.second = second
        self.root = folder / "data"
        self.experiment = folder / "experiment.yaml"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        make_data(self.root)
        self.experiment.write_text(EXPERIMENT.format(root=self.root))
        (folder / "failing.py").write_text(FAILING)
        began = time.monotonic()
        told = self.run("--output-dir", str(folder / "trained"))
        self.seconds = time.monotonic() - began
        if told.code != 0:
            raise SystemExit(told.text)
        self.last = only(folder / "trained" / "checkpoints", "last_*.ckpt")

    def run(self, *arguments: str, **options: Any) -> Told:
        """Train."""
        return self.tracknet("run", str(self.experiment), *arguments, **options)

    def tracknet(self, *arguments: str, **options: Any) -> Told:
        """Run a command of tracknet."""
        return wait(self.start(*arguments, **options))

    def start(self, *arguments: str, prepare: Callable[[], None] | None = None) -> tuple[int, Path]:
        """Start a command in a process of its own, and return it with the file of what it prints."""
        log = self.folder / f"log-{time.monotonic_ns()}"
        sys.stdout.flush()
        process = os.fork()
        if process:
            return process, log
        code = 1
        try:
            os.setsid()
            with log.open("wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.environ["TMPDIR"] = str(self.temporary)
            tempfile.tempdir = None
            os.chdir(self.folder)
            if prepare is not None:
                prepare()
            code = cli.main(arguments)
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    @contextlib.contextmanager
    def disk(self, *, kilobytes: int = 8192) -> Iterator[Path]:
        """Mount a file system of its own."""
        disk = self.folder / "disk"
        disk.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)]
        subprocess.run(command, check=True, capture_output=True)
        try:
            yield disk
        finally:
            subprocess.run(["umount", str(disk)], check=True)


def wait(started: tuple[int, Path]) -> Told:
    """Wait for a command, and end it when patience ends."""
    process, log = started
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return Told(os.waitstatus_to_exitcode(status), log.read_text(errors="replace"))
        time.sleep(0.02)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return Told(None, log.read_text(errors="replace"))


def make_data(root: Path) -> None:
    """Write clips of a white square that moves, as images with CSV files."""
    for number, clip in enumerate(CLIPS):
        folder = root / clip
        folder.mkdir(parents=True)
        rows = ["frame,x,y,visibility"]
        for i in range(FRAMES):
            frame = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
            x, y = 6 + 6 * i, 10 + 6 * number
            frame[y - 2 : y + 3, x - 2 : x + 3] = 255
            Image.fromarray(frame).save(folder / f"{i:03d}.png")
            rows.append(f"{i},{x},{y},1")
        (folder / "labels.csv").write_text("\n".join(rows) + "\n")


def only(folder: Path, pattern: str) -> Path:
    """Return the only file of that name."""
    (path,) = folder.glob(pattern)
    return path


def digests(folder: Path) -> dict[Path, str]:
    """Return what the files below a folder hold."""
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def losses(before: dict[Path, str], folder: Path) -> list[str]:
    """Return what is no longer as it was, and what is half."""
    now = digests(folder)
    lost = [f"{path.name} changed" for path, digest in before.items() if now.get(path) != digest]
    lost += [f"{path.name} is half" for path in folder.rglob("*.ckpt") if not is_whole(path)]
    return lost + [f"{path.name} is left" for path in now if path not in before and is_part(path)]


def is_part(path: Path) -> bool:
    """Return whether a file is half; rows that `--resume` goes on with are no loss."""
    return any(name.endswith(".part") and not name.endswith(".csv.part") for name in path.parts)


def is_whole(path: Path) -> bool:
    try:
        read_checkpoint(path)
    except Exception:
        return False
    return True


def same(one: Any, two: Any) -> bool:
    """Return whether two states are equal, bit for bit."""
    if isinstance(one, Tensor):
        return torch.equal(one, two)
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(value, two[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


def state(checkpoint: Path) -> Any:
    """Return all that a training goes on from."""
    content = torch.load(checkpoint, weights_only=True)
    return [content[key] for key in ("state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step")]


# ----------------------------------------------------------------------------------------- 13: kill -9


def kills(place: Place, count: int, seed: int) -> Iterator[Row]:
    """Kill a training at random moments, and while it writes a checkpoint; then go on with it."""
    rng = random.Random(seed)
    expected = state(place.last)
    for what, number in (("at {} random moments", count), ("at {} moments while a checkpoint is written", count // 2)):
        is_writing = "written" in what
        faults: list[str] = []
        afresh = 0
        for _ in range(number):
            output = Path(tempfile.mkdtemp(dir=place.second, prefix="tracknet-faults-"))
            try:
                started = place.start("run", str(place.experiment), "--output-dir", str(output))
                if is_writing:
                    until_part(output, rng.randrange(1, 7), started[0])
                else:
                    time.sleep(rng.uniform(0, place.seconds))
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(started[0], signal.SIGKILL)
                wait(started)
                has_last = any(output.glob("checkpoints/last_*.ckpt"))
                afresh += not has_last
                faults += [f"{path.name} is half" for path in output.rglob("*.ckpt") if not is_whole(path)]
                # torch makes a folder for its compiler there, in runs that nobody disturbs as well.
                left = (path.name for path in place.temporary.iterdir() if "inductor" not in path.name)
                faults += [f"{name} is left in the temporary folder" for name in left]
                resume = ["--resume", "auto"] if has_last else []
                told = place.run("--output-dir", str(output), *resume)
                if told.code != 0:
                    faults.append(f"going on: {told.message}")
                    continue
                newest = max(output.glob("checkpoints/last_*.ckpt"), key=lambda path: path.stat().st_mtime)
                if not same(state(newest), expected):
                    faults.append("other weights than undisturbed")
                # The half of the first checkpoint of a run stays: there is nothing to go on from.
                faults += [
                    f"{path.name} is left" for path in output.glob("checkpoints/*") if has_last and is_part(path)
                ]
            finally:
                shutil.rmtree(output)
        name = f"kill -9 {what.format(number)} of a training on a second file system, then `--resume auto`"
        first = f"; {afresh} were killed before there was a checkpoint, and began again" if afresh else ""
        done = f"weights and optimizer as undisturbed, bit for bit, in all {number}{first}"
        yield Row(13, name, Told(-9, ""), "; ".join(faults) or f"nothing: {done}", not faults)


def until_part(output: Path, which: int, process: int) -> None:
    """Wait until the half of a checkpoint is there, for the given time."""
    seen, was_there = 0, False
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        is_there = any(output.glob("checkpoints/*.part"))
        seen += is_there and not was_there
        was_there = is_there
        if seen >= which:
            return


# --------------------------------------------------------------------------------------------- 14: NaN


def nan_at(step: int) -> Callable[[], None]:
    """Let the loss be NaN in one step."""

    def prepare() -> None:
        calls, whole = iter(range(10_000)), MSE.forward

        def forward(self: MSE, logits: Tensor, target: Any) -> Cost:
            cost = whole(self, logits, target)
            broken = logits.requires_grad and next(calls) == step
            return Cost(cost.total * float("nan"), cost.count) if broken else cost

        MSE.forward = forward  # type: ignore[method-assign]

    return prepare


def changed(place: Place, name: str, change: Callable[[dict[str, Any]], None]) -> Path:
    """Return a copy of the trained network that is no longer what it was."""
    content = torch.load(place.last, weights_only=True)
    change(content)
    path = place.folder / f"{name}.ckpt"
    torch.save(content, path)
    return path


def not_finite(content: dict[str, Any]) -> None:
    for value in content["state_dict"].values():
        if value.is_floating_point():
            value.fill_(float("nan"))


def numbers(place: Place) -> Iterator[Row]:
    """Numbers that are none."""
    output = place.folder / "nan"
    told = place.run("--output-dir", str(output), prepare=nan_at(5))
    lost = losses({}, output)
    finite = all(v.isfinite().all() for p in output.rglob("*.ckpt") for v in read_checkpoint(p)["state_dict"].values())
    yield row(14, "a loss that is NaN", told, [*lost, *([] if finite else ["NaN was saved"])])
    told = place.run("--output-dir", str(output / "2"), "training.skip_nonfinite=1", prepare=nan_at(5))
    yield row(14, "the same with `training.skip_nonfinite=1`", told, losses({}, output), code=0)
    broken = changed(place, "nan", not_finite)
    clip = str(place.root / "test" / "d")
    yield row(14, "`predict` with weights that are NaN", place.tracknet("predict", str(broken), clip, "--output", "p"))
    exported = place.tracknet("export", str(broken), "--format", "torchscript", "--output", "nan.pt")
    yield row(14, "`export` of them", exported)


def row(item: int, fault: str, told: Told, lost: Sequence[str] = (), *, code: int = 2) -> Row:
    is_right = told.code == code and not lost and "TRACEBACK" not in told.message and bool(told.message)
    return Row(item, fault, told, ", ".join(lost) or "nothing", is_right)


# -------------------------------------------------------------------------------- 15: full and read-only disks


def disks(place: Place) -> Iterator[Row]:
    """Every command that writes, on a disk that is full at several points of it, and on one that is read-only."""
    checkpoint, clip = str(place.last), str(place.root / "test" / "d")
    data = [str(place.experiment)]
    commands: dict[str, tuple[list[str], tuple[int, ...]]] = {
        "training: checkpoints": (["run", *data, "--output-dir", "DISK/out"], (0, 24, 300, 1000, 4000)),
        "training: previews": (
            ["run", *data, "--output-dir", "DISK/out", "training.callbacks=[previews]"],
            (8, 16, 40),
        ),
        "`predict`": (["predict", checkpoint, clip, "--output", "DISK/out"], (0, 4)),
        "`predict --overlay`": (["predict", checkpoint, clip, "--output", "DISK/out", "--overlay"], (0, 4, 8)),
        "`evaluate --json`": (["evaluate", checkpoint, "--json", "DISK/a.json"], (0, 4)),
        "`evaluate --report`": (["evaluate", checkpoint, "--report", "DISK/a.html"], (0, 16)),
        "`export --format torchscript`": (
            ["export", checkpoint, "--format", "torchscript", "--output", "DISK/a.pt"],
            (0, 16, 500),
        ),
        "`export --format onnx`": (["export", checkpoint, "--format", "onnx", "--output", "DISK/a.onnx"], (0, 16, 500)),
        "`data convert`": (["data", "convert", *data, "--output", "DISK/out"], (0, 4, 12)),
        "`data convert --frames images`": (
            ["data", "convert", *data, "--frames", "images", "--output", "DISK/out"],
            (0, 20),
        ),
        "`data preview`": (["data", "preview", *data, "--output", "DISK/out"], (0, 8)),
        "`data stats`": (["data", "stats", *data, "--output", "DISK/out"], (0, 8)),
        "`data split`": (["data", "split", *data, "--output", "DISK/split.yaml"], (0,)),
        "`copy`": (["copy", "vit", "DISK/vit.yaml"], (0,)),
    }
    for name, (arguments, free) in commands.items():
        yield full(place, name, arguments, free)
    yield resumed_on_full(place)
    for name, (arguments, _) in commands.items():
        yield read_only(place, name, arguments)


def on(disk: Path, arguments: Sequence[str]) -> list[str]:
    return [argument.replace("DISK", str(disk)) for argument in arguments]


def fill(disk: Path, free: int) -> None:
    """Leave so many kilobytes of a disk."""
    room = os.statvfs(disk)
    with (disk / "filler").open("wb") as file:
        file.write(bytes(max(0, room.f_bavail * room.f_frsize - 1024 * free)))


def full(place: Place, name: str, arguments: Sequence[str], free: Sequence[int]) -> Row:
    """Try a command with several amounts of room; the row is the first that went wrong, or that which told most."""
    tried: list[Row] = []
    for kilobytes in free:
        with place.disk() as disk:
            (disk / "before.txt").write_text("a person's")
            fill(disk, kilobytes)
            before = digests(disk)
            told = place.tracknet(*on(disk, arguments))
            tried.append(row(15, f"full disk, {name}", told, losses(before, disk)))
    wrong = [one for one in tried if not one.is_right and one.told.code != 0]
    return (wrong or [one for one in tried if one.is_right] or tried)[-1]


def resumed_on_full(place: Place) -> Row:
    """A run that goes on, on a disk that has become full: its checkpoints stay."""
    with place.disk() as disk:
        arguments = ("run", str(place.experiment), "--output-dir", str(disk / "out"))
        place.tracknet(*arguments)
        fill(disk, 24)
        checkpoints = digests(disk / "out" / "checkpoints")
        told = place.tracknet(*arguments, "--resume", "auto", "training.epochs=5")
        return row(
            15, "a disk that is full when a run goes on", told, losses(checkpoints, disk / "out" / "checkpoints")
        )


def read_only(place: Place, name: str, arguments: Sequence[str]) -> Row:
    with place.disk() as disk:
        (disk / "before.txt").write_text("a person's")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        before = digests(disk)
        told = place.tracknet(*on(disk, arguments))
        return row(15, f"read-only place, {name}", told, losses(before, disk))


# ------------------------------------------------------------------- 16: several processes; 17: loading, frames


def several(place: Place) -> Iterator[Row]:
    """Two processes, of which one fails."""
    for fault, kill in (("a mistake in one of two processes", "false"), ("one of two processes is killed", "true")):
        output = place.folder / f"two-{kill}"
        settings = [f"plugins=[{place.folder / 'failing.py'}]", "training.devices=2", "training.strategy=ddp"]
        failing = f"training.callbacks=[checkpoint,{{name: fail, kill: {kill}}}]"
        command = [sys.executable, "-m", "tracknet_core.run", str(place.experiment), "--output-dir", str(output)]
        done = subprocess.run(
            [*command, *settings, failing], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        lost = losses({}, output)
        if len(list((output / "logs").iterdir())) != 1:
            lost.append("more than one run folder")
        yield row(16, fault, Told(done.returncode, done.stderr), lost)


def die_in_worker() -> None:
    def killed(*_: object) -> None:
        if get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)

    ImageFrames.read = killed  # type: ignore[method-assign,assignment]


def loading(place: Place) -> Iterator[Row]:
    """A loading process that dies, and frames that break."""
    output = place.folder / "loading"
    workers = "training.data_loader.num_workers=1"
    told = place.run("--output-dir", str(output), workers, prepare=die_in_worker)
    yield row(17, "a loading process that is killed", told, losses({}, output))
    broken = place.folder / "broken"
    shutil.copytree(place.root, broken)
    frame = broken / "train" / "a" / "004.png"
    frame.write_bytes(frame.read_bytes()[:60])
    for name, more, code in (
        ("a frame that breaks in an epoch", [], 2),
        ("the same with `data.skip_broken=1`", ["data.skip_broken=1"], 0),
    ):
        told = place.run("--output-dir", str(output / str(code)), f"data.root={broken}", *more)
        yield row(17, name, told, losses({}, output), code=code)


# -------------------------------------------------------------------- 18: places outside; 19: absurd inputs


def outside(place: Place) -> Iterator[Row]:
    """Data that names files outside of its root, and outputs that are links."""
    secret = place.folder / "secret.png"
    Image.new("RGB", SIZE).save(secret)
    root = place.folder / "coco"
    root.mkdir()
    for name, path in (("../secret.png", "../secret.png"), ("an absolute path", str(secret))):
        image = {"id": 1, "file_name": path, "width": SIZE[0], "height": SIZE[1]}
        ball = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4]}
        content = {"images": [image], "annotations": [ball], "categories": [{"id": 1, "name": "ball"}]}
        (root / "instances_train.json").write_text(json.dumps(content))
        told = place.tracknet(
            "data", "convert", "--data", "coco", f"data.root={root}", "data.dataset.labels=instances_<split>.json",
            "--output", "copied",
        )  # fmt: skip
        copied = place.folder / "copied"
        yield row(18, f"COCO whose `file_name` is {name}", told, ["it was copied"] if copied.exists() else [])
    person = place.folder / "person.txt"
    person.write_text("a person's")
    output = place.folder / "linked"
    output.mkdir()
    (output / "d.csv.part").symlink_to(person)
    clip = str(place.root / "test" / "d")
    told = place.tracknet("predict", str(place.last), clip, "--output", str(output), "--overwrite")
    lost = [] if person.read_text() == "a person's" else ["the file behind the link"]
    yield Row(
        18, "`NAME.csv.part` that is a link", told, ", ".join(lost) or "nothing", not lost and told.code in (0, 2)
    )


def setting(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Change a setting of a checkpoint's configuration."""

    def change(content: dict[str, Any]) -> None:
        *sections, last = path.split(".")
        node = content["tracknet"]["config"]
        for section in sections:
            node = node[section]
        node[last] = value

    return change


def sparse(content: dict[str, Any]) -> None:
    name = next(iter(content["state_dict"]))
    content["state_dict"][name] = content["state_dict"][name].to_sparse()


def absurd(place: Place) -> Iterator[Row]:
    """Inputs that nobody makes by chance."""
    clip = str(place.root / "test" / "d")
    for fault, change in (
        ("a checkpoint that asks for a heatmap of 10^6 x 10^6", setting("model.heatmap.size", [10**6, 10**6])),
        ("a checkpoint that asks for windows of 10^9 frames", setting("data.sequence.length", 10**9)),
        ("a checkpoint with a sparse tensor", sparse),
    ):
        broken = changed(place, f"absurd-{len(fault)}", change)
        yield row(19, fault, place.tracknet("predict", str(broken), clip, "--output", "absurd"))
    folder = place.folder / "huge"
    folder.mkdir()
    picture = bytearray((place.root / "test" / "d" / "000.png").read_bytes())
    picture[16:24] = (60_000).to_bytes(4, "big") * 2
    picture[29:33] = zlib.crc32(picture[12:29]).to_bytes(4, "big")
    (folder / "0.png").write_bytes(picture)
    predict = ("predict", str(place.last))
    yield row(19, "a PNG that claims 60000 x 60000", place.tracknet(*predict, str(folder), "--output", "h"))
    yield row(19, '`predict CKPT ""`', place.tracknet(*predict, "", "--output", "empty"))
    pipe = place.folder / "pipe.mp4"
    os.mkfifo(pipe)
    yield row(19, "a pipe that nobody writes to, as a video", place.tracknet(*predict, str(pipe), "--output", "q"))
    cvat = place.folder / "cvat"
    cvat.mkdir()
    (cvat / "annotations.xml").write_text('<?xml version="1.0" encoding="nope"?><annotations/>')
    check = ("data", "check", "--data")
    yield row(19, 'CVAT with `encoding="nope"`', place.tracknet(*check, "cvat", f"data.root={cvat}"), code=1)
    state_file = place.folder / "runs"
    state_file.mkdir()
    (state_file / "d.csv.part").write_text("Frame,Visibility,X,Y,Confidence,Time,Origin,Track\n")
    (state_file / "d.csv.run").write_text("[]")
    told = place.tracknet("predict", str(place.last), clip, "--output", str(state_file), "--resume")
    yield Row(19, "`.run` that holds `[]`", told, is_right="TRACEBACK" not in told.message)
    videos = place.folder / "names"
    videos.mkdir()
    for name in (b"\xff", b"good"):
        shutil.copytree(clip, Path(os.fsdecode(os.fsencode(videos) + b"/" + name)))
    found = [os.fsdecode(path) for path in sorted(os.scandir(os.fsencode(videos)), key=lambda entry: entry.name)]
    told = place.tracknet(*predict, *found, "--output", "odd", prepare=strict_terminal)
    done = len(list((place.folder / "odd").glob("*.csv"))) if (place.folder / "odd").is_dir() else 0
    yield Row(
        19, "a video whose name is no text, on a strict terminal", told, f"nothing: {done} of 2 are done", done == 2
    )


def strict_terminal() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="ascii", errors="strict")  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------------------ the table


def table(rows: Sequence[Row], folder: Path) -> str:
    """Return Markdown; paths count from the folder of the trial."""
    lines = ["| item | fault | what is told | exit code | lost |", "|---|---|---|---|---|"]
    for one in rows:
        message = one.told.message.replace(f"{folder}/", "").replace("|", "\\|")
        cut = message if len(message) <= SHOWN else f"{message[: SHOWN - 1].rstrip()}…"
        code = "none: still at work" if one.told.code is None else str(one.told.code)
        mark = "" if one.is_right else "**WRONG** "
        lines.append(f"| {one.item} | {mark}{one.fault} | {cut} | {code} | {one.lost} |")
    return "\n".join(lines)


def main() -> int:
    """Try all faults, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORD", help="only one of: " + ", ".join(PARTS))
    parser.add_argument("--kills", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--second-disk", type=Path, default=Path("/dev/shm"), metavar="DIR")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="tracknet-faults-") as folder:
        if Path(folder).stat().st_dev == options.second_disk.stat().st_dev:
            parser.error(f"--second-disk {options.second_disk}: is on the same file system as {folder}")
        place = Place(Path(folder).resolve(), options.second_disk)
        for name, part in PARTS.items():
            if options.only not in ("", name):
                continue
            for one in part(place, options.kills, options.seed) if part is kills else part(place):
                rows.append(one)
                told = one.told.message.replace(str(place.folder), "…")[:300]
                mark = "ok   " if one.is_right else "WRONG"
                print(f"{mark} {one.item} {one.fault}: {told} [{one.told.code}] {one.lost}", flush=True)
                if not one.is_right:
                    print(one.told.text[-1500:], file=sys.stderr)
        text = table(rows, place.folder)
    print(f"\n{text}")
    return int(any(not one.is_right for one in rows))


PARTS: dict[str, Callable[..., Iterator[Row]]] = {
    "kills": kills,
    "numbers": numbers,
    "disks": disks,
    "several": several,
    "loading": loading,
    "outside": outside,
    "absurd": absurd,
}

if __name__ == "__main__":
    sys.exit(main())
