import numpy as np
import pytest

from tracknet_core.contracts import Window, plain_labels
from tracknet_core.testing import check_constructor, check_transform
from tracknet_plugins.transforms.jpeg import JPEG


@pytest.fixture
def window() -> Window:
    """A smooth picture with some noise: what JPEG is made for."""
    rows, columns = np.mgrid[:48, :64]
    smooth = 128 + 80 * np.sin(rows / 9) * np.cos(columns / 7)
    noise = np.random.default_rng(0).normal(0, 12, (3, 48, 64, 3))
    frames = np.clip(smooth[None, ..., None] + noise, 0, 255).astype(np.uint8)
    return Window(frames, plain_labels(np.full((3, 2), 3, np.float32), np.ones(3, np.int64)))


def error(window: Window, quality: int) -> float:
    frames = JPEG(quality=(quality, quality), prob=1)(window, np.random.default_rng(0)).frames
    return float(np.abs(frames.astype(int) - window.frames).mean())


def test_it_keeps_the_contract_of_its_kind() -> None:
    check_constructor("transforms", JPEG)
    check_transform(JPEG(prob=1), tolerance=0.2)


def test_a_lower_quality_makes_a_greater_error(window: Window) -> None:
    errors = [error(window, quality) for quality in (95, 60, 10)]
    assert 0 < errors[0] < errors[1] < errors[2] < 20


def test_qualities_are_drawn_from_the_range_with_both_ends(window: Window) -> None:
    jpeg, rng = JPEG(quality=(50, 52), prob=1), np.random.default_rng(0)
    expected = {JPEG(quality=(q, q), prob=1)(window, np.random.default_rng(0)).frames.tobytes() for q in (50, 51, 52)}
    assert len(expected) == 3
    assert {jpeg(window, rng).frames.tobytes() for _ in range(40)} == expected


def test_places_stay_and_the_input_is_not_written_to(window: Window) -> None:
    before = window.frames.copy()
    changed = JPEG(prob=1)(window, np.random.default_rng(0))
    np.testing.assert_array_equal(window.frames, before)
    np.testing.assert_array_equal(changed.xy, window.xy)
    np.testing.assert_array_equal(changed.visibility, window.visibility)


def test_frames_that_are_views_are_compressed_alike(window: Window) -> None:
    flipped = window.replace(frames=window.frames[:, :, ::-1])
    copied = window.replace(frames=flipped.frames.copy())
    jpeg = JPEG(prob=1)
    np.testing.assert_array_equal(
        jpeg(flipped, np.random.default_rng(0)).frames, jpeg(copied, np.random.default_rng(0)).frames
    )


def test_prob_is_the_share_of_compressed_windows(window: Window) -> None:
    jpeg, rng = JPEG(prob=0.25), np.random.default_rng(0)
    assert 30 <= sum(jpeg(window, rng) is not window for _ in range(200)) <= 70


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"quality": (80, 40)}, r"quality=\[80, 40\].*\[least, greatest\]"),
        ({"quality": (0, 40)}, r"quality=\[0, 40\].*from 1"),
        ({"quality": (40, 100)}, r"quality=\[40, 100\].*to 95"),
        ({"prob": 1.1}, r"prob=1.1.*from 0 \(never\) to 1 \(always\)"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JPEG(**parameters)  # type: ignore[arg-type]
