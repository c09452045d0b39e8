"""How fast prediction is from a file to its rows, beside its parts alone, and what memory it takes.

    python benchmarks/predict.py [CHECKPOINT …] [--video FILE …] [--rounds 3]
    python benchmarks/predict.py fast accurate --video rally.mp4 --vballnet ~/fast-volleyball-tracking-inference
    python benchmarks/predict.py fast --video rally.mp4 --program 'another: python other.py {video} {folder}'

A checkpoint may be the name of a model that is installed. Programs of others are run as their authors wrote them,
beside the command: whole processes in turn, from their start to their last row. The first row is there when a file
with CSV in its name has a line after its head. Without a checkpoint: two untrained
networks at 512x288 in windows of 3, a light one and ConvNeXt. Without a video: a made one, 1280x720, 30 fps, 150 frames
with camera grain. In each round decoding alone, the network alone and the whole are measured one after the other, so
that what else the machine does slows down all of them; what counts is their ratio within a round. Decoding and the
network share the cores, so the whole cannot be faster than cores / (their CPU time): "of the cores" is its ratio to
that. Memory is the peak of a process of its own, for the video and for 20 times its length.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import torch
from rich import box
from rich.console import Console
from rich.table import Table

from tracknet_core.assembly import build_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import load_config
from tracknet_core.contracts import UInt8Array
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.clip import pictures_for
from tracknet_core.tracking.detector import load_detector
from tracknet_core.tracking.jobs import find_jobs
from tracknet_core.tracking.networks import network_path
from tracknet_core.tracking.pipeline import ClipRun
from tracknet_core.tracking.plan import Plan
from tracknet_core.video import VideoFrames, write_video

EXPERIMENT = Path(__file__).parent.parent / "experiments" / "convnext.yaml"
SETTINGS = ("data.preprocess.resize=[512,288]",)
NETWORKS = {
    "light": ("model.backbone={name: timm, model: mobilenetv4_conv_small, out_indices: [1, 2]}",),
    "convnext": (),
}
VBALLNET = {
    "VballNetFastV1": "VballNetFastV1_seq9_grayscale_233_h288_w512.onnx",
    "VballNetV1": "VballNetV1_seq9_grayscale_330_h288_w512.onnx",
}
"""Networks of github.com/asigatchov/fast-volleyball-tracking-inference, by what they are called here."""

MOST_MISSING = 16
"""Frames of a last window that a program may leave out."""

FRAMES = 150
LONGER = 20
BATCH_SIZE = 8


def rally() -> Iterator[UInt8Array]:
    """Yield frames of a court with grain that is new in every frame, and a ball."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:720, :1280]
    court = (90 + 50 * np.sin(x / 97) + 40 * np.cos(y / 61)).astype(np.float32)[..., None] + np.array([0, 20, -20])
    grain = rng.normal(0, 3.3, (800, 1400, 1)).astype(np.float32)
    for i in range(FRAMES):
        top, left = rng.integers(80), rng.integers(120)
        frame = court + grain[top : top + 720, left : left + 1280]
        u, v = 100 + int(1000 * abs(np.sin(i / 25))), 100 + int(500 * abs(np.cos(i / 17)))
        frame[v : v + 8, u : u + 8] = 250
        yield np.clip(frame, 0, 255).astype(np.uint8)


def repeated(video: Path, times: int, path: Path) -> Path:
    """Write a video over and over into one file, as it is coded."""
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        packets = [packet for packet in source.demux(video=0) if packet.size]
        stream = target.add_stream_from_template(source.streams.video[0])
        length = sum(packet.duration or 0 for packet in packets)
        coded = [(packet.pts or 0, packet.dts or 0) for packet in packets]
        for number in range(times):
            for packet, (pts, dts) in zip(packets, coded, strict=True):
                packet.pts, packet.dts, packet.stream = pts + number * length, dts + number * length, stream
                target.mux(packet)
    return path


def untrained(name: str, folder: Path) -> Path:
    """Write a checkpoint of one of ``NETWORKS``, with random weights."""
    config = load_config(EXPERIMENT, [*SETTINGS, *NETWORKS[name]])
    torch.manual_seed(0)
    state = {f"model.{key}": value for key, value in build_model(config, fetch=False).state_dict().items()}
    path = folder / f"{name}.ckpt"
    torch.save({"state_dict": state, **describe(config.as_dict())}, path)
    return path


class Cost(NamedTuple):
    """What a call takes: seconds on the clock, and of all processors together."""

    wall: float
    cpu: float


