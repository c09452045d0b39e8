"""The sports and the difficulties: everything about a rally that a number can say.

World coordinates are metres: x to the right, y along the court and away from the camera, z up; the origin is on the
floor under the middle of the net. Where a number holds for both sides, it is given for y > 0 and mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import pi
from typing import Literal

SportName = Literal["tennis", "badminton", "table_tennis", "volleyball", "beach_volleyball"]
StyleName = Literal["plain", "lifelike"]
CameraName = Literal["fixed", "operated"]
DifficultyName = Literal["easy", "normal", "hard"]
Colour = tuple[int, int, int]
Range = tuple[float, float]

GRAVITY = 9.81
AIR_DENSITY = 1.2


@dataclass(frozen=True)
class Ball:
    """What flies.

    Attributes:
        diameter: metres; of the skirt, for a shuttlecock.
        drag: deceleration by the air is ``drag * speed ** 2``, in 1/m.
        restitution: share of the vertical speed that a bounce keeps.
        grip: share of the horizontal speed that a bounce keeps.
        colours: RGB, one of them per rally.
        apparent: how much bigger than its geometry a bright ball looks, since cameras bloom and broadcasts sharpen.
        smallest: least diameter in pixels of a picture 640 wide.
        is_shuttle: drawn as cork and skirt, cork ahead.
        label_at: share of the exposure at which labels of real pictures have the ball: 0.5 is the middle of the streak.
    """

    diameter: float
    drag: float
    restitution: float
    grip: float
    colours: tuple[Colour, ...]
    apparent: float
    smallest: float
    is_shuttle: bool = False
    label_at: float = 0.5


@dataclass(frozen=True)
class Shot:
    """One way to hit the ball.

    Attributes:
        weight: how often, against the other shots that are possible from the same place.
        contact: heights of the ball, in metres, from which it is played.
        depth: distances from the net, in metres, from which it is played.
        elevation: degrees above the horizon at the start.
        target_depth: distances from the net, in metres, to which it is played.
        target_height: heights there; None for the place where the ball bounces.
        spin: lift of the rotation, acceleration ``spin * speed ** 2`` in 1/m, downwards for positive (topspin).
        bounces_at: distances from the net, in metres, at which the ball bounces on the hitter's own side first; None if
            it does not.
        stays: whether it goes to a player of the same side, as a pass.
    """

    weight: float
    contact: Range
    depth: Range
    elevation: Range
    target_depth: Range
    target_height: Range | None = None
    spin: Range = (0.0, 0.0)
    bounces_at: Range | None = None
    stays: bool = False


@dataclass(frozen=True)
class Palette:
    """Colours of a venue, RGB."""

    court: Colour
    surround: Colour
    lines: Colour
    boards: tuple[Colour, ...]
    stands: Colour
    is_indoor: bool


@dataclass(frozen=True)
class View:
    """Where the camera stands.

    Attributes:
        aside: greatest distance of the camera from the middle, in metres.
        behind: metres from the near edge of the court to the camera, along the floor.
        height: metres above the floor.
        fill: width of the near edge of the court as a share of the picture's width.
        bottom: row of the near edge of the court as a share of the picture's height.
    """

    aside: float
    behind: Range
    height: Range
    fill: Range
    bottom: Range


@dataclass(frozen=True)
class Sport:
    """A preset: the rules' dimensions, the ball's physics, how it is played and how it is filmed.

    Attributes:
        length: of the playing surface, in metres.
        width: of the playing surface, in metres.
        surface: height of the playing surface above the floor, in metres; 0 for a court, else it is a table.
        mat: how far the colour of the court goes beyond its lines, in metres.
        lines: marks on the surface, from (x, y) to (x, y), and their widths, in metres; mirrored to y < 0.
        net_width: half of the net's width, in metres.
        net_top: height of the net's upper edge above the surface at the middle and at the posts, in metres.
        net_bottom: height of the net's lower edge above the surface, in metres.
        run_off: distance from the edge of the surface to the boards, behind and beside, in metres.
        board_height: metres.
        base: distance from the net at which a player waits, in metres.
        roam: least and greatest distance from the net of a player, in metres.
        reach: heights and distances from the net at which a ball that bounced is hit, in metres; None where it must
            not bounce.
        toss: heights at which the server lets go of the ball, that it rises to, and at which it is hit, in metres.
        serve_depth: the server's distance from the net, in metres.
        serves: the first shot.
        shots: all others.
        racket: length of the racket and radius of its head, in metres.
        doubles: chance of two players a side.
        team: places of the players of a side, at rest, where there are always so many: x, and distance from the net, in
            metres. The first three hit the ball in turns.
        palettes: venues.
        view: camera.
    """

    name: SportName
    ball: Ball
    length: float
    width: float
    surface: float
    mat: float
    lines: tuple[tuple[Range, Range, float], ...]
    net_width: float
    net_top: tuple[float, float]
    net_bottom: float
    run_off: tuple[float, float]
    board_height: float
    base: float
    roam: Range
    reach: tuple[Range, Range] | None
    toss: tuple[float, float, float]
    serve_depth: float
    serves: tuple[Shot, ...]
    shots: tuple[Shot, ...]
    racket: tuple[float, float]
    doubles: float
    palettes: tuple[Palette, ...]
    view: View
    team: tuple[Range, ...] = ()

    def floor(self, x: float, y: float) -> float:
        """Return the height of what lies under a place: the playing surface, or the floor beside a table; metres."""
        inside = abs(x) <= self.width / 2 and abs(y) <= self.length / 2
        return self.surface if inside else 0.0

    def net_height(self, x: float) -> float:
        """Return the height of the net's upper edge above the floor; 0 beside the net; metres."""
        if abs(x) > self.net_width:
            return 0.0
        middle, post = self.net_top
        return self.surface + middle + (post - middle) * abs(x) / self.net_width


