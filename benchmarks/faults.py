"""What faults cost: each is tried, and a table says what was told, the exit code and what was lost.

    nox -s faults
    python benchmarks/faults.py [--only WORD] [--kills 20] [--seed 0] [--second-disk /dev/shm] [--jobs 1] [--write FILE]

A table in Markdown, which --write puts in the place of that in docs/faults.md (with --only, in the place of its rows
of that part, and the page says so); exit code 1 if a fault ended in a traceback or cost something. Every command runs
in a process that is forked after the imports. Full and read-only disks are small file systems that are mounted for the
purpose: run it as root, or under `unshare --user --map-root-user --mount`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait as all_of
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
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
from tracknet_core.video import ImageFrames, write_video
from tracknet_plugins.formats.reading import NOTES
from tracknet_plugins.losses.mse import MSE

SIZE = (64, 48)
FRAMES = 8
CLIPS = ("train/a", "train/b", "val/c", "test/d")
PATIENCE = 900  # seconds; a busy machine takes its time
TOGETHER = 3  # kills of two processes
ROUNDING = 1e-6
SHOWN = 150  # characters of a message
HEAD = "| fault | what is told | exit code | lost |"
RULE = "|---|---|---|---|"
RUN = re.compile(r"run-\d{8}-\d{6}")  # differs each time

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
        told = self.run("--output-dir", str(folder / "trained"))
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


# ----------------------------------------------------------------------------------------- kill -9


def kills(place: Place, count: int, seed: int) -> Iterator[Row]:
    """Kill a training at random moments, every second one where there is a checkpoint; then go on with it."""
    rng = random.Random(seed)
    first, whole = pace(place)

    def wait_for(turn: int, process: int, output: Path) -> None:
        if turn % 2:
            # From the checkpoint on: a busy machine takes up to twice as long for the same work.
            until_last(output, process)
            until_spent(spent(process) + rng.uniform(0, whole - first), process)
        else:
            until_spent(rng.uniform(0, whole), process)

    yield killed(place, f"at {count} random moments", count, wait_for)


def kills_of_writes(place: Place, count: int, seed: int) -> Iterator[Row]:
    """Kill a training while it writes a checkpoint, and go on with it; then with one that is half."""
    rng = random.Random(seed)
    number = count // 2

    def wait_for(_turn: int, process: int, output: Path) -> None:
        until_part(output, rng.randrange(1, 7), process)

    yield killed(place, f"at {number} moments while a checkpoint is written", number, wait_for)
    yield half_last(place)


def killed(place: Place, when: str, number: int, wait_for: Callable[[int, int, Path], None]) -> Row:
    """Kill trainings when it is time, go on with them, and compare what they end with."""
    expected = state(place.last)
    faults: list[str] = []
    afresh = turn = ended = 0
    while turn < number:
        output = Path(tempfile.mkdtemp(dir=place.second, prefix="tracknet-faults-"))
        try:
            started = place.start("run", str(place.experiment), "--output-dir", str(output))
            wait_for(turn, started[0], output)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started[0], signal.SIGKILL)
            if wait(started).code == 0:  # it ended before it was killed: again
                ended += 1
                if ended > number:
                    faults.append("most trainings ended before they were killed")
                    break
                continue
            turn += 1
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
            faults += [f"{path.name} is left" for path in output.glob("checkpoints/*") if has_last and is_part(path)]
        finally:
            shutil.rmtree(output)
    if afresh == turn:
        faults.append("none was killed where it could go on from a checkpoint: try again")
    done = f"weights and optimizer as undisturbed, bit for bit, in all {number}"
    done += f"; {number - afresh} went on from a checkpoint, {afresh} began again for want of one"
    name = f"kill -9 {when} of a training on a second file system, then `--resume auto`"
    return Row(name, Told(-9, ""), "; ".join(faults) or f"nothing: {done}", not faults)


def pace(place: Place) -> tuple[float, float]:
    """Return the seconds of the processor that a training takes to its first checkpoint, and to its end."""
    output = place.folder / "pace"
    process, log = place.start("run", str(place.experiment), "--output-dir", str(output))
    until_last(output, process)
    first = whole = spent(process)
    while is_running(process):
        whole = spent(process)
        time.sleep(0.02)
    wait((process, log))
    return first, whole


def until_spent(seconds: float, process: int) -> None:
    """Wait until a process has taken so many seconds of the processor; others may keep it from running meanwhile."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and is_running(process) and spent(process) < seconds:
        time.sleep(0.005)


