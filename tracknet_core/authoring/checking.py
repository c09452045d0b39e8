"""The conformance kit on components that are installed, by name: each is built, and tried as its kind is used.

What a component needs beyond its defaults (a folder of data, a name of a network) is given; else it is left out, which
is said. Letters are those of :mod:`tracknet_core.contracts`.
"""

from __future__ import annotations

import inspect
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers import Logger

from tracknet_core import testing
from tracknet_core.authoring.listing import Part, list_parts, registry_of
from tracknet_core.components import build
from tracknet_core.config import read_settings
from tracknet_core.contracts import HEATMAP, BatchTransform, Codec, FeatureSpec, Form, LearnedTracker, RunPaths, Size
from tracknet_core.errors import ConfigError, RegistryError, UserError
from tracknet_core.registry import REGISTRIES
from tracknet_core.schema import Node, require_component, settable
from tracknet_core.testing.require import require

IMAGE: Size = (64, 48)
LARGE_IMAGE: Size = (320, 192)
"""For codecs, whose bumps want room."""
SIZES: tuple[Size, ...] = ((64, 32), (128, 64), (224, 112), (448, 224))
"""Images that backbones are tried with, the smallest that one takes."""
PYRAMIDS = ((4, 8, 16, 32), (2, 4, 8), (4, 8), (8,))
"""Strides that decoders are tried with."""
FRAMES, CHANNELS = 3, 9
VIDEO: Size = (1280, 720)


class _Left(Exception):  # noqa: N818  # no error: a part that cannot be tried here
    """Why a component is left out."""


@dataclass(frozen=True)
class Verdict:
    """What the kit says of a component.

    Attributes:
        kind: its kind.
        name: its name.
        package: the distribution that brings it.
        status: ``skipped`` where it needs what nobody gave.
        message: what is wrong, or is needed; empty if it passed.
    """

    kind: str
    name: str
    package: str | None
    status: Literal["passed", "failed", "skipped"]
    message: str = ""


def check_parts(
    kind: str | None = None,
    name: str | None = None,
    package: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    plugins: Sequence[str] = (),
) -> Iterator[Verdict]:
    """Yield what the kit says of components, one after the other.

    Args:
        kind: only those of a kind.
        name: only the one that is called so.
        package: only those of a distribution.
        parameters: settings of the one component, and ``root`` of a dataset.
        plugins: modules and files to import first.

    Raises:
        RegistryError: there is no such kind or component.
        ConfigError: there is no such package, or it has no component.
    """
    parts = list_parts(kind, plugins)
    if kind is not None and name is not None:
        parts = [part for part in parts if part.name == name]
        if not parts:
            raise RegistryError(registry_of(kind).unknown(name))
    if package is not None:
        packages = sorted({part.package for part in parts if part.package is not None})
        parts = [part for part in parts if part.package == package]
        if not parts:
            raise ConfigError(f"--dist {package}: no such package with parts. Known: {', '.join(packages)}.")
    for part in parts:
        yield _verdict(part, parameters or {})


def part_of_words(words: Sequence[str]) -> tuple[str | None, str | None, dict[str, Any]]:
    """Return kind, name and parameters of ``KIND NAME key=value …``, as a person writes them.

    Raises:
        ConfigError: there are more words than that, or parameters of no one component.
    """
    named = [word for word in words if "=" not in word]
    settings = [word for word in words if "=" in word]
    if len(named) > 2 or (settings and len(named) != 2):
        raise ConfigError(f"{' '.join(words)}: expected a kind, a name, and parameters of that part as key=value.")
    kind, name, *_ = *named, None, None
    return kind, name, read_settings(settings)


def verdicts_text(verdicts: Sequence[Verdict]) -> str:
    """Return how many there are of each."""
    counts = {status: sum(one.status == status for one in verdicts) for status in ("passed", "failed", "skipped")}
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


