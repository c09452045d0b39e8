"""``python -m tracknet_core.predict [NETWORK] VIDEO…``: where the ball is, frame by frame, and a video with it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_plugin_option, add_tracking_options


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, predict, and return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "predict",
        "match.mp4 --overlay",
        usage="tracknet predict [NETWORK] VIDEO [VIDEO …] [-h] …",
        description="Find the ball in every frame of videos. NETWORK is what 'tracknet run', 'export' or 'publish' "
        "wrote, or the name of a model; without it, the model of --model finds the ball.",
    )
    parser.add_argument(
        "words",
        nargs="+",
        metavar="VIDEO",
        help="a video, a folder of images or of videos, a pattern such as 'games/*.mp4', a URL or a camera's device",
    )
    parser.add_argument("--model", metavar="NAME", help="a network that is installed; 'tracknet models' lists them")
    parser.add_argument("--output", type=Path, default=Path("predictions"), metavar="DIR", help="default: %(default)s")
    parser.add_argument("--format", metavar="NAME", help="what to write, such as jsonl; default: a table, CSV")
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
    from tracknet_core.tracking import networks, videos  # noqa: PLC0415

    videos.track_videos(
        *networks.network_and_videos(options.words, options.model, options.backend),
        options.output,
        {"--format": options.format, **({"--overlay": None} if options.overlay else {})},
        existing=options.existing,
        fps=options.fps,
        tracker=options.tracker,
        step=options.step,
        ensemble=options.ensemble,
        batch_size=options.batch_size,
        device=options.device,
        backend=options.backend,
        plugins=options.plugins,
        tell=tell,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
