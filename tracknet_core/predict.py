"""``python -m tracknet_core.predict CHECKPOINT VIDEO…``: where the ball is, frame by frame, and a video with it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.options import add_plugin_option, add_tracking_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, predict, and return the exit code."""
    options = parser().parse_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = argparse.ArgumentParser(prog="tracknet predict", description="Find the ball in every frame of videos.")
    parser.add_argument("checkpoint", type=Path, help="what 'tracknet run' or 'tracknet export' wrote")
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="VIDEO",
        help="a video, a folder of images or of videos, a pattern such as 'games/*.mp4', a URL or a camera's device",
    )
    parser.add_argument("--output", type=Path, default=Path("predictions"), metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--format", default="csv", metavar="NAME", help="what to write: csv, jsonl, …; default: %(default)s"
    )
    parser.add_argument("--overlay", action="store_true", help="write a video that shows the ball and its trail")
    add_tracking_options(parser)
    parser.add_argument(
        "--fps", type=float, default=30.0, metavar="N", help="of folders of images; default: %(default)g"
    )
    add_plugin_option(parser)
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        "--resume",
        dest="existing",
        action="store_const",
        const="resume",
        default="refuse",
        help="go on with what an interrupted run left, skip the rest",
    )
    existing.add_argument(
        "--overwrite", dest="existing", action="store_const", const="overwrite", help="replace outputs that exist"
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    # Here rather than above: torch takes seconds to import, and --help needs none of it.
    from tracknet_core.config import import_plugins, parse_component  # noqa: PLC0415
    from tracknet_core.tracking.clip import build_merger, check_windows  # noqa: PLC0415
    from tracknet_core.tracking.detector import load_detector  # noqa: PLC0415
    from tracknet_core.tracking.jobs import find_jobs  # noqa: PLC0415
    from tracknet_core.tracking.pipeline import ClipRun  # noqa: PLC0415

    import_plugins(options.plugins)
    writers = {"--format": parse_component("writers", options.format, "--format")}
    if options.overlay:
        writers["--overlay"] = parse_component("writers", "overlay", "--overlay")
    jobs = find_jobs(
        options.videos,
        options.output,
        fps=options.fps,
        writers=writers,
        existing=options.existing,
    )
    tracker = parse_component("trackers", options.tracker, "--tracker")
    ensemble = None if options.ensemble is None else parse_component("mergers", options.ensemble, "--ensemble")
    detector = load_detector(options.checkpoint, device=options.device, backend=options.backend)
    try:
        check_windows(detector, options.step, options.batch_size)
    except ValueError as error:
        raise ConfigError(f"--{str(error).replace('_', '-', 1)}") from error
    build_merger(detector, options.step, ensemble)  # tells before the work what it refuses
    faults = []
    for job in jobs:
        try:
            ClipRun(
                job,
                detector,
                tracker,
                checkpoint=options.checkpoint,
                step=options.step,
                ensemble=ensemble,
                batch_size=options.batch_size,
            ).run()
        except DataError as error:  # told at the end: the other clips can do without this one
            faults.append(str(error))
    if faults:
        raise DataError("\n".join(faults))
    return 0


if __name__ == "__main__":
    sys.exit(main())
