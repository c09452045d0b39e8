from __future__ import annotations

import io
import pickle
from dataclasses import replace
from itertools import combinations, groupby
from pathlib import Path

import numpy as np
import pytest

from tracknet_core.contracts import FrameSource, Visibility
from tracknet_core.errors import DataError
from tracknet_core.registry import datasets
from tracknet_core.video import VideoFrames, write_video
from tracknet_plugins.datasets.synthetic import Synthetic, render
from tracknet_plugins.datasets.synthetic.camera import Camera, Motion
from tracknet_plugins.datasets.synthetic.figures import FREE_HAND, FREE_SHOULDER, PELVIS, RACKET, covered
from tracknet_plugins.datasets.synthetic.graphics import Slot
from tracknet_plugins.datasets.synthetic.physics import STEP, aim, fly
from tracknet_plugins.datasets.synthetic.rally import play
from tracknet_plugins.datasets.synthetic.render import Painter
from tracknet_plugins.datasets.synthetic.scene import Recipe, Scene, make_scene
from tracknet_plugins.datasets.synthetic.sports import (
    BADMINTON,
    DIFFICULTIES,
    RACKET_SPORTS,
    SPORTS,
    TABLE_TENNIS,
    TENNIS,
    Ball,
    StyleName,
)

PLAIN_MEANS = {
    "tennis": [75.765, 99.336, 61.197],
    "badminton": [45.654, 68.251, 77.745],
    "table_tennis": [62.664, 87.171, 97.479],
}
"""Red, green and blue of a frame of each sport, before there was another style than the plain one."""


def scene_of(
    sport: str, seed: int = 3, difficulty: str = "normal", frames: int = 90, style: StyleName = "plain"
) -> Scene:
    recipe = Recipe(sport, difficulty, (640, 360), frames, 30.0, (seed,), style=style, camera="operated", idle=True)
    return make_scene(recipe)


def ball_pixels(painter: Painter, number: int) -> np.ndarray:
    """What the ball alone changes in a frame: (H, W) grey levels."""
    with_ball = painter.paint(number).astype(int)
    return np.abs(with_ball - painter.paint(number, with_ball=False)).sum(-1)


# ------------------------------------------------------------------------------------- the dataset's contract


def test_the_registry_knows_it():
    assert datasets.get("synthetic") is Synthetic


def test_clips_have_the_frames_and_labels_of_the_settings():
    dataset = Synthetic(rallies=(4, 2, 1), frames=40, fps=25.0, size=(704, 396))
    assert [len(dataset.clips(split)) for split in dataset.splits] == [4, 2, 1]
    for clip in dataset.clips("train"):
        assert isinstance(clip.frames, FrameSource)
        assert (len(clip), len(clip.frames), clip.frames.size, clip.frames.fps) == (40, 40, (704, 396), 25.0)
        assert (clip.xy.shape, clip.xy.dtype, clip.visibility.shape) == ((40, 2), np.float32, (40,))
        assert clip.visibility.dtype == np.int64


def test_mixed_takes_turns_and_one_sport_stays_alone():
    mixed = [clip.name for clip in Synthetic(rallies=(6, 0, 0), frames=5).clips("train")]
    assert [sum(sport in name for name in mixed) for sport in ("/tennis", "/badminton", "/table_tennis")] == [2, 2, 2]
    every = {c.name.split("/")[1][:-4] for c in Synthetic(sport="all", rallies=(5, 0, 0), frames=5).clips("train")}
    assert every == set(SPORTS)
    assert all("/badminton" in c.name for c in Synthetic(sport="badminton", rallies=(3, 0, 0), frames=5).clips("train"))


def test_there_is_a_place_exactly_where_the_ball_is_in_the_frame():
    for clip in Synthetic(rallies=(12, 0, 0)).clips("train"):
        absent = clip.visibility == Visibility.ABSENT
        np.testing.assert_array_equal(np.isnan(clip.xy).any(1), absent)
        assert ((clip.xy[~absent] >= -0.5) & (clip.xy[~absent] < [639.5, 359.5])).all()
        assert set(clip.visibility.tolist()) <= {0, 1, 2, 3}


def test_splits_share_neither_a_name_nor_a_rally():
    dataset = Synthetic(sport="tennis", rallies=(3, 3, 3))
    clips = [clip for split in dataset.splits for clip in dataset.clips(split)]
    assert len({clip.name for clip in clips}) == 9
    for one, other in combinations(clips, 2):
        assert not np.array_equal(one.xy, other.xy, equal_nan=True)
    cameras = {scene_of("tennis", seed).camera.focal for seed in range(5)}
    courts = {scene_of("tennis", seed).palette.court for seed in range(5)}
    assert (len(cameras), len(courts)) == (5, 5)


