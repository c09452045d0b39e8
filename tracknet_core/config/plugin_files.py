"""Plugins that an experiment names: modules, and files that are no packages yet (``plugins: [./my_part.py]``)."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracknet_core.errors import ConfigError


def plugin_paths(plugins: Any, folder: Path) -> list[str]:
    """Return the plugins of an experiment, its files as whole paths, relative to ``folder`` as they are written.

    Raises:
        ConfigError: it is no list of texts.
    """
    if plugins is None:
        return []
    if not isinstance(plugins, list) or not all(isinstance(p, str) for p in plugins):
        raise ConfigError(f"plugins: {plugins!r} is not a list of modules or files. Write [my_module, ./my_part.py].")
    return [str((folder / p).resolve()) if p.endswith(".py") else p for p in plugins]


def import_plugins(plugins: Sequence[str]) -> None:
    """Import modules, and files that are no packages yet, so that their decorators run.

    Raises:
        ConfigError: one does not import.
    """
    for plugin in plugins:
        _import_plugin(plugin)


def _import_plugin(plugin: str) -> None:
    try:
        if not plugin.endswith(".py"):
            importlib.import_module(plugin)
            return
        path = Path(plugin)
        if not path.is_file():
            raise ConfigError(f"plugins: {plugin}: no such file.")
        name = f"tracknet_plugin_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ConfigError(f"plugins: {plugin}: not a Python file.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"plugins: '{plugin}' does not import: {type(error).__name__}: {error}") from error
