"""The small core of tracknet: it assembles ball trackers from parts that it never imports.

``from tracknet_core import load`` and the other names here are what programs use. Each is imported when it is asked
for, so that ``import tracknet_core`` takes no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tracknet_core.tracking.predictor import Predictor, load
    from tracknet_core.tracking.trajectory import Trajectory

__all__ = ["Predictor", "Trajectory", "load"]

_ROOMS = {
    "Predictor": "tracking.predictor",
    "Trajectory": "tracking.trajectory",
    "load": "tracking.predictor",
}
"""The module that each name comes from."""


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    """Return the names that there are, for completion."""
    return sorted({*globals(), *__all__})
