"""TrackNet of qaz812345/TrackNetV3 @ 77c123ad."""

import pytest
import torch

from tracknet_core.errors import CheckpointError
from tracknet_plugins.converters.tracknetv3 import TrackNetV3


def fill(names, channels, frames):
    blocks = ((channels, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (768, 256, 3), (384, 128, 2), (192, 64, 2))
    places = [f"down_block_{i}" for i in (1, 2, 3)] + ["bottleneck"] + [f"up_block_{i}" for i in (1, 2, 3)]
    for place, (before, after, count) in zip(places, blocks, strict=True):
        for i in range(count):
            names.convolution(f"{place}.conv_{i + 1}.conv", after, after if i else before, 3, 3)
            names.normalization(f"{place}.conv_{i + 1}.bn", after)
    names.convolution("predictor", frames, 64, 1, 1, bias=True)


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    fill(names, 27, 8)
    content = {"epoch": 1, "model": names.state(1.4), "param_dict": {"seq_len": 8, "bg_mode": "concat"}}
    numbers = (
        "-0.07304423 0.3342515 -0.116045 0.1485323 -0.06147133 -0.202892 0.00106056 0.2303352 0.4018199 0.3993953 "
        "-0.3550059 -0.4040165 0.3978776 0.4794841 0.3030019 -0.4045979 -0.467976 -0.4466453 -0.2479814 -0.4904626 "
        "-0.2773542 1.165823 0.8926324 0.5674717"
    )
    agree(answer("tracknetv3", content, (32, 16)), 91.6418, numbers)


@pytest.mark.parametrize(
    ("mode", "node"),
    [
        ("", "{name: stack}"),
        ("subtract", "{name: background, mode: subtract}"),
        ("subtract_concat", "{name: background, mode: subtract_concat}"),
    ],
)
def test_the_file_says_what_is_made_of_the_background(mode, node) -> None:
    settings = TrackNetV3().settings({"model": {}, "param_dict": {"seq_len": 4, "bg_mode": mode}})
    assert f"model.input={node}" in settings
    assert "data.sequence.length=4" in settings


@pytest.mark.parametrize("said", [None, {"seq_len": 8}, {"seq_len": 8, "bg_mode": "mean"}, {"bg_mode": ""}])
def test_a_file_that_does_not_say_it_is_refused(said) -> None:
    with pytest.raises(CheckpointError, match="does not say of how many frames, and with which background"):
        TrackNetV3().settings({"model": {"predictor.weight": torch.ones(1)}, "param_dict": said})
