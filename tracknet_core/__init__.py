"""The small core of tracknet: it assembles ball trackers from parts that it never imports.

``from tracknet_core import load`` and the other names here are what programs use. Each is imported when it is asked
for, so that ``import tracknet_core`` takes no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracknet_core.adapting import adapt
    from tracknet_core.assembly import build_model
    from tracknet_core.config import load_config
    from tracknet_core.evaluation.compute import evaluate
    from tracknet_core.tracking.predictor import Predictor, load
    from tracknet_core.tracking.trajectory import Trajectory
    from tracknet_core.training import train_experiment as train

__all__ = ["Predictor", "Trajectory", "adapt", "build_model", "evaluate", "load", "load_config", "train"]

_PLACES = {
    "Predictor": ("tracking.predictor", "Predictor"),
    "Trajectory": ("tracking.trajectory", "Trajectory"),
    "adapt": ("adapting", "adapt"),
    "build_model": ("assembly", "build_model"),
    "evaluate": ("evaluation.compute", "evaluate"),
    "load": ("tracking.predictor", "load"),
    "load_config": ("config", "load_config"),
    "train": ("training", "train_experiment"),
}
"""The module that each comes from, and what it is called there."""


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, original = _PLACES[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), original)


def __dir__() -> list[str]:
    """Return the names that there are, for completion."""
    return sorted({*globals(), *__all__})
