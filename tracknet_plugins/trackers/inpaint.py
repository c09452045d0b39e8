"""Gaps filled by a network that has learned from trajectories.

Letters: B windows, T frames of a window.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from tracknet_core.contracts import Candidates, Cost, FloatArray, Labels, Size, TrackedFrame, Tracker, TrackPoint
from tracknet_core.registry import trackers
from tracknet_plugins.trackers.following import check_decay
from tracknet_plugins.trackers.temporal import TemporalUNet

SIDE = 2
"""Frames with a place that a hidden gap has to each side, at least."""

STEP = 0.05
"""What a 1 of the network moves a place by, as a share of the picture."""


@trackers.register("inpaint")
class Inpaint(nn.Module, Tracker):
    """The best detection of each frame, and what a trained network says where there is none, with ``origin="filled"``.

    Filled are frames without a detection between two that have one, if there are at most ``max_gap`` in a row and the
    place is inside of the image; what comes before the first detection and after the last is not. Detections stay as
    they are: false ones too, so this is for detections that are sure. The score of a filled place is the lower of both
    sides' times ``decay`` for each frame to the nearer side.

    The idea and the network are those of TrackNetV3's InpaintNet (https://doi.org/10.1145/3595916.3626370): windows of
    T frames hold the places, as shares of the picture, and where they are missing; windows that hold a gap overlap,
    and what they say is averaged with weights that fall from the middle of a window to its ends. The settings by
    default are others, meant for gaps of 3 to 15 frames; which of them matter has not been measured one by one.
    As published: ``{mask: independent, noise: 0, loss: squared, residual: false, kernel: 3}``
    and windows of 16 frames.

    In training, frames of true trajectories are hidden, and the cost is how far off the network is there. Half of the
    windows are mirrored, and half of them run backwards.

    Args:
        frames: T, frames of a window.
        fps: frames per second of the video.
        size: (W, H) pixels of the video.
        channels: of the convolutions on the way down.
        bottleneck: channels between the ways down and up.
        kernel: frames that a convolution spans.
        residual: the network says how far off a straight line across the gap is; else where the ball is, by a sigmoid.
        mask: what is hidden in training: ``gaps`` in a row, one or two in a window, or each frame ``independent`` of
            the others.
        gap: shortest and longest gap that is hidden, in frames.
        mask_ratio: share of the frames that are hidden, of ``independent`` ones.
        noise: standard deviation of what the places that stay are moved by, in image heights: 0.003 is 2 pixels of 720.
        loss: mean ``distance`` in image heights, or ``squared`` difference of the shares of the picture.
        max_gap: frames without a detection that are filled.
        decay: factor of the score per filled frame, in 0..1.

    Raises:
        ValueError: a parameter is out of its range.
    """

    delay = math.inf

    def __init__(
        self,
        *,
        frames: int,
        fps: float,
        size: Size,
        channels: tuple[int, ...] = (32, 64, 128),
        bottleneck: int = 256,
        kernel: int = 3,
        residual: bool = True,
        mask: Literal["gaps", "independent"] = "gaps",
        gap: tuple[int, int] = (3, 15),
        mask_ratio: float = 0.3,
        noise: float = 0.003,
        loss: Literal["distance", "squared"] = "distance",
        max_gap: int = 15,
        decay: float = 0.7,
    ) -> None:
        super().__init__()
        _check(frames, channels, bottleneck, kernel, gap, mask_ratio, noise, max_gap)
        check_decay(decay)
        self.network = TemporalUNet(3, 2, channels=channels, bottleneck=bottleneck, kernel=kernel)
        if residual:  # begins as the straight line
            nn.init.zeros_(self.network.last.weight)
            nn.init.zeros_(self.network.last.bias)  # type: ignore[arg-type]  # it has one
        # Twice as far as a place depends on, for frames that could not be read leave holes in the time.
        self.memory = 4 * frames / fps
        self._length, self._size = frames, size
        self._residual, self._squared, self._independent = residual, loss == "squared", mask == "independent"
        self._gap, self._mask_ratio, self._noise = gap, mask_ratio, noise
        self._max_gap, self._decay = max_gap, decay

    # ----------------------------------------------------------------------------------------- training

    def cost(self, labels: Labels[Tensor], size: Tensor) -> Cost:
        """Hide frames, and return how far off the network is there; places of hidden balls count as others do.

        Args:
            labels: (B, T) in pixels of the original video.
            size: (B, 2) width and height of these.
        """
        scale = size[:, None]  # (B, 1, 2)
        truth = (labels.xy + 0.5) / scale
        known = ~truth.isnan().any(-1) & (labels.visibility > 0)
        truth = torch.where(known[..., None], truth, 0.0)
        truth, known = _mirrored(truth, known)
        kept = known & ~(self._independent_frames(known) if self._independent else self._gaps(known))
        sigma = self._noise * scale[..., 1:] / scale
        said = self.places(truth + sigma * torch.randn_like(truth), kept)
        missed = known & ~kept & _between(kept)
        off = said - truth if self._squared else (said - truth) * scale / scale[..., 1:]
        squares = off.square().sum(-1)
        each = squares / 2 if self._squared else (squares + 1e-12).sqrt()
        return Cost((each * missed).sum(), missed.sum())

    def places(self, places: Tensor, kept: Tensor) -> Tensor:
        """Return where the ball is in every frame.

        Args:
            places: (B, T, 2) as shares of the picture; those that are not kept have no meaning.
            kept: (B, T) bool, where the place is known.

        Returns:
            (B, T, 2) shares of the picture.
        """
        missing = (~kept).to(places.dtype)[:, None]  # (B, 1, T)
        if not self._residual:
            seen = torch.where(kept[..., None], places, 0.0).transpose(1, 2)
            said: Tensor = self.network(torch.cat([seen, missing], dim=1)).sigmoid()
            return said.transpose(1, 2)
        line = _interpolated(places, kept)  # (B, T, 2)
        offset = (line - line.mean(1, keepdim=True)).transpose(1, 2) / STEP
        moved = STEP * self.network(torch.cat([offset, missing], dim=1)).transpose(1, 2)
        return torch.where(kept[..., None], places, line + moved)

    def _independent_frames(self, known: Tensor) -> Tensor:
        return torch.rand(known.shape, device=known.device) < self._mask_ratio

    def _gaps(self, known: Tensor) -> Tensor:
        """Return (B, T) bool: one gap in each window, and in half of them another."""
        count, length = known.shape
        time = torch.arange(length, device=known.device)
        hidden = torch.zeros_like(known)
        for share in (1.0, 0.5):
            least, most = self._gap
            drawn = torch.rand(3, count, 1, device=known.device)
            frames = least + (drawn[0] * (most - least + 1)).floor()
            start = SIDE + (drawn[1] * (length - frames - 2 * SIDE + 1)).floor()
            hidden |= (time >= start) & (time < start + frames) & (drawn[2] < share)
        return hidden

    # ----------------------------------------------------------------------------------------- filling

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        """Yield the ball of each frame, in order; a gap waits for the frames of the windows that hold it."""
        held: list[Candidates] = []
        given = 0  # how many of them were given out, and are there for what follows
        for frame in frames:
            held.append(frame)
            while (ready := self._ready(held, given, at_end=False)) > given:
                yield from self._tracked(held, given, ready)
                given = ready
            if given > 2 * self._length:
                held, given = held[given - self._length :], self._length
        while (ready := self._ready(held, given, at_end=True)) > given:
            yield from self._tracked(held, given, ready)
            given = ready

    def _ready(self, held: list[Candidates], given: int, *, at_end: bool) -> int:
        """Return up to which frame the answer is known: a detection, or a whole gap with the frames around it."""
        if given == len(held):
            return given
        if len(held[given].score):
            return given + 1
        end = next((n for n in range(given, len(held)) if len(held[n].score)), None)
        if given == 0 or not len(held[given - 1].score):  # no detection before, or a gap that is too long
            return len(held) if end is None else end
        if end is None:
            return len(held) if at_end or len(held) - given > self._max_gap else given
        whole = at_end or end - given > self._max_gap or len(held) >= given - 1 + self._length
        return end if whole else given

    def _tracked(self, held: list[Candidates], start: int, end: int) -> Iterator[TrackedFrame]:
        """Yield the frames from ``start`` to before ``end``: one with a detection, or a gap."""
        filled: list[TrackPoint | None] = [None] * (end - start)
        is_between = start > 0 and end < len(held) and len(held[start - 1].score) > 0 and len(held[end].score) > 0
        if not len(held[start].score) and is_between and end - start <= self._max_gap:
            filled = self._filled(held, start, end)
        for frame, point in zip(held[start:end], filled, strict=True):
            ball = frame.ball(0) if len(frame.score) else point
            yield TrackedFrame(frame.number, frame.time, () if ball is None else (ball,))

    def _filled(self, held: list[Candidates], start: int, end: int) -> list[TrackPoint | None]:
        """Return the ball in each frame of a gap; None where it is outside of the image."""
        before, after = held[start - 1].ball(0), held[end].ball(0)
        points: list[TrackPoint | None] = []
        for n, (x, y) in enumerate(self._means(held, start, end).tolist(), start=1):
            is_inside = -0.5 <= x <= self._size[0] - 0.5 and -0.5 <= y <= self._size[1] - 0.5
            to_after = end - start + 1 - n
            faded = min(before.score, after.score) * self._decay ** min(n, to_after)
            nearer = before if n <= to_after else after
            points.append(replace(nearer.moved_to((x, y)), score=faded, origin="filled") if is_inside else None)
        return points

    @torch.inference_mode()
    def _means(self, held: list[Candidates], start: int, end: int) -> FloatArray:
        """Return (end - start, 2) places in pixels: what all windows say that hold a gap and a detection beside it."""
        length = self._length
        first = max(0, min(end + 1 - length, len(held) - length))
        starts = np.arange(first, max(first, min(start - 1, len(held) - length)) + 1)
        numbers = starts[:, None] + np.arange(length)  # (B, T)
        xy = np.full((numbers[-1, -1] + 1, 2), np.nan, np.float32)
        for n in range(first, min(len(xy), len(held))):
            if len(held[n].score):
                xy[n] = held[n].xy[0]
        scale = np.asarray(self._size, np.float32)
        shares = torch.from_numpy((xy[numbers] + np.float32(0.5)) / scale)
        kept = ~shares.isnan().any(-1)
        said = self.places(torch.where(kept[..., None], shares, 0.0), kept).numpy() * scale - 0.5
        total, weight = np.zeros((end - start, 2)), np.zeros((end - start, 1))
        for places, begin in zip(said, starts.tolist(), strict=True):
            within = np.arange(start - begin, end - begin)
            share = np.minimum(within + 1, length - within)[:, None]
            total += share * places[within]
            weight += share
        return np.asarray(total / weight, dtype=np.float32)


def _check(
    frames: int,
    channels: tuple[int, ...],
    bottleneck: int,
    kernel: int,
    gap: tuple[int, int],
    mask_ratio: float,
    noise: float,
    max_gap: int,
) -> None:
    if not channels or min(*channels, bottleneck) < 1:
        raise ValueError(f"channels: {channels} and bottleneck: {bottleneck} hold no channels. Give at least 1 each.")
    if kernel < 1 or kernel % 2 == 0:
        raise ValueError(f"kernel: {kernel} has no frame in its middle. Give an odd number.")
    if not 1 <= gap[0] <= gap[1] <= frames - 2 * SIDE:
        raise ValueError(
            f"gap: {list(gap)} is no shortest and longest gap inside windows of {frames} frames. Give 1 to "
            f"{frames - 2 * SIDE} frames, or longer windows with data.sequence.length."
        )
    if not 0 < mask_ratio < 1:
        raise ValueError(f"mask_ratio: {mask_ratio} hides nothing or all. Give a share between 0 and 1.")
    if not 0 <= noise < 1:
        raise ValueError(f"noise: {noise} is out of range. Give a share of the image height, such as 0.003; 0 is none.")
    if not 0 <= max_gap <= frames - 2:
        raise ValueError(f"max_gap: {max_gap} frames do not fit in windows of {frames}. Give 0 to {frames - 2}.")


def _mirrored(places: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Return half of the windows, drawn, with left and right exchanged, and half of them with before and after."""
    drawn = torch.rand(2, len(known), 1, device=known.device) < 0.5
    turned = torch.where(drawn[0], 1.0 - places[..., 0], places[..., 0])
    places = torch.stack([turned, places[..., 1]], dim=-1)
    return torch.where(drawn[1, :, None], places.flip(1), places), torch.where(drawn[1], known.flip(1), known)


def _between(kept: Tensor) -> Tensor:
    """Return (B, T) bool: frames that have a kept one before and after."""
    return (kept.cumsum(1) > 0) & (kept.flip(1).cumsum(1).flip(1) > 0)


def _interpolated(places: Tensor, kept: Tensor) -> Tensor:
    """Return (B, T, 2): the places that are kept, and straight lines between them; at the ends, the nearest."""
    length = kept.shape[1]
    time = torch.arange(length, device=kept.device).expand_as(kept)
    before = torch.where(kept, time, -1).cummax(1).values
    after = torch.where(kept, time, length).flip(1).cummin(1).values.flip(1)
    before, after = torch.where(before < 0, after, before), torch.where(after == length, before, after)
    before, after = before.clamp(0, length - 1), after.clamp(0, length - 1)  # where no place is kept at all
    share = ((time - before) / (after - before).clamp(min=1))[..., None]
    left = places.gather(1, before[..., None].expand_as(places))
    right = places.gather(1, after[..., None].expand_as(places))
    return left + share * (right - left)