def _drag(diameter: float, mass: float, coefficient: float) -> float:
    """Deceleration per squared speed of a sphere, in 1/m: ``rho * A * C_d / (2 * m)``."""
    return AIR_DENSITY * pi * (diameter / 2) ** 2 * coefficient / (2 * mass)


ANY: Range = (0.0, 99.0)
WHITE: Colour = (236, 236, 232)

TENNIS = Sport(
    name="tennis",
    ball=Ball(
        diameter=0.067,
        drag=_drag(0.067, 0.058, 0.55),
        restitution=0.76,
        grip=0.72,
        colours=((208, 232, 72), (216, 236, 96), (196, 222, 64)),
        apparent=1.8,
        smallest=3.2,
    ),
    length=23.77,
    width=10.97,
    surface=0.0,
    mat=0.0,
    lines=(
        ((-5.485, 11.885), (5.485, 11.885), 0.1),
        ((-5.485, 0.0), (-5.485, 11.885), 0.05),
        ((5.485, 0.0), (5.485, 11.885), 0.05),
        ((-4.115, 0.0), (-4.115, 11.885), 0.05),
        ((4.115, 0.0), (4.115, 11.885), 0.05),
        ((-4.115, 6.4), (4.115, 6.4), 0.05),
        ((0.0, 0.0), (0.0, 6.4), 0.05),
        ((0.0, 11.7), (0.0, 11.885), 0.05),
    ),
    net_width=6.4,
    net_top=(0.914, 1.07),
    net_bottom=0.0,
    run_off=(6.4, 4.6),
    board_height=1.0,
    base=12.9,
    roam=(8.0, 16.5),
    reach=((0.45, 1.5), (8.5, 15.5)),
    toss=(1.75, 3.1, 2.7),
    serve_depth=11.95,
    serves=(Shot(1.0, ANY, ANY, (-5.5, -2.0), (4.6, 6.2), spin=(0.002, 0.006)),),
    shots=(
        Shot(6.0, ANY, ANY, (6.0, 13.0), (7.0, 11.0), spin=(0.006, 0.014)),
        Shot(2.0, ANY, ANY, (4.0, 8.0), (6.5, 10.5), spin=(-0.004, 0.002)),
        Shot(0.7, ANY, ANY, (32.0, 46.0), (9.0, 11.2), spin=(0.0, 0.006)),
    ),
    racket=(0.68, 0.145),
    doubles=0.2,
    palettes=(
        Palette((44, 92, 148), (58, 128, 92), WHITE, ((22, 42, 84), (16, 80, 62), (30, 30, 38)), (74, 78, 92), False),
        Palette((40, 100, 166), (88, 152, 196), WHITE, ((20, 66, 132), (24, 40, 84)), (86, 92, 108), False),
        Palette((182, 98, 62), (172, 90, 56), WHITE, ((24, 76, 52), (112, 36, 30)), (92, 88, 84), False),
        Palette((92, 134, 66), (80, 122, 58), WHITE, ((26, 62, 40), (44, 30, 76)), (70, 84, 70), False),
        Palette((70, 78, 150), (46, 120, 112), WHITE, ((36, 30, 84), (18, 70, 78)), (60, 64, 78), False),
        Palette((56, 110, 84), (140, 70, 58), WHITE, ((30, 44, 52), (104, 30, 34)), (84, 84, 92), False),
        Palette((52, 60, 78), (40, 88, 132), WHITE, ((18, 22, 40), (26, 84, 120)), (36, 38, 48), True),
    ),
    view=View(0.7, (21.0, 27.0), (8.5, 11.5), (0.62, 0.76), (0.84, 0.91)),
)

