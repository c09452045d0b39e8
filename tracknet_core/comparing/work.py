"""What the process of an entry does: train, score, measure; each is done once, and leaves a file."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from tracknet_core.assembly import load_model
from tracknet_core.background import Backgrounds
from tracknet_core.comparing.entries import Entry
from tracknet_core.config import import_plugins
from tracknet_core.errors import UserError
from tracknet_core.evaluation.compute import Request, score
from tracknet_core.exporting import export
from tracknet_core.exporting.speed import frame_times
from tracknet_core.files import replace_text
from tracknet_core.registry import formats
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.detector import CPU, TORCH, load_detector
from tracknet_core.training import Prepared, count_flops, find_checkpoint, prepare, train
from tracknet_core.training.runs import AUTO

TRAINED, SCORED, ASKED, MEASURED = "trained.json", "evaluation.json", "asked.json", "speed.json"
"""What is left in the folder of an entry."""

ROUNDS = 5


@dataclass(frozen=True)
class Scoring:
    """How entries are scored; see :class:`~tracknet_core.evaluation.request.Request`."""

    split: str = "test"
    protocols: Sequence[str] = ()
    tracker: str | None = None


@dataclass(frozen=True)
class Learning:
    """Trains an entry and scores it, as far as that is not done.

    Attributes:
        entry: what is trained.
        scoring: how it is scored.
    """

    entry: Entry
    scoring: Scoring

    def __call__(self) -> None:
        """Do it.

        Raises:
            UserError: something is missing or does not fit.
            KeyboardInterrupt: somebody stopped the training.
        """
        folder = self.entry.folder
        import_plugins(self.entry.config.plugins)
        if not (folder / TRAINED).is_file():
            replace_text(folder / TRAINED, _json(_train(self.entry)))
        asked = _json(asdict(self.scoring))
        if not (folder / SCORED).is_file() or _text(folder / ASKED) != asked:
            found = score(
                Request(
                    source=str(checkpoint_of(folder)),
                    name=self.entry.name,
                    plugins=self.entry.config.plugins,
                    **asdict(self.scoring),
                )
            )
            replace_text(folder / SCORED, found.forms["json"]())
            replace_text(folder / ASKED, asked)


@dataclass(frozen=True)
class Measuring:
    """Measures how fast a trained entry is in each format, as far as there is no number yet.

    Attributes:
        entry: what is measured.
        forms: names of formats.
    """

    entry: Entry
    forms: Sequence[str]

    def __call__(self) -> None:
        """Do it; a format that refuses the network says why in the place of a number."""
        folder = self.entry.folder
        import_plugins(self.entry.config.plugins)
        known: dict[str, Any] = json.loads(_text(folder / MEASURED) or "{}")
        # What a format said in the place of a number may be that its package is missing.
        missing = [form for form in (TORCH, *self.forms) if not isinstance(known.get(form), float)]
        if missing:
            known |= _frames_per_second(checkpoint_of(folder), missing, self.entry.config.plugins)
            replace_text(folder / MEASURED, _json(known))


def checkpoint_of(folder: Path) -> Path:
    """Return the checkpoint of a trained entry: its last state, since nothing is chosen."""
    return folder / str(json.loads((folder / TRAINED).read_text(encoding="utf-8"))["checkpoint"])


def _train(entry: Entry) -> dict[str, Any]:
    started = any((entry.folder / "checkpoints").glob("last_*.ckpt"))
    checkpoint = find_checkpoint(AUTO, entry.folder) if started else None
    prepared = prepare(entry.experiment, entry.overrides, entry.shared.sections, validates=False)
    _make_backgrounds(prepared)
    trained = train(prepared, entry.folder, checkpoint, budget=entry.shared.budget)
    if trained.interrupted:
        raise KeyboardInterrupt
    last = trained.files.get("last")
    if last is None:
        raise UserError("training.callbacks: none that keeps the last state, so nothing is left to score. Add one.")
    model: Any = load_model(last)[1]
    frames = model.window.apart(None)
    width, height = model.window.image_size
    return {
        "checkpoint": str(last.relative_to(entry.folder)),
        "epochs": trained.epochs,
        "steps": trained.steps,
        "windows": trained.steps * prepared.config.training.batch_size * prepared.config.training.accumulate,
        "seconds": trained.trained_seconds,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "flops": count_flops(model).get_total_flops() / frames,
        "input": f"{model.window.pictures} x {width} x {height}",
        "frames": frames,
    }


def _make_backgrounds(prepared: Prepared) -> None:
    """Make the backgrounds of the training clips before the clock runs, as the cache of frames is."""
    model: Any = prepared.module.model
    if model.window.background:
        background = Backgrounds(prepared.config.data.cache.path, model.window.image_size)
        for clip in prepared.data.splits.clips("train"):
            background(clip)


def _frames_per_second(checkpoint: Path, forms: Sequence[str], plugins: Sequence[str]) -> dict[str, float | str]:
    """Return frames per second, or why a format has none, by format; torch is one of them.

    Windows are as far apart as they are when the network is scored.
    """
    rates: dict[str, float | str] = {}
    detectors: dict[str, Detector] = {}
    with tempfile.TemporaryDirectory() as name:
        for form in forms:
            path = checkpoint
            try:
                if form != TORCH:
                    path = Path(name, form).with_suffix(formats.get(form)().suffix)
                    export(checkpoint, path, form, plugins=plugins)
                detectors[form] = load_detector(path, device=CPU, backend=form)
            except UserError as error:
                rates[form] = str(error)
        # The time of the processor does not count what others do on it, but knows nothing of threads that wait.
        clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
        times = frame_times(detectors, ROUNDS, clock=clock)
    # The best round: whatever disturbs one makes it slower.
    for form, of_form in times.items():
        window = detectors[form].window
        rates[form] = window.apart(None) / len(window.targets) / min(of_form)
    return rates


def _json(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, indent=2) + "\n"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
