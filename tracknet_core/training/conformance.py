"""Whether the parts of a network are what they say: compared once, before anything is trained.

A backbone that declares another stride than it has would train and save without a word. Letters are those of
:mod:`tracknet_core.contracts.road`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tracknet_core.config import Config
from tracknet_core.contracts import Cost, Detections, FeatureSpec, Labels, Loss, Normalization, Size, Target, Visibility
from tracknet_core.errors import ConfigError
from tracknet_core.model import BallTracker
from tracknet_core.registry import REGISTRIES


def check_network(config: Config, model: BallTracker, loss: Loss, size: Size) -> None:
    """Compare what the parts of a network give with their contracts and with what they declare.

    Args:
        config: the experiment, which names the parts.
        model: the network.
        loss: what it is trained with.
        size: (W, H) pixels of the training windows, as small as they are.

    Raises:
        ConfigError: a part breaks its contract; the message names the part, its package and the cure.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            _Check(config, model, loss, size).run()
    finally:
        model.train(was_training)


class _Check:
    def __init__(self, config: Config, model: BallTracker, loss: Loss, size: Size) -> None:
        self._config, self._model, self._loss = config, model, loss
        self._width, self._height = size
        self._device = model.mean.device

    def run(self) -> None:
        """Run one window through the parts, one after the other."""
        model, window = self._model, self._model.window
        frames = torch.zeros(1, window.pictures, 3, self._height, self._width, device=self._device)
        batch, count = 1, len(window.targets)
        samples, rest = divmod(batch * count, model.input.maps)
        consecutive = window.targets == tuple(range(window.targets[0], window.targets[0] + count))
        self._require(
            consecutive and not rest,
            "inputs",
            f"answers for the targets {window.targets}, {model.input.maps} "
            "of each sample: they are consecutive, and samples have equally many",
        )
        x = self._call("inputs", model.input, frames)
        self._shape("inputs", "samples", x, (samples, model.input.channels, self._height, self._width))

        specs = model.backbone.features
        self._require(
            _are_specs(specs), "backbones", f"declares features={specs!r}, and a tuple of FeatureSpec is asked for"
        )
        normalization = model.backbone.normalization
        self._require(
            isinstance(normalization, Normalization),
            "backbones",
            f"declares normalization={normalization!r}, and a Normalization is asked for",
        )
        features = self._call("backbones", model.backbone, x)
        self._require(
            isinstance(features, list) and len(features) == len(specs),
            "backbones",
            f"gives {_kind_of(features)}, and declares {len(specs)} features: a list of as many maps is asked for",
        )
        for spec, feature in zip(specs, features, strict=True):
            self._shape("backbones", f"for {spec} the map", feature, self._map(samples, spec))

        state = [torch.zeros(self._map(samples, spec), device=self._device) for spec in model.decoder.state]
        decoded = self._call("decoders", model.decoder, features, *state)
        maps = [decoded] if isinstance(decoded, Tensor) else list(decoded)
        specs = (model.decoder.feature, *model.decoder.state)
        self._require(len(maps) == len(specs), "decoders", f"gives {len(maps)} maps, and declares {len(specs)}")
        for spec, one in zip(specs, maps, strict=True):
            self._shape("decoders", f"for {spec} the map", one, self._map(samples, spec))

        cells = model.check_size((self._width, self._height))
        form = model.codec.form
        said = self._call("heads", model.head, maps[0], frames, cells)
        for logits in [said] if isinstance(said, Tensor) else said:
            self._shape(
                "heads", f"for the form {form} the logits", logits, (samples, model.input.maps, *form.shape(cells))
            )
        self._answers(logits.reshape(batch, count, *form.shape(cells)), cells)

    def _answers(self, logits: Tensor, cells: Size) -> None:
        codec, (batch, count) = self._model.codec, logits.shape[:2]
        middle = torch.tensor([self._width / 2, self._height / 2], device=self._device)
        code = torch.full((batch, count), int(Visibility.EASY), device=self._device)
        labels = Labels(middle.expand(batch, count, codec.points, 2), code, torch.zeros_like(code, dtype=torch.float32))
        target = self._call("codecs", codec.encode, labels, (self._width, self._height))
        self._require(isinstance(target, Target), "codecs", f"encodes to {_kind_of(target)}, and a Target is asked for")
        self._shape(
            "codecs",
            f"for the form {codec.form} the values",
            target.values,
            (batch, count, *codec.form.target_shape(cells)),
        )
        found = self._call("codecs", codec.decode, logits)
        self._require(
            isinstance(found, Detections), "codecs", f"decodes to {_kind_of(found)}, and Detections are asked for"
        )
        depth = found.score.shape[-1]
        self._shape("codecs", "points", found.points, (batch, count, depth, codec.points, 2))
        cost = self._call("losses", self._loss, logits, target)
        self._require(
            isinstance(cost, Cost) and cost.total.shape == cost.count.shape == (),
            "losses",
            f"gives {_kind_of(cost)}, and a Cost of two scalars, a sum and a count, is asked for",
        )

    def _map(self, samples: int, spec: FeatureSpec) -> tuple[int, ...]:
        return samples, spec.channels, self._height // spec.stride, self._width // spec.stride

    def _call(self, kind: str, part: Any, *arguments: Any) -> Any:
        try:
            return part(*arguments)
        except Exception as error:
            raise ConfigError(
                f"{self._who(kind)} fails on a window of {self._width}x{self._height} pixels "
                f"({type(error).__name__}: {error}). Mend it, or choose another part."
            ) from error

    def _shape(self, kind: str, what: str, got: Any, shape: tuple[int, ...]) -> None:
        given = tuple(got.shape) if isinstance(got, Tensor) else _kind_of(got)
        self._require(given == shape, kind, f"gives {given}: {what} should have the shape {shape}")

    def _require(self, condition: bool, kind: str, complaint: str) -> None:
        if not condition:
            raise ConfigError(
                f"{self._who(kind)} {complaint}. Mend it (the checks of tracknet_core.testing tell more), or choose "
                "another part."
            )

    def _who(self, kind: str) -> str:
        section, slot = {
            "inputs": ("model", "input"),
            "backbones": ("model", "backbone"),
            "decoders": ("model", "decoder"),
            "heads": ("model", "head"),
            "codecs": ("model", "heatmap"),
            "losses": ("training", "loss"),
        }[kind]
        path, node = f"{section}.{slot}", getattr(getattr(self._config, section), slot)
        package = REGISTRIES[kind].distribution(node["name"])
        return f"{path}: '{node['name']}'" + (f" of the package '{package}'" if package else "")


def _are_specs(features: Any) -> bool:
    return isinstance(features, tuple) and bool(features) and all(isinstance(one, FeatureSpec) for one in features)


def _kind_of(value: Any) -> str:
    several = f" of {len(value)}" if isinstance(value, Sequence) and not isinstance(value, str) else ""
    return f"a {type(value).__name__}{several}"
