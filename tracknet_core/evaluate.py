"""``python -m tracknet_core.evaluate CHECKPOINT``: how good a tracker is, under published rules.

``--predictions`` scores CSV files of any program by the same rules, ``--compare`` lays results side by side.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tracknet_core.cli import guarded, tell
from tracknet_core.errors import ConfigError
from tracknet_core.files import new_file, writing
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
    add("--report", type=Path, metavar="FILE", help="write a page of tables, curves, pictures; a new .html file")
    compared = "instead of scoring: lay files of --json side by side, each against the first; with --json, --report"
    add("--compare", type=Path, nargs="+", metavar="FILE", help=compared)
    add_tracking_options(parser)
    add_plugin_option(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.json and options.report and options.json.resolve() == options.report.resolve():
        raise ConfigError(f"--json and --report: both are {options.json}. Name two files.")
    foreign = [*options.settings, *given(options, parser(), ("settings", "compare", "json", "report", "plugins"))]
    if options.compare is not None and foreign:
        told = ", ".join(foreign)
        raise ConfigError(f"--compare: scores nothing, so only --json and --report go with it, not {told}.")
    # Here rather than above: torch takes seconds to import, and --help needs none of it.
    from tracknet_core.evaluation import compute  # noqa: PLC0415

    details = dict(vars(options))
    own = ("settings", "protocol", "predictions", "compare", "json", "report")
    words, rules, predictions, compared, json, report = (details.pop(name) for name in own)
    # Names are refused before minutes of work rather than after; and the JSON is there before a page is made.
    with _new("--report", report) as write_page:
        with _new("--json", json) as write_json:
            if compared is not None:
                findings = compute.compare_files(compared, options.plugins)
            else:
                findings = compute.score(compute.request(words, rules, predictions, **details))
            sys.stderr.writelines(f"warning: {note}\n" for note in findings.notes)
            tell(findings.text)
            write_json(findings.as_json)
        write_page(findings.as_page)
    return 0


@contextmanager
def _new(option: str, target: Path | None) -> Iterator[Callable[[Callable[[], str]], None]]:
    """Give what writes the file of an option, if it was given; its text is made only then."""
    if target is None:
        yield lambda _make: None
        return

    def write(make: Callable[[], str]) -> None:
        text = make()
        with writing(target, option):
            path.write_text(text, encoding="utf-8", errors="backslashreplace")

    with new_file(target, option) as path:
        yield write
    tell(f"\n{target}")


if __name__ == "__main__":
    sys.exit(main())
