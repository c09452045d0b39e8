"""A motion model that runs beside the network, and bridges short gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracknet_core.contracts import Candidates, Size, TrackedFrame, Tracker
from tracknet_core.registry import trackers
from tracknet_plugins.trackers.following import Rules, check_decay, follow
from tracknet_plugins.trackers.motion import Motion


@trackers.register("kalman")
class Kalman(Tracker):
    """One ball by a Kalman filter of constant velocity, with gravity where it is known; frame by frame.

    A detection can be the ball if its Mahalanobis distance to the predicted place is within ``gate``: what is not known
    of the velocity makes that region grow with every frame without a detection. Of several, that with the largest
    score times density is taken. A point is the filtered place. Without a detection it is the predicted place, while
    that is inside of the image, with ``origin="predicted"`` and the last score times ``decay`` for each such frame.
    After more than ``max_gap`` of them the track is lost, and another begins at the best detection there is. A track
    of fewer than ``confirm`` detections bridges nothing: a single false detection holds no one up.

    Time is that of the frames, so that variable frame rates do no harm. Lengths are shares of the image height, so that
    parameters hold for every resolution.

    Args:
        size: (W, H) pixels of the video.
        noise: standard deviation of a detection along an axis, in image heights: 0.003 is 2 pixels of 720.
        speed: standard deviation of a new ball's velocity along an axis, in image heights per second.
        agility: standard deviation of the change of velocity along an axis after one second, by hits, drag and the
            camera, in image heights per second; after t seconds it is ``agility * sqrt(t)``.
        gravity: in image heights per second^2, downwards: 9.81 divided by the metres that the image is high where the
            ball flies. 0 if unknown.
        gate: in standard deviations.
        max_gap: frames without a detection that are bridged.
        confirm: detections that a track needs before it bridges a gap.
        decay: factor of the score per predicted frame, in 0..1.

    Raises:
        ValueError: a parameter is out of its range.
    """

    memory = 10.0  # a track forgets its beginning in less; only of two balls that stay in view, it keeps to one

    def __init__(
        self,
        *,
        size: Size,
        noise: float = 0.003,
        speed: float = 1.0,
        agility: float = 4.0,
        gravity: float = 0.0,
        gate: float = 4.0,
        max_gap: int = 3,
        confirm: int = 3,
        decay: float = 0.7,
    ) -> None:
        self._motion = Motion.scaled(size, noise=noise, speed=speed, agility=agility, gravity=gravity)
        self._rules = Rules(gate=gate, max_gap=max_gap, confirm=confirm)
        check_decay(decay)
        self._size = size
        self._decay = decay

    def __call__(self, frames: Iterable[Candidates]) -> Iterator[TrackedFrame]:
        """Yield the ball of each frame, in order; memory does not grow."""
        for step in follow(frames, self._motion, self._rules):
            point = None if step.track is None else step.track.point(self._size, self._decay)
            yield TrackedFrame(step.frame.number, step.frame.time, () if point is None else (point,))