def test_a_rally_does_not_depend_on_how_many_there_are():
    few = Synthetic(rallies=(2, 1, 0)).clips("train")[1]
    many = Synthetic(rallies=(5, 5, 5)).clips("train")[1]
    np.testing.assert_array_equal(few.xy, many.xy)


def test_the_same_seed_gives_the_same_labels_and_pixels():
    first, second = (Synthetic(rallies=(2, 0, 0), frames=12, seed=7).clips("train")[1] for _ in range(2))
    np.testing.assert_array_equal(first.xy, second.xy)
    np.testing.assert_array_equal(first.visibility, second.visibility)
    for one, other in zip(first.frames.read(range(12)), second.frames.read(range(12)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("sport", RACKET_SPORTS)
def test_the_plain_style_stays_as_it_is(sport):
    frame = Painter(scene_of(sport, 4, frames=30)).paint(7)
    # Room for another Pillow's edges; a ball alone is as much.
    assert frame.reshape(-1, 3).mean(0).tolist() == pytest.approx(PLAIN_MEANS[sport], abs=0.005)


def test_a_lifelike_rally_is_the_same_every_time_and_is_coded_at_its_bitrate():
    settings = {"sport": "badminton", "rallies": (1, 0, 0), "frames": 24, "style": "lifelike"}
    first, second = (Synthetic(**settings, bitrate=(1.0, 1.0)).clips("train")[0] for _ in range(2))
    np.testing.assert_array_equal(first.xy, second.xy)
    pictures = list(first.frames.read(range(24)))
    for one, other in zip(pictures, second.frames.read(range(24)), strict=True):
        np.testing.assert_array_equal(one, other)
    poor = Synthetic(**settings, bitrate=(0.1, 0.1)).clips("train")[0]
    np.testing.assert_array_equal(poor.xy, first.xy)
    # Fewer bits leave fewer details.
    details = [np.abs(np.diff(next(iter(clip.frames.read([23]))).astype(int), axis=1)).mean() for clip in (poor, first)]
    assert details[0] < 0.9 * details[1]


def test_another_seed_gives_another_rally():
    first, second = (Synthetic(rallies=(1, 0, 0), seed=seed).clips("train")[0] for seed in (0, 1))
    assert not np.array_equal(first.xy, second.xy, equal_nan=True)


def test_a_pickled_copy_carries_no_pictures_and_renders_the_same():
    frames = Synthetic(rallies=(1, 0, 0), frames=12).clips("train")[0].frames
    before = next(iter(frames.read([11])))
    parcel = pickle.dumps(frames)
    assert len(parcel) < 2000
    np.testing.assert_array_equal(next(iter(pickle.loads(parcel).read([11]))), before)


def test_frames_come_as_rgb_in_the_size_that_is_asked_for():
    frames = Synthetic(rallies=(1, 0, 0), frames=6).clips("train")[0].frames
    assert [(frame.shape, frame.dtype) for frame in frames.read([1, 4])] == [((360, 640, 3), np.uint8)] * 2
    assert [frame.shape for frame in frames.read([2], (320, 180))] == [(180, 320, 3)]


def test_compression_changes_pixels_but_keeps_the_picture():
    clip = Synthetic(sport="tennis", rallies=(1, 0, 0), frames=6, seed=4).clips("train")[0]
    drawn = Painter(make_scene(Recipe("tennis", "normal", (640, 360), 6, 30.0, (4, 0, 0)))).paint(5).astype(float)
    seen = next(iter(clip.frames.read([5]))).astype(float)
    assert 0.3 < np.abs(seen - drawn).mean() < 6
    assert np.corrcoef(seen.ravel(), drawn.ravel())[0, 1] > 0.98


def test_a_bigger_picture_has_its_labels_at_the_same_pixel_centres():
    small, big = (Synthetic(difficulty="easy", rallies=(3, 0, 0), size=size) for size in ((640, 360), (1280, 720)))
    for one, other in zip(small.clips("train"), big.clips("train"), strict=True):
        both = (one.visibility > 0) & (other.visibility > 0)
        np.testing.assert_allclose(other.xy[both], (one.xy[both] + 0.5) * 2 - 0.5, atol=1e-3)


def test_long_clips_have_several_rallies():
    clip = Synthetic(sport="tennis", rallies=(1, 0, 0), frames=1200).clips("train")[0]
    is_absent = clip.visibility == Visibility.ABSENT
    assert 0.02 < is_absent.mean() < 0.5
    assert not is_absent[-300:].all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": (320, 180)}, ["size", "(320, 180)", "640"]),
        ({"size": (641, 361)}, ["size", "even"]),
        ({"rallies": (1, -1, 1)}, ["rallies", "-1"]),
        ({"frames": 1}, ["frames", "1", "at least 2"]),
        ({"fps": 0.0}, ["fps", "0.0"]),
        ({"fps": float("nan")}, ["fps", "nan"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"exposure": (0.0, 0.01)}, ["exposure", "[0.0, 0.01]", "above 0"]),
        ({"exposure": (0.02, 0.01)}, ["exposure", "lower"]),
        ({"exposure": (0.01, 0.05), "fps": 25.0}, ["exposure", "at most 0.04"]),
        ({"opacity": (0.0, 0.5)}, ["opacity", "[0.0, 0.5]", "above 0"]),
        ({"bitrate": (4.0, 0.5)}, ["bitrate", "[4.0, 0.5]", "lower"]),
    ],
)
def test_settings_out_of_range_are_named(settings, words):
    with pytest.raises(ValueError, match=words[0]) as error:
        Synthetic(**settings)
    assert all(word in str(error.value) for word in words)


