"""A scene: everything that decides a rally's pictures and labels, before any picture is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tracknet_core.contracts import FloatArray, IntArray, Size, Visibility
from tracknet_plugins.datasets.synthetic.bodies import Wardrobe, detailed_joints, racket_outline
from tracknet_plugins.datasets.synthetic.camera import Camera, Motion
from tracknet_plugins.datasets.synthetic.figures import (
    CHEST,
    PELVIS,
    Figure,
    Outfit,
    animate,
    covered,
    fidgeting,
    holding,
    plain_parts,
)
from tracknet_plugins.datasets.synthetic.graphics import Slot, choose_slots
from tracknet_plugins.datasets.synthetic.rally import FAR, NEAR, Play, Role, play, run
from tracknet_plugins.datasets.synthetic.sports import (
    DIFFICULTIES,
    SPORTS,
    CameraName,
    Colour,
    Difficulty,
    DifficultyName,
    Palette,
    Sport,
    SportName,
    StyleName,
)
from tracknet_plugins.datasets.synthetic.textures import smooth_line

Array = npt.NDArray[np.float64]

SAMPLES = 13
"""Moments per exposure at which the ball is looked at."""

HIDDEN = 0.5
"""A ball is OCCLUDED when more than this share of it, over the exposure, is hidden."""

FAINT = 44.0
"""A ball is HARD when it stands out from what is behind it by less than this many grey levels."""

TINY = 2.2
"""A ball is HARD when its diameter is below this many pixels of a picture 640 wide."""

CLUTTER = 0.55
"""How much the contrast in front of the crowd or of boards counts, against that in front of a plain floor."""


_SHUTTLE_LENGTH = 0.028
"""Metres from the middle of the cork to that of the skirt's rim, less than it is: both are drawn with round ends, and
apparent sizes are greater."""


@dataclass(frozen=True)
class Recipe:
    """What a scene follows from; equal recipes give equal scenes.

    Attributes:
        sport: preset of dimensions, physics and looks.
        difficulty: preset of the pictures' difficulty.
        size: width and height of the frames, in pixels.
        frames: how many there are.
        fps: frames per second.
        seed: of this rally alone.
        exposure: range of seconds that the shutter is open; None for that of the preset.
        style: how much of a real picture is drawn.
        bitrate: range of Mbit/s, of a picture 1280 x 720, that the video is coded at; None for a constant quality.
        camera: of a lifelike style, whether it is operated or stays where it is but for its sway.
        idle: of a lifelike style, whether a shuttlecock is there, and labelled, in a server's hand and long at rest.
        opacity: range of the opacity of a shuttlecock's skirt, 0..1, of a lifelike style.
    """

    sport: SportName
    difficulty: DifficultyName
    size: Size
    frames: int
    fps: float
    seed: tuple[int, ...]
    exposure: tuple[float, float] | None = None
    style: StyleName = "plain"
    bitrate: tuple[float, float] | None = None
    camera: CameraName = "fixed"
    idle: bool = False
    opacity: tuple[float, float] = (0.35, 0.95)


@dataclass(frozen=True)
class Coding:
    """What happens to the pictures on their way through cameras and encoders.

    Attributes:
        bitrate: bit/s; None for the constant quality of the difficulty.
        key_frames: greatest distance between two of them, in frames.
        filters: FFmpeg's, of lenses, sharpening and noise; empty for none.
    """

    bitrate: int | None = None
    key_frames: int = 12
    filters: str = ""


@dataclass(frozen=True)
class Scene:
    """One rally, ready to be labelled and painted. N frames, S moments per exposure.

    Attributes:
        recipe: what it was made from.
        palette: the venue's colours.
        camera: for the picture at rest.
        play: the rally.
        ball: (N, S, 3) metres over the exposure of each frame; NaN where there is none in play.
        ball_colour: RGB.
        figures: players, by side: the near ones (-1) and the far ones (1).
        motion: of the whole picture.
        light: (3,) the direction in which light falls; z is -1.
        shadow: how much shadows darken, 0..1.
        score_box: left, top, right, bottom of the score graphics, in pixels; None for none.
        looks: seed for what only the painter needs.
        exposure: seconds that the shutter is open.
        ball_scale: factor on the ball's apparent size.
        feathers: opacity of a shuttlecock's skirt, 0..1.
        graphics: what the broadcaster lays over the picture; none in a plain style, which has ``score_box``.
        coding: of the video.
        rackets: for each figure (N, 2 + R, 3) grip, throat and rim of its racket in metres; empty in a plain style.
    """

    recipe: Recipe
    palette: Palette
    camera: Camera
    play: Play
    ball: Array
    ball_colour: Colour
    figures: tuple[Figure, ...]
    motion: Motion
    light: Array
    shadow: float
    score_box: tuple[int, int, int, int] | None
    looks: np.random.SeedSequence
    exposure: float
    ball_scale: float
    feathers: float = 1.0
    graphics: tuple[Slot, ...] = ()
    coding: Coding = Coding()
    rackets: tuple[Array, ...] = ()

    @property
    def is_lifelike(self) -> bool:
        """Whether more than plain shapes is drawn."""
        return self.recipe.style == "lifelike"

    @property
    def sport(self) -> Sport:
        """The preset."""
        return SPORTS[self.recipe.sport]

    @property
    def difficulty(self) -> Difficulty:
        """The preset."""
        return DIFFICULTIES[self.recipe.difficulty]

    @property
    def unit(self) -> float:
        """Pixels of the picture per pixel of one that is 640 wide."""
        return self.recipe.size[0] / 640

    @cached_property
    def streaks(self) -> tuple[Array, Array]:
        """The ball in the picture: centres (N, S, 2), and diameters (N,), in pixels; NaN where there is none."""
        xy, scale = self.camera.project(self.ball)
        ball = self.sport.ball
        diameter = np.maximum(ball.diameter * ball.apparent * scale.mean(1), ball.smallest * self.unit)
        return self.motion.moved(xy), diameter * self.ball_scale * self.motion.zoom

    @cached_property
    def shuttle_axes(self) -> Array:
        """From the rim of a shuttlecock's skirt to its cork, (N, S, 3) metres: as it flies, cork ahead."""
        way = np.gradient(self.ball, axis=1)
        speed = np.linalg.norm(way, axis=-1, keepdims=True)
        # One that lies still points anywhere: at random, but always the same way.
        turn = 1000 * self.ball[..., 0]
        way = np.where(speed > 1e-6, way, np.stack([np.cos(turn), np.sin(turn), 0.1 * np.ones_like(turn)], axis=-1))
        long = _SHUTTLE_LENGTH * self.sport.ball.apparent * self.ball_scale
        return np.asarray(long * way / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-9))

    @cached_property
    def bodies(self) -> list[Array]:
        """The figures as capsules (N, P, 6), in pixels of the picture at rest."""
        return [figure.capsules(self.camera) for figure in self.figures]

    @cached_property
    def net(self) -> Array:
        """Both halves of the net's tape, and the posts, as capsules (4, 6), in pixels of the picture at rest."""
        sport = self.sport
        (middle, post), surface, half = sport.net_top, sport.surface, sport.net_width
        tops = np.array([[-half, 0, surface + post], [0, 0, surface + middle], [half, 0, surface + post]])
        feet = tops * [1, 1, 0] + [0, 0, 0 if sport.surface == 0 else surface - 0.05]
        xy, scale = self.camera.project(np.concatenate([tops, feet]))
        tape = scale[0] * (0.03 if surface == 0 else 0.008) * (0.45 if self.is_lifelike else 1.0)
        pole = scale[0] * (0.04 if surface == 0 else 0.012)
        ends = [(0, 1, tape), (1, 2, tape), (0, 3, pole), (2, 5, pole)]
        return np.array([[*xy[a], radius, *xy[b], radius] for a, b, radius in ends])

    def labels(self, *, middle: bool = False) -> tuple[FloatArray, IntArray]:
        """Return the place of the ball, (N, 2) pixels, NaN without one; and the codes (N,) of ``Visibility``.

        The place is the middle of the streak: the mean over the exposure. In a lifelike style it is where labels of
        real pictures have it, ``Ball.label_at``, unless the middle is asked for. The code is

        - ABSENT if no ball is in play, or its place is outside the picture;
        - OCCLUDED if more than :data:`HIDDEN` of it is behind a player, the net's tape or posts, the table, or the
          score;
        - HARD if it is smaller than :data:`TINY`, or stands out by less than :data:`FAINT`: the difference in grey
          levels of its colour to that of the surface behind, times the share of the exposure that it covers a pixel on
          its way, times the share of it that is not hidden, times :data:`CLUTTER` before the crowd or boards;
        - EASY otherwise.
        """
        xy = self.streaks[0].mean(1) if middle else self._marks()
        width, height = self.recipe.size
        with np.errstate(invalid="ignore"):
            inside = ((xy >= -0.5) & (xy < [width - 0.5, height - 0.5])).all(1)
        seen = np.flatnonzero(inside)
        hidden, diameters = self.hidden(seen), self.streaks[1][seen]
        is_hard = (diameters < TINY * self.unit) | (self.contrast(seen) * (1 - hidden) < FAINT)
        codes = np.full(len(xy), int(Visibility.ABSENT))
        codes[seen] = np.where(is_hard, Visibility.HARD, Visibility.EASY)
        codes[seen[hidden > HIDDEN]] = Visibility.OCCLUDED
        xy[~inside] = np.nan
        return xy.astype(np.float32), codes

    def _marks(self) -> Array:
        """Return where labels are, (N, 2) pixels, in the picture or outside."""
        centres = self.streaks[0]
        if not self.is_lifelike or self.sport.ball.label_at == 0.5:
            return np.asarray(centres.mean(1))
        at = self.sport.ball.label_at * SAMPLES - 0.5
        first = int(at)
        return np.asarray(centres[:, first] + (at - first) * (centres[:, first + 1] - centres[:, first]))

    def half_ways(self) -> FloatArray:
        """Return half of the ball's way during each exposure, (N, 2) pixels from the start to the end, NaN without one.

        From the first of the :data:`SAMPLES` moments to the last is a moment less than the exposure. Where the ball
        bounces meanwhile, its way is taken to be straight.
        """
        centres = self.streaks[0]
        way = (centres[:, -1] - centres[:, 0]) * SAMPLES / (SAMPLES - 1)
        return (way / 2).astype(np.float32)

    def contrast(self, seen: IntArray) -> Array:
        """Return how many grey levels the streak stands out by, (F,), in the frames ``seen`` (F,), if nothing hides it.

        That is the root mean square over RGB of the difference to the colour behind, thinned out by the blur.
        """
        centres, diameters = self.streaks[0][seen], self.streaks[1][seen]
        lengths = np.linalg.norm(np.diff(centres, axis=1), axis=-1).sum(1)
        behind, clarity = self._behind(seen)
        difference = np.sqrt(((np.asarray(self.ball_colour) - behind) ** 2).mean(-1))
        return np.asarray(clarity * difference * diameters / (diameters + lengths))

    def hidden(self, seen: IntArray) -> Array:
        """Return (F,): the share of the ball, over disc and exposure, that something hides in frames ``seen`` (F,)."""
        centres, diameters = self.streaks[0][seen], self.streaks[1][seen]
        turns = np.linspace(0, 2 * np.pi, 6, endpoint=False)
        disc = np.concatenate([np.zeros((1, 2)), 0.35 * np.column_stack([np.cos(turns), np.sin(turns)])])
        points = (centres[:, :, None] + disc * diameters[:, None, None, None]).reshape(
            len(seen), SAMPLES * len(disc), 2
        )
        depth = self.ball[seen, :, 1].mean(1)
        hidden = np.zeros(points.shape[:2], dtype=bool)
        at_rest = self.motion.at_rest(points, seen)
        for figure, capsules in zip(self.figures, self.bodies, strict=True):
            before = np.flatnonzero(figure.joints[seen, PELVIS, 1] < depth)
            hidden[before] |= _covered_nearby(at_rest[before], capsules[seen[before]])
        beyond = np.flatnonzero(depth > 0)
        hidden[beyond] |= _covered_nearby(at_rest[beyond], np.broadcast_to(self.net, (len(beyond), *self.net.shape)))
        below = np.flatnonzero(self.ball[seen, :, 2].mean(1) < self.sport.surface)
        hidden[below] |= self._over_surface(self.camera.rays(at_rest[below]))[1]
        for (left, top, right, bottom), shown in self._boxes():
            within = (points >= [left - 0.5, top - 0.5]).all(-1) & (points < [right - 0.5, bottom - 0.5]).all(-1)
            hidden |= within & shown[seen, None]
        return np.asarray(hidden.mean(1))

    def _boxes(self) -> Iterator[tuple[tuple[int, int, int, int], npt.NDArray[np.bool_]]]:
        """Yield what lies over the picture, and in which of the N frames."""
        if self.score_box is not None:
            yield self.score_box, np.ones(len(self.ball), dtype=bool)
        numbers = np.arange(len(self.ball))
        for slot in self.graphics:
            if slot.opacity > HIDDEN:
                yield slot.box, (numbers >= slot.first) & (numbers < slot.last)

    def _behind(self, seen: IntArray) -> tuple[Array, Array]:
        """Return what is behind the ball in frames ``seen`` (F,): RGB (F, 3), and how clear a view it makes (F,)."""
        sport, palette, eye = self.sport, self.palette, self.camera.position
        centres = self.motion.at_rest(self.streaks[0][seen].mean(1), seen)
        rays = self.camera.rays(centres)
        back = sport.length / 2 + sport.run_off[0]
        at_boards = eye + rays * ((back - eye[1]) / rays[:, 1])[:, None]
        is_stand = at_boards[:, 2] > sport.board_height
        colours = np.where(is_stand[:, None], palette.stands, palette.boards[0]).astype(np.float64)
        clarity = np.full(len(seen), CLUTTER)

        is_floor = (at_boards[:, 2] < 0) & (np.abs(self._meets(rays, 0.0)[:, 0]) < sport.width / 2 + sport.run_off[1])
        colours[is_floor], clarity[is_floor] = palette.surround, 1.0
        surface, is_court = self._over_surface(rays, beyond=sport.mat)
        colours[is_court] = palette.court
        lines = np.array([[*start, line / 2, *end, line / 2] for start, end, line in sport.lines])
        is_line = covered(np.column_stack([surface[:, 0], np.abs(surface[:, 1])]), lines)
        colours[is_court & is_line] = palette.lines
        depth = self.ball[seen, :, 1].mean(1)
        for figure, capsules in zip(self.figures, self.bodies, strict=True):
            is_player = _covered_nearby(centres[:, None], capsules[seen])[:, 0]
            is_player &= figure.joints[seen, PELVIS, 1] >= depth
            colours[is_player], clarity[is_player] = figure.outfit.colours["shirt"], CLUTTER
        return colours, clarity

    def _over_surface(self, rays: Array, beyond: float = 0.0) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Return where rays (..., 3) meet the level of the surface, and whether within its edges, or so far beyond."""
        places = self._meets(rays, self.sport.surface)
        inside = np.abs(places[..., :2]) < np.array([self.sport.width, self.sport.length]) / 2 + beyond
        return places, np.asarray(inside.all(-1))

    def _meets(self, rays: Array, height: float) -> Array:
        """Return where rays (..., 3) from the camera meet a level, (..., 3) metres; far away where they rise."""
        falling = np.minimum(rays[..., 2:], -1e-6)
        return np.asarray(self.camera.position + rays * ((height - self.camera.position[2]) / falling))


def _covered_nearby(points: Array, capsules: Array) -> npt.NDArray[np.bool_]:
    """Return :func:`covered` for points (F, K, 2) and capsules (F, P, 6); quick, since they are mostly far apart."""
    reach = capsules[..., [2, 5]].max((1, 2))
    ends = np.concatenate([capsules[..., :2], capsules[..., 3:5]], axis=1)
    low, high = ends.min(1) - reach[:, None], ends.max(1) + reach[:, None]
    near = np.flatnonzero(((points.max(1) > low) & (points.min(1) < high)).all(1))
    result = np.zeros(points.shape[:2], dtype=bool)
    result[near] = covered(points[near], capsules[near])
    return result


def make_scene(recipe: Recipe) -> Scene:
    """Make the scene of a recipe: the rally, the players, the place, the camera and the light."""
    sport, difficulty = SPORTS[recipe.sport], DIFFICULTIES[recipe.difficulty]
    # Streams of their own, so that a change to one part leaves the others as they are.
    for_play, for_place, for_people, looks, for_style, for_video = np.random.SeedSequence(recipe.seed).spawn(6)
    styles = np.random.default_rng(for_style) if recipe.style == "lifelike" else None
    rng = np.random.default_rng(for_place)
    width, height = recipe.size
    camera = Camera.aimed(
        side=rng.uniform(-sport.view.aside, sport.view.aside),
        behind=rng.uniform(*sport.view.behind),
        height=rng.uniform(*sport.view.height),
        near_edge=-sport.length / 2,
        width=sport.width,
        fill=rng.uniform(*sport.view.fill),
        bottom=rng.uniform(*sport.view.bottom),
        size=recipe.size,
    )
    palette = _vary(sport.palettes[rng.integers(len(sport.palettes))], rng)
    times = np.arange(recipe.frames) / recipe.fps
    # Data sets of badminton label the shuttlecock in the hand and at rest, too.
    idle = recipe.idle and styles is not None and sport.ball.is_shuttle
    rally = play(sport, recipe.frames / recipe.fps, np.random.default_rng(for_play), idle=idle)
    exposure = rng.uniform(*(recipe.exposure or difficulty.exposure))
    moments = times[:, None] + exposure * ((np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5)
    direction = rng.uniform(0, 2 * np.pi)
    slant = rng.uniform(0.1, 0.35) if palette.is_indoor else rng.uniform(0.4, 1.4)
    box = None
    if rng.random() < 0.6:
        unit = width / 640
        left, top = round(rng.uniform(16, 40) * unit), round(rng.uniform(12, 22) * unit)
        if rng.random() < 0.4:
            top = height - top - round(30 * unit)
        box = (left, top, left + round(110 * unit), top + round(28 * unit))
    ball_colour = sport.ball.colours[rng.integers(len(sport.ball.colours))]
    figures = _people(sport, rally, times, np.random.default_rng(for_people))
    motion = Motion(np.ones(recipe.frames), _sway(times, difficulty.sway * width / 640, rng))
    ball_scale, feathers = difficulty.ball, 1.0
    rackets: list[Array] = []
    graphics: tuple[Slot, ...] = ()
    if styles is not None:
        figures = tuple(_dressed(figures, rally, times, styles))
        if sport.racket[1]:
            rackets = [racket_outline(figure.joints, figure.racket_head, styles) for figure in figures]
        ball_scale *= styles.uniform(0.55, 1.1)
        palette = _repainted(palette, styles)
        feathers = styles.uniform(*recipe.opacity)
        ball_colour = _aged(ball_colour, styles)
        if recipe.camera == "operated":
            motion = _operated(motion, recipe.size, camera, figures, styles)
        graphics, box = choose_slots(recipe.size, recipe.frames, styles), None
    return Scene(
        recipe=recipe,
        palette=palette,
        camera=camera,
        play=rally,
        ball=rally.ball(moments),
        ball_colour=ball_colour,
        figures=figures,
        motion=motion,
        light=np.array([slant * np.cos(direction), slant * np.sin(direction), -1.0]),
        shadow=rng.uniform(0.16, 0.3) if palette.is_indoor else rng.uniform(0.3, 0.55),
        score_box=box,
        looks=looks,
        exposure=exposure,
        ball_scale=ball_scale,
        feathers=feathers,
        graphics=graphics,
        coding=_coding(recipe, np.random.default_rng(for_video)),
        rackets=tuple(rackets),
    )


def _vary(palette: Palette, rng: np.random.Generator) -> Palette:
    """Return the palette in another light: no two venues are painted alike."""
    gain = rng.uniform(0.85, 1.12)

    def vary(colour: Colour, spread: float = 9.0) -> Colour:
        red, green, blue = np.clip(np.array(colour) * gain + rng.normal(0, spread, 3), 10, 235).astype(int).tolist()
        return red, green, blue

    return Palette(
        court=vary(palette.court),
        surround=vary(palette.surround),
        lines=vary(palette.lines, 3.0),
        boards=tuple(vary(colour, 16.0) for colour in palette.boards),
        stands=vary(palette.stands),
        is_indoor=palette.is_indoor,
    )


def _sway(times: Array, amplitude: float, rng: np.random.Generator) -> Array:
    """Return a slow wandering of the camera (N, 2), in quarters of a pixel."""
    waves = [
        rng.uniform(0.3, 1.0) * np.sin(2 * np.pi * rng.uniform(0.08, 0.5, 2) * times[:, None] + rng.uniform(0, 7, 2))
        for _ in range(2)
    ]
    return np.asarray(np.round(4 * amplitude * (waves[0] + waves[1]) / 2) / 4)


def _coding(recipe: Recipe, rng: np.random.Generator) -> Coding:
    """Draw how a video of the recipe was made."""
    steps = []
    if recipe.style == "lifelike":
        unit = recipe.size[0] / 1280
        if rng.random() < 0.4:
            steps.append(f"gblur=sigma={unit * rng.uniform(0.5, 1.6):.3f}:planes=1")
        if rng.random() < 0.5:
            side = 5 if unit > 0.75 else 3
            steps.append(f"unsharp={side}:{side}:{rng.uniform(0.3, 1.5):.3f}:{side}:{side}:0")
        if rng.random() < 0.3:
            steps.append(f"noise=c0_strength={rng.integers(2, 9)}:c0_flags=t:c0_seed={rng.integers(1, 2**20)}")
    if recipe.bitrate is None:
        return Coding(filters=",".join(steps))
    low, high = np.log(recipe.bitrate)
    # A picture of half the size needs more than a quarter of the bits.
    share = (recipe.size[0] * recipe.size[1] / (1280 * 720)) ** 0.75 * max(recipe.fps / 30, 1) ** 0.5
    return Coding(
        bitrate=round(1e6 * share * np.exp(rng.uniform(low, high))),
        key_frames=int(rng.integers(12, 120)),
        filters=",".join(steps),
    )


def _operated(
    sway: Motion, size: Size, camera: Camera, figures: tuple[Figure, ...], rng: np.random.Generator
) -> Motion:
    """Return what a camera team does: mostly nothing, or a swaying, panning and zooming camera, or a close-up."""
    frames = len(sway.zoom)
    middle = (np.array(size) - 1) / 2
    kind = rng.choice(("still", "sways", "follows"), p=(0.5, 0.22, 0.28))
    zoom, offset = np.ones(frames), np.zeros((frames, 2))
    if kind == "sways":
        offset = np.round(4 * sway.offset * rng.uniform(0.3, 2.0)) / 4
    elif kind == "follows":
        slow = rng.uniform(25, 90)
        zoom = 1.002 + rng.uniform(0, 0.35) * (1 + smooth_line(frames, slow, rng)) / 2
        pan = np.column_stack([smooth_line(frames, slow, rng), smooth_line(frames, slow, rng)])
        shake = np.column_stack([smooth_line(frames, 3, rng), smooth_line(frames, 3, rng)])
        pan = rng.uniform(0, 0.06) * size[0] * pan * [1, 0.4] + rng.uniform(0, 1.2) * size[0] / 1280 * shake
        offset = (1 - zoom)[:, None] * middle + pan
    if rng.random() < 0.12 and frames > 20:
        first = int(rng.integers(frames - 10))
        shot = slice(first, first + int(rng.integers(10, 45)))
        who = figures[rng.integers(len(figures))]
        places = camera.project(who.joints[shot, CHEST])[0]
        centre = places.mean(0) + 0.5 * (places - places.mean(0))
        zoom[shot] = rng.uniform(1.6, 3.2)
        offset[shot] = middle - zoom[shot, None] * np.clip(centre, 0.25 * middle, 1.75 * middle)
    return Motion(zoom, offset)


_SKINS: tuple[Colour, ...] = ((232, 190, 160), (214, 164, 130), (176, 124, 92), (128, 86, 62), (92, 62, 48))
_HAIRS: tuple[Colour, ...] = ((32, 26, 24), (58, 42, 32), (96, 70, 44), (168, 130, 80), (150, 150, 150))
_SHIRTS: tuple[Colour, ...] = (
    (206, 36, 44),
    (30, 64, 150),
    (236, 236, 236),
    (24, 26, 32),
    (240, 204, 48),
    (34, 140, 90),
    (236, 120, 40),
    (120, 200, 226),
    (188, 60, 140),
    (238, 168, 188),
)
_SHOES: tuple[Colour, ...] = ((236, 236, 236), (230, 240, 90), (40, 40, 46), (226, 70, 60))
_SHORTS: tuple[Colour, ...] = ((24, 26, 34), (232, 232, 234), (36, 48, 96), (120, 30, 40), (70, 74, 82))


def _people(sport: Sport, rally: Play, times: Array, rng: np.random.Generator) -> tuple[Figure, ...]:
    """Return the players of both sides: one each, or two each in a double."""
    is_double = rng.random() < sport.doubles
    length, head = sport.racket
    hitters = min(3, len(sport.team))
    shirts = rng.choice(len(_SHIRTS), 2, replace=False)
    figures = []
    for side, shirt in zip((NEAR, FAR), shirts, strict=True):
        shorts = _SHORTS[rng.integers(len(_SHORTS))]
        for number in range(len(sport.team) or (2 if is_double else 1)):
            outfit = _outfit(rng, _SHIRTS[shirt], shorts)
            aside = rng.choice((-1, 1)) * rng.uniform(0.2, 0.34) * sport.width
            hand = -1 if rng.random() < 0.15 else 1
            if sport.team:
                x, depth = np.array(sport.team[number]) + rng.normal(0, 0.4, 2)
                home = (float(-side * x), float(side * max(depth, 0.8)))
                turn = (number, hitters) if number < hitters else None
                role = Role(side, hand, None if turn else home[0], home, turn)
            else:
                role = Role(side, hand, partner_at=aside if number else None)
            joints = animate(
                times,
                run(sport, rally, role, times, rng),
                role.strokes(rally.hits[side]),
                side=side,
                hand=role.hand,
                stature=outfit.stature,
                racket=length - head,
                crouch=rng.uniform(0.08, 0.2) + (0.08 if sport.surface else 0.0),
                rng=rng,
            )
            is_bat, faces_camera = sport.surface > 0, side == FAR
            parts = plain_parts(head if is_bat else 0.0, faces_camera=faces_camera)
            figures.append(Figure(joints, outfit, head, is_bat, faces_camera, parts))
    return tuple(figures)


def _dressed(figures: tuple[Figure, ...], rally: Play, times: Array, rng: np.random.Generator) -> Iterator[Figure]:
    """Yield the figures with bodies in detail, each side in a kit of its own, with a ball in a server's hand."""
    wardrobe = Wardrobe(rng)
    kits = {faces_camera: wardrobe.kit() for faces_camera in (False, True)}
    servers = {figure.faces_camera: figure for figure in reversed(figures)}  # the first of a side hits the ball
    strokes = {side: [hit.time for hit in rally.hits[side]] for side in (NEAR, FAR)}
    for figure in figures:
        side = FAR if figure.faces_camera else NEAR
        joints = fidgeting(figure.joints, times, strokes[side] if servers[figure.faces_camera] is figure else [], rng)
        if servers[figure.faces_camera] is figure:
            for hold in rally.holds:
                if hold.side == side:
                    joints = holding(joints, times, hold.start, hold.end, rally.ball(times))
        outfit = replace(wardrobe.outfit(kits[figure.faces_camera]), stature=figure.outfit.stature)
        parts = wardrobe.parts(figure.racket_head if figure.is_bat else 0.0, faces_camera=figure.faces_camera)
        yield replace(figure, joints=detailed_joints(joints, rng), outfit=outfit, parts=parts)


