"""``python -m tracknet_core.evaluate CHECKPOINT``: how good a tracker is, under published rules.

``--predictions FOLDER`` scores the CSV files of any other program by the same rules. ``--compare FILE…`` lays what
``--json`` wrote side by side.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tracknet_core.cli import guarded
from tracknet_core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tracknet_core.config import DataConfig
    from tracknet_core.contracts import Clip, ProtocolMetric
    from tracknet_core.evaluation.results import Evaluation, Prediction

# Modules are imported by the function that needs them: torch takes seconds, and --help needs none.

PROTOCOLS = ("wasb", "pck")

Predicted = list[tuple["Clip", "Prediction"]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, evaluate, and return the exit code."""
    options = _parser().parse_intermixed_args(arguments)
    return guarded(lambda: _evaluate(options) if options.compare is None else _compare(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tracknet evaluate",
        description="Score a checkpoint, or the predictions of any program, under published protocols.",
    )
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="CHECKPOINT | key=value",
        help="what 'tracknet run' or 'tracknet export' wrote, and settings such as data.root=/path/to/data",
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="FOLDER",
        help="score CSV files Frame,Visibility,X,Y instead of a checkpoint",
    )
    parser.add_argument("--first-frame", type=int, choices=(0, 1), help="its number in --predictions; else found out")
    parser.add_argument("--data", metavar="NAME", help="score the data section data/NAME.yaml; else the checkpoint's")
    parser.add_argument("--split", default="test", metavar="NAME", help="default: %(default)s")
    parser.add_argument(
        "--protocol", nargs="+", action="extend", metavar="NAME", help=f"default: {' '.join(PROTOCOLS)}"
    )
    parser.add_argument(
        "--tracker", metavar="NAME", help="such as kalman or '{name: kalman, max_gap: 5}'; default: the best candidate"
    )
    parser.add_argument("--threshold", type=float, metavar="SCORE", help="leave out balls with a lower score")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was found; a new file")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write a page of tables, curves and pictures; a new .html file"
    )
    parser.add_argument(
        "--compare",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="instead of scoring: lay files of --json side by side, each against the first; only --report goes with it",
    )
    parser.add_argument("--step", type=int, metavar="N", help="frames between windows; default: no overlap")
    parser.add_argument("--ensemble", metavar="NAME", help="what overlapping windows make of a frame: pool, mean, …")
    parser.add_argument(
        "--batch-size", type=int, default=8, metavar="N", help="windows at a time; default: %(default)s"
    )
    parser.add_argument("--device", default="auto", metavar="NAME", help="cpu, cuda, …; default: %(default)s")
    return parser


def evaluate_command(arguments: Sequence[str]) -> Evaluation:
    """Return what the command with these arguments finds, without printing; for reports.

    Raises:
        UserError: a mistake in the arguments, the checkpoint, the data or the predictions.
    """
    return _run(_parser().parse_intermixed_args(arguments))


def _evaluate(options: argparse.Namespace) -> int:
    from tracknet_core.evaluation.report import report  # noqa: PLC0415
    from tracknet_core.evaluation.text import as_text  # noqa: PLC0415

    _check_free("--json", options.json)  # before minutes of work rather than after
    _check_free("--report", options.report)
    evaluation = _run(options)
    _show(as_text(evaluation), evaluation.notes)
    if options.json is not None:
        _write(options.json, json.dumps(evaluation.as_dict(), indent=2, allow_nan=False) + "\n")
    if options.report is not None:
        _write(options.report, report(evaluation))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from tracknet_core.evaluation.comparison import compare  # noqa: PLC0415
    from tracknet_core.evaluation.report import comparison_report  # noqa: PLC0415
    from tracknet_core.evaluation.saved import read_run  # noqa: PLC0415
    from tracknet_core.evaluation.text import comparison_as_text  # noqa: PLC0415

    parser = _parser()
    foreign = [
        f"--{name.replace('_', '-')}"
        for name, value in vars(options).items()
        if name not in ("settings", "compare", "report") and value != parser.get_default(name)
    ]
    if foreign or options.settings:
        given = ", ".join([*options.settings, *foreign])
        raise ConfigError(f"--compare: scores nothing, so only --report goes with it, not {given}.")
    if len(options.compare) < 2:
        raise ConfigError(f"--compare {options.compare[0]}: one file is nothing to compare. Name two or more.")
    _check_free("--report", options.report)
    comparison = compare([read_run(path) for path in options.compare])
    _show(comparison_as_text(comparison), comparison.notes)
    if options.report is not None:
        _write(options.report, comparison_report(comparison))
    return 0


def _show(text: str, notes: Sequence[str]) -> None:
    for note in notes:
        sys.stderr.write(f"warning: {note}\n")
    sys.stdout.write(text + "\n")


def _check_free(option: str, target: Path | None) -> None:
    if target is None:
        return
    if target.exists():
        raise DataError(f"{option} {target}: there is a file already. Name a new one, or move it away.")
    if not target.parent.is_dir():
        raise DataError(f"{option} {target}: there is no folder {target.parent}. Make it first.")


