"""All that the numbers of an evaluation depend on, in words that go wherever the numbers go."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from tracknet_core.evaluation.results import ClipResult

Conditions = Mapping[str, str]
"""What numbers depend on, by name, such as ``tracker`` or ``checkpoint sha256``."""


def conditions(source: Path, suffix: str, options: Mapping[str, Any], clips: Sequence[ClipResult]) -> dict[str, str]:
    """Return what the numbers depend on.

    Args:
        source: what was scored: a file, or a folder.
        suffix: of the files of a folder that count, such as ``.csv``; all if it is empty.
        options: what was asked for, by name; a value that is None is left out, and a mapping is written as JSON.
        clips: what was scored.
    """
    python = f"Python {platform.python_version()}"
    return {
        "source": str(source),
        "source sha256": digest_of(source, suffix),
        **{name: _as_text(value) for name, value in options.items() if value is not None},
        "labels sha256": _digest_of_labels(clips),
        "tracknet": version("tracknet"),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {python}",
    }


def digest(tree: Any) -> str:
    """Return a text that is the same for the same plain dicts, lists and values, and another for others."""
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


def digest_of(place: Path, suffix: str = "") -> str:
    """Return a text that is the same for the same bytes of a file, or of all files of a folder."""
    if place.is_file():
        with place.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    inside = sorted(path for path in place.rglob(f"*{suffix}") if path.is_file())
    return digest([[path.relative_to(place).as_posix(), digest_of(path)] for path in inside])


def _digest_of_labels(clips: Sequence[ClipResult]) -> str:
    return digest([[clip.name, list(clip.size), clip.fps, clip.digest()] for clip in clips])


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
