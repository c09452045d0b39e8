"""``tracknet evaluate CHECKPOINT``: how good a tracker is, under published rules.

``--predictions`` scores CSV files of any program by the same rules, ``--compare`` lays results side by side.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.errors import ConfigError
from tracknet_core.evaluation.outputs import FORMS, Findings, check_outputs, write_findings
from tracknet_core.options import CommandParser, add_plugin_option, add_tracking_options, given, size


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, evaluate, and return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    return guarded(lambda: _run(options))


def parser() -> CommandParser:
    """Return what reads the command line."""
    parser = CommandParser(
        "evaluate",
        "best.ckpt --protocol wasb --report report.html",
        description="Score a checkpoint, or the predictions of any program, under published protocols.",
    )
    add = parser.add_argument
    written = "what 'tracknet run' or 'tracknet export' wrote, and settings such as data.root=/path/to/data"
    add("settings", nargs="*", metavar="CHECKPOINT | key=value", help=written)
    add("--predictions", type=Path, metavar="PATH", help="score CSV files Frame,Visibility,X,Y, not a checkpoint")
    add("--truth", type=Path, metavar="PATH", help="of --predictions, as CSV files too; needs no data and no pictures")
    add("--size", type=size, metavar="WxH", help="pixels of the videos of --truth, such as 1280x720")
    add("--first-frame", type=int, choices=(0, 1), help="its number in --predictions; else found out")
    add("--data", metavar="NAME", help="score the data section data/NAME.yaml; else the checkpoint's")
    add("--split", default="test", metavar="NAME", help="default: %(default)s")
    rules = "names, or all; default: those of the training"
    add("--protocol", nargs="+", action="extend", default=[], metavar="NAME", help=rules)
    add("--threshold", type=float, metavar="SCORE", help="leave out balls with a lower score")
    add("--name", metavar="TEXT", help="what this evaluation is called beside others; default: what is scored")
    add("--json", type=Path, metavar="FILE", help="write everything that was found; a new file")
    add("--csv", type=Path, metavar="FILE", help="write all tables as one, for other programs; a new file")
    add("--markdown", type=Path, metavar="FILE", help="write all tables as text for people; a new .md file")
    add("--report", type=Path, metavar="FILE", help="write a page of tables, curves, pictures; a new .html file")
    compared = "instead of scoring: lay files of --json side by side, each against the first"
    add("--compare", type=Path, nargs="+", metavar="FILE", help=compared)
    add_tracking_options(parser)
    add_plugin_option(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    details = dict(vars(options))
    outputs = {form: path for form in FORMS if (path := details.pop(form)) is not None}
    check_outputs(outputs)
    foreign = [*options.settings, *given(options, parser(), ("settings", "compare", "plugins", *FORMS))]
    if options.compare is not None and foreign:
        told, ours = ", ".join(foreign), ", ".join(f"--{form}" for form in reversed(FORMS))
        raise ConfigError(f"--compare: scores nothing, so only outputs ({ours}) go with it, not {told}.")
    # Here rather than above: torch takes seconds to import, and --help needs none of it.
    from tracknet_core.evaluation import compute  # noqa: PLC0415

    words, rules, predictions, compared = map(details.pop, ("settings", "protocol", "predictions", "compare"))

    def find() -> Findings:
        if compared is not None:
            found = compute.compare_files(compared, options.plugins)
        else:
            found = compute.score(compute.request(words, rules, predictions, **details))
        sys.stderr.writelines(f"warning: {note}\n" for note in found.notes)
        tell(f"{found.text}\n" if outputs else found.text)
        return found

    write_findings(find, outputs, tell)
    return 0


if __name__ == "__main__":
    sys.exit(main())
