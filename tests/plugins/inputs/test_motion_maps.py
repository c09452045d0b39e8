import math

import numpy as np
import pytest
import torch

from tracknet_core.testing import check_constructor, check_input
from tracknet_plugins.inputs.motion_maps import MotionMaps


@pytest.mark.parametrize("outputs", ["all", "middle", "last"])
@pytest.mark.parametrize("direction", [True, False])
def test_motion_maps_keep_the_contract(direction, outputs):
    check_constructor("inputs", MotionMaps)
    part = MotionMaps(frames=4, direction=direction, outputs=outputs)
    assert part.channels == 12 + 3 * (2 if direction else 1)
    check_input(part, frames=4)


def attention(difference, a, b, margin):
    """TrackNetV5's rule, number by number."""
    steepness = 5 / (0.45 * abs(math.tanh(a)) + margin)
    return 1 / (1 + np.exp(-steepness * (np.abs(difference) - 0.6 * math.tanh(b))))


def test_maps_of_brighter_and_darker_cells_stand_between_the_frames():
    windows = np.random.default_rng(0).uniform(size=(2, 3, 3, 4, 5)).astype(np.float32)
    samples = MotionMaps(frames=3, slope=0.3, threshold=0.2, margin=0.05)(torch.from_numpy(windows)).detach()
    luma = np.tensordot(windows, np.array([0.299, 0.587, 0.114], dtype=np.float32), axes=(2, 0))
    maps = [
        attention(np.maximum(sign * (luma[:, i + 1] - luma[:, i]), 0), 0.3, 0.2, 0.05)
        for i in range(2)
        for sign in (1, -1)
    ]
    np.testing.assert_array_equal(samples[:, [0, 1, 2, 5, 6, 7, 10, 11, 12]], windows.reshape(2, 9, 4, 5))
    np.testing.assert_allclose(samples[:, [3, 4, 8, 9]], np.stack(maps, axis=1), rtol=1e-4, atol=1e-6)


def test_without_direction_there_is_one_map_of_absolute_differences():
    frames = torch.zeros(1, 2, 3, 1, 3)
    frames[0, 0, :, 0, 1] = 0.1
    frames[0, 1, :, 0, 2] = 0.1
    samples = MotionMaps(frames=2, direction=False, slope=0.1, threshold=0.0, margin=0.1)(frames).detach()
    assert samples.shape == (1, 7, 1, 3)
    np.testing.assert_allclose(samples[0, 3, 0], attention(np.array([0, 0.1, 0.1]), 0.1, 0.0, 0.1), rtol=1e-5)


def test_a_single_frame_has_no_motion():
    with pytest.raises(ValueError, match=r"at least 2.*per_frame"):
        MotionMaps(frames=1)