def test_an_unknown_split_is_named_with_those_that_exist():
    with pytest.raises(DataError, match=r"'valid'.*train, val, test"):
        Synthetic().clips("valid")


# ------------------------------------------------------------------------------------------ labels and pixels


@pytest.mark.parametrize("difficulty", list(DIFFICULTIES))
@pytest.mark.parametrize("sport", RACKET_SPORTS)
def test_the_label_is_the_middle_of_the_pixels_that_the_ball_changes(sport, difficulty):
    scene = scene_of(sport, seed=5, difficulty=difficulty)
    xy, codes = scene.labels()
    # Balls that are seen whole: not hidden, not cut by the border, not behind the strings of a racket.
    strokes = np.array([hit.time for hits in scene.play.hits.values() for hit in hits])
    whole = np.flatnonzero(codes == Visibility.EASY)
    whole = whole[(scene.hidden(whole) == 0) & ((xy[whole] > 12) & (xy[whole] < [628, 348])).all(1)]
    whole = whole[np.abs(whole[:, None] / 30 - strokes).min(1) > 0.06][::3]
    # In a colour that nothing behind it has, so that no white line pulls the middle of the difference.
    painter = Painter(replace(scene, ball_colour=(255, 0, 255)))
    rows, columns = np.mgrid[:360, :640]
    errors = []
    for number in whole:
        changed = np.minimum(ball_pixels(painter, number), 150)
        centre = np.array([(columns * changed).sum(), (rows * changed).sum()]) / changed.sum()
        errors.append(centre - xy[number])
    assert len(errors) >= 5
    assert np.linalg.norm(errors, axis=1).max() < 0.5
    assert np.abs(np.mean(errors, axis=0)).max() < 0.1


@pytest.mark.parametrize("sport", ["tennis", "table_tennis", "volleyball", "beach_volleyball"])
def test_a_lifelike_label_is_the_middle_of_a_ball(sport):
    scene = scene_of(sport, seed=5, style="lifelike")
    errors = [centre - label for label, (_, centre, _) in zip(*changed_by_the_ball(scene), strict=True)]
    assert len(errors) >= 5
    assert np.linalg.norm(errors, axis=1).max() < 0.6
    assert np.abs(np.mean(errors, axis=0)).max() < 0.12


@pytest.mark.parametrize("filters", ["", "gblur=sigma=0.8:planes=1,unsharp=3:3:1.0:3:3:0"])
def test_lenses_sharpening_and_the_codec_leave_the_ball_where_its_label_is(filters):
    scene = replace(scene_of("tennis", seed=5, style="lifelike"), ball_colour=(255, 255, 255))
    painter, (xy, codes) = Painter(scene), scene.labels()
    numbers = np.flatnonzero((codes == Visibility.EASY) & (scene.hidden(np.arange(90)) == 0))[:16].tolist()
    read = []
    for with_ball in (True, False):
        stream = io.BytesIO()
        frames = (painter.paint(number, with_ball=with_ball) for number in numbers)
        write_video(stream, frames, fps=30, preset="superfast", bitrate=1_000_000, filters=filters)
        read.append(np.stack(list(VideoFrames(stream.getvalue(), name="x").read(range(len(numbers))))).astype(int))
    rows, columns = np.mgrid[-9:10, -9:10]
    errors = []
    for number, with_ball, without in zip(numbers, *read, strict=True):
        x, y = np.round(xy[number]).astype(int).tolist()
        if not (9 <= x < 631 and 9 <= y < 351):
            continue
        part = np.s_[y - 9 : y + 10, x - 9 : x + 10]
        weight = np.clip(np.abs(with_ball[part] - without[part]).sum(-1) - 60, 0, 400)
        centre = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum() + [x, y]
        errors.append(centre - xy[number])
    assert len(errors) >= 6
    assert np.abs(np.median(errors, axis=0)).max() < 0.3


