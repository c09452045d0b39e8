import numpy as np
import pytest
import torch

from tracknet_core.testing import check_constructor, check_input
from tracknet_plugins.inputs.per_frame import PerFrame


@pytest.mark.parametrize("frames", [1, 3])
def test_per_frame_keeps_the_contract(frames):
    check_constructor("inputs", PerFrame)
    check_input(PerFrame(frames=frames), frames=frames)


def test_every_frame_is_a_sample_and_windows_stay_together():
    frames = np.arange(2 * 3 * 3 * 1 * 2, dtype=np.float32).reshape(2, 3, 3, 1, 2)
    per_frame = PerFrame(frames=3)
    samples = per_frame(torch.from_numpy(frames))
    np.testing.assert_array_equal(samples, [frames[b, t] for b in range(2) for t in range(3)])
    assert (per_frame.channels, per_frame.targets, per_frame.maps) == (3, (0, 1, 2), 1)


def test_a_window_without_frames_is_refused():
    with pytest.raises(ValueError, match="frames: 0"):
        PerFrame(frames=0)
