import numpy as np
import pytest
import torch

from tracknet_core.testing import check_constructor, check_input
from tracknet_plugins.inputs.differences import Differences


@pytest.fixture
def windows():
    return np.random.default_rng(0).normal(size=(2, 3, 3, 4, 5)).astype(np.float32)


@pytest.mark.parametrize("outputs", ["all", "middle", "last"])
@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("keep_frames", [True, False])
def test_differences_keep_the_contract(keep_frames, grey, outputs):
    check_constructor("inputs", Differences)
    check_input(Differences(frames=4, keep_frames=keep_frames, grey=grey, outputs=outputs), frames=4)


@pytest.mark.parametrize(
    ("keep_frames", "grey", "channels"), [(True, True, 11), (True, False, 15), (False, True, 2), (False, False, 6)]
)
def test_channels_of_three_frames(keep_frames, grey, channels):
    assert Differences(frames=3, keep_frames=keep_frames, grey=grey).channels == channels


def test_grey_differences_are_signed_means_over_the_colours_after_the_frames(windows):
    samples = Differences(frames=3)(torch.from_numpy(windows))
    first = windows[:, 1].mean(axis=1) - windows[:, 0].mean(axis=1)
    second = windows[:, 2].mean(axis=1) - windows[:, 1].mean(axis=1)
    np.testing.assert_array_equal(samples[:, :9], windows.reshape(2, 9, 4, 5))
    np.testing.assert_allclose(samples[:, 9:], np.stack([first, second], axis=1), atol=1e-6)


def test_colour_differences_stand_alone_where_frames_are_not_kept(windows):
    samples = Differences(frames=3, keep_frames=False, grey=False)(torch.from_numpy(windows))
    expected = np.concatenate([windows[:, 1] - windows[:, 0], windows[:, 2] - windows[:, 1]], axis=1)
    np.testing.assert_allclose(samples, expected, atol=1e-6)


def test_absolute_differences_beside_the_frame_that_gets_a_heatmap(windows):
    part = Differences(frames=3, outputs="last", targets_only=True, absolute=True, grey=False)
    check_input(part, frames=3)
    samples = part(torch.from_numpy(windows))
    changes = np.abs(np.diff(windows, axis=1)).reshape(2, 6, 4, 5)
    np.testing.assert_allclose(samples, np.concatenate([windows[:, 2], changes], axis=1), atol=1e-6)
    assert Differences(frames=3, targets_only=True).channels == Differences(frames=3).channels


def test_a_bright_ball_is_positive_where_it_arrives_and_negative_where_it_left():
    frames = torch.zeros(1, 2, 3, 1, 4)
    frames[0, 0, :, 0, 1] = 1.0
    frames[0, 1, :, 0, 2] = 1.0
    change = Differences(frames=2, keep_frames=False)(frames)
    assert change.flatten().tolist() == [0.0, -1.0, 1.0, 0.0]


def test_a_single_frame_has_no_differences():
    with pytest.raises(ValueError, match=r"at least 2.*per_frame"):
        Differences(frames=1)


def test_luma_frames_and_their_differences_have_a_channel_each(windows):
    part = Differences(frames=3, luma=True)
    check_input(part, frames=3)
    samples = part(torch.from_numpy(windows))
    luma = np.tensordot(windows, np.array([0.299, 0.587, 0.114], dtype=np.float32), axes=(2, 0))
    assert part.channels == 5
    np.testing.assert_allclose(samples[:, :3], luma, atol=1e-6)
    np.testing.assert_allclose(samples[:, 3:], np.diff(luma, axis=1), atol=1e-6)


def test_luma_has_no_differences_of_colours():
    with pytest.raises(ValueError, match=r"luma.*grey"):
        Differences(frames=3, luma=True, grey=False)
