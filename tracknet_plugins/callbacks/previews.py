"""Pictures of what the network sees, what it should say and what it says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from PIL import Image

from tracknet_core import drawing
from tracknet_core.contracts import Batch, FloatArray, RunPaths, UInt8Array, ValidationOutput, Visibility
from tracknet_core.files import replaced_file
from tracknet_core.registry import callbacks

LEAST_WIDTH = 640
"""Pixels; narrower frames are enlarged by a whole factor, so that a person sees something."""

GREATEST_WIDTH = 1920
"""Pixels; the frames of a window stand side by side up to about this width."""


@callbacks.register("previews")
class Previews(pl.Callback):
    """Draws a few samples of the validation set, the same ones in every epoch.

    The samples are spread evenly over the set; of the windows in a batch, those with a visible ball come first.
    Each is a picture ``<logs>/<kind>/epoch003/sample_0.png`` of three kinds:

    - ``inputs``: the frames of the window, side by side;
    - ``overlays``: one target frame under the predicted heatmap, with a ring around the truth and a cross at the
      detection;
    - ``targets``: the same frame, dimmed, under the heatmap that it should be.

    Maps of a form that is not one picture per frame, (B, K, h, w), are left out of the pictures.

    Args:
        paths: where the run writes; supplied.
        count: number of samples.
        every: epochs from one set of pictures to the next.

    Raises:
        ValueError: ``count`` or ``every`` is below 1.
    """

    def __init__(self, *, paths: RunPaths, count: int = 4, every: int = 1) -> None:
        if count < 1:
            raise ValueError(f"count={count} is too small: give the number of samples to draw, at least 1")
        if every < 1:
            raise ValueError(f"every={every} is too small: give the number of epochs between previews, at least 1")
        self._logs = paths.logs
        self.count = count
        self.every = every

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: ValidationOutput,  # type: ignore[override]  # Lightning's type of what a step returns is narrower
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the samples that fall into this batch."""
        if trainer.sanity_checking or not trainer.is_global_zero or dataloader_idx > 0:
            return
        if trainer.current_epoch % self.every != 0:
            return
        batches = int(trainer.num_val_batches[0])
        samples = [sample for sample in range(self.count) if _batch_of(sample, self.count, batches) == batch_idx]
        for sample, window in zip(samples, _choose_windows(batch, outputs.targets, len(samples)), strict=False):
            pictures = _draw(batch, outputs, window)
            for kind, picture in pictures.items():
                folder = self._logs / kind / f"epoch{trainer.current_epoch:03d}"
                _write(picture, folder / f"sample_{sample}.png")


def _batch_of(sample: int, count: int, batches: int) -> int:
    """Return the batch that a sample comes from: the middle of its share of the validation set."""
    return (2 * sample + 1) * batches // (2 * count)


def _choose_windows(batch: Batch, targets: tuple[int, ...], count: int) -> list[int]:
    """Return ``count`` windows spread over the batch, those with a visible ball first; fewer if it is small."""
    visible = _visible(batch)[:, targets].any(axis=1)
    ranked = [*np.flatnonzero(visible), *np.flatnonzero(~visible)]
    pool = ranked[: max(count, int(visible.sum()))]
    return [int(pool[i * len(pool) // count]) for i in range(min(count, len(pool)))]


def _draw(batch: Batch, outputs: ValidationOutput, window: int) -> dict[str, UInt8Array]:
    """Return the pictures of one window by kind."""
    frames: UInt8Array = batch.frames[window].permute(0, 2, 3, 1).cpu().numpy()  # (T, H, W, 3)
    visible = _visible(batch)[window]
    # The target in the middle of those that show the ball, or of all.
    shown = [k for k, position in enumerate(outputs.targets) if visible[position]] or range(len(outputs.targets))
    k = list(shown)[len(shown) // 2]
    position = outputs.targets[k]
    frame = frames[position]
    zoom = math.ceil(LEAST_WIDTH / frame.shape[1])

    truth = tuple(batch.labels.xy[window, position].tolist()) if visible[position] else None
    best = outputs.detections.best()
    found = bool(best.present[window, k, 0])
    prediction = tuple(best.xy[window, k, 0].tolist()) if found else None
    items: list[tuple[drawing.Mark | None, str]] = [
        (drawing.ring, "truth") if truth else (None, "no visible ball"),
        (drawing.cross, f"prediction {float(best.score[window, k, 0]):.2f}") if prediction else (None, "none found"),
    ]
    if truth and prediction:
        items.append((None, f"{math.dist(truth, prediction):.1f} input px apart"))
    overlay = drawing.overlay(
        frame, heatmap=_map(outputs, outputs.logits.sigmoid(), window, k), truth=truth, prediction=prediction, zoom=zoom
    )
    target = drawing.overlay(drawing.dim(frame), heatmap=_map(outputs, outputs.target.values, window, k), zoom=zoom)
    fitting = max(1, min(zoom, GREATEST_WIDTH // (len(frames) * frame.shape[1])))
    return {
        "inputs": drawing.side_by_side([drawing.enlarge(each, fitting) for each in frames]),
        "overlays": drawing.legend(overlay, items),
        "targets": target,
    }


def _visible(batch: Batch) -> Any:
    """Return (B, T) bool: frames whose ball a tracker is expected to find."""
    return np.isin(batch.labels.visibility.cpu().numpy(), [code for code in Visibility if code.is_visible])


def _map(outputs: ValidationOutput, maps: torch.Tensor, window: int, k: int) -> FloatArray | None:
    """Return one map (h, w), or None if the answers are not one picture per frame."""
    if outputs.logits.ndim != 4:
        return None
    heatmap: FloatArray = maps[window, k].float().cpu().numpy()
    return heatmap


def _write(picture: UInt8Array, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(path) as part:
        Image.fromarray(picture).save(part, format="png")