def cost_of(work: Callable[[], object]) -> Cost:
    """Return what a call takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def network_input(detector: Detector) -> UInt8Array:
    """Return a batch as prediction makes it: noise, with the memory of frames."""
    width, height = detector.window.image_size
    shape = (BATCH_SIZE, detector.window.pictures, height, width, 1 if detector.luma else 3)
    return np.moveaxis(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), -1, 2)


def logits_of(detector: Detector, batch: UInt8Array) -> torch.Tensor:
    """Return what a network says of a batch; one with a state is given its windows one by one."""
    if not detector.state:
        return detector.logits(batch)[0]
    return torch.cat([detector.logits(window[None], *detector.state)[0] for window in batch])


def end_to_end(checkpoint: Path, detector: Detector, video: Path, folder: Path) -> float:
    """Return the seconds from the opened network to the last row."""

    def go() -> None:
        for job in find_jobs(
            [str(video)], folder / "out", fps=30, writers={"--format": {"name": "csv"}}, existing="overwrite"
        ):
            ClipRun(job, detector, Plan({"name": "none"}, batch_size=BATCH_SIZE), checkpoint=checkpoint).run()

    return cost_of(go).wall


class Run(NamedTuple):
    """What a whole process takes: seconds on the clock, until its first row, and of all processors; and MB at most."""

    wall: float
    first: float
    cpu: float
    megabytes: float


def has_row(folder: Path) -> bool:
    """Return whether a table in a folder has a row after its head."""
    return any(path.is_file() and path.read_bytes().count(b"\n") > 1 for path in folder.rglob("*csv*"))


def run_of(command: list[str], rows: Path) -> Run:
    """Return what a command takes that writes its rows into a folder, in which nothing is yet."""
    begun, peak, first = time.perf_counter(), 0, math.inf
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    about = Path(f"/proc/{process.pid}/status")
    while True:
        # Not the memory that wait4 gives: it counts what this process had when the other began.
        found = re.search(r"VmHWM:\s+(\d+) kB", about.read_text())
        peak = max(peak, int(found[1]) if found else 0)
        if first == math.inf and has_row(rows):
            first = time.perf_counter() - begun
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{shlex.join(command)} failed with exit code {process.returncode}")
    wall = time.perf_counter() - begun
    return Run(wall, min(first, wall), usage.ru_utime + usage.ru_stime, peak / 1024)


def require_rows(folder: Path, video: Path) -> None:
    """Refuse rows that are not those of all frames: some programs end early and well where the machine is busy.

    The last window of a program may lack some.
    """
    frames = len(VideoFrames(video))
    written = max((len(path.read_bytes().splitlines()) - 1 for path in folder.rglob("*.csv")), default=0)
    if written < frames - MOST_MISSING:
        raise SystemExit(f"{video}: {written} rows were written, of {frames} frames. Nothing can be said of its rate.")


def predicting(checkpoint: Path) -> str:
    """Return the command that writes the rows of a video, which has yet to be filled in, as the folder for them."""
    program = shlex.join([sys.executable, "-m", "tracknet_core.predict", str(checkpoint)])
    return f"{program} {{video}} --output {{folder}} --device cpu"


def of_vballnet(folder: Path) -> dict[str, str]:
    """Return the commands of VballNet's own program, by the network and the commit of the folder."""
    found = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    commit = found.stdout.strip() or "an unknown commit"
    program = shlex.join([sys.executable, str(folder / "src" / "inference_onnx_seq_gray_v2.py")])
    return {
        f"{name} at {commit}": f"{program} --video_path {{video}} --output_dir {{folder}} --only_csv --model_path "
        + shlex.quote(str(folder / "models" / model))
        for name, model in VBALLNET.items()
    }


def filled(command: str, video: Path, folder: Path) -> list[str]:
    """Return the words of a command."""
    return [word.format(video=video, folder=folder) for word in shlex.split(command)]


def others(programs: Sequence[str], vballnet: Path | None) -> dict[str, str]:
    """Return the commands of others by their names, as options give them."""
    return dict(program.split(": ", 1) for program in programs) | ({} if vballnet is None else of_vballnet(vballnet))