def _write(target: Path, text: str) -> None:
    """Write a file beside its place, so that it is whole or not there, and say where it is."""
    part = target.with_name(f"{target.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(target)
    sys.stdout.write(f"\n{target}\n")


def _run(options: argparse.Namespace) -> Evaluation:
    from tracknet_core.assembly import build  # noqa: PLC0415
    from tracknet_core.config import parse_component  # noqa: PLC0415
    from tracknet_core.evaluation.scoring import evaluate  # noqa: PLC0415

    source, overrides = _sort_out(options)
    nodes = [parse_component("protocols", text, "--protocol") for text in options.protocol or PROTOCOLS]
    components = {node["name"]: node for node in nodes}
    protocols: dict[str, ProtocolMetric] = {
        name: build("protocols", node, "--protocol") for name, node in components.items()
    }
    if options.predictions is None:
        predicted, notes = _of_checkpoint(Path(source), overrides, options)
    else:
        predicted, notes = _of_folder(overrides, options)
    if options.threshold is not None:
        predicted = [(clip, _above(clip, prediction, options.threshold)) for clip, prediction in predicted]
    return evaluate(source, options.split, predicted, protocols, notes, components)


def _sort_out(options: argparse.Namespace) -> tuple[str, list[str]]:
    """Return what is scored, and the overrides, which may stand after --protocol too."""
    settings = [*options.settings, *(name for name in options.protocol or () if "=" in name)]
    options.protocol = [name for name in options.protocol or () if "=" not in name]
    sources = [setting for setting in settings if "=" not in setting]
    if options.predictions is not None:
        sources.append(str(options.predictions))
        foreign = {"--tracker": options.tracker, "--step": options.step, "--ensemble": options.ensemble}
        given = [name for name, value in foreign.items() if value is not None]
        if given:
            raise ConfigError(f"{given[0]}: works on what a checkpoint finds; --predictions are scored as they are.")
    elif options.first_frame is not None:
        raise ConfigError("--first-frame: says how --predictions count, but there are none.")
    if len(sources) != 1:
        found = ", ".join(sources) or "nothing"
        raise ConfigError(f"what is to be scored? Give one checkpoint, or --predictions FOLDER, not {found}.")
    return sources[0], [setting for setting in settings if "=" in setting]


def _of_folder(overrides: Sequence[str], options: argparse.Namespace) -> tuple[Predicted, list[str]]:
    from tracknet_core.config import load_data  # noqa: PLC0415
    from tracknet_core.evaluation.predictions import predictions_of  # noqa: PLC0415

    if options.data is None and not any(override.startswith("data=") for override in overrides):
        raise ConfigError("--predictions: of which data? Name its section, as with --data shuttlecock data.root=….")
    clips = _clips(load_data(None, overrides, options.data), options.split)
    return predictions_of(options.predictions, clips, options.first_frame)


def _of_checkpoint(path: Path, overrides: Sequence[str], options: argparse.Namespace) -> tuple[Predicted, list[str]]:
    from tracknet_core.config import load_data, parse_component  # noqa: PLC0415
    from tracknet_core.evaluation.detection import predict_clip  # noqa: PLC0415
    from tracknet_core.inference import check_windows, detect_clip, load_detector  # noqa: PLC0415
    from tracknet_core.progress import Progress  # noqa: PLC0415

    tracker = None if options.tracker is None else parse_component("trackers", options.tracker, "--tracker")
    detector = load_detector(path, device=options.device)
    windows = {"step": options.step, "ensemble": options.ensemble, "batch_size": options.batch_size}
    try:
        check_windows(detector, **windows)
    except ValueError as error:
        raise ConfigError(f"--{str(error).replace('batch_size', 'batch-size')}") from error
    clips = _clips(load_data(detector.config, overrides, options.data), options.split)
    predicted = []
    with Progress("clips", len(clips), unit="clips") as progress:
        for clip in clips:
            predicted.append((clip, predict_clip(clip, detect_clip(detector, clip.frames, **windows), tracker)))
            progress.advance(clip.name)
    return predicted, []


def _clips(data: DataConfig, split: str) -> Sequence[Clip]:
    from tracknet_core.assembly import build_dataset  # noqa: PLC0415
    from tracknet_core.data.splits import choose_clips, split_names  # noqa: PLC0415

    dataset = build_dataset(data)
    names = split_names(dataset, data.split)
    if split not in names:
        raise ConfigError(
            f"--split: there is no '{split}' among {', '.join(names)}. Choose one of these, or give patterns of clip "
            f"names, such as 'data.split={{{split}: [match1/*]}}'."
        )
    return choose_clips(dataset, data.split, split)


def _above(clip: Clip, prediction: Prediction, threshold: float) -> Prediction:
    if not prediction.is_scored:
        raise DataError(f"--threshold: the predictions of clip '{clip.name}' have no score. Add a column Confidence.")
    return prediction.above(threshold)


if __name__ == "__main__":
    sys.exit(main())
