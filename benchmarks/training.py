"""What compiling and the layout of weights make of the time of a training step, on this machine.

    python benchmarks/training.py [EXPERIMENT …] [--rounds 8] [--cases as_it_is,channels_last,compile,both]

A step is the loss of one batch of the experiment's windows, its gradient and the optimizer's step. In each round the
cases take a step one after the other. Times are those of the processor, so that other work on the machine does not
count; with several threads they are those of all threads together, so use OMP_NUM_THREADS=1. Compiling is what the
first step takes beyond the others; a training compiles once more for validation, whose pictures have another size.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch
from rich import box
from rich.console import Console
from rich.table import Table

from tracknet_core import training
from tracknet_core.components import check_and_build
from tracknet_core.contracts import Batch

CASES: dict[str, list[str]] = {
    "as_it_is": [],
    "channels_last": ["channels_last"],
    "compile": ["compile"],
    "both": ["channels_last", "compile"],
}
"""Name to the callbacks of a case."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shipped = [Path("experiments/vit.yaml"), Path("experiments/realtime.yaml")]
    parser.add_argument("experiments", nargs="*", type=Path, metavar="EXPERIMENT", default=shipped)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--cases", default=",".join(CASES))
    options = parser.parse_args()
    table = Table("experiment", "case", "s per step", "x as it is", "first step, s", box=box.MARKDOWN)
    for experiment in options.experiments:
        for case, (first, step, ratio) in measured(experiment, options.cases.split(","), options.rounds).items():
            table.add_row(experiment.name, case, f"{step:.3f}", f"{ratio:.2f}", f"{first:.1f}")
    Console(width=120).print(table)


def measured(experiment: Path, cases: list[str], rounds: int) -> dict[str, tuple[float, float, float]]:
    """Return for each case the seconds of the first step, the median of the others, and how many times faster it is."""
    batch = first_batch(experiment)
    steps = {case: prepared_step(experiment, CASES[case], batch) for case in cases}
    first = {case: seconds(step) for case, step in steps.items()}
    times: dict[str, list[float]] = {case: [] for case in steps}
    for _ in range(rounds):
        for case, step in steps.items():
            times[case].append(seconds(step))
    median = {case: statistics.median(values) for case, values in times.items()}
    return {case: (first[case], median[case], median[cases[0]] / median[case]) for case in cases}


def first_batch(experiment: Path) -> Batch:
    """Return the first training batch of an experiment."""
    data = training.prepare(experiment, ["training.data_loader.num_workers=0"]).data
    data.setup("fit")
    batch: Batch = next(iter(data.train_dataloader()))
    return batch


def prepared_step(experiment: Path, callbacks: list[str], batch: Batch) -> Callable[[], None]:
    """Return what makes a step of a training that begins."""
    module = training.prepare(experiment).module
    trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device("cpu")))
    for name in callbacks:
        check_and_build("callbacks", {"name": name}, "benchmark").setup(trainer, module, "fit")
    optimizer = torch.optim.AdamW(module.model.parameters(), lr=1e-4)

    def step() -> None:
        module.cost(batch).mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def seconds(step: Callable[[], None]) -> float:
    """Return the seconds of the processor that a step takes."""
    began = time.process_time()
    step()
    return time.process_time() - began


if __name__ == "__main__":
    main()
