"""Draws the pictures of the docs that show what tracknet prints and writes.

    python docs/screenshots.py [--report REPORT.html --browser chromium]

``docs/terminal.svg`` is what commands print, drawn by rich. ``docs/report.png`` is the top of a page that ``tracknet
evaluate --report`` wrote, and needs a browser of the family of Chromium; without one it stays as it is.
"""

from __future__ import annotations

import argparse
import io
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
COMMANDS = ("tracknet list losses", "tracknet show losses focal")
COLUMNS = 118
SIZE = (1200, 900)


def main() -> None:
    """Draw what can be drawn here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="page of tracknet evaluate --report")
    parser.add_argument("--browser", metavar="PROGRAM", help="chromium, google-chrome, …")
    options = parser.parse_args()
    told = [terminal(DOCS / "terminal.svg")]
    if options.report is not None and options.browser is not None:
        told.append(report(options.report, options.browser, DOCS / "report.png"))
    else:
        told.append("report.png: as it was; it needs --report and --browser")
    sys.stdout.writelines(f"{line}\n" for line in told)


def terminal(target: Path) -> str:
    """Draw the commands and what they print."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"}
    for command in COMMANDS:
        words = [sys.executable, "-m", "tracknet_core.cli", *shlex.split(command)[1:]]
        shown = subprocess.run(words, env=environment, check=True, capture_output=True, encoding="utf-8").stdout
        console.print(Text.assemble(("$ ", "bold green"), command))
        console.print(Text.from_ansi(shown))
    console.save_svg(str(target), title="tracknet")
    return f"{target.name}: {target.stat().st_size / 1000:.0f} kB"


def report(page: Path, browser: str, target: Path) -> str:
    """Take a picture of the top of a page, in few colours."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "page.png"
        size = f"--window-size={SIZE[0]},{SIZE[1]}"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", size, f"--screenshot={picture}"]
        subprocess.run([browser, *options, page.resolve().as_uri()], check=True, capture_output=True)
        with Image.open(picture) as shot:
            shot.convert("RGB").quantize(64).save(target, optimize=True)
    return f"{target.name}: {target.stat().st_size / 1000:.0f} kB"


if __name__ == "__main__":
    main()
