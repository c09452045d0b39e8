"""How far off trackers are inside gaps of 3 to 15 frames, in true trajectories that nobody was trained on.

    python benchmarks/gaps.py [TRACKER …] [--rallies 90] [--seed 1]

A tracker is a name, ``{name: …, parameter: value}``, or the checkpoint of one that was trained; without any, those that
fill gaps, with their parameters set so that they fill long ones. The rallies are synthetic ones of the split ``test``:
their true places, moved by noise of 1 pixel (of 640 x 360), but for those of the gaps. Errors are distances in pixels,
of the frames that a tracker fills.
"""

from __future__ import annotations

import argparse
import math
import statistics
from functools import partial

from rich import box
from rich.console import Console
from rich.table import Table

from tracknet_core.components import check_and_build
from tracknet_core.contracts import Dataset, Size, Tracker
from tracknet_core.schema import Node
from tracknet_core.tracking.trackers import build_tracker, choose_tracker
from tracknet_core.training.gaps import HiddenFrame, gap_errors, hide

TRACKERS = ("{name: kalman, max_gap: 15}", "{name: smooth, max_gap: 15}")
LENGTHS = ((3, 5), (6, 10), (11, 15), (3, 15))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trackers", nargs="*", metavar="TRACKER", default=TRACKERS)
    parser.add_argument("--rallies", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1, help="of the rallies")
    options = parser.parse_args()

    nodes = {text: choose_tracker(text) for text in options.trackers}
    setting = {"name": "synthetic", "seed": options.seed, "rallies": [0, 0, options.rallies]}
    dataset: Dataset = check_and_build("datasets", setting, "benchmark", root=None)
    hidden = [hide(clip) for clip in dataset.clips("test")]
    heads = [f"{least}-{most} frames" for least, most in LENGTHS]
    table = Table("tracker", "", *heads, box=box.SIMPLE, title=f"{sum(len(one.gaps) for one in hidden)} hidden frames")
    for text, node in nodes.items():
        found = gap_errors(hidden, partial(_build, node))
        for figure in ("median", "mean", "filled"):
            cells = [_figure(figure, [f for f in found if least <= f.gap <= most]) for least, most in LENGTHS]
            table.add_row(text if figure == "median" else "", figure, *cells)
    Console(width=140).print(table)


def _build(node: Node, fps: float, size: Size) -> Tracker:
    return build_tracker(node, fps=fps, size=size)


def _figure(name: str, frames: list[HiddenFrame]) -> str:
    errors = [frame.error for frame in frames if not math.isnan(frame.error)]
    if name == "filled":
        return f"{len(errors) / max(1, len(frames)):.1%}"
    if not errors:
        return "-"
    return f"{(statistics.median if name == 'median' else statistics.fmean)(errors):.2f} px"


if __name__ == "__main__":
    main()