def verdict_line(verdict: Verdict) -> str:
    """Return a line for a component."""
    message = f": {verdict.message}" if verdict.message else ""
    return f"{verdict.status:8}{verdict.kind} {verdict.name}{message}"


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Return a mapping for a component."""
    return asdict(verdict)


def _verdict(part: Part, parameters: Mapping[str, Any]) -> Verdict:
    status: Literal["passed", "failed", "skipped"] = "failed"
    try:
        constructor = REGISTRIES[part.kind].get(part.name)
        testing.check_constructor(part.kind, constructor)
        with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as folder:
            torch.manual_seed(0)
            message = CHECKS[part.kind](_Trial(part.kind, part.name, parameters, Path(folder))) or ""
        status = "passed"
    except _Left as reason:
        status, message = "skipped", str(reason)
    except (AssertionError, ConfigError, RegistryError) as error:
        message = str(error)
    except UserError as error:  # what it needs is not on this machine
        status, message = "skipped", str(error)
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
    return Verdict(part.kind, part.name, part.package, status, message)


@dataclass(frozen=True)
class _Trial:
    """A component to be built and tried.

    Attributes:
        kind: its kind.
        name: its name.
        parameters: what a person set.
        folder: an empty folder.
    """

    kind: str
    name: str
    parameters: Mapping[str, Any]
    folder: Path

    def build(self, **supplied: Any) -> Any:
        """Return the component.

        Raises:
            _Left: it requires a parameter that nobody set.
            ConfigError: a parameter is wrong, or it refuses its parameters.
        """
        own = {key: value for key, value in self.parameters.items() if key not in REGISTRIES[self.kind].supplied}
        given = {key: value for key, value in self.parameters.items() if key not in own}
        return _built(self.kind, {"name": self.name, **own}, **{**supplied, **given})


def _built(kind: str, node: Node, **supplied: Any) -> Any:
    constructor = REGISTRIES[kind].get(node["name"])
    missing = [
        key
        for key, parameter in settable(kind, constructor).items()
        if parameter.default is inspect.Parameter.empty and key not in node
    ]
    if missing:
        needs = " ".join(f"{key}=…" for key in missing)
        raise _Left(f"needs {', '.join(missing)}: tracknet check {kind} {node['name']} {needs}")
    return build(kind, require_component(kind, node, kind), kind, **supplied)


def _check_dataset(trial: _Trial) -> None:
    try:
        dataset = trial.build(root=None)
        clips = {split: len(dataset.clips(split)) for split in dataset.splits}
    except (UserError, TypeError) as error:
        if "root" in trial.parameters:
            raise
        raise _Left(f"needs its data: tracknet check {trial.kind} {trial.name} root=/path/to/data") from error
    testing.check_dataset(
        dataset, min((split for split in clips if clips[split]), key=clips.__getitem__, default="train")
    )


def _check_transform(trial: _Trial) -> str | None:
    transform = trial.build()
    if isinstance(transform, BatchTransform):
        testing.check_batch_transform(transform)
        return None
    try:
        testing.check_transform(transform)
    except AssertionError:
        # Those that hide or add something in single frames pass without this; for others, its reason is told.
        testing.check_transform(transform, alike=False)
        return "changes the pictures of a window each in its own way"
    return None


def _check_input(trial: _Trial) -> None:
    testing.check_input(trial.build(frames=FRAMES), frames=FRAMES)


def _check_backbone(trial: _Trial) -> None:
    for size in SIZES:
        try:
            backbone = trial.build(in_channels=CHANNELS, frames=FRAMES, image_size=size, fetch=False)
        except ConfigError:
            if size == SIZES[-1]:
                raise
            continue
        if all(side % feature.stride == 0 for side in size for feature in backbone.features) or size == SIZES[-1]:
            testing.check_backbone(backbone, in_channels=CHANNELS, size=size)
            return


def _check_decoder(trial: _Trial) -> None:
    plain = [[FeatureSpec(8 * (place + 1), stride) for place, stride in enumerate(strides)] for strides in PYRAMIDS]
    # A decoder may be made for maps that no pyramid has, and then for those of a backbone.
    tried = [_fits(trial, tuple(features)) for features in plain]
    if not any(tried) and not any(_fits(trial, features) for features in _features()):
        trial.build(in_features=tuple(plain[0]))  # tells what it wants


def _fits(trial: _Trial, features: tuple[FeatureSpec, ...]) -> bool:
    """Check a decoder on the maps of a backbone, unless it refuses them."""
    try:
        decoder = trial.build(in_features=features)
    except ConfigError:
        return False
    testing.check_decoder(decoder, in_features=features, size=SIZES[0])
    return True


def _features() -> Iterator[tuple[FeatureSpec, ...]]:
    """Yield the maps of the backbones that are installed and need nothing more."""
    for name in REGISTRIES["backbones"].names():
        trial = _Trial("backbones", name, {}, Path())
        try:
            yield trial.build(in_channels=CHANNELS, frames=FRAMES, image_size=SIZES[0], fetch=False).features
        except (_Left, UserError):  # it is told of where the backbone itself is tried
            continue


def _check_head(trial: _Trial) -> None:
    feature = FeatureSpec(8, 8)
    for form in _forms(trial):
        head = trial.build(in_feature=feature, maps=2, form=form, frames=FRAMES, image_size=IMAGE)
        testing.check_head(head, in_feature=feature, maps=2, frames=FRAMES, size=IMAGE, form=form)


def _check_codec(trial: _Trial) -> None:
    codec = _codec({"name": trial.name, **trial.parameters}, LARGE_IMAGE)
    cell = math.hypot(LARGE_IMAGE[0] / codec.size[0], LARGE_IMAGE[1] / codec.size[1])
    along_sides = codec.form.layout != "map"
    testing.check_codec(
        codec, image_size=LARGE_IMAGE, tolerance=max(1.0, cell), to_logits=_logarithms if along_sides else None
    )


def _logarithms(values: torch.Tensor) -> torch.Tensor:
    """Return the logits of distributions."""
    return values.clamp(min=1e-9).log()


def _check_loss(trial: _Trial) -> None:
    for form in _forms(trial):
        testing.check_loss(trial.build(), form=form)


def _check_optimizer(trial: _Trial) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = trial.build(params=[{"params": [weight]}])
    require(isinstance(optimizer, torch.optim.Optimizer), f"it gives {type(optimizer).__name__}, no Optimizer of torch")
    weight.grad = torch.ones(3)
    optimizer.step()
    require(bool((weight != 1).any()), "a step with a gradient changes no weight")


def _check_scheduler(trial: _Trial) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.5)
    scheduler = trial.build(optimizer=optimizer, total_steps=20, steps_per_epoch=5)
    base = torch.optim.lr_scheduler.LRScheduler
    require(isinstance(scheduler, base), f"it gives {type(scheduler).__name__}, no LRScheduler of torch")
    for step in range(20):
        optimizer.step()
        scheduler.step()
        rate = optimizer.param_groups[0]["lr"]
        require(math.isfinite(rate) and rate >= 0, f"after step {step + 1} the learning rate is {rate}")


def _check_protocol(trial: _Trial) -> None:
    testing.check_protocol(trial.build())


def _check_merger(trial: _Trial) -> None:
    codec = next(codec for codec in _codecs() if codec.form == HEATMAP)
    merger = trial.build(targets=FRAMES, codec=codec)
    testing.check_merger(merger, targets=FRAMES, form=codec.form.shape(codec.size))


def _check_tracker(trial: _Trial) -> None:
    tracker = trial.build(fps=30.0, size=VIDEO, frames=32)
    if isinstance(tracker, LearnedTracker):
        tracker.eval()  # type: ignore[attr-defined]
    testing.check_tracker(tracker, size=VIDEO, fps=30.0)


def _check_writer(trial: _Trial) -> None:
    testing.check_writer(lambda clip: trial.build(clip=clip), trial.folder)


def _check_format(trial: _Trial) -> None:
    testing.check_format(trial.build(), trial.folder)


def _check_converter(trial: _Trial) -> None:
    testing.check_converter(trial.build())


def _check_model(trial: _Trial) -> None:
    testing.check_model(REGISTRIES[trial.kind].get(trial.name))


def _check_callback(trial: _Trial) -> None:
    _require_made(trial, Callback)


def _check_logger(trial: _Trial) -> None:
    _require_made(trial, Logger)


def _require_made(trial: _Trial, cls: type[Any]) -> None:
    made = trial.build(paths=RunPaths("run", trial.folder / "logs", trial.folder / "checkpoints"))
    require(isinstance(made, cls), f"it gives {type(made).__name__}, no {cls.__name__} of Lightning")


def _forms(trial: _Trial) -> list[Form]:
    """Return the forms of answers, of all codecs that are installed, that a component takes."""
    registry = REGISTRIES[trial.kind]
    taken = getattr(registry.get(trial.name), "forms", registry.contract.forms)
    forms = {form.name: form for form in (HEATMAP, *(codec.form for codec in _codecs()))}
    fitting = [form for form in forms.values() if form.fits(taken)]
    if not fitting:
        raise _Left(f"needs a codec that gives answers of the form {' or '.join(map(repr, taken))}")
    return fitting


def _codecs() -> Iterator[Codec]:
    """Yield the codecs that are installed and need nothing more."""
    for name in REGISTRIES["codecs"].names():
        try:
            yield _codec({"name": name}, IMAGE)
        except (_Left, UserError):  # it is told of where the codec itself is tried
            continue


def _codec(node: Node, image_size: Size) -> Codec:
    """Return a codec; where a size of its grid must be said, a cell for four pixels."""
    grid = settable("codecs", REGISTRIES["codecs"].get(node["name"])).get("size")
    if grid is not None and "size" not in node:
        node = {**node, "size": (image_size[0] // 4, image_size[1] // 4)}
    codec: Codec = _built("codecs", node, image_size=image_size)
    return codec


CHECKS: dict[str, Callable[[_Trial], str | None]] = {
    "datasets": _check_dataset,
    "transforms": _check_transform,
    "inputs": _check_input,
    "backbones": _check_backbone,
    "decoders": _check_decoder,
    "heads": _check_head,
    "codecs": _check_codec,
    "losses": _check_loss,
    "optimizers": _check_optimizer,
    "schedulers": _check_scheduler,
    "protocols": _check_protocol,
    "mergers": _check_merger,
    "trackers": _check_tracker,
    "writers": _check_writer,
    "formats": _check_format,
    "converters": _check_converter,
    "models": _check_model,
    "callbacks": _check_callback,
    "loggers": _check_logger,
}
"""What tries the components of each kind; it returns a remark, or nothing."""
