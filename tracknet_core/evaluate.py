"""``python -m tracknet_core.evaluate CHECKPOINT``: how good a tracker is, under published rules.

``--predictions FOLDER`` scores the CSV files of any other program by the same rules. ``--compare FILE…`` lays what
``--json`` wrote side by side.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tracknet_core.cli import add_plugin_option, guarded
from tracknet_core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tracknet_core.config import DataConfig
    from tracknet_core.contracts import Clip, ProtocolMetric
    from tracknet_core.evaluation.results import Evaluation, Prediction
    from tracknet_core.schema import Node
    from tracknet_core.tracking.detector import Detector

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
        "--tracker",
        default="none",
        metavar="NAME",
        help="such as kalman or '{name: kalman, max_gap: 5}'; default: none, the best candidate of each frame",
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
        help="instead of scoring: lay files of --json side by side, each against the first; with --json, --report",
    )
    parser.add_argument("--step", type=int, metavar="N", help="frames between windows; default: no overlap")
    parser.add_argument("--ensemble", metavar="NAME", help="what overlapping windows make of a frame: pool, mean, …")
    parser.add_argument(
        "--batch-size", type=int, default=8, metavar="N", help="windows at a time; default: %(default)s"
    )
    parser.add_argument("--device", default="auto", metavar="NAME", help="cpu, cuda, …; default: %(default)s")
    parser.add_argument(
        "--backend", default="auto", metavar="NAME", help="torch, onnx, openvino, …; default: by the file's suffix"
    )
    add_plugin_option(parser)
    return parser


def _evaluate(options: argparse.Namespace) -> int:
    from tracknet_core.evaluation.report.page import report  # noqa: PLC0415
    from tracknet_core.evaluation.report.text import as_text  # noqa: PLC0415

    with _new_files(options) as write:
        evaluation = _run(options)
        _show(as_text(evaluation), evaluation.notes)
        write("--json", lambda: _json(evaluation.as_dict()))
        write("--report", lambda: report(evaluation))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from tracknet_core.config import import_plugins  # noqa: PLC0415
    from tracknet_core.evaluation.comparison import compare  # noqa: PLC0415
    from tracknet_core.evaluation.report.page import comparison_report  # noqa: PLC0415
    from tracknet_core.evaluation.report.text import comparison_as_text  # noqa: PLC0415
    from tracknet_core.evaluation.saved_runs import read_run  # noqa: PLC0415

    foreign = [*options.settings, *_given(options, except_for=("settings", "compare", "json", "report", "plugin"))]
    if foreign:
        raise ConfigError(
            f"--compare: scores nothing, so only --json and --report go with it, not {', '.join(foreign)}."
        )
    if len(options.compare) < 2:
        raise ConfigError(f"--compare {options.compare[0]}: one file is nothing to compare. Name two or more.")
    with _new_files(options) as write:
        import_plugins(options.plugin)
        comparison = compare([read_run(path) for path in options.compare])
        _show(comparison_as_text(comparison), comparison.notes)
        write("--json", lambda: _json(comparison.as_dict()))
        write("--report", lambda: comparison_report(comparison))
    return 0


def _given(options: argparse.Namespace, except_for: Sequence[str]) -> list[str]:
    """Return the options that are not as they would be if nobody had given them."""
    parser = _parser()
    return [
        f"--{name.replace('_', '-')}"
        for name, value in vars(options).items()
        if name not in except_for and value != parser.get_default(name)
    ]


# -------------------------------------------------------------------------------------------- what comes out


def _show(text: str, notes: Sequence[str]) -> None:
    for note in notes:
        sys.stderr.write(f"warning: {note}\n")
    _print(text)


def _print(text: str) -> None:
    """Print a line; what the terminal cannot show, such as a name that is no text, is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, errors="backslashreplace").decode(encoding) + "\n")


def _json(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, indent=2, allow_nan=False) + "\n"


@contextmanager
def _new_files(options: argparse.Namespace) -> Iterator[Callable[[str, Callable[[], str]], None]]:
    """Make sure that the files of --json and --report can be written, before minutes of work rather than after.

    Each begins as an empty file of another name beside its place, so that it is whole or not there.

    Yields:
        What writes the file of an option, if it was given, and says where it is; the text is made only then.

    Raises:
        ConfigError: both are the same file.
        DataError: one exists, or cannot be written.
    """
    targets = {"--json": options.json, "--report": options.report}
    parts: dict[str, Path] = {}

    def write(option: str, make: Callable[[], str]) -> None:
        if option in parts:
            text, target = make(), targets[option]
            with _written(option, target):
                parts[option].write_text(text, encoding="utf-8", errors="backslashreplace")
                parts[option].replace(target)
            _print(f"\n{target}")

    try:
        for option, target in targets.items():
            if target is not None:
                with _written(option, target):
                    _check_free(option, target)
                    part = target.with_name(f".tracknet-{uuid4().hex}.part")
                    part.touch(exist_ok=False)
                parts[option] = part
        if len({part.parent.resolve() / targets[option].name for option, part in parts.items()}) < len(parts):
            raise ConfigError(f"--json and --report: both are {options.json}. Name two files.")
        yield write
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


