"""What is to be scored, and how: sorted out before anything slow begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from tracknet_core.contracts import Size
from tracknet_core.errors import ConfigError
from tracknet_core.tracking.networks import network_path
from tracknet_core.tracking.plan import Part


@dataclass(frozen=True)
class TrueFiles:
    """Where the ball is, as CSV files like those of predictions.

    Attributes:
        place: the folder of the files, or a single one.
        size: width and height of the videos, in pixels.
    """

    place: Path
    size: Size


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be scored, and how. Components are as a person writes them: ``kalman`` or ``{name: kalman, …}``.

    Attributes:
        source: a file that holds a network; or, if ``is_foreign``, a folder of predictions of any program, or one file.
        is_foreign: which of the two.
        name: what the evaluation is called beside others; None takes the source.
        first_frame: number of the first frame in the predictions, 0 or 1; None finds out.
        truth: where the ball is, without a video; None takes it from the data.
        data: name of the section ``data``; None takes the checkpoint's.
        overrides: settings of the data, in the form ``key=value``.
        split: of the data.
        protocols: the rules; none takes those of the network's training, or those that any training starts from.
        tracker: what makes a trajectory of what the network finds; None for what ``experiments/options.yaml`` says.
        threshold: balls with a lower score are left out.
        step: frames between windows; None for the network's own.
        ensemble: what overlapping windows make of a frame; None for the default of the step.
        batch_size: windows at once; None for what suits the network.
        device: of torch, or ``auto``.
        backend: what runs the file, or ``auto``.
        plugins: modules to import before, which the caller trusts.
        silent: do not show how far it is.
    """

    source: str
    is_foreign: bool = False
    name: str | None = None
    first_frame: Literal[0, 1] | None = None
    truth: TrueFiles | None = None
    data: str | None = None
    overrides: Sequence[str] = ()
    split: str = "test"
    protocols: Sequence[str] = ()
    tracker: Part | Path | None = None
    threshold: float | None = None
    step: int | None = None
    ensemble: Part | None = None
    batch_size: int | None = None
    device: str = "auto"
    backend: str = "auto"
    plugins: Sequence[str] = ()
    silent: bool = False

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises:
            ConfigError: it does not.
        """
        given = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        if self.is_foreign:
            self._refuse(given, _OF_NETWORKS, "works on what a checkpoint finds; --predictions are scored as they are.")
        elif self.first_frame is not None:
            raise ConfigError("--first-frame: says how --predictions count, but there are none.")
        if self.truth is not None:
            self._refuse(given, _OF_DATA, "chooses data, but --truth stands in its place. Leave one of them out.")
            if not self.is_foreign:
                raise ConfigError("--truth: has no pictures for a checkpoint; it goes with --predictions.")
        elif self.is_foreign and self.data is None and not any(one.startswith("data=") for one in self.overrides):
            raise ConfigError(
                "--predictions: of which data? Name its section, as with --data shuttlecock data.root=…; or give CSV "
                "files with the true places, as with --truth FOLDER --size 1280x720."
            )
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ConfigError(f"--threshold {self.threshold}: no score can be compared with this. Give a number.")

    def _refuse(self, given: Sequence[str], names: Sequence[str], why: str) -> None:
        for name in given:
            if name in names:
                option = self.overrides[0] if name == "overrides" else f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option}: {why}")


_OF_DATA = ("data", "overrides", "split")
"""Attributes of a request that say which data is scored."""

_OF_NETWORKS = ("tracker", "step", "ensemble", "batch_size", "device", "backend")
"""Attributes of a request that are for networks alone."""


def request(
    words: Sequence[str],
    protocols: Sequence[str],
    predictions: Path | None,
    truth: Path | None,
    size: Size | None,
    **details: Any,
) -> Request:
    """Return what a command line asks for.

    What is scored, settings and rules may all follow ``--protocol``, and a file's name may have a ``=``.

    Args:
        words: what stood there without an option.
        protocols: what followed ``--protocol``.
        predictions: what ``--predictions`` named, if it was given.
        truth: what ``--truth`` named, if it was given.
        size: of its videos.
        **details: the other attributes of the request.

    Raises:
        ConfigError: nothing is to be scored, or several things, or what is asked for does not go together.
        CheckpointError: neither a file nor a model is called so.
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
    if truth is not None and size is None:
        raise ConfigError("--truth: of videos of which size? Say it, as with --size 1280x720.")
    if size is not None and truth is None:
        raise ConfigError("--size: is for --truth, which has no videos; data sets know the size of theirs.")
    return Request(
        source=sources[0] if predictions is not None else str(network_path(sources[0])),
        is_foreign=predictions is not None,
        truth=None if truth is None or size is None else TrueFiles(truth, size),
        overrides=tuple(overrides),
        protocols=rules,
        **details,
    )


def _is_override(word: str) -> bool:
    return "=" in word and not word.startswith("{")


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except OSError:  # too long for a name
        return False
