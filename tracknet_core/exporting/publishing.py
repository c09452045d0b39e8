"""A checkpoint's network as a folder that others may have: weights, configuration, card, files that need no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from omegaconf import OmegaConf
from safetensors.torch import save_file

from tracknet_core.assembly import restore_model
from tracknet_core.checkpoint import KEY, PREFIX, read_checkpoint
from tracknet_core.config import Config, import_plugins
from tracknet_core.errors import ConfigError
from tracknet_core.exporting.writing import chosen_format, shared_config, write
from tracknet_core.files import new_folder
from tracknet_core.hub import check_address, is_hub_address, upload
from tracknet_core.model_folder import CARD, CONFIG, PORTABLE, WEIGHTS

_CARD = """# {name}

A network of tracknet that finds the ball in sports video: {parts}; {parameters:,} parameters. It looks at {frames} of
{width} x {height} pixels.

## Use

```bash
tracknet predict {name} match.mp4 --overlay
```

`{name}` is {place}. `training.init_from={name}` starts a training from it.

## Training

| | |
|---|---|
| data | `{data}` |
| loss, optimizer | `{loss}`, `{optimizer}` |
| epochs, batch, seed | {epochs}, {batch}, {seed} |
| steps | {steps:,} |
| trained and written by tracknet | {trained} and {written} |

All settings: `config.yaml`.

## Numbers, limits, licence

To be written by whoever publishes it: under which protocol it was measured, on which clips that served for no choice;
where it fails; which licence weights and training data have.
"""


_NO_PLACE = "--output: where to? Name a folder, or a repository with --to hf://owner/name, or both."


def publish(
    checkpoint: Path,
    output: Path | None,
    *,
    to: str | None = None,
    private: bool = False,
    half: bool = False,
    card: Path | None = None,
    form: str | None = None,
    int8: bool = False,
    data: str | None = None,
    overrides: Sequence[str] = (),
    plugins: Sequence[str] = (),
    tell: Callable[[str], object] = lambda _text: None,
) -> None:
    """Write the network of a checkpoint into a folder, without paths of this machine.

    Args:
        checkpoint: what a run wrote.
        output: the folder; a new or empty one. None keeps none, and puts it into a repository alone.
        to: ``hf://owner/name``, a repository of Hugging Face to put it into; None for none.
        private: whether a new repository is for its owner alone.
        half: whether weights are kept in 16 bits, which halves the files; networks run in 32 bits all the same.
        card: Markdown for people; None writes what is known, to be completed.
        form: name of a format to add, for machines without torch; None for none. Its file takes the weights from those
            in the folder if it can, so that they are there once.
        int8: whether that file multiplies in 8 bits, calibrated on the data.
        data: name of the section ``data`` to compare that file on; None takes the checkpoint's.
        overrides: settings of the data, in the form ``key=value``.
        plugins: modules to import before, which the caller trusts.
        tell: is called with what a person wants to know, as soon as it is known.

    Raises:
        UserError: something is missing or does not fit, or the added file does not agree with the network.
    """
    if to is not None:
        check_address(to)
    elif output is None or private:
        raise ConfigError(_NO_PLACE if output is None else "--private: is for repositories; name one with --to.")
    import_plugins(plugins)
    if form is None and int8:
        raise ConfigError("--int8: is about the file of --format. Name one, such as --format onnx.")
    if form is None and (overrides or data is not None):
        raise ConfigError(f"{' '.join(overrides) or f'--data {data}'}: settings of the data serve --format alone.")
    content = read_checkpoint(checkpoint)
    config, model = restore_model(content, checkpoint)
    if half:
        content = {**content, "state_dict": {key: _halved(value) for key, value in content["state_dict"].items()}}
    parameters = sum(parameter.numel() for parameter in model.parameters())
    with TemporaryDirectory() as passing:
        place = Path(passing, "network") if output is None else output
        name = to or place.name
        text = card.read_text(encoding="utf-8") if card is not None else _card(name, config, content, parameters)
        with new_folder(place) as folder:
            _write(folder, content, shared_config(config), text)
            if form is not None:
                format_ = chosen_format(form, int8=int8)
                file, weights = folder / f"{PORTABLE}{format_.suffix}", folder / WEIGHTS
                format_.check(file)
                write(folder, file, form, int8=int8, data=data, overrides=overrides, tell=tell, weights=weights)
        if output is not None:
            tell(str(output))
        if to is not None:
            tell(upload(place, to, private=private))


def _write(folder: Path, content: Mapping[str, Any], config: Mapping[str, Any], card: str) -> None:
    weights = {
        key.removeprefix(PREFIX): value.contiguous()
        for key, value in content["state_dict"].items()
        if key.startswith(PREFIX)
    }
    about = {name: content[KEY][name] for name in ("format", "version")}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt", KEY: json.dumps(about)})
    (folder / CONFIG).write_text(OmegaConf.to_yaml(OmegaConf.create(dict(config))), encoding="utf-8")
    (folder / CARD).write_text(card, encoding="utf-8")


def _halved(value: torch.Tensor) -> torch.Tensor:
    return value.half() if value.is_floating_point() else value


def _card(name: str, config: Config, content: Mapping[str, Any], parameters: int) -> str:
    network, training = config.network, config.training
    width, height = config.data.preprocess.resize or network.heatmap["size"]
    length = config.data.sequence.frames
    return _CARD.format(
        name=name,
        place="this repository" if is_hub_address(name) else "this folder",
        parts=", ".join(
            f"{kind} `{getattr(network, kind)['name']}`" for kind in ("input", "backbone", "decoder", "head")
        ),
        parameters=parameters,
        frames="single frames" if length == 1 else f"{length} frames in a row",
        width=width,
        height=height,
        data=config.data.dataset["name"],
        loss=training.loss["name"] if training.loss else "",
        optimizer=training.optimizer["name"],
        epochs=training.epochs,
        batch=training.batch_size,
        seed=training.seed,
        steps=content.get("global_step", 0),
        trained=content[KEY]["version"],
        written=version("tracknet"),
    )
