"""``python -m tracknet_core.export CHECKPOINT --format NAME --output FILE``: a file that runs without tracknet.

The file takes uint8 frames and gives logits and detections: normalisation and decoding are inside, but for codecs that
cannot be a graph. It is compared with the network on real frames before it gets its name.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tracknet_core.cli import add_plugin_option, guarded
from tracknet_core.errors import ConfigError, DataError, UserError

if TYPE_CHECKING:
    from torch import Tensor

    from tracknet_core.config import Config, DataConfig
    from tracknet_core.contracts import Clip, Format
    from tracknet_core.exporting.agreement import Agreement
    from tracknet_core.exporting.network import Portable
    from tracknet_core.model import BallTracker

# torch and what needs it are imported by the functions: they take seconds, and --help needs none.

CHECKED_WINDOWS = 16
"""To compare on; a large network takes a second for each, twice."""

CALIBRATION_WINDOWS = 64
"""To find the ranges of 8 bits on; beyond some dozens they hardly change."""

CLIPS = 8
"""That windows come from, at most: opening a clip can take longer than reading a few windows of it."""

BATCH = 3
"""Windows at a time in the comparison; the first goes alone, so that two sizes of batch are tried."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, export, and return the exit code."""
    options = _parser().parse_intermixed_args(arguments)
    return guarded(lambda: _export(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tracknet export",
        description="Write the network of a checkpoint as a file that runs without tracknet: uint8 frames in, logits "
        "and places of the ball out. It is compared with the network before it gets its name.",
        epilog="Files of strangers: ONNX and OpenVINO files hold numbers and known operations, while loading a "
        "TorchScript or exported file can run code that is inside it. Load none of those that you do not trust.",
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help=".ckpt file that a run wrote")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="key=value",
        help="settings of the data to compare (and calibrate) on, such as data.root=/path/to/data",
    )
    parser.add_argument("--format", required=True, metavar="NAME", help="onnx, openvino, torchscript, exported, …")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="new; nothing is overwritten")
    parser.add_argument("--data", metavar="NAME", help="data/NAME.yaml instead of the data that the checkpoint knows")
    parser.add_argument(
        "--int8", action="store_true", help="8 bits, calibrated on the data: faster on many processors, less exact"
    )
    add_plugin_option(parser)
    return parser


def _export(options: argparse.Namespace) -> int:
    from tracknet_core.checkpoint import load_model  # noqa: PLC0415
    from tracknet_core.config import import_plugins  # noqa: PLC0415
    from tracknet_core.exporting.agreement import compare  # noqa: PLC0415 - start-up, as above
    from tracknet_core.exporting.network import Portable, with_decoding  # noqa: PLC0415

    import_plugins(options.plugin)
    format_ = _format(options)
    with _fresh_files(options.output, format_.suffix) as path:
        format_.check(options.output)
        config, model = load_model(options.checkpoint)
        checked, example = _windows(config, model, options)
        network = Portable(model, example)
        if not network.decodes:
            name = config.model.heatmap["name"]
            sys.stdout.write(f"the codec '{name}' cannot be part of the file, which gives logits alone\n")
        format_.save(network, example, path, _notes(config, network, example))
        ours, theirs = (with_decoding(run, model.codec) for run in (network, format_.load(path)))
        batches = (checked[:1], *(checked[i : i + BATCH] for i in range(1, len(checked), BATCH)))
        agreement = compare(ours, theirs, batches)
        sys.stdout.write(f"{agreement.as_text()}\n")
        _require_agreement(agreement, options)
    sys.stdout.write(f"{options.output}\n")
    return 0


def _format(options: argparse.Namespace) -> Format:
    """Return the component that ``--format`` names.

    Raises:
        ConfigError: there is none, or it has no int8.
    """
    from tracknet_core.assembly import check_and_build  # noqa: PLC0415

    node = {"name": options.format, **({"int8": True} if options.int8 else {})}
    format_: Format = check_and_build("formats", node, "--format")
    return format_


def _notes(config: Config, network: Portable, frames: Tensor) -> dict[str, str]:
    """Return the texts that travel inside the file: what it is, and how a program without tracknet is to feed it.

    Where data and other files lie on this machine is left out.

    Args:
        config: the experiment.
        network: what is written.
        frames: (B, P, 3, H, W), an example of its input.
    """
    from dataclasses import replace  # noqa: PLC0415
    from importlib.metadata import version  # noqa: PLC0415

    from tracknet_core.config import Cache  # noqa: PLC0415

    _, pictures, _, height, width = frames.shape
    length = config.data.sequence.frames
    background = " and the background of the clip, the median of its frames" if pictures > length else ""
    results = "logits: float (B, K, h, w)"
    if network.decodes:
        results += (
            f"; xy: float (B, K, D, 2), column and row in pixels of the {width} x {height} pictures, (0, 0) being the "
            "centre of the upper left one; score: float (B, K, D), 0..1; present: bool (B, K, D), whether it is a ball"
        )
    else:
        results += f", to be decoded as the codec '{config.model.heatmap['name']}' of tracknet does"
    plugins = [Path(plugin).name for plugin in config.plugins]
    shared = replace(config, data=replace(config.data, cache=Cache()), plugins=plugins)
    return {
        "config": json.dumps(_without_paths(shared.as_dict())),
        "version": version("tracknet"),
        "frames": f"uint8 (B, {pictures}, 3, {height}, {width}): windows, pictures, R G B, rows, columns",
        "pictures": f"{length} consecutive frames, oldest first{background}; scaled to {width} x {height} as a whole",
        "targets": f"{list(network.model.input.targets)}: which frames of the window, from 0, the K results are of",
        "results": results,
    }