BADMINTON = Sport(
    name="badminton",
    # A shuttlecock falls at 6.8 m/s at most, which gives its drag: g / 6.8 ** 2.
    ball=Ball(
        diameter=0.066,
        drag=GRAVITY / 6.8**2,
        restitution=0.15,
        grip=0.3,
        colours=((240, 241, 236), (232, 236, 240)),
        apparent=1.6,
        smallest=3.6,
        is_shuttle=True,
        # People mark the cork, at the leading end: measured on 785 blobs of broadcast rallies.
        label_at=0.85,
    ),
    length=13.4,
    width=6.1,
    surface=0.0,
    mat=0.5,
    lines=(
        ((-3.05, 6.68), (3.05, 6.68), 0.05),
        ((-3.05, 0.0), (-3.05, 6.7), 0.05),
        ((3.05, 0.0), (3.05, 6.7), 0.05),
        ((-2.59, 0.0), (-2.59, 6.7), 0.05),
        ((2.59, 0.0), (2.59, 6.7), 0.05),
        ((-3.05, 5.94), (3.05, 5.94), 0.05),
        ((-3.05, 1.98), (3.05, 1.98), 0.05),
        ((0.0, 1.98), (0.0, 6.7), 0.05),
    ),
    net_width=3.05,
    net_top=(1.524, 1.55),
    net_bottom=0.79,
    run_off=(3.2, 2.6),
    board_height=0.9,
    base=3.6,
    roam=(1.2, 6.6),
    reach=None,
    toss=(1.25, 1.25, 0.95),
    serve_depth=2.6,
    serves=(
        Shot(1.0, ANY, ANY, (38.0, 46.0), (5.2, 6.0), (2.1, 2.5)),
        Shot(1.0, ANY, ANY, (16.0, 24.0), (2.2, 3.0), (0.9, 1.3)),
    ),
    shots=(
        Shot(2.0, (1.7, 9.0), ANY, (14.0, 28.0), (5.0, 6.3), (2.1, 2.6)),
        Shot(3.0, (1.9, 9.0), ANY, (-16.0, -7.0), (3.2, 5.2), (0.5, 1.1)),
        Shot(2.5, (1.7, 9.0), ANY, (-4.0, 8.0), (1.9, 2.8), (0.5, 1.0)),
        Shot(1.4, (0.0, 1.7), (0.0, 3.2), (28.0, 40.0), (5.0, 6.2), (2.1, 2.6)),
        Shot(1.5, (0.0, 1.7), (0.0, 2.8), (44.0, 58.0), (1.2, 1.8), (0.9, 1.3)),
        Shot(2.0, (0.8, 1.9), ANY, (3.0, 12.0), (3.0, 4.6), (1.1, 1.7)),
        Shot(1.1, (0.0, 1.7), (2.6, 9.0), (26.0, 38.0), (5.0, 6.2), (2.1, 2.6)),
    ),
    racket=(0.66, 0.115),
    doubles=0.3,
    palettes=(
        Palette((30, 132, 78), (34, 58, 128), WHITE, ((26, 38, 92), (150, 28, 36), (24, 24, 30)), (18, 20, 30), True),
        Palette((36, 120, 82), (104, 66, 44), WHITE, ((20, 60, 48), (120, 32, 34)), (34, 30, 32), True),
        Palette((28, 108, 122), (46, 52, 64), WHITE, ((22, 26, 34), (20, 86, 106)), (24, 26, 32), True),
        Palette((38, 84, 156), (28, 44, 78), WHITE, ((130, 24, 34), (22, 34, 66)), (20, 22, 34), True),
        Palette((52, 140, 90), (176, 134, 88), WHITE, ((32, 46, 110), (24, 100, 70)), (58, 54, 56), True),
        Palette((46, 112, 66), (128, 40, 46), WHITE, ((36, 36, 44), (24, 80, 54)), (30, 28, 34), True),
    ),
    view=View(0.4, (12.0, 17.5), (6.4, 8.8), (0.5, 0.6), (0.86, 0.94)),
)

