"""A checkpoint's network into a file of another format, compared with the network before the file gets its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from tracknet_core.assembly import load_model
from tracknet_core.components import check_and_build
from tracknet_core.config import Cache, Config, import_plugins
from tracknet_core.contracts import Format, Wanted
from tracknet_core.errors import ConfigError, UserError
from tracknet_core.exporting.agreement import compare
from tracknet_core.exporting.network import Portable, of_file, with_decoding
from tracknet_core.exporting.samples import find_samples
from tracknet_core.files import new_file
from tracknet_core.tracking.file_facts import facts_note
from tracknet_core.tracking.trackers import default_wanted

BATCH = 3
"""Windows (in a row) at a time in the comparison; the first goes alone, so that two sizes of batch are tried."""


def export(
    checkpoint: Path,
    output: Path,
    form: str,
    *,
    int8: bool = False,
    data: str | None = None,
    overrides: Sequence[str] = (),
    plugins: Sequence[str] = (),
    tell: Callable[[str], object] = lambda _text: None,
) -> None:
    """Write the network of a checkpoint as a file that runs without tracknet.

    Args:
        checkpoint: what a run wrote.
        output: the file; a new one.
        form: name of the format.
        int8: 8 bits, calibrated on the data.
        data: name of the section ``data`` to compare (and calibrate) on; None takes the checkpoint's.
        overrides: settings of the data, in the form ``key=value``.
        plugins: modules to import before, which the caller trusts.
        tell: is called with what a person wants to know, as soon as it is known.

    Raises:
        UserError: something is missing or does not fit, or the file does not agree with the network.
    """
    import_plugins(plugins)
    format_ = chosen_format(form, int8=int8)
    if output.suffix != format_.suffix:
        raise ConfigError(
            f"--output {output}: the files of this format end in {format_.suffix}. Write {output.name}{format_.suffix}."
        )
    with new_file(output) as path:
        format_.check(output)
        write(checkpoint, path, form, int8=int8, data=data, overrides=overrides, tell=tell)


@runtime_checkable
class SharingFormat(Protocol):
    """What a format may be beside: one whose files can take weights out of a file of safetensors beside them."""

    def save_beside(
        self, network: nn.Module, inputs: Sequence[Tensor], path: Path, notes: Mapping[str, str], weights: Path
    ) -> None:
        """Write the network as ``save`` does, but for the tensors that ``weights`` in the same folder holds."""


def chosen_format(form: str, *, int8: bool) -> Format:
    """Return a format.

    Raises:
        ConfigError: there is none of that name, or it has no 8 bits.
    """
    format_: Format = check_and_build("formats", {"name": form, **({"int8": True} if int8 else {})}, "--format")
    return format_


def write(
    checkpoint: Path,
    path: Path,
    form: str,
    *,
    int8: bool,
    data: str | None,
    overrides: Sequence[str],
    tell: Callable[[str], object],
    weights: Path | None = None,
) -> None:
    """Write the network of a checkpoint, and compare what was written with it.

    Args:
        checkpoint: what a run wrote.
        path: the file; nothing is there yet.
        form: as those of :func:`export`, like the rest.
        int8: 8 bits.
        data: what to compare on.
        overrides: settings of the data.
        tell: is called with what a person wants to know.
        weights: those of the checkpoint as safetensors in the folder of the file, which takes them from there if the
            format can; None for a file that stands alone.

    Raises:
        UserError: something is missing or does not fit, or the file does not agree with the network.
    """
    format_ = chosen_format(form, int8=int8)
    config, model = load_model(checkpoint)
    checked, example = find_samples(config, model, data, overrides, int8=int8, tell=tell)
    network = Portable(model, example[:, 0], default_wanted())
    if not network.decodes:
        name = config.network.heatmap["name"]
        tell(f"the codec '{name}' cannot be part of the file, which gives logits alone")
    checked, example = network.frames_of(checked), network.frames_of(example)
    inputs = network.inputs(example)
    notes = _notes(config, network, inputs)
    if weights is not None and isinstance(format_, SharingFormat):
        format_.save_beside(network, inputs, path, notes, weights)
    else:
        format_.save(network, inputs, path, notes)
    ours, theirs = (with_decoding(run, model.codec) for run in (network, of_file(format_.load(path))))
    batches = (checked[:1], *(checked[i : i + BATCH] for i in range(1, len(checked), BATCH)))
    agreement = compare(ours, theirs, batches, network.start)
    tell(agreement.as_text())
    fault = agreement.fault_of_int8() if int8 else agreement.fault()
    if fault is not None:
        raise UserError(f"--format {form}: {fault} No file was left.")


def _notes(config: Config, network: Portable, inputs: Sequence[Tensor]) -> dict[str, str]:
    """Return the texts that travel inside the file: what it is, and how a program without tracknet is to feed it.

    Where data and other files lie on this machine is left out.

    Args:
        config: the experiment.
        network: what is written.
        inputs: an example of what it takes, frames (B, P, R, H, W) and the maps of its state.
    """
    frames, *state = inputs
    _, pictures, colours, height, width = frames.shape
    colour = "0.299 R + 0.587 G + 0.114 B" if network.luma else "R G B"
    length = config.data.sequence.frames
    background = " and the background of the clip, the median of its frames" if pictures > length else ""
    points = network.model.codec.points
    results = "logits: float (B, K, …)"
    if network.decodes:
        results += (
            f"; points: float (B, K, D, {points}, 2), column and row in pixels of the {width} x {height} pictures, "
            "(0, 0) being the centre of the upper left one; score: float (B, K, D), 0..1; present: bool (B, K, D), "
            "whether it is a ball"
        )
        if network.wanted != Wanted():
            results += (
                "; further_points, further_score and further_present: the same for a tracker that chooses among at "
                f"least {network.wanted.candidates} places of a frame, from a score of {network.wanted.score:g} on"
            )
    else:
        results += f", to be decoded as the codec '{config.network.heatmap['name']}' of tracknet does"
    shapes = [list(one.shape[1:]) for one in state]
    carried = {
        "state": f"{shapes}: maps of these shapes, float, with B before them, go in after the frames: 0 before the "
        "first window of a clip, later what came out last for the window before"
    }
    return {
        "config": json.dumps(shared_config(config)),
        "version": version("tracknet"),
        "frames": f"uint8 (B, {pictures}, {colours}, {height}, {width}): windows, pictures, {colour}, rows, columns",
        "pictures": f"{length} consecutive frames, oldest first{background}; scaled to {width} x {height} as a whole",
        "targets": f"{list(network.model.input.targets)}: which frames of the window, from 0, the K results are of",
        "results": results,
        **(carried if state else {}),
        **facts_note(
            network.model.window,
            shapes,
            network.wanted,
            luma=network.luma,
            points=points if network.decodes else None,
        ),
    }


def shared_config(config: Config) -> dict[str, Any]:
    """Return the plain configuration for others to have: without where data and other files lie on this machine."""
    plugins = [Path(plugin).name for plugin in config.plugins]
    shared = replace(config, data=replace(config.data, cache=Cache()), plugins=plugins)
    tree: dict[str, Any] = _without_paths(shared.as_dict())
    return tree


def _without_paths(value: Any) -> Any:
    """Return plain data with None for every absolute path."""
    if isinstance(value, Mapping):
        return {key: _without_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    return None if isinstance(value, str) and Path(value).is_absolute() else value
