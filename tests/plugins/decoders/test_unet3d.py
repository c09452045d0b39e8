import pytest
import torch

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_decoder
from tracknet_plugins.decoders.unet3d import UNet3D

FINE, MIDDLE, COARSE = FeatureSpec(4 * 5, 1, 5), FeatureSpec(6 * 3, 2, 3), FeatureSpec(8, 4, 1)
MAPS = (FINE, FINE, MIDDLE, MIDDLE, COARSE)
SMALL = {"kernels": (3, 2), "time_kernels": (5, 3), "blocks": (2, 1), "time_blocks": (1, 2)}


def test_unet3d_keeps_the_contract():
    check_constructor("decoders", UNet3D)
    decoder = UNet3D(in_features=MAPS, **SMALL)
    assert decoder.feature == FINE
    check_decoder(decoder, in_features=MAPS, size=(32, 16))


def test_parameters_are_those_of_space_and_time():
    decoder = UNet3D(in_features=MAPS, **SMALL)
    norm = 2
    middle = 4 * (8 + 6) * 6 + 3 * 4 * (12 * 6 + 6 * 6) + 3 * norm * 6
    fine = 9 * ((6 + 4) * 4 + 4 * 4) + 5 * 9 * 8 * 4 + 3 * norm * 4
    assert sum(p.numel() for p in decoder.parameters()) == middle + fine


@pytest.mark.parametrize("index", range(5))
def test_every_map_reaches_the_result(index):
    torch.manual_seed(0)
    decoder = UNet3D(in_features=MAPS, **SMALL).eval()
    maps = [torch.randn(1, f.channels, 16 // f.stride, 16 // f.stride) for f in MAPS]
    changed = [m + torch.randn_like(m) if i == index else m for i, m in enumerate(maps)]
    assert not torch.allclose(decoder(changed), decoder(maps), atol=1e-3)


@pytest.mark.parametrize(
    "in_features", [(FINE, COARSE), (COARSE,), (FINE, MIDDLE, COARSE), (FINE, FINE, MIDDLE, MIDDLE)]
)
def test_maps_that_are_no_pairs_are_refused_with_their_strides(in_features):
    with pytest.raises(ValueError, match="of space and of time") as caught:
        UNet3D(in_features=in_features, **SMALL)
    assert str(tuple(feature.stride for feature in in_features)) in str(caught.value)
    assert "'p3d'" in str(caught.value)


@pytest.mark.parametrize("name", ["kernels", "time_kernels", "blocks", "time_blocks"])
def test_bad_values_are_refused(name):
    for numbers in ((3,), (3, 0)):
        with pytest.raises(ValueError, match=f"{name}: .*2 levels"):
            UNet3D(in_features=MAPS, **(SMALL | {name: numbers}))
