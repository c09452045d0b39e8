"""What a bug report needs: versions, devices, codecs, and what is installed beside tracknet."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from typing import Any, Literal

import av
import torch

from tracknet_core.registry import NAMESPACE

DISTRIBUTION = "tracknet"
VIDEO_CODECS = ("h264", "hevc", "vp9", "av1", "mpeg4", "prores")
"""Codecs of most videos that people have, as FFmpeg calls them."""

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:.*\bextra == ['\"](?P<extra>[\w.-]+)['\"])?.*")


def about() -> dict[str, Any]:
    """Return the facts by topic: texts, and lists and mappings of them."""
    versions = _versions()
    return {
        "tracknet": version(DISTRIBUTION),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": str(os.cpu_count()),
        "devices": _devices(),
        "dependencies": versions.pop("", {}),
        "extras": versions,
        "decodes": [name for name in VIDEO_CODECS if _has_codec(name, "r")],
        "encodes": [name for name in VIDEO_CODECS if _has_codec(name, "w")],
        "ffmpeg": {name: ".".join(map(str, number)) for name, number in sorted(av.library_versions.items())},
        "packages with parts": _packages(),
    }


def about_text(facts: Mapping[str, Any], indent: str = "") -> str:
    """Return the facts as lines."""
    lines: list[str] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}:", about_text(value, f"{indent}  ")]
        else:
            told = ", ".join(value) if isinstance(value, list) else value
            lines.append(f"{indent}{name}: {told or 'none'}")
    return "\n".join(lines)


def _versions() -> dict[str, dict[str, str]]:
    """Return the versions of what tracknet asks for, by extra; under the empty text what it always needs."""
    found: dict[str, dict[str, str]] = {}
    for text in sorted(requires(DISTRIBUTION) or ()):
        asked = _REQUIREMENT.fullmatch(text)
        if asked is not None:
            found.setdefault(asked["extra"] or "", {})[asked["name"]] = _version(asked["name"])
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _devices() -> list[str]:
    """Return what torch can compute on."""
    devices = [f"cpu ({torch.get_num_threads()} threads)"]
    for number in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(number)
        devices.append(f"cuda:{number} ({card.name}, {card.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda})")
    return [*devices, *(["mps"] if torch.backends.mps.is_available() else [])]


def _has_codec(name: str, mode: Literal["r", "w"]) -> bool:
    try:
        av.Codec(name, mode)
    except ValueError:  # FFmpeg has none, or was built without it
        return False
    return True


def _packages() -> dict[str, str]:
    """Return the distributions that bring components, with their versions."""
    found = entry_points()
    groups = [group for group in found.groups if group.startswith(f"{NAMESPACE}_")]
    packages = [entry.dist for group in groups for entry in found.select(group=group)]
    return dict(sorted({(package.name, package.version) for package in packages if package is not None}))
