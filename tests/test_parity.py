"""Networks made of general parts answer as the published code does, given the same weights and frames.

The code of others is not here, but what it answers, in float32 on a CPU, to weights and frames that a formula gives
(ResTrackNetV2, whose logits reach 100, in float64: float32 rounds them otherwise on each kind of processor):
``fill`` and ``pictures`` are the recipe, which was run on both sides. Names differ, so layers are told apart by when
they run and by the shape of their weights. Where the other code puts the map of a skip before the one from below, those
channels of its weights were exchanged. Torch's transformer runs its layers as one, so that TrackNetV5 was handed the
weights by name.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tracknet_core.assembly import build_model
from tracknet_core.config import load_config

FOLDER = Path(__file__).parent.parent / "experiments"
SIZE = (32, 16)
PLACES = 24
"""Of an answer, evenly from its first number to its last."""


def noise(count: int, seed: int) -> Tensor:
    """Return (count,) numbers between -1 and 1, by a formula in whole numbers: a hash of the place and the seed."""
    mixed = torch.arange(1, count + 1) + 7919 * 65537 * seed
    for _ in range(2):
        mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return ((mixed ^ (mixed >> 16)) / 2**31 - 1).double()


def pictures(count: int) -> Tensor:
    """Return (1, count, 3, 16, 32) uint8 frames."""
    numbers = noise(count * 3 * SIZE[0] * SIZE[1], 0)
    return ((numbers + 1) * 127.5).round().to(torch.uint8).view(1, count, 3, SIZE[1], SIZE[0])


def fill(network: nn.Module, *inputs: Any, gain: float) -> None:
    """Give weights to a network, in the order in which its layers run for these inputs.

    A convolution has no bias but where nothing follows, since most published ones lack it, or have it before a
    normalisation, where it does nothing. ``gain`` is the deviation of other weights, times the root of what they sum.
    A layer without weights keeps the numbers that it starts with. What modules have beside their layers is noise, too.
    """
    order: list[nn.Module] = []
    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [
        leaf.register_forward_pre_hook(lambda module, _: order.append(module))
        for leaf in leaves
        if list(leaf.parameters())
    ]
    with torch.no_grad():
        network.eval()(*inputs)
        for hook in hooks:
            hook.remove()
        seen: Counter[tuple[int, ...]] = Counter()
        before: tuple[int, ...] = ()
        for layer in dict.fromkeys(order):
            weight = getattr(layer, "weight", None)
            if not isinstance(weight, Tensor):
                continue
            # A normalisation goes by the layer before it: ways around run earlier here, and later elsewhere.
            normalizes = isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm3d))
            shape = (*before, *weight.shape) if normalizes else tuple(weight.shape)
            width = len(weight)
            numbers = noise(weight.numel(), seen[shape]).view(weight.shape)
            if normalizes:
                weight.copy_(1 + 0.2 * numbers)
                layer.bias.copy_(0.1 * noise(width, seen[shape] + 100))
                layer.running_mean.copy_(0.1 * noise(width, seen[shape] + 200))  # type: ignore[union-attr]
                layer.running_var.copy_(1 + 0.3 * noise(width, seen[shape] + 300))  # type: ignore[union-attr]
            else:
                weight.copy_(3**0.5 * gain * numbers / math.sqrt(weight.numel() / width))
                bias = getattr(layer, "bias", None)
                if isinstance(bias, Tensor):
                    last = layer is order[-1]
                    bias.copy_(0.1 * last * noise(len(bias), seen[shape]))
            seen[shape] += 1
            before = tuple(weight.shape)
        whole = (module for module in network.modules() if list(module.children()))
        for i, parameter in enumerate(parameter for module in whole for parameter in module.parameters(recurse=False)):
            parameter.copy_(noise(parameter.numel(), 400 + i).view(parameter.shape))


@dataclass(frozen=True)
class Answer:
    """What the published code says.

    Attributes:
        source: repository, commit and class.
        gain: of the recipe.
        frames: of the window, without a background.
        total: sum of all numbers.
        numbers: at ``PLACES``.
        sigmoid: whether they are probabilities.
        stride: pixels per cell.
        overrides: of the model group.
    """

    source: str
    gain: float
    frames: int
    total: float
    numbers: tuple[float, ...]
    sigmoid: bool = False
    stride: int = 1
    overrides: tuple[str, ...] = ()


ANSWERS: dict[str, Answer] = {  # by model group, and what is particular
    "wasb": Answer(
        source="nttcom/WASB-SBDT @ 923462ca, HRNet with configs/model/wasb.yaml",
        gain=0.7,
        frames=3,
        total=-433.763,
        numbers=(
            -0.520012,
            -0.596659,
            -0.596452,
            -0.639717,
            -0.642937,
            -0.661482,
            -0.67181,
            -0.675739,
            -0.244879,
            -0.197832,
            -0.03786,
            0.061356,
            -0.20748,
            -0.050898,
            -0.013687,
            -0.022572,
            -0.360993,
            -0.156002,
            -0.050109,
            -0.073204,
            -0.067958,
            -0.056762,
            -0.067371,
            -0.070092,
        ),
        overrides=("model.backbone.multi_scale=true",),
    ),
    "tracknetv2": Answer(
        source="nttcom/WASB-SBDT @ 923462ca, TrackNetV2",
        gain=1.4,
        frames=3,
        total=-507.824,
        numbers=(
            0.133568,
            -0.69213,
            -0.919996,
            -1.33698,
            -1.383022,
            -1.071276,
            -1.230146,
            -0.156132,
            0.264971,
            -0.452859,
            -0.048626,
            -0.126607,
            0.235115,
            -0.205341,
            -0.140539,
            -0.893634,
            -0.060931,
            -0.069088,
            0.26639,
            -0.001146,
            -0.020426,
            0.157894,
            -0.074876,
            -0.206507,
        ),
    ),
    "tracknetv3": Answer(
        source="qaz812345/TrackNetV3 @ 77c123ad, TrackNet(27, 8)",
        gain=1.4,
        frames=8,
        total=1572.87,
        numbers=(
            0.465437,
            0.33659,
            0.474324,
            0.381081,
            0.349944,
            0.317483,
            0.487166,
            0.553878,
            0.342202,
            0.461684,
            0.530003,
            0.460644,
            0.227784,
            0.164233,
            0.171135,
            0.562129,
            0.359817,
            0.23973,
            0.245298,
            0.296208,
            0.220876,
            0.536626,
            0.426573,
            0.447818,
        ),
        sigmoid=True,
    ),
    "monotrack": Answer(
        source="nttcom/WASB-SBDT @ 923462ca, MonoTrack",
        gain=0.7,
        frames=3,
        total=-26.768,
        numbers=(
            -0.045432,
            -0.118538,
            -0.038828,
            -0.031761,
            -0.053851,
            0.038771,
            -0.123677,
            0.067853,
            -0.018059,
            -0.132988,
            -0.165134,
            -0.014425,
            -0.083806,
            -0.186752,
            -0.066733,
            0.003485,
            0.015119,
            0.034532,
            0.026748,
            0.085542,
            0.066482,
            0.094611,
            0.008636,
            0.025689,
        ),
    ),
    "deepball": Answer(
        source="nttcom/WASB-SBDT @ 923462ca, DeepBall",
        gain=1.4,
        frames=1,
        total=-17.583,
        numbers=(
            -0.174105,
            -0.419538,
            -0.456681,
            -0.348197,
            -0.410306,
            -0.34258,
            -0.326351,
            -0.285679,
            -0.222393,
            -0.235179,
            -0.266383,
            -0.304098,
            -0.112587,
            -0.015837,
            -0.118697,
            -0.416788,
            -0.427369,
            -0.369387,
            -0.236668,
            -0.285752,
            -0.389487,
            -0.320396,
            -0.362704,
            -0.21735,
        ),
        stride=4,
    ),
    "deepball_large": Answer(
        source="nttcom/WASB-SBDT @ 923462ca, DeepBall with block_channels 32, 64, 128",
        gain=1.4,
        frames=1,
        total=-2.429,
        numbers=(
            -0.540356,
            0.050682,
            -0.3734,
            -0.932126,
            0.260705,
            -0.177638,
            -0.482829,
            0.150381,
            -0.45472,
            -0.057155,
            0.384603,
            0.055552,
            0.227874,
            -0.20344,
            -0.00514,
            0.216214,
            0.695911,
            0.399185,
            -0.570557,
            -0.155505,
            -0.143866,
            -0.240959,
            -0.504158,
            0.099614,
        ),
        stride=4,
    ),
    "deeppro": Answer(
        source="TinaLRJ/DeepPro @ 8fa1a68b, DeepPro of 40 frames, given the luma of frames by ImageNet's numbers",
        gain=1.2,
        frames=40,
        total=5569.525,
        numbers=(
            0.615554,
            0.619746,
            0.147994,
            0.248277,
            -0.017687,
            0.307991,
            0.315271,
            0.142095,
            0.434486,
            0.142772,
            0.328491,
            0.065178,
            0.134853,
            0.128872,
            0.135852,
            0.355381,
            0.515865,
            0.534976,
            0.520523,
            0.289602,
            0.157612,
            0.314948,
            0.166609,
            0.049156,
        ),
    ),
    "tracknetv4": Answer(
        source="codelancera-offical/TracknetV5 @ 2842f424, TrackNetV4",
        gain=1.4,
        frames=3,
        total=639.979,
        numbers=(
            0.55258,
            0.330815,
            0.280232,
            0.255608,
            0.203373,
            0.252692,
            0.284684,
            0.448437,
            0.552633,
            0.40438,
            0.482157,
            0.452788,
            0.547343,
            0.423776,
            0.478042,
            0.277859,
            0.476655,
            0.417231,
            0.548939,
            0.437157,
            0.504263,
            0.529945,
            0.531117,
            0.435662,
        ),
        sigmoid=True,
        overrides=(
            "model.backbone.bias=false",
            "model.decoder.bias=false",
            "model.decoder.upsample=bilinear_aligned",
            "model.head.margin=1.0e-6",
            "model.head.scale=1.0",
        ),
    ),
    "tracknetv4 type b": Answer(
        source="codelancera-offical/TracknetV5 @ 2842f424, TrackNetV4 with FusionLayerTypeB",
        gain=1.4,
        frames=3,
        total=641.114,
        numbers=(
            0.55258,
            0.330819,
            0.291683,
            0.255608,
            0.256364,
            0.252692,
            0.284684,
            0.448437,
            0.552633,
            0.40438,
            0.482157,
            0.45278,
            0.547351,
            0.423776,
            0.478057,
            0.278023,
            0.476655,
            0.417231,
            0.548939,
            0.437157,
            0.504263,
            0.529945,
            0.531117,
            0.435662,
        ),
        sigmoid=True,
        overrides=(
            "model.backbone.bias=false",
            "model.decoder.bias=false",
            "model.decoder.upsample=bilinear_aligned",
            "model.head.margin=1.0e-6",
            "model.head.scale=1.0",
            "model.head.fusion=both",
        ),
    ),
    "tracknetv5": Answer(
        source="codelancera-offical/TracknetV5 @ 2842f424, TrackNetV5 of configs/final",
        gain=1.4,
        frames=3,
        total=702.297,
        numbers=(
            0.547334,
            0.736105,
            0.983143,
            0.839374,
            0.119621,
            0.290102,
            0.631125,
            0.056007,
            0.527521,
            0.151175,
            0.475151,
            0.970875,
            0.939737,
            0.971649,
            0.414509,
            0.446971,
            0.969948,
            0.546951,
            0.419753,
            0.874303,
            0.301528,
            0.330806,
            0.22056,
            0.05747,
        ),
        sigmoid=True,
    ),
    "restracknetv2": Answer(
        source="nttcom/WASB-SBDT @ 923462ca, ChangsTrackNet with configs/model/restracknetv2.yaml",
        gain=1.2,
        frames=3,
        total=-45613.22733,
        numbers=(
            1.18386724,
            3.34525587,
            9.91827008,
            6.71284346,
            3.92598079,
            28.9127324,
            48.110916,
            1.67295859,
            -52.3296459,
            -78.0008758,
            -67.7548094,
            -69.2314998,
            -26.7239098,
            -51.6719915,
            -69.2058393,
            -63.0937126,
            -25.5276668,
            -50.0196886,
            -57.9675323,
            -57.2799934,
            -71.2716014,
            -69.7196029,
            -105.363309,
            -1.79636182,
        ),
    ),
    "ballseg": Answer(
        source="nttcom/WASB-SBDT @ 923462ca, BallSeg with configs/model/ballseg.yaml",
        gain=1.6,
        frames=2,
        total=54.601,
        numbers=(
            2.127181,
            -6.336516,
            2.663914,
            -0.393132,
            -4.872373,
            2.008366,
            1.082812,
            -3.159442,
            2.219136,
            0.611258,
            -4.695978,
            -0.259096,
            -0.811682,
            -0.573899,
            -2.711011,
            0.153904,
            0.470321,
            11.348262,
            3.316811,
            0.180354,
            -7.211568,
            -0.57332,
            3.968811,
            -5.491842,
        ),
    ),
}


@pytest.mark.parametrize("key", ANSWERS)
def test_the_answer_is_that_of_the_published_code(key: str) -> None:
    answer, name = ANSWERS[key], key.partition(" ")[0]
    host = FOLDER / f"{name}.yaml"
    overrides = [
        f"data.sequence.length={answer.frames}",
        f"data.preprocess.resize=[{SIZE[0]},{SIZE[1]}]",
        "data.transforms=[]",
        f"model.heatmap.size=[{SIZE[0] // answer.stride},{SIZE[1] // answer.stride}]",
        *answer.overrides,
    ]
    model = build_model(load_config(host if host.exists() else FOLDER / "tracknetv2.yaml", overrides, {"model": name}))
    frames = pictures(model.window.pictures)
    fill(model, frames, gain=answer.gain)
    with torch.no_grad():
        got = model.eval().double()(frames)  # so that no processor rounds otherwise than another
    got = (got.sigmoid() if answer.sigmoid else got).flatten()
    places = torch.linspace(0, len(got) - 1, PLACES).round().long()
    torch.testing.assert_close(got[places], torch.tensor(answer.numbers, dtype=torch.float64), rtol=1e-5, atol=1e-5)
    assert got.double().sum().item() == pytest.approx(answer.total, rel=1e-5, abs=1e-5 * len(got))