@contextmanager
def _written(option: str, target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{option} {target}: cannot be written ({error.strerror}). Name another file.") from error


def _check_free(option: str, target: Path) -> None:
    if not target.parent.is_dir():
        raise DataError(f"{option} {target}: there is no folder {target.parent}. Make it first.")
    try:
        target.lstat()
    except FileNotFoundError:
        return
    raise DataError(f"{option} {target}: there is a file already. Name a new one, or move it away.")


# ------------------------------------------------------------------------------------------ what is scored


def _run(options: argparse.Namespace) -> Evaluation:
    from tracknet_core.assembly import build  # noqa: PLC0415
    from tracknet_core.config import import_plugins, load_data, parse_component  # noqa: PLC0415
    from tracknet_core.evaluation.foreign_csv import predictions_of  # noqa: PLC0415
    from tracknet_core.evaluation.scoring import evaluate  # noqa: PLC0415

    source, overrides = _sort_out(options)
    import_plugins(options.plugin)
    detector = None if options.predictions is not None else _detector(Path(source), options)
    # Before the other components, which the plugins that it imports may hold.
    data = load_data(None if detector is None else detector.config, overrides, options.data)
    components: dict[str, Node] = {}
    for text in options.protocol or PROTOCOLS:
        node = parse_component("protocols", text, "--protocol")
        if node["name"] in components:
            raise ConfigError(f"--protocol: '{node['name']}' is there twice. Evaluate twice, once with each.")
        components[node["name"]] = node
    protocols: dict[str, ProtocolMetric] = {
        name: build("protocols", node, "--protocol") for name, node in components.items()
    }
    tracker = parse_component("trackers", options.tracker, "--tracker")
    clips = _clips(data, options.split)
    if detector is None:
        predicted, notes = predictions_of(options.predictions, clips, options.first_frame)
    else:
        predicted, notes = _detected(detector, clips, tracker, options)
    if options.threshold is not None:
        predicted = [(clip, _above(clip, prediction, options.threshold)) for clip, prediction in predicted]
    return evaluate(source, options.split, predicted, protocols, notes, components)


def _sort_out(options: argparse.Namespace) -> tuple[str, list[str]]:
    """Return what is scored, and the overrides; both may stand after --protocol too, and a file's name may have a =."""
    words = [*options.settings, *(word for word in options.protocol or () if _is_override(word) or _is_file(word))]
    options.protocol = [word for word in options.protocol or () if word not in words]
    overrides = [word for word in words if _is_override(word) and not _is_file(word)]
    sources = [word for word in words if word not in overrides]
    if options.predictions is not None:
        sources.append(str(options.predictions))
        scored = ("tracker", "step", "ensemble", "batch_size", "device", "backend")
        given = _given(options, except_for=[name for name in vars(options) if name not in scored])
        if given:
            raise ConfigError(f"{given[0]}: works on what a checkpoint finds; --predictions are scored as they are.")
    elif options.first_frame is not None:
        raise ConfigError("--first-frame: says how --predictions count, but there are none.")
    if options.threshold is not None and not math.isfinite(options.threshold):
        raise ConfigError(f"--threshold {options.threshold}: no score can be compared with this. Give a number.")
    if len(sources) != 1:
        taken = {"protocols": options.protocol, "settings": overrides}
        raise ConfigError(
            "what is to be scored? Give one checkpoint, or --predictions FOLDER, not "
            f"{', '.join(sources) or 'nothing'}."
            + "".join(f" Taken for {what}: {', '.join(those)}." for what, those in taken.items() if those)
        )
    is_data_named = options.data is not None or any(override.startswith("data=") for override in overrides)
    if options.predictions is not None and not is_data_named:
        raise ConfigError("--predictions: of which data? Name its section, as with --data shuttlecock data.root=….")
    return sources[0], overrides


def _is_override(word: str) -> bool:
    return "=" in word and not word.startswith("{")


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except OSError:  # too long for a name
        return False


def _detector(path: Path, options: argparse.Namespace) -> Detector:
    from tracknet_core.tracking.clip import check_windows  # noqa: PLC0415
    from tracknet_core.tracking.detector import load_detector  # noqa: PLC0415

    detector = load_detector(path, device=options.device, backend=options.backend)
    try:
        check_windows(detector, options.step, options.batch_size)
    except ValueError as error:
        raise ConfigError(f"--{str(error).replace('batch_size', 'batch-size')}") from error
    return detector


def _detected(
    detector: Detector, clips: Sequence[Clip], tracker: Node, options: argparse.Namespace
) -> tuple[Predicted, list[str]]:
    from tracknet_core.config import parse_component  # noqa: PLC0415
    from tracknet_core.evaluation.tracked_clip import predict_clip  # noqa: PLC0415
    from tracknet_core.progress import Progress  # noqa: PLC0415
    from tracknet_core.tracking.clip import detect_clip  # noqa: PLC0415

    ensemble = None if options.ensemble is None else parse_component("mergers", options.ensemble, "--ensemble")
    predicted, notes = [], []
    with Progress("clips", len(clips), unit="clips") as progress:
        for clip in clips:
            candidates = detect_clip(
                detector, clip.frames, step=options.step, ensemble=ensemble, batch_size=options.batch_size
            )
            prediction, of_clip = predict_clip(clip, candidates, tracker)
            predicted.append((clip, prediction))
            notes += of_clip
            progress.advance(clip.name)
    return predicted, notes


def _clips(data: DataConfig, split: str) -> Sequence[Clip]:
    from tracknet_core.assembly import build_dataset  # noqa: PLC0415
    from tracknet_core.loading.splits import choose_clips, split_names  # noqa: PLC0415

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
