"""How fast a trained network is in each format, and whether 8 bits find the ball as well.

    python benchmarks/formats.py CHECKPOINT … [--rounds 5] [--batch-size 4] [--f1]

needs the extras ``onnx`` and ``openvino``. In each round the formats take windows one after the other; times are the
medians of the rounds. ``--f1`` scores each file on the split ``val`` of the data that its checkpoint was trained on,
under the protocol ``wasb``, which takes minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import tempfile
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from tracknet_core import export, scores
from tracknet_core.exporting.speed import BATCH_SIZE, frame_times
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.detector import load_detector

FILES = {
    "ONNX Runtime": ("onnx", ".onnx", []),
    "ONNX Runtime, 8 bits": ("onnx", ".onnx", ["--int8"]),
    "OpenVINO": ("openvino", ".xml", []),
    "OpenVINO, 8 bits": ("openvino", ".xml", ["--int8"]),
    "TorchScript": ("torchscript", ".pt", []),
}
"""Name to the format, the suffix of its files and further options of the export."""


def exported(checkpoint: Path, folder: Path) -> dict[str, tuple[Path, str]]:
    """Return the file and the backend of each format; a refused one is told and left out."""
    files = {"torch": (checkpoint, "torch")}
    for number, (name, (form, suffix, options)) in enumerate(FILES.items()):
        path = folder / f"{checkpoint.stem}_{number}{suffix}"
        with contextlib.redirect_stdout(io.StringIO()):
            code = export.main([str(checkpoint), "--format", form, "--output", str(path), *options])
        if code == 0:
            files[name] = (path, form)
    return files


def milliseconds(detectors: dict[str, Detector], rounds: int, batch_size: int) -> dict[str, float]:
    """Return the median time per target frame of each."""
    times = frame_times(detectors, rounds, batch_size=batch_size)
    return {name: 1000 * statistics.median(values) for name, values in times.items()}


def f1(path: Path, form: str, folder: Path) -> float:
    """Return F1 under ``wasb``."""
    numbers = folder / f"{path.name}.json"
    with contextlib.redirect_stdout(io.StringIO()):
        arguments = [str(path), "--backend", form, "--split", "val", "--protocol", "wasb", "--json", str(numbers)]
        if scores.main(arguments):
            raise SystemExit(f"{path}: cannot be scored")
    score: float = json.loads(numbers.read_text())["protocols"]["wasb"]["figures"]["f1"]
    return score


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkpoints", nargs="+", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=BATCH_SIZE)
    parser.add_argument("--f1", action="store_true", help="score the files, too")
    options = parser.parse_args()
    table = Table("network", "run by", "ms per frame", "x torch", "F1", box=box.MARKDOWN)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for checkpoint in options.checkpoints:
            files = exported(checkpoint, folder)
            detectors = {name: load_detector(path, device="cpu", backend=form) for name, (path, form) in files.items()}
            times = milliseconds(detectors, options.rounds, options.batch_size)
            for name, (path, form) in files.items():
                score = f"{f1(path, form, folder):.3f}" if options.f1 else ""
                rate = f"{times['torch'] / times[name]:.2f}"
                table.add_row(checkpoint.stem, name, f"{times[name]:.1f}", rate, score)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
