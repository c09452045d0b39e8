"""From what is to be scored to what a person is told: the work of ``tracknet evaluate``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from tracknet_core.assembly import build_dataset
from tracknet_core.components import build
from tracknet_core.config import DataConfig, default_section, import_plugins, load_data, parse_component
from tracknet_core.contracts import Clip, ProtocolMetric, Size
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.evaluation.comparison import compare
from tracknet_core.evaluation.conditions import conditions, digest
from tracknet_core.evaluation.foreign_csv import predictions_of
from tracknet_core.evaluation.outputs import Findings
from tracknet_core.evaluation.report.csv_file import as_csv, comparison_as_csv
from tracknet_core.evaluation.report.markdown import as_markdown, comparison_as_markdown
from tracknet_core.evaluation.report.page import comparison_report, report
from tracknet_core.evaluation.report.text import as_text, comparison_as_text
from tracknet_core.evaluation.request import Request, TrueFiles, request
from tracknet_core.evaluation.results import Evaluation, Prediction
from tracknet_core.evaluation.saved_runs import read_run
from tracknet_core.evaluation.scored_clips import scored_clips
from tracknet_core.evaluation.scoring import score_clips
from tracknet_core.evaluation.tracked_clip import predict_clip
from tracknet_core.evaluation.truth_csv import scored_by_files
from tracknet_core.progress import Progress
from tracknet_core.registry import protocols
from tracknet_core.schema import Node, require_component
from tracknet_core.splits import choose_clips, split_names
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.clip import default_ensemble, detect_clip
from tracknet_core.tracking.detector import AUTO, load_detector
from tracknet_core.tracking.networks import network_path
from tracknet_core.tracking.plan import Part, Plan
from tracknet_core.tracking.trackers import build_tracker

__all__ = ["Request", "compare_files", "evaluate", "request", "score"]

ALL = "all"
"""Instead of the name of a protocol: every one that is installed."""

Predicted = list[tuple[Clip, Prediction]]


def evaluate(
    network: str | Path | None = None,
    *,
    predictions: str | Path | None = None,
    truth: str | Path | None = None,
    size: Size | None = None,
    first_frame: Literal[0, 1] | None = None,
    data: str | None = None,
    overrides: Sequence[str] = (),
    split: str = "test",
    protocols: Sequence[str] = (),
    threshold: float | None = None,
    name: str | None = None,
    tracker: Part | Path | None = None,
    step: int | None = None,
    ensemble: Part | None = None,
    batch_size: int | None = None,
    device: str = AUTO,
    backend: str = AUTO,
    plugins: Sequence[str] = (),
    progress: bool = True,
) -> Evaluation:
    """Score a network, or the predictions of any program, by published rules.

    Args:
        network: a checkpoint, an exported file, a folder that ``tracknet publish`` wrote, or the name of a model.
        predictions: CSV files ``Frame,Visibility,X,Y``, a folder of them or one, in the place of a network.
        truth: of predictions, as such files too; needs no data and no pictures.
        size: width and height of the videos of ``truth``, in pixels.
        first_frame: its number in predictions; None finds it out.
        data: name of the section ``data``; None takes the network's.
        overrides: settings of the data, such as ``["data.root=/path/to/data"]``.
        split: of the data.
        protocols: names of rules, or components; none takes those of the network's training.
        threshold: balls with a lower score are left out.
        name: what the evaluation is called beside others.
        tracker: what makes a trajectory of what the network finds.
        step: frames between windows; None for the network's own.
        ensemble: what overlapping windows make of a frame.
        batch_size: windows at once; None for what suits the network.
        device: of torch, or ``auto``.
        backend: what runs the network's file, or ``auto``.
        plugins: modules to import before, which you trust.
        progress: show how far it is.

    Raises:
        UserError: something is missing or does not fit.
    """
    if (network is None) == (predictions is None):
        raise ConfigError("evaluate: give a network, or predictions of any program; one of the two.")
    if (truth is None) != (size is None):
        raise ConfigError("evaluate: truth and size, width and height of its videos, go together.")
    return evaluation_of(
        Request(
            source=str(network_path(network) if predictions is None else predictions),
            is_foreign=predictions is not None,
            name=name,
            first_frame=first_frame,
            truth=None if truth is None or size is None else TrueFiles(Path(truth), size),
            data=data,
            overrides=tuple(overrides),
            split=split,
            protocols=protocols,
            tracker=tracker,
            threshold=threshold,
            step=step,
            ensemble=ensemble,
            batch_size=batch_size,
            device=device,
            backend=backend,
            plugins=plugins,
            silent=not progress,
        )
    )


def evaluation_of(asked: Request) -> Evaluation:
    """Return everything that is found of what is to be scored.

    Raises:
        UserError: something is missing or does not fit.
    """
    return _evaluation(asked) if asked.truth is None else _evaluation_of_files(asked, asked.truth)


def score(asked: Request) -> Findings:
    """Score a network, or the predictions of any program, for a person.

    Raises:
        UserError: something is missing or does not fit.
    """
    found = evaluation_of(asked)
    return Findings(
        found.notes,
        as_text(found),
        {
            "json": lambda: _json(found.as_dict()),
            "csv": lambda: as_csv(found),
            "markdown": lambda: as_markdown(found),
            "report": lambda: report(found),
        },
    )


def compare_files(paths: Sequence[Path], plugins: Sequence[str] = ()) -> Findings:
    """Lay what evaluations wrote as JSON side by side, each against the first.

    Args:
        paths: the files.
        plugins: modules to import before, which the caller trusts.

    Raises:
        UserError: there is one file only, or one cannot be read or compared.
    """
    if len(paths) < 2:
        raise ConfigError(f"--compare {paths[0]}: one file is nothing to compare. Name two or more.")
    import_plugins(plugins)
    runs = [read_run(path) for path in paths]
    found = compare(runs)
    return Findings(
        found.notes,
        comparison_as_text(found),
        {
            "json": lambda: _json(found.as_dict()),
            "csv": lambda: comparison_as_csv(found),
            "markdown": lambda: comparison_as_markdown(found),
            "report": lambda: comparison_report(found, *scored_clips(runs, found.clips)),
        },
    )


def _json(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, indent=2, allow_nan=False) + "\n"


# ------------------------------------------------------------------------------------------ what is scored


def _evaluation(asked: Request) -> Evaluation:
    import_plugins(asked.plugins)
    detector = (
        None if asked.is_foreign else load_detector(Path(asked.source), device=asked.device, backend=asked.backend)
    )
    # Before the other components, which the plugins that it imports may hold.
    data = load_data(None if detector is None else detector.config, asked.overrides, asked.data)
    rules = _rules(asked, detector)
    metrics = _protocols(rules)
    plan = Plan.of(tracker=asked.tracker, step=asked.step, ensemble=asked.ensemble, batch_size=asked.batch_size)
    if detector is not None:
        plan.check(detector)
    clips = _clips(data, asked.split)
    options: dict[str, Any] = {"split": asked.split, "data": asdict(data), "first frame": asked.first_frame}
    if detector is None:
        predicted, notes = predictions_of(Path(asked.source), clips, asked.first_frame)
    else:
        predicted, notes = _detected(detector, clips, plan, silent=asked.silent)
        options |= {
            "tracker": plan.tracker,
            "step": detector.window.apart(plan.step),
            "ensemble": plan.ensemble or default_ensemble(detector, plan.step),
            "device": detector.device,
            "configuration sha256": digest(detector.config.as_dict()),
        }
    found = score_clips(asked.source, asked.split, _sure(predicted, asked), metrics, notes, rules)
    return _named(found, asked, options)


def _evaluation_of_files(asked: Request, truth: TrueFiles) -> Evaluation:
    import_plugins(asked.plugins)
    rules = _rules(asked, None)
    metrics = _protocols(rules)
    predicted, notes = scored_by_files(Path(asked.source), truth, asked.first_frame)
    found = score_clips(asked.source, str(truth.place), _sure(predicted, asked), metrics, notes, rules)
    size = f"{truth.size[0]}x{truth.size[1]}"
    options = {"truth": str(truth.place), "size": size, "first frame": asked.first_frame}
    return _named(found, asked, options)


def _named(found: Evaluation, asked: Request, options: Mapping[str, Any]) -> Evaluation:
    """Return an evaluation that says what it depends on."""
    suffix = ".csv" if asked.is_foreign else ""
    everything = {**options, "threshold": asked.threshold, "plugins": list(asked.plugins) or None}
    return replace(
        found,
        name=asked.name or asked.source,
        conditions=conditions(Path(asked.source), suffix, everything, found.clips),
    )


def _protocols(rules: Mapping[str, Node]) -> dict[str, ProtocolMetric]:
    return {name: build("protocols", node, "--protocol") for name, node in rules.items()}


def _rules(asked: Request, detector: Detector | None) -> dict[str, Node]:
    """Return the validated nodes of the protocols, by name: those asked for, else those of the training."""
    if asked.protocols:
        texts = [name for text in asked.protocols for name in (protocols.names() if text == ALL else (text,))]
        nodes = [parse_component("protocols", text, "--protocol") for text in texts]
    else:
        trained = [] if detector is None else detector.config.training.protocols
        nodes = [
            require_component("protocols", node, f"training.protocols[{i}]")
            for i, node in enumerate(trained or default_section("training")["protocols"])
        ]
    rules: dict[str, Node] = {}
    for node in nodes:
        if node["name"] in rules:
            raise ConfigError(f"--protocol: '{node['name']}' is there twice. Evaluate twice, once with each.")
        rules[node["name"]] = node
    return rules


def _detected(detector: Detector, clips: Sequence[Clip], plan: Plan, *, silent: bool) -> tuple[Predicted, list[str]]:
    predicted, notes = [], []
    with Progress("clips", len(clips), unit="clips", silent=silent) as progress:
        for clip in clips:
            follow = build_tracker(plan.tracker, fps=clip.frames.fps, size=clip.frames.size)
            candidates = detect_clip(
                detector.adjusted(follow.wanted),
                clip.frames,
                step=plan.step,
                ensemble=plan.ensemble,
                batch_size=plan.batch_size,
            )
            prediction, of_clip = predict_clip(clip, candidates, follow)
            predicted.append((clip, prediction))
            notes += of_clip
            progress.advance(clip.name)
    return predicted, notes


def _clips(data: DataConfig, split: str) -> Sequence[Clip]:
    dataset = build_dataset(data)
    names = split_names(dataset, data.split)
    if split not in names:
        raise ConfigError(
            f"--split: there is no '{split}' among {', '.join(names)}. Choose one of these, or give patterns of clip "
            f"names, such as 'data.split={{{split}: [match1/*]}}'."
        )
    return choose_clips(dataset, data.split, split)


def _sure(predicted: Predicted, asked: Request) -> Predicted:
    if asked.threshold is None:
        return predicted
    return [(clip, _above(clip, prediction, asked.threshold)) for clip, prediction in predicted]


def _above(clip: Clip, prediction: Prediction, threshold: float) -> Prediction:
    if not prediction.is_scored:
        raise DataError(f"--threshold: the predictions of clip '{clip.name}' have no score. Add a column Confidence.")
    return prediction.above(threshold)
