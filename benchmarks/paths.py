"""What the costs of the tracker `paths` should be: learned on rendered rallies, whose labels are exact.

    python benchmarks/paths.py CHECKPOINT… [--dataset '{name: synthetic, …}'] [--trials 100] [--seed 0]

The candidates of each network are found once. Then costs are drawn near the best ones so far, one to three at a time,
and those are kept that raise the mean F1 of both protocols over all networks: with the candidates as they are, and once
more with those of the ball left out and made less sure, and with the false ones of another rally, as on footage that a
network was not trained for. It prints each step up, and at the end F1 without a tracker, with the costs that the
tracker has, and with these.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
import torch
from rich import box
from rich.console import Console
from rich.table import Table

from tracknet_core.components import build, check_and_build
from tracknet_core.config import parse_component
from tracknet_core.contracts import (
    Array,
    Candidates,
    Clip,
    Dataset,
    Detections,
    FloatArray,
    ProtocolMetric,
    Wanted,
    rescale,
)
from tracknet_core.schema import Node
from tracknet_core.tracking.clip import detect_clip
from tracknet_core.tracking.detector import load_detector
from tracknet_core.tracking.trackers import build_tracker, choose_tracker

DATASET = "{name: synthetic, style: lifelike, seed: 7, rallies: [0, 12, 0]}"
SPLIT = "val"
PROTOCOLS = ("wasb", "tracknet")
WANTED = Wanted(candidates=6, score=0.02)
RANGES = {
    "level": (0.05, 0.9),
    "start": (0.5, 30.0),
    "miss": (0.1, 6.0),
    "hit": (0.5, 12.0),
    "rest": (0.05, 6.0),
    "slow": (0.01, 0.5),
    "agility": (0.2, 6.0),
    "speed": (0.2, 6.0),
    "noise": (0.001, 0.006),
}
"""Of the costs that are learned; they are drawn evenly on a scale of logarithms."""


class Found(NamedTuple):
    """A clip, and what a network found in it."""

    clip: Clip
    frames: Sequence[Candidates]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--dataset", default=DATASET, metavar="NODE", help="its split val; default: %(default)s")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    options = parser.parse_args()

    node = parse_component("datasets", options.dataset, "--dataset")
    dataset: Dataset = build("datasets", node, "--dataset", root=None)
    clips = dataset.clips(SPLIT)
    plain = [found for path in options.checkpoints for found in detected(path, clips)]
    rng = np.random.default_rng(options.seed)
    sets = {"as found": plain, "worse": [worse(one, plain[i - 1], rng) for i, one in enumerate(plain)]}
    best = learned(sets.values(), options.trials, rng)
    heads = [f"{name}, {which}" for which in sets for name in PROTOCOLS]
    table = Table("tracker", *heads, box=box.SIMPLE, title="F1")
    trackers = {"none": choose_tracker("none"), "paths": choose_tracker("paths"), "paths, learned": best}
    for name, tracker in trackers.items():
        table.add_row(name, *(f"{f1:.3f}" for found in sets.values() for f1 in scores(found, tracker)))
    Console(width=140).print(table)


def detected(path: Path, clips: Sequence[Clip]) -> list[Found]:
    """Return what a network finds in clips."""
    detector = load_detector(path).adjusted(WANTED)
    return [Found(clip, list(detect_clip(detector, clip.frames))) for clip in clips]


def worse(found: Found, other: Found, rng: np.random.Generator) -> Found:
    """Return a clip as a network sees one that it was not trained for.

    All detections of the ball are less sure, some are left out, mostly several in a row, and the false ones of another
    clip are there as well.
    """
    scale = np.divide(found.clip.frames.size, other.clip.frames.size, dtype=np.float32)
    less_sure = abs(rng.normal(0.5, 1.0))
    lost = False
    frames = []
    for frame, beside in zip(found.frames, other.frames, strict=False):
        lost = bool(rng.random() < (0.7 if lost else 0.1))
        is_ball = near(frame, found.clip, 0.015)
        logit = _logit(frame.score) - is_ball * (less_sure + rng.normal(0, 0.7))
        kept, false = ~(is_ball & lost), ~near(beside, other.clip, 0.03)
        points = np.concatenate([frame.points[kept], rescale(beside.points[false], scale)]).astype(np.float32)
        score = 1 / (1 + np.exp(-np.concatenate([logit[kept], _logit(beside.score[false])])))
        order = np.argsort(-score, kind="stable")[: WANTED.candidates]
        order = order[score[order] >= WANTED.score]
        frames.append(replace(frame, points=points[order], score=score[order].astype(np.float32)))
    return Found(found.clip, frames)


def near(frame: Candidates, clip: Clip, reach: float) -> Array:
    """Return (D,) whether candidates are nearer to the ball than ``reach`` image heights; without a ball, none is."""
    close: Array = np.linalg.norm(frame.xy - clip.xy[frame.number], axis=1) < reach * clip.frames.size[1]
    return close


def learned(sets: Iterable[Sequence[Found]], trials: int, rng: np.random.Generator) -> Node:
    """Return the tracker with the best costs that were found."""
    sets = list(sets)
    best = choose_tracker("paths")
    most = fmean(f1 for found in sets for f1 in scores(found, best))
    for trial in range(trials):
        costs = {}
        for name in rng.choice(list(RANGES), size=rng.choice((1, 1, 2, 3)), replace=False).tolist():
            costs[name] = float(np.clip(best[name] * math.exp(rng.normal(0, 0.5)), *RANGES[name]))
        mean = fmean(f1 for found in sets for f1 in scores(found, {**best, **costs}))
        if mean > most:
            most, best = mean, {**best, **costs}
            Console().print(f"{trial:4} {mean:.4f} ", {name: round(best[name], 4) for name in RANGES})
    return best


def scores(found: Sequence[Found], tracker: Node) -> list[float]:
    """Return F1 under each protocol."""
    rules: list[ProtocolMetric] = [check_and_build("protocols", {"name": name}, "benchmark") for name in PROTOCOLS]
    for clip, frames in found:
        count = len(clip)
        points, score = np.zeros((count, 1, 1, 1, 2), np.float32), np.full((count, 1, 1), np.nan, np.float32)
        for frame in build_tracker(tracker, fps=clip.frames.fps, size=clip.frames.size)(frames):
            for ball in frame.balls[:1]:
                points[frame.number], score[frame.number] = ball.xy, ball.score
        balls = Detections(torch.from_numpy(points), torch.from_numpy(score), torch.from_numpy(~np.isnan(score)))
        truth = [torch.from_numpy(part).unsqueeze(1) for part in (clip.labels.points, clip.visibility)]
        size = torch.tensor([clip.frames.size], dtype=torch.float32).expand(count, 2)
        for rule in rules:
            rule.update(balls, *truth, torch.ones(count, 1, dtype=torch.bool), size)
    return [float(rule.compute()["f1"]) for rule in rules]


def _logit(score: FloatArray) -> Array:
    sure = np.clip(score.astype(np.float64), 1e-4, 1 - 1e-4)
    odds: Array = np.log(sure / (1 - sure))
    return odds


if __name__ == "__main__":
    main()
