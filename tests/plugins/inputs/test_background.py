import numpy as np
import pytest
import torch

from tracknet_core.testing import check_constructor, check_input
from tracknet_plugins.inputs.background import Background


@pytest.mark.parametrize("outputs", ["all", "middle", "last"])
@pytest.mark.parametrize("mode", ["concat", "subtract", "subtract_concat"])
def test_the_background_keeps_the_contract(mode, outputs):
    check_constructor("inputs", Background)
    check_input(Background(frames=4, mode=mode, outputs=outputs), frames=4)


def test_what_stands_in_which_channel():
    pictures = np.random.default_rng(0).normal(size=(2, 3, 3, 4, 5)).astype(np.float32)
    first, second, background = pictures[:, 0], pictures[:, 1], pictures[:, 2]
    changed = [np.abs(frame - background).sum(axis=1, keepdims=True) for frame in (first, second)]
    expected = {
        "concat": [background, first, second],
        "subtract": changed,
        "subtract_concat": [first, changed[0], second, changed[1]],
    }
    for mode, parts in expected.items():
        samples = Background(frames=2, mode=mode)(torch.from_numpy(pictures))
        np.testing.assert_allclose(samples, np.concatenate(parts, axis=1), atol=1e-6)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"mode: 'median' is unknown\. It accepts: concat, subtract, sub"):
        Background(frames=3, mode="median")
