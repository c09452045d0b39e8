"""One registry per kind of component, on top of catalogue.

A component is known by its decorator (``@backbones.register("vit")``), by an entry point of its package
(group ``tracknet_backbones``), or both. catalogue stores what decorators register; entry points are read
from the metadata of the installed packages, so that listing names imports nothing and asking for one name
imports one module. This module must not import torch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from inspect import get_annotations
from pathlib import Path
from typing import Any, TypeVar

import catalogue

from tracknet_core.contracts import (
    Backbone,
    Codec,
    Converter,
    Dataset,
    Decoder,
    Format,
    Head,
    Input,
    LightningCallback,
    LightningLogger,
    Loss,
    Merger,
    OptimizerFactory,
    ProtocolMetric,
    SchedulerFactory,
    Tracker,
    TrainedModel,
    Transform,
    Writer,
)
from tracknet_core.errors import RegistryError, did_you_mean

Component = Callable[..., Any]
C = TypeVar("C", bound=Component)

NAMESPACE = "tracknet"

RENAMED = f"{NAMESPACE}_renamed"
"""Group of entry points that are no components: ``losses.old = "new"``, or of a parameter ``losses.mse.old = "new"``. A
package declares there, once, what it has renamed, so that experiments and checkpoints with the old name go on."""


class Registry:
    """The components of one kind, by name.

    Args:
        kind: plural name of the kind, such as ``backbones``; the entry-point group is ``tracknet_<kind>``.
        contract: what its components are: a Protocol, or what a function gives.
        supplied: names of the parameters that assembly gives to constructors, and the user cannot set.
        option: the command and its option that name one, where no experiment needs to, such as ``predict --tracker``.
    """

    def __init__(self, kind: str, contract: Any, *supplied: str, option: str | None = None) -> None:
        self.kind = kind
        self.contract = contract
        self.supplied = frozenset(supplied)
        self.option = option
        self.group = f"{NAMESPACE}_{kind}"
        self._registered = catalogue.create(NAMESPACE, kind)

    def register(self, name: str) -> Callable[[C], C]:
        """Return the decorator that makes a class or function known as ``name``.

        The same object may register again (a reloaded module); another one may not.

        Raises:
            RegistryError: ``name`` belongs to another object.
        """

        def decorate(component: C) -> C:
            known = self._registered.get_all().get(name)
            if known is not None and _identity(known) != _identity(component):
                raise RegistryError(
                    f"{self.kind}: the name '{name}' is claimed by both {_identity(known)} and {_identity(component)}. "
                    "Rename one of them."
                )
            self._registered.register(name, func=component)
            return component

        return decorate

    def names(self) -> list[str]:
        """Return all names, sorted, without importing any component."""
        return sorted({*self._registered.get_all(), *(entry.name for entry in _installed(self.group))})

    def get(self, name: str) -> Component:
        """Return the component called ``name``, importing its module and no other.

        Raises:
            RegistryError: no component has that name, two packages claim it, or its package does not import.
        """
        claims = {(_distribution(entry), entry.value): entry for entry in self.entries(name)}
        if len(claims) > 1:
            claimants = " and ".join(f"'{distribution}' ({value})" for distribution, value in sorted(claims))
            raise RegistryError(f"{self.kind}: the name '{name}' is claimed by {claimants}. Uninstall one of them.")
        registered: Component | None = self._registered.get_all().get(name)
        if not claims:
            if registered is None:
                raise RegistryError(self.unknown(name))
            return registered
        (entry,) = claims.values()
        component = self._load(entry)
        if registered is not None and _identity(registered) != _identity(component):
            raise RegistryError(
                f"{self.kind}: the name '{name}' is claimed by the package '{_distribution(entry)}' ({entry.value}) "
                f"and by {_identity(registered)}. Rename one of them."
            )
        return component

    def entries(self, name: str) -> list[EntryPoint]:
        """Return the entry points called ``name``, importing none: several in a clash, none if a decorator made it."""
        return [entry for entry in _installed(self.group) if entry.name == name]

    def distribution(self, name: str) -> str | None:
        """Return the package whose entry point is called ``name``; None for a component that a decorator alone made."""
        return next(map(_distribution, self.entries(name)), None)

    def today(self, name: str, parameter: str | None = None) -> str:
        """Return what a component, or a parameter of it, is called today: the name itself unless it was renamed."""
        prefix, now = (self.kind, name) if parameter is None else (f"{self.kind}.{name}", parameter)
        if parameter is None and self.entries(name):
            return name
        renamed = {entry.name: entry.value for entry in _installed(RENAMED)}
        for _ in renamed:  # a name may have been given up more than once
            now = renamed.get(f"{prefix}.{now}", now)
        return now

    def earlier(self, name: str | None = None) -> list[str]:
        """Return the names that components, or the parameters of one, had before they were renamed."""
        prefix = f"{self.kind}." if name is None else f"{self.kind}.{name}."
        old = (entry.name.removeprefix(prefix) for entry in _installed(RENAMED) if entry.name.startswith(prefix))
        return sorted(one for one in old if "." not in one)

    def complete(self, component: Any) -> Any:
        """Return a component of this kind with the attributes that have a default in its contract, and it lacks.

        Those who inherit from the contract have them anyway.
        """
        declared = get_annotations(self.contract) if isinstance(self.contract, type) else {}
        for name in declared.keys() & vars(self.contract).keys():
            if not hasattr(component, name):
                setattr(component, name, vars(self.contract)[name])
        return component

    def lacking(self, component: Any) -> list[str]:
        """Return the attributes that the contract of this kind asks for, and a component has not."""
        declared = get_annotations(self.contract) if isinstance(self.contract, type) else {}
        return [name for name in declared if not hasattr(component, name)]

    def unknown(self, name: str) -> str:
        """Return the message for a name that does not exist: the nearest, all, and how to add one."""
        names = self.names()
        return (
            f"no component of kind '{self.kind}' is called '{name}'.{did_you_mean(name, names)} Known: "
            f"{', '.join(names) or 'none'}. A package adds one with an entry point in the group '{self.group}'; a "
            "single file through 'plugins: [./my_file.py]' in the experiment."
        )

    def _load(self, entry: EntryPoint) -> Component:
        try:
            component: Component = entry.load()
        except RegistryError:
            raise
        except Exception as error:
            raise RegistryError(
                f"{self.kind}: '{entry.name}' comes from the package '{_distribution(entry)}', whose module "
                f"'{entry.module}' does not import: {type(error).__name__}: {error}"
            ) from error
        return component


def _installed(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group."""
    return _scan(tuple((folder, _changed(folder)) for folder in sys.path)).get(group, ())