def in_turn(commands: Mapping[str, str], video: Path, rounds: int, folder: Path) -> dict[str, list[Run]]:
    """Return what commands take for a video, round by round, one after the other in each."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds):
        for place, (name, command) in enumerate(commands.items()):
            rows = folder / f"rows-{number}-{place}"
            runs[name].append(run_of(filled(command, video, rows), rows))
            require_rows(rows, video)
    return runs


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoints", nargs="*", type=network_path, metavar="CHECKPOINT")
    parser.add_argument("--video", nargs="+", type=Path, default=[], metavar="FILE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-memory", action="store_true", help="leave out the runs for memory, which are long")
    parser.add_argument("--no-parts", action="store_true", help="leave out decoding, network and whole by themselves")
    parser.add_argument(
        "--program",
        action="append",
        default=[],
        metavar="'NAME: COMMAND'",
        help="one of others; {video} and {folder} stand for the video and a folder for its rows",
    )
    parser.add_argument("--vballnet", type=Path, metavar="FOLDER", help="clone of fast-volleyball-tracking-inference")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoints = options.checkpoints or [untrained(network, folder) for network in NETWORKS]
        videos = options.video
        if not videos:
            videos = [folder / "made.mp4"]
            write_video(videos[0], rally(), fps=30, gop=250)
        console = Console(width=140)
        if not options.no_parts:
            speed(console, checkpoints, videos, options.rounds, folder)
        programs = others(options.program, options.vballnet)
        commands(console, checkpoints, programs, videos[0], options.rounds, folder)
        if not options.no_memory:
            memory(console, checkpoints, videos[0], folder)


def speed(console: Console, checkpoints: list[Path], videos: list[Path], rounds: int, folder: Path) -> None:
    """Print frames/s of the parts and of the whole."""
    table = Table(
        "network",
        "video",
        "decode only",
        "network only",
        "end to end",
        "of the slower",
        "of the cores",
        "postprocessing",
        box=box.MARKDOWN,
    )
    for checkpoint, video in itertools.product(checkpoints, videos):
        detector = load_detector(checkpoint, device="cpu")
        measured = [a_round(checkpoint, detector, video, folder) for _ in range(rounds)]
        decode, network, whole, slower, cores, post = (
            statistics.median(values) for values in zip(*measured, strict=True)
        )
        rates = (f"{rate:.1f}/s" for rate in (decode, network, whole))
        table.add_row(checkpoint.stem, video.name, *rates, f"{slower:.0%}", f"{cores:.0%}", f"{post:.1%}")
    console.print(table)


def a_round(checkpoint: Path, detector: Detector, video: Path, folder: Path) -> tuple[float, ...]:
    """Measure one after the other.

    Returns:
        Frames/s of decoding, of the network and of the whole; the ratio of the whole to the slower part and to what the
        cores allow; the share of the decoding of heatmaps.
    """
    source = VideoFrames(video, thread_count=0)
    count = len(source)
    batch = network_input(detector)
    logits = logits_of(detector, batch)
    per_batch = BATCH_SIZE * len(detector.window.targets)
    passes = max(2, round(count / per_batch))
    decode = cost_of(lambda: sum(1 for _ in pictures_for(detector, source)))
    network = cost_of(lambda: [logits_of(detector, batch) for _ in range(passes)])
    looked_at = passes * per_batch
    post = cost_of(lambda: [detector.codec.decode(logits) for _ in range(5)]).wall / (5 * per_batch)
    whole = count / end_to_end(checkpoint, detector, video, folder)
    slower = min(count / decode.wall, looked_at / network.wall)
    allowed = (os.cpu_count() or 1) / (decode.cpu / count + network.cpu / looked_at)
    return count / decode.wall, looked_at / network.wall, whole, whole / slower, whole / allowed, post * whole


def commands(
    console: Console, checkpoints: list[Path], programs: dict[str, str], video: Path, rounds: int, folder: Path
) -> None:
    """Print what whole commands take, ours and those of others, each round one after the other."""
    runs = in_turn({path.stem: predicting(path) for path in checkpoints} | programs, video, rounds, folder)
    frames = len(VideoFrames(video))
    heads = ("command", "seconds", "to the first row", "frames/s", "CPU-seconds", "of the cores", "peak MB")
    table = Table(*heads, box=box.MARKDOWN)
    for name, each in runs.items():
        wall, first, cpu, peak = (statistics.median(values) for values in zip(*each, strict=True))
        times = (f"{wall:.2f}", f"{first:.2f}", f"{frames / wall:.0f}", f"{cpu:.2f}")
        table.add_row(name, *times, f"{cpu / wall / (os.cpu_count() or 1):.0%}", f"{peak:.0f}")
    console.print(table)


def memory(console: Console, checkpoints: list[Path], video: Path, folder: Path) -> None:
    """Print the peak memory for a video and for a long one, and how fast the long one is."""
    long = repeated(video, LONGER, folder / "long.mp4")
    frames = len(VideoFrames(long))
    table = Table("network", "peak MB", f"of {LONGER} times the length", "frames/s of that", box=box.MARKDOWN)
    for checkpoint in checkpoints:
        once, often = (
            run_of(filled(predicting(checkpoint), one, rows), rows)
            for one in (video, long)
            for rows in [folder / f"{checkpoint.stem}-{one.stem}"]
        )
        change = f"{often.megabytes:.0f} ({often.megabytes / once.megabytes - 1:+.1%})"
        table.add_row(checkpoint.stem, f"{once.megabytes:.0f}", change, f"{frames / often.wall:.0f}")
    console.print(table)


if __name__ == "__main__":
    main()