def test_a_label_stays_on_the_ball_while_the_camera_pans_and_zooms():
    scene = scene_of("tennis", seed=5, style="lifelike")
    zoom = np.linspace(1.05, 1.3, 90)
    offset = (1 - zoom)[:, None] * [319.5, 179.5] + np.linspace(-20, 20, 90)[:, None] * [1, 0.3]
    palette = replace(scene.palette, lines=(250, 250, 250), court=(40, 60, 40))
    moving = replace(scene, motion=Motion(zoom, offset), palette=palette)
    errors = [centre - label for label, (_, centre, _) in zip(*changed_by_the_ball(moving), strict=True)]
    assert len(errors) >= 5
    assert np.linalg.norm(errors, axis=1).max() < 0.6
    # The venue moves along: what is resampled of it agrees with the line that is drawn there at rest.
    moved = Painter(moving).paint(60, with_ball=False).astype(float).mean(-1)
    service, _ = scene.camera.project([[x, -6.4, 0.0] for x in np.linspace(-3.8, 3.8, 30)])
    before, _ = scene.camera.project([[x, -7.6, 0.0] for x in np.linspace(-3.8, 3.8, 30)])
    on, off = (np.round(zoom[60] * points + offset[60]).astype(int).T for points in (service, before))
    assert np.median(moved[on[1], on[0]]) > np.median(moved[off[1], off[0]]) + 20


def test_a_lifelike_label_of_a_shuttlecock_is_its_cork_near_the_leading_end():
    scene = scene_of("badminton", seed=9, style="lifelike")
    radius = np.nanmedian(scene.streaks[1]) / 2
    ahead, behind = [], []
    for label, (way, _, places) in zip(*changed_by_the_ball(scene), strict=True):
        along = (places - label) @ way
        ahead.append(along.max())
        behind.append(-along.min())
    assert len(ahead) >= 5
    # Ahead of the middle of the cork there is nothing but the cork's other half, and the rest of the exposure.
    assert 0 < np.median(ahead) < 1.2 * radius + 1
    assert np.median(behind) > np.median(ahead) + 0.5 * radius