def spent(process: int) -> float:
    """Return how many seconds of the processor a process has taken."""
    after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def half_last(place: Place) -> Row:
    """A checkpoint that another program, or a broken disk, has cut."""
    output = place.folder / "half"
    shutil.copytree(place.folder / "trained", output)
    last = only(output / "checkpoints", "last_*.ckpt")
    last.write_bytes(last.read_bytes()[:1000])
    told = place.run("--output-dir", str(output), "--resume", "auto", "training.epochs=4")
    return row("a `last` that is half, then `--resume auto`", told, losses({}, output), code=0)


def until_part(output: Path, which: int, process: int) -> None:
    """Wait until the half of a checkpoint is there, for the given time."""
    seen, was_there = 0, False
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and is_running(process):
        is_there = any(output.glob("checkpoints/*.part"))
        seen += is_there and not was_there
        was_there = is_there
        if seen >= which:
            return


def until_last(output: Path, process: int) -> float:
    """Wait until there is a checkpoint to go on from, and return when that was."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and is_running(process) and not any(output.glob("checkpoints/last_*.ckpt")):
        time.sleep(0.02)
    return time.monotonic()


def is_running(process: int) -> bool:
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


# ----------------------------------------------------------------------------------------- numbers that are none


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
    yield row("a loss that is NaN", told, [*lost, *([] if finite else ["NaN was saved"])])
    told = place.run("--output-dir", str(output / "2"), "training.skip_nonfinite=1", prepare=nan_at(5))
    yield row("the same with `training.skip_nonfinite=1`", told, losses({}, output), code=0)
    broken = changed(place, "nan", not_finite)
    clip = str(place.root / "test" / "d")
    yield row("`predict` with weights that are NaN", place.tracknet("predict", str(broken), clip, "--output", "p"))
    exported = place.tracknet("export", str(broken), "--format", "torchscript", "--output", "nan.pt")
    yield row("`export` of them", exported)
    whole, broken = place.folder / "exported.pt", place.folder / "exported-nan.pt"
    place.tracknet("export", str(place.last), "--format", "torchscript", "--output", str(whole))
    notes = {NOTES: ""}
    network = torch.jit.load(whole, _extra_files=notes)
    for values in network.parameters():
        values.data.fill_(float("nan"))
    torch.jit.save(network, broken, _extra_files=notes)
    told = place.tracknet("predict", str(broken), clip, "--backend", "torchscript", "--output", "q")
    yield row("`predict` with an exported network that answers NaN", told)


def row(fault: str, told: Told, lost: Sequence[str] = (), *, code: int = 2) -> Row:
    is_right = told.code == code and not lost and "TRACEBACK" not in told.message and bool(told.message)
    return Row(fault, told, ", ".join(lost) or "nothing", is_right)


# ------------------------------------------------------------------------------------- full and read-only disks


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
            tried.append(row(f"full disk, {name}", told, losses(before, disk)))
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
        return row("a disk that is full when a run goes on", told, losses(checkpoints, disk / "out" / "checkpoints"))


def read_only(place: Place, name: str, arguments: Sequence[str]) -> Row:
    with place.disk() as disk:
        (disk / "before.txt").write_text("a person's")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        before = digests(disk)
        told = place.tracknet(*on(disk, arguments))
        return row(f"read-only place, {name}", told, losses(before, disk))


# ------------------------------------------------------------------------- several processes, loading, frames


TWO = ("training.devices=2", "training.strategy=ddp")


def several(place: Place) -> Iterator[Row]:
    """Two processes that are killed together, and two of which one fails."""
    yield killed_together(place, random.Random(0))
    for fault, kill in (("a mistake in one of two processes", "false"), ("one of two processes is killed", "true")):
        output = place.folder / f"two-{kill}"
        plugins = f"plugins=[{place.folder / 'failing.py'}]"
        failing = f"training.callbacks=[checkpoint,{{name: fail, kill: {kill}}}]"
        told = ended(together(place, output, plugins, failing))
        lost = losses({}, output)
        if len(list((output / "logs").iterdir())) != 1:
            lost.append("more than one run folder")
        yield row(fault, told, lost)


def together(place: Place, output: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a training in two processes, as a user does; both are of one session."""
    command = [sys.executable, "-m", "tracknet_core.run", str(place.experiment), "--output-dir", str(output)]
    return subprocess.Popen(
        [*command, *TWO, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str]) -> Told:
    """Wait for a training, and end it when patience ends."""
    try:
        errors = process.communicate(timeout=PATIENCE)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return Told(None, process.communicate()[1])
    return Told(process.returncode, errors)