@lru_cache(maxsize=1)
def _scan(_search_path: tuple[tuple[str, int], ...]) -> dict[str, tuple[EntryPoint, ...]]:
    """Return the entry points of all kinds, by group, for folders of ``sys.path`` and the times of their last changes.

    A scan opens the metadata of every installed package, and a configuration asks for twenty names: so there is one
    scan until a package comes or goes, which shows as a change of its folder (importlib.metadata's own rule).
    """
    found = entry_points()
    return {group: tuple(found.select(group=group)) for group in found.groups if group.startswith(f"{NAMESPACE}_")}


def _changed(folder: str) -> int:
    with suppress(OSError):  # a zip file that is not there, or an entry that is no path
        return Path(folder).stat().st_mtime_ns
    return 0


def _identity(component: Component) -> str:
    module = getattr(component, "__module__", "?")
    return f"{module}.{getattr(component, '__qualname__', repr(component))}"


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "unknown"


# A kind is declared here, once: its name, its contract, and what assembly gives to the constructors that name it (the
# user cannot set that). Its components live in a folder of that name, and in entry points of a group of that name.
datasets = Registry("datasets", Dataset, "root")
transforms = Registry("transforms", Transform)
inputs = Registry("inputs", Input, "frames")
backbones = Registry("backbones", Backbone, "in_channels", "frames", "image_size", "fetch")
decoders = Registry("decoders", Decoder, "in_features")
heads = Registry("heads", Head, "in_feature", "maps", "form", "frames", "image_size")
codecs = Registry("codecs", Codec, "image_size")
losses = Registry("losses", Loss)
optimizers = Registry("optimizers", OptimizerFactory, "params")
schedulers = Registry("schedulers", SchedulerFactory, "optimizer", "total_steps", "steps_per_epoch")
protocols = Registry("protocols", ProtocolMetric)
mergers = Registry("mergers", Merger, "targets", "codec", option="predict --ensemble")
trackers = Registry("trackers", Tracker, "fps", "size", "frames", option="predict --tracker")
writers = Registry("writers", Writer, "clip", option="predict --format")
formats = Registry("formats", Format, option="export --format")
converters = Registry("converters", Converter, option="convert --from")
models = Registry("models", TrainedModel, option="predict --model")
callbacks = Registry("callbacks", LightningCallback, "paths")
loggers = Registry("loggers", LightningLogger, "paths")

REGISTRIES: dict[str, Registry] = {thing.kind: thing for thing in list(vars().values()) if isinstance(thing, Registry)}
