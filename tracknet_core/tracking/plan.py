"""How a network is to be led over clips, and what becomes of what it finds: as a person says it, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracknet_core.config import parse_component
from tracknet_core.errors import ConfigError
from tracknet_core.schema import Node, require_component
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.clip import build_merger, check_windows
from tracknet_core.tracking.trackers import choose_tracker

Part = str | Mapping[str, Any]
"""A component as a person says it: a name, ``{name: …, parameter: value}`` as text, or the same as a mapping."""


@dataclass(frozen=True)
class Plan:
    """How a network is to be led over clips, and what becomes of what it finds.

    Attributes:
        tracker: validated node of the tracker.
        step: frames between the starts of windows; None for the network's own.
        ensemble: validated node of what overlapping windows make of a frame; None for the default of a step.
        batch_size: windows that pass through the network together; None for what suits it.
    """

    tracker: Node
    step: int | None = None
    ensemble: Node | None = None
    batch_size: int | None = None

    @classmethod
    def of(
        cls,
        *,
        tracker: Part | Path | None = None,
        step: int | None = None,
        ensemble: Part | None = None,
        batch_size: int | None = None,
    ) -> Plan:
        """Return what a person says, with its components checked.

        Args:
            tracker: a component, or the path of a trained one; None for what ``experiments/options.yaml`` has for
                ``--tracker``.
            step: frames between the starts of windows.
            ensemble: a component.
            batch_size: windows at once.

        Raises:
            ConfigError: all faults of the components.
            CheckpointError: the file of a tracker cannot be used.
        """
        merge = None if ensemble is None else chosen_part("mergers", ensemble, "--ensemble")
        return cls(choose_tracker(tracker), step, merge, batch_size)

    def check(self, detector: Detector) -> None:
        """Tell before the work what a network refuses.

        Raises:
            ConfigError: a parameter is out of its range, or the merger refuses its own.
        """
        try:
            check_windows(detector, self.step, self.batch_size)
        except ValueError as error:
            raise ConfigError(f"--{str(error).replace('_', '-', 1)}") from error
        build_merger(detector, self.step, self.ensemble)


def chosen_part(kind: str, part: Part | None, option: str) -> Node:
    """Return the validated component that a person says, None for that of ``experiments/options.yaml``.

    Raises:
        ConfigError: all its faults.
    """
    if isinstance(part, Mapping):
        return require_component(kind, dict(part), option)
    return parse_component(kind, part, option)