def killed_together(place: Place, rng: random.Random) -> Row:
    """Kill both processes after the first epoch, and go on in both."""
    began = time.monotonic()
    faults: list[str] = []
    farthest = 0.0
    undisturbed = place.folder / "two"
    process = together(place, undisturbed)
    first = until_last(undisturbed, process.pid) - began
    told = ended(process)
    if told.code != 0:
        return row("two processes", told, code=0)
    rest = time.monotonic() - began - first
    expected = state(only(undisturbed / "checkpoints", "last_*.ckpt"))
    for number in range(TOGETHER):
        output = place.folder / f"two-{number}"
        process = together(place, output)
        until_last(output, process.pid)
        time.sleep(rng.uniform(0, rest))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        told = ended(together(place, output, "--resume", "auto"))
        if told.code != 0:
            faults.append(f"going on: {told.message}")
            continue
        faults += losses({}, output)
        if len(list((output / "logs").iterdir())) != 1:
            faults.append("more than one run folder")
        farthest = max(farthest, difference(state(only(output / "checkpoints", "last_*.ckpt")), expected))
    if not farthest <= ROUNDING:
        faults.append(f"weights that differ by {farthest:.1e}")
    done = "bit for bit" if farthest == 0 else f"but for {farthest:.0e}"
    name = f"`kill -9` of both of two processes at {TOGETHER} random moments, then `--resume auto` in two"
    lost = "; ".join(faults) or f"nothing: weights and optimizer as undisturbed, {done}, in all {TOGETHER}"
    return Row(name, Told(-9, ""), lost, not faults)


def difference(one: Any, two: Any) -> float:
    """Return by how much the numbers of two states differ; infinite where they are of different kinds."""
    if isinstance(one, Tensor):
        if one.shape != two.shape:
            return float("inf")
        return float((one.double() - two.double()).abs().max()) if one.numel() else 0.0
    if isinstance(one, dict):
        one, two = [[list(each), *each.values()] for each in (one, two)]
    if isinstance(one, list | tuple):
        return max(map(difference, one, two), default=0.0) if len(one) == len(two) else float("inf")
    if isinstance(one, int | float) and isinstance(two, int | float):
        return abs(one - two)
    return 0.0 if one == two else float("inf")


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
    yield row("a loading process that is killed", told, losses({}, output))
    broken = place.folder / "broken"
    shutil.copytree(place.root, broken)
    frame = broken / "train" / "a" / "004.png"
    frame.write_bytes(frame.read_bytes()[:60])
    for name, more, code in (
        ("a frame that breaks in an epoch", [], 2),
        ("the same with `data.skip_broken=1`", ["data.skip_broken=1"], 0),
    ):
        told = place.run("--output-dir", str(output / str(code)), f"data.root={broken}", *more)
        yield row(name, told, losses({}, output), code=code)


