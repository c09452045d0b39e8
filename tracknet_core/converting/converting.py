"""Published weights to the checkpoint of an experiment, if they are all there and each has its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from tracknet_core.assembly import build_model, build_tracker
from tracknet_core.checkpoint import PREFIX, describe, not_finite
from tracknet_core.components import build
from tracknet_core.config import Config, TrackerConfig, import_plugins, load_config, parse_component
from tracknet_core.contracts import Converter
from tracknet_core.converting.reading import read_published
from tracknet_core.errors import CheckpointError
from tracknet_core.files import new_file
from tracknet_core.published import listed

COUNTER = ".num_batches_tracked"
"""A number of a normalisation that no answer depends on; files of other programs lack it."""


@dataclass(frozen=True)
class Converted:
    """What became of a published file.

    Attributes:
        experiment: whose network or tracker it is.
        settings: what was changed in it, ``key=value``.
        parameters: numbers that training would change.
        is_tracker: whether it is a tracker, and no network.
    """

    experiment: str
    settings: Sequence[str]
    parameters: int
    is_tracker: bool


def convert(
    weights: Path,
    output: Path,
    source: str,
    *,
    overrides: Sequence[str] = (),
    plugins: Sequence[str] = (),
) -> Converted:
    """Write the weights of a published network as a checkpoint.

    Args:
        weights: the published file.
        output: the checkpoint; nothing may be there.
        source: name of a converter, or a node of one in YAML.
        overrides: settings of the experiment to change beside those of the converter, ``key=value``.
        plugins: modules to import before, which the caller trusts.

    Raises:
        UserError: the file cannot be read, weights are missing or unknown, or ``output`` is taken.
    """
    import_plugins(plugins)
    converter: Converter = build("converters", parse_component("converters", source, "--from"), "--from")
    content = read_published(weights)
    with new_file(output) as part:
        try:
            settings = [*converter.settings(content), *overrides]
            published = converter.weights(content)
        except CheckpointError as error:
            raise CheckpointError(f"{weights}: {error}") from error
        except (LookupError, ValueError, RuntimeError) as error:  # of tensors with other axes
            raise CheckpointError(
                f"{weights}: not the weights that --from {source} expects: a tensor has another shape ({error})."
            ) from error
        config = load_config(Path(converter.experiment), settings)
        learned = network_of(config)
        try:
            state = fitted(learned, published)
        except CheckpointError as error:
            raise CheckpointError(f"{weights}: not the weights that --from {source} expects: {error}") from error
        torch.save(
            {"state_dict": {f"{PREFIX}{name}": value for name, value in state.items()}, **describe(config.as_dict())},
            part,
        )
    return Converted(
        converter.experiment,
        settings,
        sum(parameter.numel() for parameter in learned.parameters()),
        isinstance(config.model, TrackerConfig),
    )


def network_of(config: Config) -> nn.Module:
    """Return the network of an experiment, or the tracker that it trains."""
    if isinstance(config.model, TrackerConfig):
        return cast(nn.Module, build_tracker(config, fps=30.0, size=(640, 360)))  # weights know no clip
    return build_model(config, fetch=False)


def fitted(learned: nn.Module, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a network, all of which are among those that a converter gave.

    Raises:
        CheckpointError: weights are missing, unknown, of another shape, or no finite numbers.
    """
    own = learned.state_dict()
    state = {name: value for name, value in own.items() if name.endswith(COUNTER)}
    state.update((name, value.detach().to(own[name].dtype)) for name, value in published.items() if name in own)
    shapes = [
        f"{name} is {tuple(value.shape)}, the network has {tuple(own[name].shape)}"
        for name, value in state.items()
        if value.shape != own[name].shape
    ]
    faults = {
        "unknown": [name for name in published if name not in own],
        "missing": [name for name in own if name not in state],
        "of another shape": shapes,
        "no finite numbers": not_finite(state),
    }
    lines = [f"{fault}: {listed(names)}" for fault, names in faults.items() if names]
    if lines:
        raise CheckpointError("; ".join(lines) + ".")
    return {name: state[name].contiguous() for name in own}
