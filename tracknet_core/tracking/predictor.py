"""A trained network in Python: ``load("best.ckpt").track("match.mp4")``. Must not import torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from tracknet_core.config import import_plugins
from tracknet_core.contracts import TrackedFrame
from tracknet_core.hub import is_hub_address
from tracknet_core.progress import Progress
from tracknet_core.tracking.album import Album
from tracknet_core.tracking.answers import Detector
from tracknet_core.tracking.clip_tracker import ClipTracker
from tracknet_core.tracking.detector import AUTO, load_detector
from tracknet_core.tracking.given import Video, source_of
from tracknet_core.tracking.networks import network_path
from tracknet_core.tracking.plan import Part, Plan
from tracknet_core.tracking.trajectory import Trajectory

ASSUMED_FPS = 30.0
"""Of folders of images and of arrays, where nobody says it; as that of the command."""


def load(
    network: str | Path | None = None, *, device: str = AUTO, backend: str = AUTO, plugins: Sequence[str] = ()
) -> Predictor:
    """Return a trained network that is ready to look at videos.

    Args:
        network: a checkpoint, an exported file such as ``best.onnx`` (which needs no torch), a folder that ``tracknet
            publish`` wrote, ``hf://owner/name`` for such a folder in a repository of Hugging Face, or the name of a
            model that is installed; None for the one that comes with tracknet.
        device: of torch, such as ``cpu`` or ``cuda:0``; ``auto`` takes a GPU if there is one.
        backend: what runs the file, such as ``torch`` or ``onnx``; ``auto`` goes by its suffix.
        plugins: modules or files with parts that the network names; they are imported, so give those that you trust.

    Raises:
        CheckpointError: no such file, or it is not what it says.
        ConfigError: no such device, or the network cannot be built here.
        RegistryError: no such backend, or a part that is not installed.
    """
    import_plugins(plugins)
    path = network_path(network)
    is_address = network is not None and is_hub_address(network)
    return Predictor(str(network) if is_address else path.name, load_detector(path, device=device, backend=backend))


class Predictor:
    """A trained network that finds the ball in videos; :func:`load` makes one.

    Args:
        name: of the network.
        detector: the network.
    """

    def __init__(self, name: str, detector: Detector) -> None:
        self.name = name
        self.detector = detector

    def __repr__(self) -> str:
        window = self.detector.window
        width, height = window.image_size
        return f"<Predictor {self.name}: {window.length} frames of {width}x{height}, on {self.detector.device}>"

    def track(
        self,
        video: Video,
        *,
        fps: float = ASSUMED_FPS,
        tracker: Part | Path | None = None,
        step: int | None = None,
        ensemble: Part | None = None,
        batch_size: int | None = None,
        progress: bool = True,
    ) -> Trajectory:
        """Find the ball in every frame of a video.

        Frames are decoded, or taken from whoever gives them, as they are needed: memory does not grow but by the rows.

        Args:
            video: a path, a folder of images, the URL of a stream; frames (T, H, W, 3) uint8, RGB; frames (H, W, 3) one
                after the other; or a source of frames.
            fps: frames per second of folders of images and of arrays; files know theirs.
            tracker: what makes a trajectory of what the network finds: a name, or a mapping such as ``{"name":
                "kalman", "max_gap": 5}``, or the path of a trained one; None for the one that commands take.
            step: frames between windows; None for the network's own.
            ensemble: what overlapping windows make of a frame.
            batch_size: windows at once; None for what suits the network.
            progress: show how far it is.

        Raises:
            DataError: there is no such video, or no frame of it can be decoded.
            ConfigError: something does not fit.
        """
        plan = self._plan(tracker, step, ensemble, batch_size)
        name, source = source_of(video, fps)
        clip = ClipTracker(name, source, self.detector, plan)
        album = Album(clip.size)
        with clip.frames(look=album.look) as frames, Progress(name, clip.length, silent=not progress) as shown:

            def counted() -> Iterator[TrackedFrame]:
                for frame in frames:
                    yield frame
                    shown.advance()

            found = Trajectory(name, source, counted(), points=self.detector.points, pictures=album.pictures)
        loss = clip.loss(shown.count)
        if loss is not None:
            warnings.warn(loss, stacklevel=2)
        return found

    def stream(
        self,
        video: Video,
        *,
        fps: float = ASSUMED_FPS,
        tracker: Part | Path | None = None,
        step: int | None = None,
        ensemble: Part | None = None,
        batch_size: int | None = None,
    ) -> Iterator[TrackedFrame]:
        """Yield the balls of each frame as soon as they are known, such as those of a camera.

        Args:
            video: as that of :meth:`track`, like all the others.
            fps: frames per second.
            tracker: what makes a trajectory; how late frames come is its ``delay``.
            step: frames between windows.
            ensemble: what overlapping windows make of a frame.
            batch_size: windows at once; 1 keeps the delay short.

        Raises:
            DataError: there is no such video.
            ConfigError: something does not fit, such as a tracker that wants a whole clip with frames that come once.
        """
        plan = self._plan(tracker, step, ensemble, batch_size)
        clip = ClipTracker(*source_of(video, fps), self.detector, plan)
        clip.check_online()

        def frames() -> Iterator[TrackedFrame]:
            with clip.frames() as found:
                yield from found

        return frames()

    def _plan(
        self, tracker: Part | Path | None, step: int | None, ensemble: Part | None, batch_size: int | None
    ) -> Plan:
        plan = Plan.of(tracker=tracker, step=step, ensemble=ensemble, batch_size=batch_size)
        plan.check(self.detector)
        return plan
