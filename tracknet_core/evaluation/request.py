"""What is to be scored, and how: sorted out before anything slow begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from tracknet_core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be scored, and how. Components are as a person writes them: ``kalman`` or ``{name: kalman, …}``.

    Attributes:
        source: a file that holds a network; or, if ``is_foreign``, a folder of predictions of any program.
        is_foreign: which of the two.
        first_frame: number of the first frame in the predictions, 0 or 1; None finds out.
        data: name of the section ``data``; None takes the checkpoint's.
        overrides: settings of the data, in the form ``key=value``.
        split: of the data.
        protocols: the rules; none takes those of the network's training, or those that any training starts from.
        tracker: what makes a trajectory of what the network finds; None for what ``experiments/options.yaml`` says.
        threshold: balls with a lower score are left out.
        step: frames between windows; None for no overlap.
        ensemble: what overlapping windows make of a frame; None for the default of the step.
        batch_size: windows at once.
        device: of torch, or ``auto``.
        backend: what runs the file, or ``auto``.
        plugins: modules to import before, which the caller trusts.
    """

    source: str
    is_foreign: bool = False
    first_frame: Literal[0, 1] | None = None
    data: str | None = None
    overrides: Sequence[str] = ()
    split: str = "test"
    protocols: Sequence[str] = ()
    tracker: str | None = None
    threshold: float | None = None
    step: int | None = None
    ensemble: str | None = None
    batch_size: int = 8
    device: str = "auto"
    backend: str = "auto"
    plugins: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            ConfigError: it does not.
        """
        if self.is_foreign:
            given = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
            foreign = [name for name in given if name in _OF_NETWORKS]
            if foreign:
                option = f"--{foreign[0].replace('_', '-')}"
                raise ConfigError(f"{option}: works on what a checkpoint finds; --predictions are scored as they are.")
            if self.data is None and not any(override.startswith("data=") for override in self.overrides):
                raise ConfigError(
                    "--predictions: of which data? Name its section, as with --data shuttlecock data.root=…."
                )
        elif self.first_frame is not None:
            raise ConfigError("--first-frame: says how --predictions count, but there are none.")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ConfigError(f"--threshold {self.threshold}: no score can be compared with this. Give a number.")


_OF_NETWORKS = ("tracker", "step", "ensemble", "batch_size", "device", "backend")
"""Attributes of a request that are for networks alone."""


def request(words: Sequence[str], protocols: Sequence[str], predictions: Path | None, **details: Any) -> Request:
    """Return what a command line asks for.

    What is scored, settings and rules may all follow ``--protocol``, and a file's name may have a ``=``.

    Args:
        words: what stood there without an option.
        protocols: what followed ``--protocol``.
        predictions: the folder of ``--predictions``, if it was given.
        **details: the other attributes of the request.

    Raises:
        ConfigError: nothing is to be scored, or several things, or what is asked for does not go together.
    """
    words = [*words, *(word for word in protocols if _is_override(word) or _is_file(word))]
    rules = [word for word in protocols if word not in words]
    overrides = [word for word in words if _is_override(word) and not _is_file(word)]
    sources = [word for word in words if word not in overrides]
    if predictions is not None:
        sources.append(str(predictions))
    if len(sources) != 1:
        taken = {"protocols": rules, "settings": overrides}
        raise ConfigError(
            "what is to be scored? Give one checkpoint, or --predictions FOLDER, not "
            f"{', '.join(sources) or 'nothing'}."
            + "".join(f" Taken for {what}: {', '.join(those)}." for what, those in taken.items() if those)
        )
    return Request(
        source=sources[0], is_foreign=predictions is not None, overrides=overrides, protocols=rules, **details
    )


def _is_override(word: str) -> bool:
    return "=" in word and not word.startswith("{")


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except OSError:  # too long for a name
        return False
