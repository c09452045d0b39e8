import numpy as np
import pytest
import torch

from tracknet_core.testing import check_constructor, check_input
from tracknet_plugins.inputs.stack import Stack


@pytest.mark.parametrize("outputs", ["all", "middle", "last"])
@pytest.mark.parametrize("frames", [1, 2, 3, 8])
def test_stack_keeps_the_contract(frames, outputs):
    check_constructor("inputs", Stack)
    check_input(Stack(frames=frames, outputs=outputs), frames=frames)


@pytest.mark.parametrize(
    ("frames", "outputs", "targets"),
    [(3, "all", (0, 1, 2)), (3, "middle", (1,)), (8, "middle", (4,)), (3, "last", (2,)), (1, "middle", (0,))],
)
def test_targets_follow_the_outputs(frames, outputs, targets):
    stack = Stack(frames=frames, outputs=outputs)
    assert stack.targets == targets
    assert stack.maps == len(targets)
    assert stack.channels == 3 * frames


def test_channels_are_the_colours_of_the_first_frame_then_of_the_second():
    frames = np.arange(2 * 2 * 3 * 1 * 2, dtype=np.float32).reshape(2, 2, 3, 1, 2)
    samples = Stack(frames=2)(torch.from_numpy(frames))
    expected = np.concatenate([frames[:, 0], frames[:, 1]], axis=1)
    np.testing.assert_array_equal(samples, expected)


def test_grey_frames_have_one_channel_each():
    stack = Stack(frames=3, grey=True)
    check_input(stack, frames=3)
    assert stack.channels == 3
    frames = np.random.default_rng(0).random((2, 3, 3, 2, 4), dtype=np.float32)
    red, green, blue = np.moveaxis(frames, 2, 0)
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    np.testing.assert_allclose(stack(torch.from_numpy(frames)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "words"), [({"frames": 0}, "frames: 0"), ({"frames": 3, "outputs": "first"}, "all, middle, last")]
)
def test_bad_values_are_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        Stack(**parameters)
