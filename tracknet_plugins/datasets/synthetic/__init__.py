"""Synthetic rallies: the embedded default, made from numbers when they are looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tracknet_core.contracts import Clip, Dataset, plain_labels
from tracknet_core.errors import DataError
from tracknet_core.labels import streak_labels
from tracknet_core.registry import datasets
from tracknet_plugins.datasets.synthetic.render import RenderedFrames
from tracknet_plugins.datasets.synthetic.scene import Recipe, make_scene
from tracknet_plugins.datasets.synthetic.sports import RACKET_SPORTS, SPORTS, SportName

_SMALLEST = (640, 360)


@datasets.register("synthetic")
class Synthetic(Dataset):
    """Rallies of tennis, badminton, table tennis and volleyball as a broadcast camera sees them.

    Each rally is a venue of its own: court, colours, camera, light, players. Equal settings give equal labels and
    frames on one machine. Labels are in pixels of the rendered video; see ``Scene.labels`` for the rule of the codes.

    Args:
        root: not used; there is nothing to read.
        sport: which preset; ``mixed`` takes turns of the racket sports, ``all`` of all.
        difficulty: ``easy`` has a bigger ball, a camera that stands still and fewer look-alikes; ``hard`` a smaller
            ball, a longer exposure, and more noise, sway and look-alikes.
        size: width and height of the frames, in pixels; even numbers, at least 640 x 360.
        rallies: how many rallies ``train``, ``val`` and ``test`` have.
        frames: length of a rally, in frames.
        fps: frames per second.
        exposure: seconds that the shutter is open, of which each rally draws one; None for what ``difficulty`` says.
            The longer, the longer the streaks.
        streaks: whether labels are the two ends of the ball's way during the exposure, and not one point.
        style: ``plain`` draws what a rally needs. ``lifelike`` also draws, unlabelled, what is taken for a ball:
            socks, shoes, hands, wristbands, letters on shirts and floor, rackets that flash by, spare balls, captions;
            on worn floors under lamps, in venues of any colours, through lenses, sharpening and noise. The label of a
            shuttlecock is its cork there, at the leading end, as in data sets of that sport.
        bitrate: range of Mbit/s that rallies are coded at, as of pictures 1280 x 720, each drawn evenly on a
            logarithmic scale; None for the constant quality of ``difficulty``.
        camera: ``operated`` pans and zooms in some lifelike rallies, and cuts to a player; ``fixed`` sways at most.
        idle: whether lifelike shuttlecocks are to be seen, and labelled, in the server's hand and for long at rest, as
            in data sets of the sport. A network that sees differences of frames cannot see them, and only loses by it.
        opacity: range of the opacity of a lifelike shuttlecock's skirt, 0..1; one per rally.
        seed: another seed gives other rallies.

    Raises:
        ValueError: a setting that is out of range.
    """

    splits = ("train", "val", "test")

    def __init__(
        self,
        *,
        root: Path | None = None,
        sport: Literal[
            "tennis", "badminton", "table_tennis", "volleyball", "beach_volleyball", "mixed", "all"
        ] = "mixed",
        difficulty: Literal["easy", "normal", "hard"] = "normal",
        size: tuple[int, int] = (640, 360),
        rallies: tuple[int, int, int] = (48, 9, 9),
        frames: int = 90,
        fps: float = 30.0,
        exposure: tuple[float, float] | None = None,
        streaks: bool = False,
        style: Literal["plain", "lifelike"] = "plain",
        bitrate: tuple[float, float] | None = None,
        camera: Literal["fixed", "operated"] = "fixed",
        idle: bool = False,
        opacity: tuple[float, float] = (0.35, 0.95),
        seed: int = 0,
    ) -> None:
        del root
        if size[0] < _SMALLEST[0] or size[1] < _SMALLEST[1] or size[0] % 2 or size[1] % 2:
            raise ValueError(f"size: {size} is no size for a rally. Give even numbers, at least {_SMALLEST}.")
        if min(rallies) < 0:
            raise ValueError(f"rallies: {rallies} has a negative number. Give three counts, for train, val and test.")
        if frames < 2:
            raise ValueError(f"frames: {frames} is too short for a rally. Give at least 2.")
        if not 1 <= fps <= 1000:
            raise ValueError(f"fps: {fps} is no frame rate. Give 1 to 1000.")
        if exposure is not None and not 0 < exposure[0] <= exposure[1] <= 1 / fps:
            raise ValueError(
                f"exposure: {list(exposure)} s is no range of exposures. Give a lower and an upper limit, above 0 "
                f"and at most {1 / fps:.4g}, the time of a frame."
            )
        if bitrate is not None and not 0.05 <= bitrate[0] <= bitrate[1] <= 100:
            raise ValueError(
                f"bitrate: {list(bitrate)} is no range of Mbit/s. Give a lower and an upper limit, 0.05 to 100."
            )
        if not 0 < opacity[0] <= opacity[1] <= 1:
            raise ValueError(
                f"opacity: {list(opacity)} is no range of opacities. Give two limits, above 0 and at most 1."
            )
        if seed < 0:
            raise ValueError(f"seed: {seed} is negative. Give 0 or more.")
        self._sports: tuple[SportName, ...]
        if sport == "mixed":
            self._sports = RACKET_SPORTS
        elif sport == "all":
            self._sports = tuple(SPORTS)
        else:
            self._sports = (sport,)
        self._difficulty = difficulty
        self._size = size
        self._rallies = dict(zip(self.splits, rallies, strict=True))
        self._frames = frames
        self._fps = fps
        self._exposure = exposure
        self._streaks = streaks
        self._style: Literal["plain", "lifelike"] = style
        self._bitrate = bitrate
        self._camera: Literal["fixed", "operated"] = camera
        self._idle = idle
        self._opacity = opacity
        self._seed = seed

    def clips(self, split: str) -> list[Clip]:
        """Return the rallies of a split. Labels are computed here, pictures when they are read.

        Raises:
            DataError: there is no such split.
        """
        if split not in self._rallies:
            raise DataError(f"synthetic: no split is called '{split}'. Known: {', '.join(self.splits)}.")
        return [self._clip(split, number) for number in range(self._rallies[split])]

    def _clip(self, split: str, number: int) -> Clip:
        recipe = Recipe(
            sport=self._sports[number % len(self._sports)],
            difficulty=self._difficulty,
            size=self._size,
            frames=self._frames,
            fps=self._fps,
            seed=(self._seed, self.splits.index(split), number),
            exposure=self._exposure,
            style=self._style,
            bitrate=self._bitrate,
            camera=self._camera,
            idle=self._idle,
            opacity=self._opacity,
        )
        name = f"{split}/{recipe.sport}_{number:03d}"
        scene = make_scene(recipe)
        xy, visibility = scene.labels(middle=self._streaks)
        labels = streak_labels(xy, scene.half_ways(), visibility) if self._streaks else plain_labels(xy, visibility)
        return Clip(name=name, frames=RenderedFrames(recipe, name=name), labels=labels)
