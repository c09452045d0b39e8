"""Published networks, made of general parts: their size, a step of training, and the way into a file."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tracknet_core.assembly import build_model
from tracknet_core.config import Config, load_config
from tracknet_core.contracts import Batch, Labels, Visibility
from tracknet_core.exporting.network import Portable
from tracknet_core.model import BallTracker
from tracknet_core.training.parts import build_module, build_transforms
from tracknet_plugins.formats.onnx import ONNX

FOLDER = Path(__file__).parent.parent / "experiments"
SMALL = (
    "ballseg",
    "blurball",
    "deepball",
    "deeppro",
    "gridtracknet",
    "monotrack",
    "racketvision",
    "restracknetv2",
    "totnet",
    "tracknetv1",
    "tracknetv2",
    "tracknetv3",
    "tracknetv4",
    "tracknetv5",
    "vballnet",
    "vballnet_fast",
    "vballnet_grid",
    "vballnet_v1",
    "vballnet_v2",
    "wasb",
)
"""Experiments that train them at a reduced size."""


@pytest.mark.parametrize(
    ("name", "frames", "size", "parameters"),
    [
        # Its code normalises the logits too: a scale and a shift for each of 256 classes more, 10,708,032 in all.
        ("tracknetv1", 3, (640, 360), 10_708_032 - 2 * 256),
        ("tracknetv2", 3, (512, 288), 11_334_147),
        ("tracknetv3", 8, (512, 288), 11_341_000),
        # Its code has a bias in each of the 14 convolutions that a normalisation follows, which takes it away.
        ("monotrack", 3, (512, 288), 2_903_171 - 2 * 32 - 2 * 64 - 3 * 128 - 3 * 256 - 3 * 128 - 2 * 64 - 2 * 32),
        # Its code has a bias in front of the normalisations, too: two in every block and one in ways around, three in
        # every block that doubles its map, and those of the convolutions at both ends.
        (
            "restracknetv2",
            3,
            (512, 288),
            1_210_451
            - (6 * 16 + 16 + 6 * 32 + 32 + 8 * 64 + 64 + 6 * 128 + 128)
            - (6 * 64 + 64 + 4 * 32 + 32 + 4 * 16 + 16)
            - 3 * (128 + 64 + 32 + 16)
            - 4 * 64,
        ),
        # The same for the 7 convolutions of DeepBall.
        ("deepball", 1, (1280, 720), 66_226 - 2 * 8 - 2 * 16 - 2 * 32 - 56),
        ("deepball_large", 1, (1280, 720), 1_026_754 - 2 * 32 - 2 * 64 - 2 * 128 - 224),
        # The same for a stem and three levels of two blocks of four convolutions, and of one over all frames; and for
        # the four that merge the levels.
        ("deeppro", 40, (512, 288), 49_129 - 8 - 3 * (4 * 16 + 4 * 32 + 32) - 4 * 8),
        # A slope and a threshold of the attention more.
        ("tracknetv4", 3, (512, 288), 11_334_147 + 2),
        # Three frames in the place of eight: 15 channels of the input less, and 5 maps.
        ("tracknetv4_v3", 3, (512, 288), 11_341_000 - 15 * 9 * 64 - 5 * 65 + 2),
        # A bias for each map of the draft, and a slope and a threshold of its own.
        ("tracknetv5", 3, (512, 288), 14_771_458 + 3 + 2),
        # Its code has a classifier of 1000 and two further answers, which it does not use, and no bias of the answer.
        ("ballseg", 2, (1024, 576), 12_698_297 - (512 * 1000 + 1000) - 2 * 128 + 1),
        ("gridtracknet", 5, (768, 432), 8_897_871),
        # Its code makes a map for each of the four frames, and reads the last one.
        ("racketvision", 4, (512, 288), 11_333_828 - 3 * 65),
        ("vballnet_v1", 15, (512, 288), 245_489),
        ("vballnet_v2", 15, (512, 288), 32_282),
        ("vballnet_fast", 9, (512, 288), 9_322),
        ("vballnet_grid", 9, (768, 432), 1_134_636),
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


def small(name: str) -> tuple[Config, BallTracker, Tensor]:
    """Return an experiment, its network, and two training inputs of it as they come after its crop."""
    config = load_config(FOLDER / f"{name}.yaml")
    torch.manual_seed(0)
    model = build_model(config, fetch=False)
    size = model.window.image_size
    for transform in build_transforms(config.data)[0]:
        size = transform.output_size(size)
    pictures = config.data.sequence.frames + model.window.background
    return config, model, torch.randint(256, (2, pictures, 3, size[1], size[0]), dtype=torch.uint8)


@pytest.mark.parametrize("name", SMALL)
def test_a_published_network_trains_a_step(name: str) -> None:
    config, model, frames = small(name)
    module = build_module(config, model)
    length = config.data.sequence.frames
    points = torch.full((2, length, model.codec.points, 2), 30.0)
    labels = Labels(points, torch.full((2, length), int(Visibility.EASY)), torch.zeros(2, length))
    numbers = torch.arange(length).expand(2, -1)
    batch = Batch(frames, labels, numbers >= 0, points, torch.full((2, 2), 640), torch.zeros(2), numbers)
    module.cost(batch).mean().backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.requires_grad]
    assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients)
    assert any(bool(gradient.any()) for gradient in gradients if gradient is not None)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_published_network_answers_the_same_from_an_onnx_file(name: str, tmp_path: Path) -> None:
    _, model, frames = small(name)
    network = Portable(model, frames)
    inputs = (frames, *network.start(frames))
    path = tmp_path / "network.onnx"
    ONNX().save(network, inputs, path, {})
    logits, *_ = ONNX().load(path)(*(part.numpy() for part in inputs))
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(logits), network(*inputs)[0], rtol=1e-4, atol=1e-4)