# ---------------------------------------------------------------------------- places outside, absurd inputs


def outside(place: Place) -> Iterator[Row]:
    """Data that names files outside of its root, and outputs that are links."""
    secret = place.folder / "secret.png"
    Image.new("RGB", SIZE).save(secret)
    for name, path in (("../secret.png", "../secret.png"), ("an absolute path", str(secret))):
        told, lost = convert_coco(place, path)
        yield row(f"COCO whose `file_name` is {name}", told, lost)
    for name, video in (
        ("a NUL", "a\0b"),
        ("half a pair of UTF-16", "a\ud800"),
        ("300 characters", "x" * 300),
        ("`..` at its end", "match1/.."),
    ):
        told, lost = convert_coco(place, "1.png", video)
        yield row(f"COCO whose video has a name with {name}", told, lost)
    person = place.folder / "person.txt"
    person.write_text("a person's")
    clip = str(place.root / "test" / "d")
    for suffix in (".csv.part", ".csv.run"):
        output = place.folder / f"linked{suffix}"
        output.mkdir()
        (output / f"d{suffix}").symlink_to(person)
        told = place.tracknet("predict", str(place.last), clip, "--output", str(output), "--overwrite")
        lost = [] if person.read_text() == "a person's" else ["the file behind the link"]
        yield row(f"`NAME{suffix}` that is a link", told, lost)


def convert_coco(place: Place, image: str, video: str | None = None) -> tuple[Told, list[str]]:
    """Convert a data set of COCO with one image, which may be of a video with a name."""
    root, copied = place.folder / "coco", place.folder / "copied"
    (root / "images").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE).save(root / "images" / "1.png")
    listed = {"id": 1, "file_name": image, "width": SIZE[0], "height": SIZE[1]}
    content = {
        "images": [listed if video is None else listed | {"video_id": 1}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4]}],
        "categories": [{"id": 1, "name": "ball"}],
        "videos": [] if video is None else [{"id": 1, "name": video}],
    }
    (root / "instances_train.json").write_text(json.dumps(content))
    told = place.tracknet(
        "data", "convert", "--data", "coco", f"data.root={root}", "data.dataset.labels=instances_<split>.json",
        "--output", str(copied),
    )  # fmt: skip
    return told, ["it was copied"] if copied.exists() else []


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


def complex_numbers(content: dict[str, Any]) -> None:
    name = next(iter(content["state_dict"]))
    content["state_dict"][name] = content["state_dict"][name].to(torch.complex64)


