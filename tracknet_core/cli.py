"""The console script ``tracknet``, and what all commands share: how they print, and end on a mistake of the user's."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import os
import sys
from collections.abc import Callable, Sequence

from tracknet_core.doors import COMMANDS, unknown
from tracknet_core.errors import UserError

MISTAKE = 2
_FULL_OR_CLOSED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
"""What a system answers where a disk takes no more, or nothing from this user."""

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``tracknet COMMAND …`` and return the exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could come next
        importlib.import_module("tracknet_core.completion").complete(os.environ.get("COMP_LINE", ""))
    if not arguments or arguments[0] in ("-h", "--help"):
        listed = "\n".join(f"  {name:13}{command.purpose}" for name, command in COMMANDS.items())
        usage = "usage: tracknet COMMAND [-h] …\n       tracknet --version"
        sys.stdout.write(f"example: tracknet run vit\n\n{usage}\n\ncommands:\n{listed}\n")
        return 0
    name, *rest = ["info", "--version"] if arguments[0] == "--version" else arguments
    if name not in COMMANDS:
        sys.stderr.write(f"error: {unknown(name, COMMANDS)}\n")
        return MISTAKE
    # The system takes the memory back anyway: to look for circles in all that was imported takes a tenth of a second.
    atexit.register(gc.freeze)
    # Only the module of the command is imported, so that help and mistakes answer at once.
    command = getattr(importlib.import_module(COMMANDS[name].module), COMMANDS[name].function)
    code: int = command(rest)
    return code


def tell(text: str) -> None:
    """Print lines; what the terminal cannot show, such as a name that is no text, is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, errors="backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()  # so that a log has it as soon as it is known


def show(*parts: object) -> None:
    """Print texts, tables and other things that rich knows."""
    # Here rather than above: help needs none of it.
    from rich.console import Console  # noqa: PLC0415

    console = Console()
    for part in parts:
        console.print(part)


def guarded(command: Callable[[], int]) -> int:
    """Run a command; a mistake of the user's, or a full disk, becomes one message on stderr and exit code 2."""
    try:
        return command()
    except UserError as error:
        lines = str(error).splitlines()
        text = lines[0] if len(lines) == 1 else "\n" + "\n".join(f"  {line}" for line in lines)
        sys.stderr.write(f"error: {text}\n")
        return MISTAKE
    except OSError as error:
        if error.errno not in _FULL_OR_CLOSED:
            raise
        what = error.filename or "an output"
        sys.stderr.write(
            f"error: {what}: cannot be written ({error.strerror}). What was complete before is whole: make "
            "room, or name another place for outputs.\n"
        )
        return MISTAKE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
