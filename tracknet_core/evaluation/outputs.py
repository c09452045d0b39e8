"""The files that are written of an evaluation. No torch here, so that their names are refused before it is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from tracknet_core.errors import ConfigError
from tracknet_core.files import new_file, writing

FORMS = ("report", "markdown", "csv", "json")
"""What can be written, each by the option of its name; the last first, so that it is there if another fails."""


@dataclass(frozen=True)
class Findings:
    """What was found, in the forms that a person may want.

    Attributes:
        notes: what a reader has to know.
        text: tables for a terminal.
        forms: what gives the text of a file, for each of :data:`FORMS`.
    """

    notes: Sequence[str]
    text: str
    forms: Mapping[str, Callable[[], str]]


def check_outputs(targets: Mapping[str, Path]) -> None:
    """Refuse two names for one file.

    Args:
        targets: paths of files by forms.

    Raises:
        ConfigError: there are two.
    """
    for (one, path), (other, same) in combinations(reversed(list(targets.items())), 2):
        if path.resolve() == same.resolve():
            raise ConfigError(f"--{one} and --{other}: both are {path}. Name two files.")


def write_findings(
    find: Callable[[], Findings], targets: Mapping[str, Path], tell: Callable[[str], object] = lambda _text: None
) -> None:
    """Find something, and write it; names are refused before minutes of work rather than after.

    Args:
        find: does the work.
        targets: paths of new files by forms, in the order of :data:`FORMS`; each is there as soon as it is whole.
        tell: is called with the path of each file that was written.

    Raises:
        DataError: a file is there already, or cannot be written.
    """
    _write(find, list(targets.items()), tell)


def _write(
    find: Callable[[], Findings], targets: Sequence[tuple[str, Path]], tell: Callable[[str], object]
) -> Findings:
    if not targets:
        return find()
    (form, target), *others = targets
    with new_file(target, f"--{form}") as path:
        found = _write(find, others, tell)
        text = found.forms[form]()
        with writing(target, f"--{form}"):
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
    tell(str(target))
    return found
