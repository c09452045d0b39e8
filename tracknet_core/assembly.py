"""From the configuration to what every command works with: network, tracker, data set. Here facts are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from tracknet_core.checkpoint import KEY, copy_weights, read_checkpoint, stored_config
from tracknet_core.components import build, check_and_build
from tracknet_core.config import Config, DataConfig, Experiment, load_config
from tracknet_core.contracts import (
    PLAIN,
    BatchTransform,
    Dataset,
    Form,
    Head,
    Input,
    LearnedTracker,
    Loss,
    Size,
    Tracker,
    WindowSpec,
)
from tracknet_core.errors import ConfigError
from tracknet_core.model import BallTracker


def build_window(config: Config) -> WindowSpec:
    """Return what the network of an experiment is given.

    Raises:
        ConfigError: the input refuses its parameters, or the size of frames is not known.
    """
    return _window(_build_input(config), config)


def build_model(config: Config | Experiment, *, fetch: bool = True) -> BallTracker:
    """Return the network of an experiment, put together by name.

    Args:
        config: an experiment whose ``data.preprocess.resize`` is set.
        fetch: whether parts may fetch or read pretrained weights; False where a checkpoint brings all weights.

    Raises:
        ConfigError: parts that do not exist or do not fit each other.
    """
    config = config if isinstance(config, Config) else load_config(config)
    nodes = config.network
    input_ = _build_input(config)
    window = _window(input_, config)
    size = window.image_size
    frames = window.pictures * input_.maps // len(window.targets)  # of a sample of the network
    backbone = build(
        "backbones",
        nodes.backbone,
        "model.backbone",
        in_channels=input_.channels,
        frames=frames,
        image_size=size,
        fetch=fetch,
    )
    decoder = build("decoders", nodes.decoder, "model.decoder", in_features=backbone.features)
    if decoder.state and window.apart(None) != len(window.targets):
        raise ConfigError(
            f"data.sequence.step: {window.step} lets windows overlap, and '{nodes.decoder['name']}' carries a state "
            f"from a window to the next, which it learns {len(window.targets)} frames apart. Set it to null."
        )
    codec = build("codecs", nodes.heatmap, "model.heatmap", image_size=size)
    if codec.size[0] > size[0] or codec.size[1] > size[1]:
        raise ConfigError(
            f"model.heatmap: a grid of {codec.size[0]} x {codec.size[1]} cells is finer than the picture, which has "
            f"{size[0]} x {size[1]} pixels. Give at most as many."
        )
    head = build(
        "heads",
        nodes.head,
        "model.head",
        in_feature=decoder.feature,
        maps=input_.maps,
        form=codec.form,
        frames=frames,
        image_size=size,
    )
    require_form(codec.form, head, "model.head", nodes.head["name"])
    return BallTracker(
        input=input_,
        backbone=backbone,
        decoder=decoder,
        head=head,
        codec=codec,
        window=window,
        normalization=backbone.normalization if config.data.preprocess.normalize else PLAIN,
    )


def load_model(path: Path) -> tuple[Config, BallTracker]:
    """Return the experiment of a checkpoint, and its network with the weights, on the CPU.

    Raises:
        CheckpointError: the file is no checkpoint, or its weights do not fit its network.
        ConfigError: its network cannot be built here.
    """
    return restore_model(read_checkpoint(path), path)


def restore_model(content: dict[str, Any], path: Path) -> tuple[Config, BallTracker]:
    """Return what :func:`load_model` does, of the content of a checkpoint; ``path`` is for messages."""
    config = stored_config(content[KEY].get("config"), path, built=["model"])
    with _about(path):
        model = build_model(config, fetch=False)
    copy_weights(model, content, path)
    return config, model


def build_tracker(config: Config, *, fps: float, size: Size) -> LearnedTracker:
    """Return the tracker that an experiment trains, without its weights, for a clip.

    Args:
        config: whose section ``model`` is a tracker.
        fps: frames per second of the clip.
        size: (W, H) pixels of the clip.

    Raises:
        ConfigError: there is none, or it does not learn.
    """
    node = config.tracker
    tracker = build("trackers", node, "model.tracker", fps=fps, size=size, frames=config.data.sequence.frames)
    if not isinstance(tracker, LearnedTracker):
        raise ConfigError(f"model.tracker: '{node['name']}' has nothing to learn. Use it as it is: --tracker.")
    return tracker


def load_tracker(path: Path) -> Callable[[float, Size], Tracker]:
    """Return what builds the tracker of a checkpoint for a clip, from its frames per second and its size.

    Raises:
        CheckpointError: the file is no checkpoint, or its weights do not fit its tracker.
        ConfigError: it holds no tracker, or one that cannot be built here.
    """
    content = read_checkpoint(path)
    config = stored_config(content[KEY].get("config"), path, built=["model"])

    def build_for(fps: float, size: Size) -> Tracker:
        with _about(path):
            tracker: Any = build_tracker(config, fps=fps, size=size)
        copy_weights(tracker, content, path)
        return cast(Tracker, tracker.eval())

    build_for(30.0, (640, 360))  # of no clip: tells before the work what does not fit
    return build_for


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Let faults of a configuration say which file holds it."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError([f"{path}:", *error.faults]) from error


def _build_input(config: Config) -> Input:
    # Nobody has checked the nodes of an exported file: parts of the network that it needs not may be missing here.
    length = config.data.sequence.frames
    input_: Input = check_and_build("inputs", config.network.input, "model.input", frames=length)
    return input_


def _window(input_: Input, config: Config) -> WindowSpec:
    size = config.data.preprocess.resize
    if size is None:
        raise ConfigError("data.preprocess.resize: null, but the network needs the size of its input.")
    targets = tuple(input_.targets)
    sequence = config.data.sequence
    if sequence.step is not None and sequence.step > len(targets):
        raise ConfigError(
            f"data.sequence.step: {sequence.step} frames between windows leave some out, as a window answers for "
            f"{len(targets)}. Give 1 to {len(targets)}, or null."
        )
    return WindowSpec(sequence.frames, targets, bool(input_.background), (size[0], size[1]), sequence.step)


def require_form(form: Form, part: Head | Loss | BatchTransform, path: str, name: str) -> None:
    """Refuse a part that is made for other answers than the codec's: shapes may fit by chance, and numbers be wrong.

    Raises:
        ConfigError: it is.
    """
    if not form.fits(part.forms):
        raise ConfigError(
            f"{path}: '{name}' takes answers of the form {' or '.join(map(repr, part.forms))}, and the codec of "
            f"model.heatmap gives {form}. Choose parts of one form."
        )


def build_dataset(data: DataConfig) -> Dataset:
    """Return the reader of the section ``data``."""
    root = None if data.root is None else Path(data.root).expanduser()
    dataset: Dataset = build("datasets", data.dataset, "data.dataset", root=root)
    return dataset
