"""How bright pixels are."""

import numpy as np
import pytest

from tracknet_core.luma import luma_of


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_luma_is_rounded_and_keeps_its_axis(axis: int) -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30], [255, 255, 255]], np.uint8)
    expected = np.array([76, 150, 29, 18, 255], np.uint8)  # 76.2, 149.7, 29.1, 18.2
    pictures = np.moveaxis(colours.reshape(5, 1, 3), -1, axis)
    assert luma_of(pictures, axis).dtype == np.uint8
    assert np.array_equal(luma_of(pictures, axis), np.moveaxis(expected.reshape(5, 1, 1), -1, axis))