def changed_by_the_ball(scene: Scene) -> tuple[list[np.ndarray], list[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Labels of balls that are seen whole; with each its direction, and the centre and places of what it changes."""
    scene = replace(scene, ball_colour=(255, 0, 255), feathers=1.0)
    xy, codes = scene.labels()
    strokes = np.array([hit.time for hits in scene.play.hits.values() for hit in hits])
    whole = np.flatnonzero(codes == Visibility.EASY)
    whole = whole[(scene.hidden(whole) == 0) & ((xy[whole] > 12) & (xy[whole] < [628, 348])).all(1)]
    whole = whole[np.abs(whole[:, None] / 30 - strokes).min(1) > 0.09][::3]
    painter = Painter(scene)
    rows, columns = np.mgrid[:360, :640]
    found = []
    for number in whole:
        changed = np.minimum(ball_pixels(painter, number), 150)
        centre = np.array([(columns * changed).sum(), (rows * changed).sum()]) / changed.sum()
        centres = scene.streaks[0][number]
        way = (centres[-1] - centres[0]) / np.linalg.norm(centres[-1] - centres[0])
        found.append((way, centre, np.argwhere(changed > 40)[:, ::-1]))
    return [xy[number] for number in whole], found


def test_spare_balls_lie_still_and_are_not_labelled():
    scene = scene_of("tennis", 6, style="lifelike")
    absent = replace(scene, ball=np.full_like(scene.ball, np.nan))
    assert (absent.labels()[1] == Visibility.ABSENT).all()
    # They are there: the same place with another colour of balls differs, in small spots that do not move.
    one, other = (Painter(replace(absent, ball_colour=colour)) for colour in ((255, 0, 255), (0, 255, 0)))
    spots = [np.abs(one.paint(n).astype(int) - other.paint(n)).sum(-1) > 60 for n in (0, 40)]
    assert 3 < spots[0].sum() < 600


def test_hands_are_never_still():
    scene = scene_of("badminton", 6, style="lifelike")
    for figure in scene.figures:
        against_shoulder = figure.joints[:, FREE_HAND] - figure.joints[:, FREE_SHOULDER]
        assert (np.linalg.norm(np.diff(against_shoulder, axis=0), axis=1) > 1e-4).mean() > 0.9


def test_a_graphic_hides_what_is_below_while_it_is_shown():
    scene = scene_of("badminton", style="lifelike")
    xy, _ = scene.labels()
    number = int(np.flatnonzero(np.isfinite(xy).all(1))[10])
    x, y = np.round(xy[number]).astype(int).tolist()
    box = (x - 40, y - 40, x + 40, y + 40)
    covered_then = replace(scene, graphics=(Slot("score", box, number, number + 1, 1.0, ()),))
    assert covered_then.labels()[1][number] == Visibility.OCCLUDED
    assert ball_pixels(Painter(covered_then), number).max() == 0
    later = replace(scene, graphics=(Slot("score", box, number + 1, number + 2, 1.0, ()),))
    assert later.labels()[1][number] == scene.labels()[1][number]


def test_streaks_have_the_same_middles_and_codes_as_plain_balls():
    settings = {"rallies": (3, 0, 0), "frames": 30, "exposure": (0.01, 0.02)}
    for plain, streak in zip(
        Synthetic(**settings).clips("train"), Synthetic(**settings, streaks=True).clips("train"), strict=True
    ):
        assert (plain.labels.points.shape, streak.labels.points.shape) == ((30, 1, 2), (30, 2, 2))
        np.testing.assert_allclose(streak.xy, plain.xy, atol=1e-4)
        np.testing.assert_array_equal(streak.visibility, plain.visibility)
        known = np.isfinite(plain.xy).all(1)
        np.testing.assert_array_equal(np.isfinite(streak.labels.points).all((1, 2)), known)


def test_a_longer_exposure_makes_longer_streaks_of_the_same_rally():
    short, long = (
        Synthetic(rallies=(1, 0, 0), frames=30, exposure=(time, time), streaks=True).clips("train")[0].labels.points
        for time in (0.001, 0.002)
    )
    lengths = [np.linalg.norm(points[:, 1] - points[:, 0], axis=1) for points in (short, long)]
    known = np.isfinite(lengths).all(0)
    assert known.sum() > 10
    np.testing.assert_allclose(lengths[1][known], 2 * lengths[0][known], rtol=0.05, atol=0.02)


def test_the_ends_are_those_of_the_pixels_that_the_ball_changes():
    scene = make_scene(Recipe("tennis", "easy", (640, 360), 90, 30.0, (5,), exposure=(0.02, 0.02)))
    xy, codes = scene.labels()
    half = scene.half_ways()
    strokes = [hit.time for hits in scene.play.hits.values() for hit in hits]
    turns = np.array([*strokes, *scene.play.bounces[:, 0]])
    is_long = np.hypot(*np.nan_to_num(half).T) > 3
    whole = np.flatnonzero(np.isin(codes, [Visibility.EASY, Visibility.HARD]) & is_long)
    whole = whole[(scene.hidden(whole) == 0) & ((xy[whole] > 30) & (xy[whole] < [610, 330])).all(1)]
    whole = whole[np.abs(whole[:, None] / 30 - turns).min(1) > 0.06]
    painter = Painter(replace(scene, ball_colour=(255, 0, 255)))
    rows, columns = np.mgrid[:360, :640]
    assert len(whole) >= 5
    for number in whole:
        # Of a disc swept along a line: the variances along and across differ by a twelfth of the square of its length.
        changed = ball_pixels(painter, number)
        spread = np.cov(np.stack([columns.ravel(), rows.ravel()]), aweights=changed.ravel(), ddof=0)
        variances, axes = np.linalg.eigh(spread)
        assert (12 * (variances[1] - variances[0])) ** 0.5 == pytest.approx(2 * np.hypot(*half[number]), rel=0.05)
        direction = half[number] / np.hypot(*half[number])
        assert abs(direction @ axes[:, 1]) > np.cos(np.radians(3))


def test_occluded_balls_are_hidden_in_the_picture():
    shares = {Visibility.EASY: [], Visibility.OCCLUDED: []}
    for seed in range(4):
        scene = scene_of("table_tennis", seed)
        painter, (_, codes) = Painter(scene), scene.labels()
        for code, found in shares.items():
            for number in np.flatnonzero(codes == code)[:4]:
                area = (ball_pixels(painter, number) > 30).sum()
                found.append(area / (np.pi / 4 * scene.streaks[1][number] ** 2))
    assert len(shares[Visibility.OCCLUDED]) >= 4
    assert np.mean(shares[Visibility.OCCLUDED]) < 0.4
    assert np.mean(shares[Visibility.EASY]) > 0.8


def test_hard_balls_stand_out_less_than_easy_ones():
    strength = {Visibility.EASY: [], Visibility.HARD: []}
    for seed in range(4):
        scene = scene_of("tennis", seed, "hard")
        painter, (_, codes) = Painter(scene), scene.labels()
        for code, found in strength.items():
            found += [ball_pixels(painter, number).max() for number in np.flatnonzero(codes == code)[:6]]
    assert len(strength[Visibility.HARD]) >= 8
    assert np.mean(strength[Visibility.HARD]) < 0.8 * np.mean(strength[Visibility.EASY])


def test_a_frame_without_a_ball_is_painted_without_one():
    scene = scene_of("tennis")
    absent = replace(scene, ball=np.full_like(scene.ball, np.nan))
    xy, codes = absent.labels()
    assert np.isnan(xy).all()
    assert (codes == Visibility.ABSENT).all()
    assert ball_pixels(Painter(absent), 0).sum() == 0


def test_lines_are_painted_where_the_camera_sees_them():
    scene = scene_of("tennis", seed=2, difficulty="easy")
    frame = Painter(scene).paint(0, with_ball=False).astype(float)
    service_line, _ = scene.camera.project([[x, -6.4, 0.0] for x in np.linspace(-3.8, 3.8, 30)])
    before, _ = scene.camera.project([[x, -7.6, 0.0] for x in np.linspace(-3.8, 3.8, 30)])

    def brightness(points):
        columns, rows = np.round(points).astype(int).T
        return np.median(frame[rows, columns].mean(-1))

    assert brightness(service_line) > brightness(before) + 40


def test_venues_are_colourful_and_busy_rather_than_flat():
    for sport in RACKET_SPORTS:
        frame = Painter(scene_of(sport)).paint(40)
        assert 15 < frame.mean() < 240
        assert frame.std() > 20
        assert len(np.unique(frame.reshape(-1, 3) // 16, axis=0)) > 100


# ------------------------------------------------------------------------------------------- plausible rallies


@pytest.mark.parametrize("difficulty", list(DIFFICULTIES))
@pytest.mark.parametrize("sport", RACKET_SPORTS)
def test_most_frames_show_a_ball_of_a_few_pixels(sport, difficulty):
    codes, diameters, lengths = [], [], []
    for seed in range(12):
        scene = scene_of(sport, seed, difficulty)
        _, visibility = scene.labels()
        codes += visibility.tolist()
        seen = visibility > 0
        centres, diameter = scene.streaks
        diameters += diameter[seen].tolist()
        lengths += np.linalg.norm(np.diff(centres[seen], axis=1), axis=-1).sum(1).tolist()
    absent, easy, hard, occluded = np.bincount(codes, minlength=4) / len(codes)
    assert 0.02 < absent < 0.25
    assert easy > 0.6
    assert hard < (0.3 if difficulty == "hard" else 0.15)
    assert occluded < 0.08
    assert 2.4 < np.median(diameters) < 7
    assert np.percentile(lengths, 99) < 25


@pytest.mark.parametrize(
    ("sport", "slowest", "fastest"), [("tennis", 15, 60), ("badminton", 10, 90), ("table_tennis", 6, 25)]
)
def test_balls_are_as_fast_as_in_the_sport(sport, slowest, fastest):
    peaks = []
    for seed in range(8):
        rally = play(SPORTS[sport], 3.0, np.random.default_rng(seed))
        speed = np.linalg.norm(np.diff(rally.path, axis=0), axis=1) / STEP
        peaks.append(np.nanpercentile(speed, 99))
    assert slowest < np.median(peaks) < fastest
    assert max(peaks) < 1.5 * fastest


@pytest.mark.parametrize("style", ["plain", "lifelike"])
@pytest.mark.parametrize("sport", RACKET_SPORTS)
def test_players_hit_in_turn_and_near_the_ball(sport, style):
    scene = scene_of(sport, seed=1, style=style)
    hits = sorted((hit.time, side) for side, of_side in scene.play.hits.items() for hit in of_side)
    assert len(hits) >= 3
    for figure, side in zip(scene.figures[:: len(scene.figures) // 2], (-1, 1), strict=True):
        for hit in scene.play.hits[side]:
            if 0 < hit.time < 2.9:
                racket = figure.joints[round(hit.time * 30), RACKET]
                assert np.linalg.norm(racket - hit.place) < 0.9


def test_a_held_shuttlecock_is_in_the_hand_of_the_server_and_labelled():
    found = 0
    for seed in range(12):
        scene = scene_of("badminton", seed, style="lifelike")
        if (scene.motion.zoom > 1.5).any():
            continue  # a close-up, which may show none of it
        for hold in scene.play.holds:
            first, last = max(0, int(np.ceil(hold.start * 30))), min(90, int(hold.end * 30))
            for number in range(first, last):
                (server,) = [f for f in scene.figures if f.faces_camera == (hold.side > 0)][:1]
                hand = server.joints[number, FREE_HAND]
                found += 1
                assert np.linalg.norm(hand - scene.ball[number].mean(0)) < 0.1
                assert scene.labels()[1][number] != Visibility.ABSENT
    assert found > 20


def test_idle_shuttlecocks_and_operated_cameras_are_there_where_they_are_asked_for():
    scenes = {
        (idle, camera): [
            make_scene(
                Recipe("badminton", "normal", (640, 360), 60, 30.0, (seed,), style="lifelike", camera=camera, idle=idle)
            )
            for seed in range(8)
        ]
        for idle, camera in ((True, "operated"), (False, "fixed"))
    }
    asked, plain = scenes[True, "operated"], scenes[False, "fixed"]
    assert all(scene.play.holds for scene in asked)
    assert not any(scene.play.holds for scene in plain)
    assert any((scene.motion.zoom != 1).any() for scene in asked)
    assert not any((scene.motion.zoom != 1).any() for scene in plain)


def test_a_clip_may_end_while_the_ball_is_in_the_hand():
    for seed in range(40):
        rally = play(BADMINTON, 0.5, np.random.default_rng(seed), idle=True)
        for hold in rally.holds:
            assert any(hit.time > hold.end for hit in rally.hits[hold.side])


def test_a_shuttlecock_that_came_to_rest_stays_labelled_for_a_while():
    rally = play(BADMINTON, 12.0, np.random.default_rng(4), idle=True)
    still = np.flatnonzero((np.abs(np.diff(rally.path, axis=0)).sum(1) == 0) & (rally.path[:-1, 2] < 0.1))
    assert len(still) > 0.3 / STEP


@pytest.mark.parametrize("sport", ["volleyball", "beach_volleyball"])
def test_a_team_passes_the_ball_and_plays_it_over_with_the_third_touch_at_the_latest(sport):
    longest = []
    for seed in range(30):
        rally = play(SPORTS[sport], 8.0, np.random.default_rng(seed))
        touches = sorted((hit.time, side) for side, of_side in rally.hits.items() for hit in of_side)
        runs = [len(list(group)) for _, group in groupby(side for _, side in touches)]
        longest += runs
        crossings = (np.diff(np.sign(rally.path[:, 1])) != 0)[~np.isnan(rally.path[1:, 1])]
        assert crossings.sum() >= len(runs) - 1 - np.isnan(rally.path[:, 0]).any()
    assert 2 <= max(longest) <= 4
    assert np.mean(np.array(longest) <= 3) > 0.9


def test_players_of_a_team_keep_to_places_of_their_own():
    figures = scene_of("volleyball", 2, style="lifelike").figures
    assert len(figures) == 12
    for side in (figures[:6], figures[6:]):
        places = np.array([figure.joints[:, PELVIS, :2].mean(0) for figure in side])
        apart = np.linalg.norm(places[:, None] - places, axis=-1) + 9 * np.eye(6)
        assert apart.min() > 0.5
        assert (np.sign(places[:, 1]) == np.sign(places[0, 1])).all()


def test_bounces_are_on_the_table_or_the_floor_and_shuttles_in_play_do_not_bounce():
    for seed in range(6):
        rally = play(TABLE_TENNIS, 3.0, np.random.default_rng(seed))
        x, y, z = rally.bounces[:, 1:].T
        on_table = (np.abs(x) < 0.7625) & (np.abs(y) < 1.37)
        assert on_table.sum() >= 2
        assert np.all(z[on_table & (z > 0.5)] < 0.76 + 0.02 + 0.06)
        assert np.nanmin(rally.path[:, 2]) > 0
        of_tennis = play(TENNIS, 3.0, np.random.default_rng(seed))
        assert len(of_tennis.bounces) >= 1
        assert of_tennis.bounces[:, 3].max() < 0.2


def test_table_tennis_is_served_over_the_own_side_first():
    for seed in range(10):
        rally = play(TABLE_TENNIS, 3.0, np.random.default_rng(seed))
        server = min((hit.time, side) for side, of_side in rally.hits.items() for hit in of_side)[1]
        assert np.sign(rally.bounces[:2, 2]).tolist() == [server, -server]


# ----------------------------------------------------------------------------------------------- the physics


@pytest.fixture
def vacuum_ball():
    return Ball(
        diameter=0.05, drag=0.0, restitution=1.0, grip=1.0, colours=((255, 255, 255),), apparent=1.0, smallest=1.0
    )


def dropped(ball: Ball, height: float, seconds: float) -> np.ndarray:
    start = np.array([0.0, 5.0, height + ball.diameter / 2])
    places, _ = fly(ball, start, np.zeros(3), 0.0, seconds, lambda x, y: 0.0, lambda x: 0.0, 99.0)
    return places[:, 2] - ball.diameter / 2


def test_without_air_a_ball_flies_a_parabola(vacuum_ball):
    start, velocity = np.array([0.0, -5.0, 1.0]), np.array([1.0, 8.0, 6.0])
    places, bounces = fly(vacuum_ball, start, velocity, 0.0, 1.0, lambda x, y: 0.0, lambda x: 0.0, 99.0)
    time = np.arange(len(places))[:, None] * STEP
    expected = start + velocity * time + [0, 0, -9.81 / 2] * time**2
    assert bounces == []
    np.testing.assert_allclose(places, expected, atol=1e-6)


def test_a_tennis_ball_bounces_as_the_rules_demand():
    # ITF, Rules of Tennis, appendix I: dropped from 254 cm it rises to 135-147 cm.
    heights = dropped(TENNIS.ball, 2.54, 1.6)
    assert 1.35 < heights[int(0.75 / STEP) :].max() < 1.47


def test_a_table_tennis_ball_bounces_as_the_rules_demand():
    # ITTF technical leaflet T3: dropped from 30 cm it rises to 24-26 cm.
    heights = dropped(TABLE_TENNIS.ball, 0.3, 0.6)
    assert 0.235 < heights[int(0.27 / STEP) :].max() < 0.26


def test_a_shuttlecock_falls_at_its_terminal_speed():
    heights = dropped(BADMINTON.ball, 40.0, 3.0)
    assert (heights[-2] - heights[-1]) / STEP == pytest.approx(6.8, rel=0.01)


@pytest.mark.parametrize("sport", RACKET_SPORTS)
def test_an_aimed_ball_passes_its_target(sport):
    ball = SPORTS[sport].ball
    speed = aim(ball, 20.0, 0.0, 6.0, -0.5)
    velocity = speed * np.array([0.0, np.cos(np.radians(20)), np.sin(np.radians(20))])
    places, _ = fly(ball, np.array([0.0, 1.0, 9.0]), velocity, 0.0, 2.6, lambda x, y: 0.0, lambda x: 0.0, 99.0)
    assert np.interp(7.0, places[:, 1], places[:, 2]) == pytest.approx(8.5, abs=0.25)


def test_what_no_speed_can_reach_is_said():
    assert aim(TENNIS.ball, -30.0, 0.0, 10.0, 0.0) is None


def test_topspin_brings_a_ball_down_earlier():
    flights = [
        fly(
            TENNIS.ball,
            np.array([0.0, -9.0, 1.0]),
            np.array([0.0, 25.0, 4.0]),
            spin,
            0.6,
            lambda x, y: -9.0,
            lambda x: 0.0,
            99.0,
        )
        for spin in (0.0, 0.01)
    ]
    assert flights[1][0][-1, 2] < flights[0][0][-1, 2] - 0.3


def test_the_net_stops_a_low_ball():
    places, _ = fly(
        TENNIS.ball,
        np.array([0.0, -3.0, 0.5]),
        np.array([0.0, 20.0, 0.0]),
        0.0,
        1.0,
        TENNIS.floor,
        TENNIS.net_height,
        20.0,
    )
    assert places[:, 1].max() <= 0


# -------------------------------------------------------------------------------------------------- geometry


def test_the_camera_shows_the_near_edge_where_it_was_asked_to():
    camera = Camera.aimed(
        side=0.0, behind=20.0, height=9.0, near_edge=-11.885, width=10.97, fill=0.7, bottom=0.85, size=(640, 360)
    )
    (left, right), _ = camera.project([[-5.485, -11.885, 0.0], [5.485, -11.885, 0.0]])
    assert right[0] - left[0] == pytest.approx(0.7 * 640, abs=0.5)
    assert left[1] == right[1] == pytest.approx(0.85 * 360, abs=1)
    assert (left[0] + right[0]) / 2 == pytest.approx(319.5)


def test_rays_lead_back_to_the_points_that_are_projected():
    camera = scene_of("badminton").camera
    points = np.array([[1.0, 2.0, 0.5], [-2.0, -5.0, 1.5]])
    xy, _ = camera.project(points)
    rays = camera.rays(xy)
    ways = points - camera.position
    np.testing.assert_allclose(np.cross(rays, ways), 0, atol=1e-9)


def test_points_are_covered_by_a_tapered_line_with_round_ends():
    capsule = np.array([[0.0, 0.0, 2.0, 10.0, 0.0, 4.0]])
    points = np.array([[-1.9, 0], [-2.1, 0], [5, 2.9], [5, 3.1], [10, 3.9], [13.9, 0], [14.1, 0]])
    assert covered(points, capsule).tolist() == [True, False, True, False, True, True, False]


def test_another_recipe_or_another_program_is_another_cache(monkeypatch):
    one, other = (Synthetic(rallies=(1, 0, 0), frames=8, seed=seed).clips("train")[0].frames for seed in (0, 1))
    assert one.fingerprint() != other.fingerprint()
    before = one.fingerprint()
    render._program.cache_clear()
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"changed")
    assert one.fingerprint() != before
    render._program.cache_clear()
