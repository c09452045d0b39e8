"""Errors that are the user's to mend: commands show their message alone and exit with code 2."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in what the user gave; the message names the path, the value, the options, the cure."""


class RegistryError(UserError):
    """A component that does not exist, is claimed twice, or whose package fails to import."""


class ConfigError(UserError):
    """An experiment that cannot be built.

    Args:
        faults: one line for each fault, each starting with the path of the faulty node.
    """

    def __init__(self, faults: str | list[str]) -> None:
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__("\n".join(self.faults))


class DataError(UserError):
    """A file or folder of a dataset that is missing, broken or contradicts another."""


class ClipError(DataError):
    """What is wrong with a clip as a whole, and is no broken frame that can be left out."""


class CheckpointError(UserError):
    """A file that is not a checkpoint of tracknet, or does not fit the model."""


class AbsentPlaceWarning(UserWarning):
    """Rows of a label file that say that there is no ball, and where it is."""


class LabelWarning(UserWarning):
    """Rows of a label file that cannot be used; their frames count as unlabelled."""


class RenamedWarning(FutureWarning):
    """A component or a parameter by the name that it had in an earlier version."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence that proposes the nearest of the known names, after a space; nothing if none is near."""
    nearest = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""
