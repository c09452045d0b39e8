"""What a person is told before and after training: the network's parts, shapes, parameters, arithmetic; the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from rich.console import RenderableType
from rich.syntax import Syntax
from rich.table import Table
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tracknet_core.model import BallTracker
from tracknet_core.training.trainer import Prepared, Trained
from tracknet_core.wording import count

PARTS = ("input", "backbone", "decoder", "head")


def describe(prepared: Prepared) -> Iterator[RenderableType]:
    """Yield the configuration, the parts of what is trained, and how many clips there are."""
    splits = prepared.data.splits
    yield Syntax(prepared.config.as_yaml(), "yaml", background_color="default")
    model = prepared.module.model
    yield (
        summarize(model)
        if isinstance(model, BallTracker)
        else f"{type(model).__name__}: {_parameters(model):,} parameters"
    )
    for split in splits.names:
        clips = splits.clips(split)
        yield f"{split}: {len(clips)} clips, {sum(len(clip) for clip in clips)} frames"


def figures(trained: Trained) -> RenderableType:
    """Return a table of the last figures of training and validation; its title alone, where there are none yet."""
    title = f"{trained.run_id}, {count(trained.epochs, 'epoch')}, {trained.seconds:.0f} s"
    if not trained.figures:
        return title
    table = Table("metric", "value", title=title, min_width=len(title))  # else the title is broken
    for name, value in trained.figures.items():
        table.add_row(name, f"{value:.4f}")
    return table


def summarize(model: BallTracker) -> Table:
    """Return a table of the parts as one window of whole images runs through them."""
    shapes: dict[str, str] = {}

    def remember(part: str) -> Any:
        def hook(_module: nn.Module, _arguments: Any, output: Any) -> None:
            shapes[part] = _shape(output)

        return hook

    handles = [getattr(model, part).register_forward_hook(remember(part)) for part in PARTS]
    width, height = model.window.image_size
    pictures = model.window.pictures
    try:
        counter = count_flops(model)
    finally:
        for handle in handles:
            handle.remove()

    counts = counter.get_flop_counts()
    name = type(model).__name__
    table = Table(
        "part", "component", "output", "parameters", "GFLOP", title=f"one window of {pictures} x {height} x {width}"
    )
    for part in PARTS:
        module: nn.Module = getattr(model, part)
        flops = sum(counts.get(f"{name}.{part}", {}).values())
        table.add_row(part, type(module).__name__, shapes[part], f"{_parameters(module):,}", f"{flops / 1e9:.2f}")
    total = counter.get_total_flops()
    table.add_row("total", "", "", f"{_parameters(model):,}", f"{total / 1e9:.2f}")
    return table


def count_flops(model: BallTracker) -> FlopCounterMode:
    """Return what torch has counted while one window of whole images ran through the network."""
    width, height = model.window.image_size
    device = next(model.parameters()).device
    image = torch.zeros(1, model.window.pictures, 3, height, width, dtype=torch.uint8, device=device)
    was_training = model.training
    model.eval()
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            model(image)
    finally:
        model.train(was_training)
    return counter


def _shape(output: Tensor | Sequence[Tensor]) -> str:
    tensors = [output] if isinstance(output, Tensor) else list(output)
    return ", ".join("x".join(str(n) for n in tensor.shape) for tensor in tensors)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
