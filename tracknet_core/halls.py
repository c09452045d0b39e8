"""``tracknet adapt [NETWORK] VIDEO… --output FILE``: a network that knows the hall of these videos."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.options import CommandParser, add_plugin_option, at_least


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, adapt, and return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "adapt",
        "'training/*.mp4' --output my.ckpt",
        usage="tracknet adapt [NETWORK] VIDEO [VIDEO …] --output FILE [-h] …",
        description="Let a network learn a hall from video of it that nobody labelled: from what it finds forwards and "
        "backwards in time alike, and from balls that are pasted into the video. NETWORK is a .ckpt file that a run "
        "wrote, or the name of a model; without it, it is the model of --model. On 28 rallies of broadcast badminton "
        "F1 rose by 0.01; compare both with labels of yours where you have some.",
    )
    parser.add_argument(
        "words", nargs="+", metavar="VIDEO", help="a video, a folder of images or of videos, a pattern; some minutes"
    )
    parser.add_argument("--model", metavar="NAME", help="a network that is installed; 'tracknet models' lists them")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="new; nothing is overwritten")
    parser.add_argument(
        "--minutes", type=float, default=15.0, metavar="N", help="that it may take at most; default: %(default)g"
    )
    parser.add_argument(
        "--frames",
        type=at_least(1),
        default=3000,
        metavar="N",
        help="of the videos that are looked at, evenly spread; default: %(default)s",
    )
    parser.add_argument(
        "--fps", type=float, default=30.0, metavar="N", help="of folders of images; default: %(default)g"
    )
    parser.add_argument(
        "--teacher", metavar="NAME", help="the tracker whose trajectories are believed; default: the best path"
    )
    parser.add_argument("--paste", metavar="NAME", help="the transform that pastes balls; default: a bright disc")
    add_plugin_option(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    # Here rather than above: torch and Lightning take seconds to import, and --help needs neither.
    from tracknet_core.adapting import adapt, network_and_videos  # noqa: PLC0415

    adapted = adapt(
        *network_and_videos(options.words, options.model),
        options.output,
        minutes=options.minutes,
        frames=options.frames,
        fps=options.fps,
        teacher=options.teacher,
        paste=options.paste,
        plugins=options.plugins,
        tell=tell,
    )
    tell(f"{adapted.as_text()}\n{options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
