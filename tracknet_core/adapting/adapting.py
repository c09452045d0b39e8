"""From a trained network and video without labels to one that knows the hall."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from tracknet_core.adapting.both_ways import agreement, look_both_ways
from tracknet_core.adapting.mean_teacher import MeanTeacher
from tracknet_core.adapting.stretches import cut_stretches
from tracknet_core.assembly import load_model
from tracknet_core.checkpoint import PREFIX, describe
from tracknet_core.config import Cache, Config, Sampling, import_plugins, parse_component, parse_config
from tracknet_core.contracts import Clip, Dataset, FrameSource
from tracknet_core.errors import ConfigError, DataError, UserError
from tracknet_core.files import new_file
from tracknet_core.model import BallTracker
from tracknet_core.schema import Node
from tracknet_core.tracking.answers import Detector, blank
from tracknet_core.tracking.jobs import find_sources
from tracknet_core.tracking.networks import network_path
from tracknet_core.tracking.with_torch import detector
from tracknet_core.training.datamodule import Splits, TrackingData
from tracknet_core.training.parts import build_module, build_transforms
from tracknet_core.training.trainer import quieten

ROUNDS = 4
"""At most; the agreement is looked at after each."""

LEARNING_RATE = 0.2
"""Of that of the training: the network is to learn a hall, and not to forget what a ball is."""

LEAST_LABELS = 50
"""Frames that have to agree: of fewer, a network learns by heart what it is wrong about."""


@dataclass(frozen=True)
class Adapted:
    """What was learned.

    Attributes:
        frames: that were looked at, in all rounds the same.
        labels: how many of them the trajectories of both directions agree about.
        before: agreement on what is held out, 0 to 1, of the network as it was.
        after: the same of the network as it is now.
        seconds: how long it took.
    """

    frames: int
    labels: int
    before: float
    after: float
    seconds: float

    def as_text(self) -> str:
        """Return what a person wants to know."""
        return (
            f"{self.labels} of {self.frames} frames agree forwards and backwards, and were learned from; agreement on "
            f"held-out frames {self.before:.3f} before, {self.after:.3f} after; {self.seconds:.0f} s"
        )


def adapt(
    network: str | Path | None,
    videos: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    minutes: float = 15.0,
    frames: int = 3000,
    fps: float = 30.0,
    teacher: str | None = None,
    paste: str | None = None,
    plugins: Sequence[str] = (),
    tell: Callable[[str], object] = lambda _text: None,
) -> Adapted:
    """Let a network learn a hall from video of it that nobody labelled.

    It is led over stretches of the videos, and a tracker makes a trajectory of what it finds, forwards in time and
    backwards. Where both have the ball in the same place, that is a label; of other frames nobody knows anything.
    Training goes on with these labels as the network was trained, at a fraction of the learning rate, with balls pasted
    where a window has none, whose places are known. What is kept is a slow average of the weights (a mean teacher), and
    it is watched by stretches that are held out: where the two directions agree less, training stops.

    Args:
        network: a checkpoint, or the name of a model; None for the one that comes with tracknet.
        videos: files, folders of images, patterns; one or several.
        output: the file of the new network; nothing may be there.
        minutes: that it may take.
        frames: of the videos that are looked at, evenly spread.
        fps: frames per second of folders of images.
        teacher: the tracker; None for what ``experiments/options.yaml`` has for ``--teacher``.
        paste: the transform that pastes balls; None for what stands there for ``--paste``.
        plugins: modules to import before, which the caller trusts.
        tell: is called with how it goes.

    Raises:
        UserError: something is missing or does not fit, the network finds too little, or it learns nothing.
    """
    began = time.monotonic()
    quieten()
    import_plugins(plugins)
    tracker = parse_component("trackers", teacher, "--teacher")
    pasting = parse_component("transforms", paste, "--paste")
    checkpoint = network_path(network)
    with new_file(Path(output)) as path:
        config, model = load_model(checkpoint)
        sources = _sources([str(one) for one in ([videos] if isinstance(videos, str | Path) else videos)], fps)
        cut = cut_stretches(sources, most=frames, least=2 * model.window.length)
        look = partial(_network, config=config)
        before = agreement(look_both_ways(look(model), stretch, tracker) for stretch in cut.held_out)
        seen = [look_both_ways(look(model), stretch, tracker) for stretch in cut.learned]
        labels = sum(len(one.agreed) for one in seen)
        looked_at = sum(map(len, (*cut.learned, *cut.held_out)))
        tell(f"{labels} of {looked_at} frames agree forwards and backwards; agreement on held-out frames {before:.3f}")
        if labels < LEAST_LABELS:
            raise DataError(
                f"VIDEO: forwards and backwards agree about {labels} of {looked_at} frames, and {LEAST_LABELS} are the "
                "least to learn from. Give more video, or a network that finds more."
            )
        clips = [
            Clip(f"stretch {number}", stretch, one.labels())
            for number, (stretch, one) in enumerate(zip(cut.learned, seen, strict=True))
            if one.agreed
        ]
        teacher_ = MeanTeacher(
            model,
            lambda average: agreement(look_both_ways(look(average), one, tracker) for one in cut.held_out),
            before=before,
            seconds=60 * minutes - (time.monotonic() - began),
            tell=tell,
        )
        _train(_settings(config, pasting), model, clips, teacher_)
        if teacher_.weights is None:
            raise UserError(
                f"{checkpoint}: agreement on held-out frames fell below {before:.3f} at once, so nothing is kept. No "
                "file was left."
            )
        state = {f"{PREFIX}{name}": value for name, value in teacher_.weights.items()}
        torch.save({"state_dict": state, **describe(config.as_dict())}, path)
    return Adapted(looked_at, labels, before, teacher_.agreement, time.monotonic() - began)


class _Labelled(Dataset):
    """Clips whose labels the network gave itself.

    Args:
        learned: the clips of the split ``train``.
    """

    splits = ("train",)

    def __init__(self, learned: Sequence[Clip]) -> None:
        self._learned = learned

    def clips(self, split: str) -> Sequence[Clip]:
        """Return the clips, whatever the split."""
        del split
        return self._learned


def _sources(videos: Sequence[str], fps: float) -> list[FrameSource]:
    """Return what videos, folders and patterns mean.

    Raises:
        ConfigError: one is a stream.
        DataError: there is nothing at a path.
    """
    sources: list[FrameSource] = []
    for name, source in find_sources(videos, fps=fps):
        if source.is_live:
            raise ConfigError(f"{name}: a stream, which does not come again. Record it first.")
        sources.append(source)
    return sources


def _network(model: BallTracker, config: Config) -> Detector:
    """Return a network in evaluation mode, wherever it is, as one that is led over clips."""
    model = model.eval()
    device = next(model.parameters()).device
    return detector(
        lambda frames, *state: model.step(frames, state),
        model.codec,
        model.window,
        device=device,
        find_config=lambda: config,
        state=model.start(torch.from_numpy(blank(model.window)).to(device)),
    )


def _settings(config: Config, pasting: Node) -> Config:
    """Return the settings of the training that goes on: those of the network's, but for what belonged to its data."""
    tree: dict[str, Any] = config.as_dict()
    tree["data"]["transforms"].append(pasting)
    tree["training"]["optimizer"]["lr"] *= LEARNING_RATE
    # What stands for data that are not there: validation, where runs are left, what is cached.
    tree["training"] |= {"epochs": ROUNDS, "protocols": [], "callbacks": [], "loggers": [], "init_from": None}
    config = parse_config(tree, built=["model", "training"])
    sampling = Sampling(ball=config.data.sampling.ball)
    return replace(config, data=replace(config.data, split=None, sampling=sampling, cache=Cache()))


def _train(config: Config, model: BallTracker, clips: Sequence[Clip], teacher: MeanTeacher) -> None:
    """Train a network on clips until its teacher stops it."""
    transforms, batch_transforms = build_transforms(config.data)
    data = TrackingData(Splits(_Labelled(clips), config.data), config, model.window, transforms)
    module = build_module(config, model.train(), batch_transforms)
    training = config.training
    pl.seed_everything(training.seed, workers=False, verbose=False)
    trainer = pl.Trainer(
        max_epochs=training.epochs,
        accumulate_grad_batches=training.accumulate,
        gradient_clip_val=training.grad_clip or None,
        limit_val_batches=0,
        accelerator=training.accelerator,
        devices=1,
        callbacks=[teacher],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, datamodule=data)
