"""Many videos in turn: the work of ``tracknet predict``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tracknet_core.config import import_plugins, parse_component
from tracknet_core.errors import DataError
from tracknet_core.tracking.detector import load_detector
from tracknet_core.tracking.jobs import Existing, find_jobs
from tracknet_core.tracking.pipeline import ClipRun
from tracknet_core.tracking.plan import Plan


def track_videos(
    checkpoint: Path,
    videos: Sequence[str],
    output: Path,
    writers: Mapping[str, str | None],
    *,
    existing: Existing = "refuse",
    fps: float = 30.0,
    tracker: str | None = None,
    step: int | None = None,
    ensemble: str | None = None,
    batch_size: int | None = None,
    device: str = "auto",
    backend: str = "auto",
    plugins: Sequence[str] = (),
    tell: Callable[[str], object] = lambda _text: None,
) -> None:
    """Find the ball in every frame of videos, and write what was found; each is finished before the next begins.

    Components are as a person writes them: ``kalman`` or ``{name: kalman, …}``; None is what stands for the option in
    ``experiments/options.yaml``.

    Args:
        checkpoint: file of the network.
        videos: files, folders, patterns, URLs, devices; see :func:`.jobs.find_jobs`.
        output: the folder.
        writers: what is written, by the options that asked for it.
        existing: what becomes of outputs that are there.
        fps: frames per second of folders of images.
        tracker: what makes a trajectory of what the network finds; or the checkpoint of a trained one.
        step: frames between windows; None for the network's own.
        ensemble: what overlapping windows make of a frame; None for the default of the step.
        batch_size: windows at once; None for what suits the network.
        device: of torch, or ``auto``.
        backend: what runs the file, or ``auto``.
        plugins: modules to import before, which the caller trusts.
        tell: is called with what became of each video.

    Raises:
        DataError: a video cannot be read; told at the end, as the others can do without it.
        UserError: something is missing or does not fit.
    """
    import_plugins(plugins)
    forms = {option: parse_component("writers", text, option) for option, text in writers.items()}
    plan = Plan.of(tracker=tracker, step=step, ensemble=ensemble, batch_size=batch_size)
    detector = load_detector(checkpoint, device=device, backend=backend, later=True)
    plan.check(detector)
    points = detector.points
    jobs = find_jobs(videos, output, fps=fps, writers=forms, points=points, existing=existing, tell=tell)
    faults = []
    for job in jobs:
        try:
            tell(ClipRun(job, detector, plan, checkpoint=checkpoint).run())
        except DataError as error:
            faults.append(str(error))
    if faults:
        raise DataError("\n".join(faults))