def absurd(place: Place) -> Iterator[Row]:
    """Inputs that nobody makes by chance."""
    clip = str(place.root / "test" / "d")
    for fault, change in (
        ("a checkpoint that asks for a heatmap of 10^6 x 10^6", setting("model.heatmap.size", [10**6, 10**6])),
        ("a checkpoint that asks for windows of 10^9 frames", setting("data.sequence.length", 10**9)),
        ("a checkpoint with a sparse tensor", sparse),
        ("a checkpoint with complex numbers", complex_numbers),
    ):
        broken = changed(place, f"absurd-{len(fault)}", change)
        yield row(fault, place.tracknet("predict", str(broken), clip, "--output", "absurd"))
    folder = place.folder / "huge"
    folder.mkdir()
    picture = bytearray((place.root / "test" / "d" / "000.png").read_bytes())
    picture[16:24] = (60_000).to_bytes(4, "big") * 2
    picture[29:33] = zlib.crc32(picture[12:29]).to_bytes(4, "big")
    (folder / "0.png").write_bytes(picture)
    predict = ("predict", str(place.last))
    yield row("a PNG that claims 60000 x 60000", place.tracknet(*predict, str(folder), "--output", "h"))
    yield row('`predict CKPT ""`', place.tracknet(*predict, "", "--output", "empty"))
    pipe = place.folder / "pipe.mp4"
    os.mkfifo(pipe)
    yield row("a pipe that nobody writes to, as a video", place.tracknet(*predict, str(pipe), "--output", "q"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        yield row("a stream that is silent", place.tracknet(*predict, address, "--output", "s"))
    yield from absurd_labels(place)
    state_file = place.folder / "runs"
    state_file.mkdir()
    (state_file / "d.csv.part").write_text("Frame,Visibility,X,Y,Confidence,Time,Origin,Track\n")
    (state_file / "d.csv.run").write_text("[]")
    told = place.tracknet("predict", str(place.last), clip, "--output", str(state_file), "--resume")
    yield Row("`.run` that holds `[]`", told, is_right="TRACEBACK" not in told.message)
    videos = place.folder / "names"
    videos.mkdir()
    for name in (b"\xff", b"good"):
        shutil.copytree(clip, Path(os.fsdecode(os.fsencode(videos) + b"/" + name)))
    found = [os.fsdecode(path) for path in sorted(os.scandir(os.fsencode(videos)), key=lambda entry: entry.name)]
    told = place.tracknet(*predict, *found, "--output", "odd", prepare=strict_terminal)
    done = len(list((place.folder / "odd").glob("*.csv"))) if (place.folder / "odd").is_dir() else 0
    yield Row("a video whose name is no text, on a strict terminal", told, f"nothing: {done} of 2 are done", done == 2)


def absurd_labels(place: Place) -> Iterator[Row]:
    """Label files that nobody makes by chance; `data check` tells them, and has exit code 1."""
    root = place.folder / "labels"
    cvat, opentt = root / "cvat" / "annotations.xml", root / "opentt" / "game_1" / "ball_markup.json"
    for path in (cvat, opentt):
        path.parent.mkdir(parents=True)
    write_video(root / "opentt" / "game_1.mp4", [np.zeros((SIZE[1], SIZE[0], 3), np.uint8)] * FRAMES, fps=25)
    long = "9" * 400
    for fault, path, text in (
        ('CVAT with `encoding="nope"`', cvat, '<?xml version="1.0" encoding="nope"?><annotations/>'),
        ("CVAT with an attribute of 20 MB", cvat, f'<annotations><track label="{"x" * (20 << 20)}"/></annotations>'),
        ("OpenTT that is nested 100,000 times", opentt, '{"0": ' * 100_000),
        ("OpenTT with a place of 400 digits", opentt, f'{{"0": {{"x": {long}, "y": 1}}}}'),
        ("OpenTT with a frame of 400 digits", opentt, f'{{"{long}": {{"x": 1, "y": 1}}}}'),
        ("OpenTT of 200 MB, nested", opentt, '{"0": ' * ((200 << 20) // 6)),
    ):
        path.write_text(text)
        reader = path.relative_to(root).parts[0]
        told = place.tracknet("data", "check", "--data", reader, f"data.root={root / reader}")
        yield row(fault, told, code=1)
    pipe = root / "csv"
    shutil.copytree(place.root, pipe)
    (pipe / "train" / "a" / "labels.csv").unlink()
    os.mkfifo(pipe / "train" / "a" / "labels.csv")
    told = place.tracknet("data", "check", str(place.experiment), f"data.root={pipe}")
    yield row("a pipe that nobody writes to, as a label file", told, code=1)


def strict_terminal() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="ascii", errors="strict")  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------------------ the table


def tried(name: str, kills_of: int, seed: int, second: Path) -> list[Row]:
    """Try the faults of a part, in folders of its own; paths in messages count from there."""
    torch.set_num_threads(1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="tracknet-faults-") as folder:
        place = Place(Path(folder).resolve(), second)
        part = PARTS[name]
        if name.startswith("kills"):
            part = partial(part, count=kills_of, seed=seed)
        for one in part(place):
            text = one.told.text.replace(f"'{place.folder}/", "'/…/").replace(f"{place.folder}/", "")
            text = RUN.sub("run-…", text)
            rows.append(replace(one, told=replace(one.told, text=text)))
            print(f"{'ok   ' if one.is_right else 'WRONG'} {one.fault}: {rows[-1].told.message[:300]} "
                  f"[{one.told.code}] {one.lost}", flush=True)  # fmt: skip
            if not one.is_right:
                print(one.told.text[-1500:], file=sys.stderr, flush=True)
    return rows


def table(rows: Sequence[Row]) -> str:
    """Return Markdown."""
    lines = [HEAD, RULE]
    for one in rows:
        message = one.told.message.replace("|", "\\|")
        cut = message if len(message) <= SHOWN else f"{message[: SHOWN - 1].rstrip()}…"
        code = "none: still at work" if one.told.code is None else str(one.told.code)
        mark = "" if one.is_right else "**WRONG** "
        fault = one.fault.replace("|", "\\|")
        lines.append(f"| {mark}{fault} | {cut or '-'} | {code} | {one.lost} |")
    return "\n".join(lines)


def written_into(page: str, rows: Sequence[Row], part: str, day: str) -> str:
    """Return a page with these rows in its table; a run of one part leaves the other rows as they are."""
    start = page.index(HEAD)
    block, _, after = page[start:].partition("\n\n")
    after = re.sub(r"\A(?:All|The) .*tried .*\n+", "", after)
    old, new = ({fault_of(line): line for line in text.splitlines()[2:]} for text in (block, table(rows)))
    kept = len(old.keys() - new.keys())
    told = f"All {len(new)} rows were tried in one run on {day}."
    if part:
        told = f"The rows of `--only {part}`, {len(new)} of them, were tried on {day}, the other {kept} before."
    text = "\n".join([HEAD, RULE, *((old | new) if part else new).values()])
    return f"{page[:start]}{text}\n\n{told}\n" + (f"\n{after}" if after else "")


def fault_of(line: str) -> str:
    """Return the fault that a line of the table is of."""
    return re.split(r"(?<!\\)\|", line)[1].strip().removeprefix("**WRONG** ")


def main() -> int:
    """Try all faults, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="WORD", help="only those that begin so of: " + ", ".join(PARTS))
    parser.add_argument("--kills", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--second-disk", type=Path, default=Path("/dev/shm"), metavar="DIR")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="parts that are tried at the same time")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a page in whose table the rows are replaced")
    options = parser.parse_args()
    if Path(tempfile.gettempdir()).stat().st_dev == options.second_disk.stat().st_dev:
        parser.error(f"--second-disk {options.second_disk}: is on the same file system as {tempfile.gettempdir()}")
    before = options.write.read_text() if options.write else ""
    if options.write and HEAD not in before:
        parser.error(f"--write {options.write}: there is no table with the head {HEAD}")
    names = [name for name in PARTS if name.startswith(options.only)]
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("fork")) as pool:
        parts = [pool.submit(tried, name, options.kills, options.seed, options.second_disk) for name in names]
        all_of(parts, return_when=FIRST_EXCEPTION)
        rows = [row for part in parts for row in part.result()]
    text = table(rows)
    print(f"\n{text}")
    if options.write:
        options.write.write_text(written_into(before, rows, options.only, f"{date.today():%Y-%m-%d}"))
    return int(any(not one.is_right for one in rows))


PARTS: dict[str, Callable[..., Iterator[Row]]] = {
    "kills": kills,
    "kills-of-writes": kills_of_writes,
    "numbers": numbers,
    "disks": disks,
    "several": several,
    "loading": loading,
    "outside": outside,
    "absurd": absurd,
}

if __name__ == "__main__":
    sys.exit(main())