def _aged(colour: Colour, rng: np.random.Generator) -> Colour:
    """Return the colour of a ball as a camera sees it: white ones are grey in many halls, and take on its light."""
    values = np.array(colour) * rng.uniform(0.75, 1.03) + rng.normal(0, 5, 3)
    red, green, blue = np.clip(values, 20, 250).astype(int).tolist()
    return red, green, blue


def _repainted(palette: Palette, rng: np.random.Generator) -> Palette:
    """Return the palette of a venue that may have any colours."""

    def paint(colour: Colour, share: float, darkest: float, brightest: float) -> Colour:
        if rng.random() >= share:
            return colour
        grey, strong = rng.uniform(darkest, brightest), rng.uniform(0.1, 0.9)
        red, green, blue = np.clip(grey + strong * (rng.uniform(0, 255, 3) - grey), 10, 235).astype(int).tolist()
        return red, green, blue

    return replace(
        palette,
        court=paint(palette.court, 0.4, 60, 190),
        surround=paint(palette.surround, 0.6, 20, 170),
        lines=paint(palette.lines, 0.1, 200, 250),
        boards=tuple(paint(colour, 0.6, 15, 120) for colour in palette.boards * 2),
        stands=paint(palette.stands, 0.5, 8, 110),
    )


def _outfit(rng: np.random.Generator, shirt: Colour, shorts: Colour) -> Outfit:
    """Return a body of any kind in a kit."""
    colours = {
        "skin": _SKINS[rng.integers(len(_SKINS))],
        "bat": (168, 30, 36) if rng.random() < 0.6 else (26, 26, 30),
        "hair": _HAIRS[rng.integers(len(_HAIRS))],
        "shirt": shirt,
        "shirt_shade": _shaded(shirt),
        "shorts": shorts,
        "shorts_shade": _shaded(shorts),
        "shoes": _SHOES[rng.integers(len(_SHOES))],
    }
    return Outfit(colours, rng.uniform(1.64, 1.94))


def _shaded(colour: Colour) -> Colour:
    red, green, blue = (round(0.78 * value) for value in colour)
    return red, green, blue
