"""Networks of exported files, which their own runtimes run: torch is imported where a file leaves something to it.

That is decoding, where the codec is no graph or a tracker asks for what is not in the file, and logits, where several
windows are averaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tracknet_core.contracts import Array, Codec, Format, UInt8Array, Wanted
from tracknet_core.errors import CheckpointError
from tracknet_core.luma import luma_of
from tracknet_core.tracking.answers import Detector, FirstLook, Found, State, blank
from tracknet_core.tracking.file_facts import read_facts

if TYPE_CHECKING:
    from torch import Tensor

    from tracknet_core.config import Config


def open_exported(path: Path, form: Format, name: str, *, later: bool = False) -> Detector:
    """Return the network of an exported file.

    Args:
        path: the file.
        form: its format.
        name: that of the format.
        later: load the network when it is first given frames, by the thread that gives them, if its notes tell enough
            until then; a fault of its graph is told then.

    Raises:
        CheckpointError: it is not of this format, or not what it says.
        ConfigError: it needs a codec that cannot be built here.
    """
    file = _ExportedFile(path, form, name)
    if not later or file.points is None:
        file.load()
    return file.detector


class _ExportedFile:
    """A file and what it leaves to torch.

    Args:
        path: the file.
        form: its format.
        name: that of the format.
    """

    def __init__(self, path: Path, form: Format, name: str) -> None:
        self._name = name
        self._path = path
        self._form = form
        self._notes = form.notes(path)
        facts = read_facts(self._notes, path)
        self.window = facts.window
        self.state = tuple(np.zeros((1, *shape), np.float32) for shape in facts.state)
        self._wanted = facts.wanted
        self._luma = facts.luma
        self.points = facts.points
        self._run: Callable[..., tuple[Array, ...]] | None = None
        self._look = FirstLook(path)

    @cached_property
    def detector(self) -> Detector:
        """The file as it is led over clips."""
        if self.points is None:
            raise ValueError("a file that does not say what it gives must be loaded first")
        return Detector(
            window=self.window,
            points=self.points,
            device="cpu",
            detections=self.detections,
            logits=self.logits,
            decode=lambda logits: self._decoded(logits, self.codec),
            adjust=self.adjusted,
            find_codec=lambda: self.codec,
            find_config=lambda: self.config,
            state=self.state,
            batch_size=1,  # measured on CPUs: more take no less time for each, and as much more memory
            luma=self._luma,
            backend=self._name,
            find_threads=lambda: getattr(self._run, "threads", None),
        )

    def adjusted(self, wanted: Wanted) -> Detector:
        """Return it with a codec that gives what a tracker asks for: torch's, unless that is in the file, too."""
        if wanted == self._wanted:
            return replace(
                self.detector,
                detections=self.further_detections,
                decode=lambda logits: self._decoded(logits, self._adjusted(wanted)),
                find_codec=lambda: self._adjusted(wanted),
            )
        # Here rather than above: torch takes seconds to import, and most runs need none of it.
        from tracknet_core.tracking.with_torch import decode_windows  # noqa: PLC0415

        codec = self._adjusted(wanted)
        if codec is self.codec:
            return self.detector

        def detections(frames: UInt8Array, *before: Array) -> tuple[Found, State]:
            logits, after = self.logits(frames, *before)
            return decode_windows(codec, logits), after

        return replace(
            self.detector,
            detections=detections,
            decode=lambda logits: self._decoded(logits, codec),
            find_codec=lambda: codec,
        )

    @cached_property
    def config(self) -> Config:
        """The experiment; none of its components is looked for.

        Raises:
            CheckpointError: the file holds none.
            ConfigError: all its faults.
        """
        # Here rather than above: this comes with torch.
        from tracknet_core.checkpoint import stored_config  # noqa: PLC0415

        try:
            tree = json.loads(self._notes["config"])
        except (KeyError, ValueError, RecursionError):
            tree = None
        return stored_config(tree, self._path, built=[])

    @cached_property
    def codec(self) -> Codec:
        """The codec of the experiment."""
        # Here rather than above: this comes with torch.
        from tracknet_core.tracking.with_torch import codec_of  # noqa: PLC0415

        return codec_of(self.config, self.window)

    def detections(self, frames: UInt8Array, *before: Array) -> tuple[Found, State]:
        """Return what is found in each frame, and the state after them."""
        logits, found, _, after = self._answers(frames, before)
        if found is None:
            # Here rather than above: torch takes seconds to import, and most files need none of it.
            from tracknet_core.tracking.with_torch import decode_windows, tensor_of  # noqa: PLC0415

            found = decode_windows(self.codec, tensor_of(logits))
        return found, after

    def further_detections(self, frames: UInt8Array, *before: Array) -> tuple[Found, State]:
        """Return what is found in each frame for a tracker that asks for more, and the state after them."""
        _, found, further, after = self._answers(frames, before)
        chosen = found if further is None else further
        if chosen is None:
            raise CheckpointError(f"{self._path}: gives no places, and says that it does. Export it anew.")
        return chosen, after

    def logits(self, frames: UInt8Array, *before: Array) -> tuple[Tensor, State]:
        """Return what the network says of each frame, and the state after them."""
        # Here rather than above: torch takes seconds to import, and most runs need none of it.
        from tracknet_core.tracking.with_torch import tensor_of  # noqa: PLC0415

        logits, _, _, after = self._answers(frames, before)
        return tensor_of(logits), after

    def load(self) -> Callable[..., tuple[Array, ...]]:
        """Load the network and return what runs it; it was tried out, as its graph may be another than its notes say.

        Raises:
            CheckpointError: it is, or it is not of this format.
            UserError: what runs it is not installed.
        """
        self._run = run = self._form.load(self._path)
        try:
            self._try_out()
        except BaseException:
            self._run = None
            raise
        return run

    def _try_out(self) -> None:
        frames, state = blank(self.window), self.state
        try:
            for _ in range(2 if state else 1):
                found, state = self.detections(frames, *state)
        except CheckpointError:
            raise
        except Exception as error:  # every runtime has errors of its own
            raise CheckpointError(
                f"{self._path}: its graph does not take what it says to take, windows {frames.shape} "
                f"({type(error).__name__}). Export it anew."
            ) from error
        says, gives = (1, len(self.window.targets)), found.score.shape[:2]
        if gives != says:
            raise CheckpointError(f"{self._path}: its graph gives {gives} frames and says {says}. Export it anew.")
        points = int(found.points.shape[-2])
        if self.points not in (None, points):
            raise CheckpointError(f"{self._path}: its graph gives balls of {points} points. Export it anew.")
        self.points = points
        self._look.begin()

    def _adjusted(self, wanted: Wanted) -> Codec:
        # Here rather than above: this comes with torch.
        from tracknet_core.tracking.with_torch import with_more  # noqa: PLC0415

        return with_more(self.codec, wanted)

    def _decoded(self, logits: Sequence[Tensor], codec: Codec) -> Found:
        # Here rather than above: as in logits, which these come from.
        from tracknet_core.tracking.with_torch import decode_frames  # noqa: PLC0415

        return decode_frames(codec, logits)

    def _answers(self, frames: UInt8Array, before: Sequence[Array]) -> tuple[Array, Found | None, Found | None, State]:
        """Return logits, what the codec finds, what it finds for a tracker that asks for more, and the state."""
        run = self._run or self.load()
        given = luma_of(frames, 2) if self._luma and frames.shape[2] != 1 else frames
        logits, *rest = run(given, *before)
        places, after = rest[: len(rest) - len(before)], tuple(rest[len(rest) - len(before) :])
        found, further = (Found(*part) if part else None for part in (places[:3], places[3:]))
        self._look(lambda: _are_finite(logits, (found, further), after))
        return logits, found, further, after


def _are_finite(logits: Array, found: Sequence[Found | None], state: State) -> bool:
    """Return whether all numbers are finite; where no ball is present, place and score say nothing."""
    places = [values[one.present] for one in found if one is not None for values in (one.points, one.score)]
    return all(bool(np.isfinite(values).all()) for values in (logits, *places, *state))
