"""Published networks, made of general parts, have the published numbers of parameters."""

from pathlib import Path

import pytest

from tracknet_core.assembly import build_model
from tracknet_core.config import load_config

FOLDER = Path(__file__).parent.parent / "experiments"


@pytest.mark.parametrize(
    ("name", "frames", "size", "parameters"),
    [
        # Its code normalises the logits too: a scale and a shift for each of 256 classes more, 10,708,032 in all.
        ("tracknetv1", 3, (640, 360), 10_708_032 - 2 * 256),
        ("tracknetv2", 3, (512, 288), 11_334_147),
        ("tracknetv3", 8, (512, 288), 11_341_000),
        # Its code has a bias in each of the 14 convolutions that a normalisation follows, which takes it away.
        ("monotrack", 3, (512, 288), 2_903_171 - 2 * 32 - 2 * 64 - 3 * 128 - 3 * 256 - 3 * 128 - 2 * 64 - 2 * 32),
        # The same for its 7 convolutions.
        ("deepball", 1, (1280, 720), 66_226 - 2 * 8 - 2 * 16 - 2 * 32 - 56),
        ("deepball_large", 1, (1280, 720), 1_026_754 - 2 * 32 - 2 * 64 - 2 * 128 - 224),
        ("gridtracknet", 5, (768, 432), 8_897_871),
        # Without the two of the motion prompt, and with a convolutional GRU: two gates and a candidate of 128 channels.
        ("vballnet", 9, (512, 288), 243_563 - 2 + 3 * (9 * 256 * 128 + 128)),
    ],
)
def test_a_published_network_has_its_number_of_parameters(
    name: str, frames: int, size: tuple[int, int], parameters: int
) -> None:
    overrides = [f"data.sequence.length={frames}", f"data.preprocess.resize=[{size[0]},{size[1]}]"]
    own = FOLDER / f"{name}.yaml"
    host = own if own.exists() else FOLDER / "tracknetv2.yaml"
    model = build_model(load_config(host, overrides, {"model": name}))
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