TABLE_TENNIS = Sport(
    name="table_tennis",
    ball=Ball(
        diameter=0.04,
        drag=_drag(0.04, 0.0027, 0.45),
        restitution=0.92,
        grip=0.86,
        colours=((242, 242, 238), (236, 240, 244), (238, 146, 44)),
        apparent=1.25,
        smallest=3.4,
    ),
    length=2.74,
    width=1.525,
    surface=0.76,
    mat=0.0,
    lines=(
        ((-0.7625, 1.36), (0.7625, 1.36), 0.02),
        ((-0.7525, 0.0), (-0.7525, 1.37), 0.02),
        ((0.7525, 0.0), (0.7525, 1.37), 0.02),
        ((0.0, 0.0), (0.0, 1.37), 0.006),
    ),
    net_width=0.915,
    net_top=(0.1525, 0.1525),
    net_bottom=0.0,
    run_off=(4.2, 3.2),
    board_height=0.75,
    base=2.2,
    roam=(1.75, 3.8),
    reach=((0.72, 1.3), (1.5, 3.0)),
    toss=(0.98, 1.35, 1.02),
    serve_depth=1.6,
    serves=(Shot(1.0, ANY, ANY, (-10.0, 0.0), (0.5, 1.1), bounces_at=(0.55, 0.8)),),
    shots=(
        Shot(5.0, ANY, ANY, (4.0, 14.0), (0.7, 1.25), spin=(0.02, 0.06)),
        Shot(2.0, ANY, ANY, (10.0, 20.0), (0.4, 1.1), spin=(-0.03, 0.0)),
        Shot(0.5, ANY, (1.8, 9.0), (36.0, 52.0), (0.8, 1.25), spin=(0.0, 0.02)),
    ),
    racket=(0.25, 0.08),
    doubles=0.0,
    palettes=(
        Palette((28, 76, 150), (156, 40, 44), WHITE, ((24, 34, 84), (20, 20, 28)), (26, 26, 36), True),
        Palette((24, 92, 70), (150, 46, 46), WHITE, ((28, 64, 130), (120, 28, 40)), (44, 40, 46), True),
        Palette((30, 60, 120), (70, 116, 124), WHITE, ((18, 40, 76), (38, 38, 48)), (30, 34, 46), True),
        Palette((22, 46, 88), (40, 42, 52), WHITE, ((110, 20, 52), (20, 24, 40)), (16, 16, 26), True),
        Palette((30, 100, 120), (164, 124, 84), WHITE, ((32, 50, 104), (30, 96, 80)), (70, 64, 62), True),
    ),
    view=View(1.2, (7.5, 10.0), (4.4, 5.6), (0.2, 0.24), (0.77, 0.84)),
)

_PASSES = (
    Shot(4.0, (0.0, 1.7), ANY, (58.0, 76.0), (0.7, 3.0), (2.1, 2.7), stays=True),
    Shot(4.0, (1.7, 2.75), (0.0, 4.5), (62.0, 80.0), (0.5, 1.6), (2.8, 3.2), stays=True),
)
_VOLLEYBALL = Ball(
    diameter=0.21,
    drag=_drag(0.21, 0.27, 0.45),
    restitution=0.75,
    grip=0.75,
    colours=((232, 204, 70), (226, 214, 110), (238, 238, 232), (110, 140, 190)),
    apparent=1.0,
    smallest=4.0,
)

