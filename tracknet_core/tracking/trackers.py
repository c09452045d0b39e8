"""The tracker that a person chose: a component by its name, or the checkpoint of one that was trained."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tracknet_core.components import build
from tracknet_core.config import parse_component
from tracknet_core.contracts import LearnedTracker, Size, Tracker, Wanted
from tracknet_core.errors import ConfigError
from tracknet_core.registry import REGISTRIES
from tracknet_core.schema import Node, require_component
from tracknet_core.tracking.detector import CHECKPOINT_SUFFIX

OPTION = "--tracker"


def choose_tracker(tracker: str | Path | Mapping[str, Any] | None) -> Node:
    """Return what an option says.

    Args:
        tracker: a name, ``{name: …, parameter: value}`` as text or as a mapping, or the path of a checkpoint; None for
            what ``experiments/options.yaml`` has for it.

    Returns:
        The validated node of a component; of a checkpoint ``{name: its path, sha256: of its content}``.

    Raises:
        ConfigError: there is no such component, all its faults, or it needs a checkpoint.
        CheckpointError: the file holds no tracker that was trained, or one that does not fit its weights.
    """
    if isinstance(tracker, Mapping):
        node = require_component("trackers", dict(tracker), OPTION)
    elif tracker is not None and _is_checkpoint(str(tracker)):
        path = Path(tracker).expanduser()
        _load(path)
        return {"name": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    else:
        node = parse_component("trackers", None if tracker is None else str(tracker), OPTION)
    component = REGISTRIES["trackers"].get(node["name"])
    if isinstance(component, type) and issubclass(component, LearnedTracker):
        raise ConfigError(
            f"{OPTION} {node['name']}: knows nothing before it was trained. Give its checkpoint, {OPTION} PATH.ckpt."
        )
    return node


def build_tracker(node: Node, *, fps: float, size: Size) -> Tracker:
    """Return the tracker for a clip.

    Args:
        node: as :func:`choose_tracker` gives it.
        fps: frames per second of the clip.
        size: (W, H) pixels of the clip.

    Raises:
        UserError: it cannot be built.
    """
    if _is_checkpoint(node["name"]):
        return _load(Path(node["name"]))(fps, size)
    tracker: Tracker = build("trackers", node, OPTION, fps=fps, size=size)
    return tracker


def default_wanted() -> Wanted:
    """Return what the tracker asks of a codec that is taken where nobody names one."""
    return build_tracker(choose_tracker(None), fps=30.0, size=(1280, 720)).wanted


def _load(path: Path) -> Callable[[float, Size], Tracker]:
    """Return what builds the tracker of a checkpoint for a clip."""
    # Here rather than above: torch takes seconds to import, and trackers that learn nothing need none of it.
    from tracknet_core.assembly import load_tracker  # noqa: PLC0415

    return load_tracker(path)


def _is_checkpoint(text: str) -> bool:
    return text.endswith(CHECKPOINT_SUFFIX)