def _without_paths(value: Any) -> Any:
    """Return plain data with None for every absolute path."""
    if isinstance(value, Mapping):
        return {key: _without_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    return None if isinstance(value, str) and Path(value).is_absolute() else value


@contextmanager
def _fresh_files(target: Path, suffix: str) -> Iterator[Path]:
    """Give a path to write to; the file, and others written beside it, are moved to ``target`` if nothing fails.

    Raises:
        ConfigError: the name does not end as the format's files do.
        DataError: there is a file of that name already, or no folder, or none that can be written to.
    """
    from tracknet_core.files import check_free  # noqa: PLC0415

    if target.suffix != suffix:
        raise ConfigError(f"--output {target}: the files of this format end in {suffix}. Write {target.name}{suffix}.")
    try:
        check_free(target)
        folder = Path(tempfile.mkdtemp(prefix="tracknet.", suffix=".part", dir=target.parent))
    except OSError as error:
        raise DataError(f"--output {target}: cannot be written ({error.strerror}). Name another place.") from error
    try:
        yield folder / target.name
        # The named file last: when it is there, all of them are.
        written = sorted(folder.iterdir(), key=lambda path: path.name == target.name)
        for path in written:
            check_free(target.with_name(path.name))
        for path in written:
            path.rename(target.with_name(path.name))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# ----------------------------------------------------------------------------------------------- the data


class _Windows(NamedTuple):
    """(B, P, 3, H, W) frames, and the split that they are of."""

    frames: Tensor
    split: str


def _windows(config: Config, model: BallTracker, options: argparse.Namespace) -> tuple[Tensor, Tensor]:
    """Return windows (B, P, 3, H, W) to compare on, and those to calibrate with, or an example.

    Raises:
        UserError: the data cannot be read, and somebody asked for it.
    """
    data = _data(config, options)
    try:
        checked = _read(data, model, ("val", "test", "train"), CHECKED_WINDOWS)
        if not options.int8:
            return checked.frames, checked.frames
        calibration = _read(data, model, ("train", "val", "test"), CALIBRATION_WINDOWS)
    except UserError as error:
        if options.data is not None or options.overrides:
            raise
        if options.int8:
            raise ConfigError(
                f"--int8: calibrates on the data of the checkpoint, and they cannot be read: {error}\nName others: "
                "--data NAME data.root=/path/to/data"
            ) from error
        sys.stdout.write(f"the data of the checkpoint cannot be read, so synthetic frames are compared: {error}\n")
        synthetic = _data(config, argparse.Namespace(data="synthetic", overrides=[]))
        frames = _read(synthetic, model, ("val",), CHECKED_WINDOWS).frames
        return frames, frames
    if calibration.split == checked.split:
        sys.stdout.write(f"calibrated and compared on the same clips: there is no other split than '{checked.split}'\n")
    return checked.frames, calibration.frames


def _data(config: Config, options: argparse.Namespace) -> DataConfig:
    """Return the section ``data`` of the checkpoint, or what the command line puts in its place.

    Raises:
        ConfigError: all faults of the section.
    """
    from dataclasses import replace  # noqa: PLC0415

    from tracknet_core.config import load_data  # noqa: PLC0415

    chosen = load_data(config, options.overrides, options.data)
    return replace(chosen, sequence=config.data.sequence, preprocess=config.data.preprocess)


def _read(data: DataConfig, model: BallTracker, splits: Sequence[str], count: int) -> _Windows:
    """Return up to ``count`` windows, evenly along clips of the first of the splits that there is.

    Raises:
        UserError: the data cannot be read.
    """
    import torch  # noqa: PLC0415

    from tracknet_core import assembly  # noqa: PLC0415
    from tracknet_core.loading.background import Backgrounds  # noqa: PLC0415
    from tracknet_core.loading.splits import choose_clips, split_names  # noqa: PLC0415
    from tracknet_core.loading.stream import WindowStream  # noqa: PLC0415
    from tracknet_core.loading.windows import EvaluationPlaces, Place  # noqa: PLC0415

    dataset = assembly.build_dataset(data)
    names = split_names(dataset, data.split)
    split = next((name for name in (*splits, *names) if name in names), splits[0])
    all_clips = choose_clips(dataset, data.split, split)
    clips: list[Clip] = [all_clips[i] for i in _evenly(len(all_clips), CLIPS)]
    all_places = EvaluationPlaces([len(clip) for clip in clips], data.sequence.frames, model.input.targets)

    def places(clip: int, draw: int) -> list[Place]:
        of_clip = all_places(clip, draw)
        return [of_clip[i] for i in _evenly(len(of_clip), -(-count // len(clips)))]

    background = Backgrounds(data.cache.path, model.image_size) if model.input.background else None
    stream = WindowStream(clips, places, batch_size=1, size=model.image_size, background=background)
    return _Windows(torch.cat([batch.frames for batch in stream][:count]).contiguous(), split)


def _evenly(length: int, count: int) -> list[int]:
    """Return up to ``count`` places of a list of ``length``, evenly along it."""
    chosen = min(length, count)
    return [(2 * i + 1) * length // (2 * chosen) for i in range(chosen)]


def _require_agreement(agreement: Agreement, options: argparse.Namespace) -> None:
    """Refuse a file that is not what the network is.

    Raises:
        UserError: it differs more than rounding explains or, in 8 bits, finds other balls.
    """
    fault = agreement.fault_of_int8() if options.int8 else agreement.fault()
    if fault is not None:
        raise UserError(f"--format {options.format}: {fault} No file was left.")


if __name__ == "__main__":
    sys.exit(main())