VOLLEYBALL = Sport(
    name="volleyball",
    ball=_VOLLEYBALL,
    length=18.0,
    width=9.0,
    surface=0.0,
    mat=0.0,
    lines=(
        ((-4.5, 8.975), (4.5, 8.975), 0.05),
        ((-4.475, 0.0), (-4.475, 9.0), 0.05),
        ((4.475, 0.0), (4.475, 9.0), 0.05),
        ((-4.5, 3.0), (4.5, 3.0), 0.05),
        ((-4.5, 0.025), (4.5, 0.025), 0.05),
    ),
    net_width=4.75,
    net_top=(2.43, 2.43),
    net_bottom=1.43,
    run_off=(5.0, 4.0),
    board_height=0.9,
    base=5.5,
    roam=(0.6, 9.6),
    reach=None,
    toss=(1.4, 3.8, 2.9),
    serve_depth=9.3,
    serves=(Shot(1.0, ANY, ANY, (4.0, 16.0), (4.5, 8.0), (0.5, 1.2)),),
    shots=(
        *_PASSES,
        Shot(6.0, (2.7, 9.0), (0.0, 4.0), (-20.0, -6.0), (3.5, 8.0), (0.3, 1.0)),
        Shot(1.0, (1.7, 9.0), ANY, (20.0, 50.0), (3.0, 7.5), (0.6, 1.6)),
    ),
    racket=(0.0, 0.0),
    doubles=0.0,
    palettes=(
        Palette((222, 132, 70), (70, 150, 130), WHITE, ((24, 40, 90), (30, 30, 40)), (40, 42, 56), True),
        Palette((206, 120, 70), (60, 90, 160), WHITE, ((150, 30, 40), (24, 40, 80)), (52, 50, 54), True),
        Palette((196, 160, 112), (190, 150, 104), WHITE, ((40, 70, 120), (110, 40, 40)), (80, 76, 72), True),
        Palette((60, 110, 170), (200, 96, 60), WHITE, ((20, 30, 60), (20, 90, 80)), (34, 36, 48), True),
    ),
    view=View(1.5, (7.0, 13.0), (4.5, 9.0), (0.5, 0.72), (0.8, 0.95)),
    team=((-2.8, 6.4), (1.2, 1.6), (-3.0, 3.2), (2.9, 3.4), (0.2, 7.2), (3.0, 6.6)),
)

BEACH_VOLLEYBALL = replace(
    VOLLEYBALL,
    name="beach_volleyball",
    ball=replace(_VOLLEYBALL, restitution=0.1, grip=0.2),
    length=16.0,
    width=8.0,
    lines=(
        ((-4.0, 7.975), (4.0, 7.975), 0.05),
        ((-3.975, 0.0), (-3.975, 8.0), 0.05),
        ((3.975, 0.0), (3.975, 8.0), 0.05),
    ),
    net_width=4.25,
    run_off=(4.5, 3.5),
    base=4.5,
    roam=(0.6, 8.6),
    serve_depth=8.3,
    palettes=(
        Palette(
            (222, 198, 156), (214, 190, 150), (40, 70, 160), ((24, 70, 150), (230, 190, 60)), (110, 116, 124), False
        ),
        Palette((206, 180, 140), (202, 176, 136), (190, 40, 50), ((30, 110, 130), (200, 70, 50)), (86, 96, 108), False),
        Palette((232, 214, 180), (230, 210, 176), (30, 40, 80), ((20, 40, 90), (250, 220, 80)), (96, 100, 96), False),
    ),
    team=((-1.9, 4.8), (1.9, 4.6)),
)

SPORTS: dict[SportName, Sport] = {
    sport.name: sport for sport in (TENNIS, BADMINTON, TABLE_TENNIS, VOLLEYBALL, BEACH_VOLLEYBALL)
}
RACKET_SPORTS: tuple[SportName, ...] = ("tennis", "badminton", "table_tennis")


@dataclass(frozen=True)
class Difficulty:
    """How hard the pictures are.

    Attributes:
        ball: factor on the ball's apparent size.
        exposure: seconds that the shutter is open.
        sway: amplitude of the camera's movement, in pixels of a picture 640 wide.
        noise: standard deviation of the sensor's noise, in grey levels.
        flicker: standard deviation of the brightness, in grey levels.
        crowd: share of the seats that are taken.
        fans: spectators that move.
        lookalikes: ball-sized specks on the floor, the boards and the stands.
        crf: x264's rate factor.
    """

    ball: float
    exposure: Range
    sway: float
    noise: float
    flicker: float
    crowd: Range
    fans: int
    lookalikes: int
    crf: int


DIFFICULTIES: dict[DifficultyName, Difficulty] = {
    "easy": Difficulty(1.25, (1 / 250, 1 / 140), 0.0, 1.0, 0.4, (0.2, 0.6), 2, 2, 23),
    "normal": Difficulty(1.0, (1 / 200, 1 / 90), 1.5, 1.8, 1.0, (0.4, 0.9), 8, 8, 24),
    "hard": Difficulty(0.85, (1 / 130, 1 / 65), 4.0, 3.0, 2.0, (0.6, 1.0), 16, 24, 27),
}
