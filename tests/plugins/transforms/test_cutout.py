import numpy as np
import pytest

from tracknet_core.contracts import Visibility, Window, plain_labels
from tracknet_core.testing import check_constructor, check_transform
from tracknet_plugins.transforms.cutout import Cutout

WIDTH, HEIGHT = 64, 48
RED = (255, 0, 0)


def window_with(
    *points: tuple[float, float], visibility: Visibility = Visibility.EASY, seed: int = 0, background: bool = False
) -> Window:
    """Grey noise without any red, but for a red ball with a radius of 3 pixels at each point."""
    count = len(points)
    noise = np.random.default_rng(seed).integers(80, 120, (count + background, HEIGHT, WIDTH, 1), dtype=np.uint8)
    frames = np.repeat(noise, 3, axis=-1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for frame, (x, y) in zip(frames, points, strict=False):
        frame[np.hypot(columns - x, rows - y) <= 3] = RED
    return Window(frames, plain_labels(np.array(points, dtype=np.float32), np.full(count, visibility)))


def reds(window: Window) -> list[int]:
    """How many pixels of each picture are red."""
    return (window.frames == RED).all(axis=-1).sum(axis=(1, 2)).tolist()


@pytest.mark.parametrize("settings", [{"prob": 1.0}, {"prob": 1.0, "hide": 1.0}, {"prob": 1.0, "hide": 0.0}])
def test_it_keeps_the_contract_of_its_kind(settings: dict[str, float]) -> None:
    check_constructor("transforms", Cutout)
    check_transform(Cutout(**settings), alike=False)  # type: ignore[arg-type]


def test_a_hidden_ball_is_gone_and_its_place_stays() -> None:
    cutout, rng = Cutout(size=(10, 20), radius=3, hide=1, decoys=1, prob=1), np.random.default_rng(0)
    points = np.random.default_rng(1)
    for _ in range(100):
        window = window_with(*points.uniform(-0.5, (WIDTH - 0.5, HEIGHT - 0.5), (2, 2)))
        hidden = cutout(window, rng)
        assert reds(hidden) == [0, 0]
        assert hidden.visibility.tolist() == [Visibility.OCCLUDED] * 2
        np.testing.assert_array_equal(hidden.xy, window.xy)


def test_a_patch_beside_the_ball_leaves_it_whole_and_visible() -> None:
    cutout, rng = Cutout(size=(10, 20), radius=3, hide=0, decoys=1, prob=1), np.random.default_rng(0)
    points = np.random.default_rng(1)
    for _ in range(100):
        window = window_with(*points.uniform(0, (WIDTH - 1, HEIGHT - 1), (2, 2)))
        patched = cutout(window, rng)
        assert reds(patched) == reds(window)
        assert patched.visibility.tolist() == [Visibility.EASY] * 2
        assert (patched.frames != window.frames).any(axis=(1, 2, 3)).all()


def test_a_patch_holds_a_piece_of_the_same_frame() -> None:
    # Every pixel of the frame has a number of its own, so that where it comes from can be read.
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    frames = np.stack((columns, rows, 0 * rows), axis=-1).astype(np.uint8)[None]
    window = Window(frames, plain_labels(np.array([(30, 20)], np.float32), np.ones(1, np.int64)))
    hidden = Cutout(size=(9, 15), radius=4, hide=1, decoys=0, prob=1)(window, np.random.default_rng(0)).frames[0]
    changed = np.argwhere((hidden != frames[0]).any(axis=-1))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert 9 <= bottom - top + 1 <= 15
    assert 9 <= right - left + 1 <= 15
    source = hidden[top, left, :2].astype(int)
    patch = hidden[top : bottom + 1, left : right + 1, :2] - source
    np.testing.assert_array_equal(patch[..., 0], np.broadcast_to(np.arange(right - left + 1), patch.shape[:2]))
    np.testing.assert_array_equal(patch[..., 1], np.arange(bottom - top + 1)[:, None] + 0 * patch[..., 1])
    assert top <= 20 - 4
    assert bottom >= 20 + 4
    assert left <= 30 - 4
    assert right >= 30 + 4


def test_a_frame_that_is_all_ball_is_filled_with_its_mean() -> None:
    frames = np.zeros((1, 12, 12, 3), np.uint8)
    frames[0, :, :6] = 100
    window = Window(frames, plain_labels(np.array([(6, 6)], np.float32), np.ones(1, np.int64)))
    hidden = Cutout(size=(30, 30), radius=4, hide=1, decoys=1, prob=1)(window, np.random.default_rng(0))
    assert hidden.visibility.tolist() == [Visibility.OCCLUDED]
    assert (hidden.frames[0, 2:11, 2:11] == 50).all()


@pytest.mark.parametrize("code", [Visibility.OCCLUDED, Visibility.ABSENT, Visibility.UNLABELLED])
def test_only_a_visible_ball_is_hidden(code: Visibility) -> None:
    xy = (np.nan, np.nan) if code is Visibility.ABSENT else (30, 20)
    window = window_with((5, 5), visibility=code)
    window = window.replace(window.frames, points=np.array([[xy]], np.float32))
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert Cutout(hide=1, decoys=1, prob=1)(window, rng).visibility.tolist() == [code]


def test_hide_is_the_share_of_frames_whose_ball_is_hidden() -> None:
    cutout, rng = Cutout(hide=0.25, prob=1), np.random.default_rng(0)
    window = window_with(*[(30, 20)] * 4)
    hidden = np.array([cutout(window, rng).visibility == Visibility.OCCLUDED for _ in range(250)])
    assert 200 < hidden.sum() < 300  # of 1000
    assert hidden.any(axis=0).all()


def test_prob_is_the_share_of_changed_windows() -> None:
    cutout, rng = Cutout(prob=0.25), np.random.default_rng(0)
    window = window_with((30, 20))
    assert 200 < sum(cutout(window, rng) is not window for _ in range(1000)) < 300


def test_a_background_and_the_window_that_came_in_stay() -> None:
    window = window_with((30, 20), (31, 21), background=True)
    before = window.frames.copy()
    hidden = Cutout(hide=1, decoys=1, prob=1)(window, np.random.default_rng(0))
    np.testing.assert_array_equal(window.frames, before)
    assert window.visibility.tolist() == [1, 1]
    assert len(hidden.frames) == 3
    np.testing.assert_array_equal(hidden.frames[2], before[2])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"size": (8, 20)}, r"size=\[8, 20\].*at least 9 to cover a ball of radius=4"),
        ({"size": (30, 20)}, r"size=\[30, 20\].*\[least, greatest\]"),
        ({"radius": -1.0}, r"radius=-1.0"),
        ({"hide": 1.1}, r"hide=1.1 is not a share"),
        ({"decoys": -1.0}, r"decoys=-1.0 is not a share"),
        ({"prob": float("nan")}, r"prob=nan is not a share"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cutout(**parameters)  # type: ignore[arg-type]
