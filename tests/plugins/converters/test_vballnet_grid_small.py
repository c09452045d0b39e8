"""VballNetGridV1c of asigatchov/vball-net-pytorch @ 41833e0e."""

import torch

BLOCKS = {
    "stem": (9, 32),
    "encoder.0": (32, 48),
    "encoder.2": (48, 64),
    "encoder.4": (64, 96),
    "encoder.6": (96, 128),
    "encoder.8": (128, 512),
    "encoder.9": (512, 512),
    "head.0": (512, 512),
}


def fill(names):
    for place, (before, after) in BLOCKS.items():
        names.convolution(f"{place}.block.0", before, 1, 3, 3)
        names.convolution(f"{place}.block.1", after, before, 1, 1)
        names.normalization(f"{place}.block.2", after)
    names.convolution("head.1", 27, 512, 1, 1, bias=True)


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    fill(names)
    numbers = (
        "0.3016952 -0.4873978 -0.06477408 0.1452637 0.2024423 0.1255731 -0.3958076 0.1598195 -0.2220927 "
        "0.04535042 0.324542 -0.06191257 -0.1616923 -0.07826025 0.2166074 0.04843105 0.08109407 0.5793414 "
        "0.07108292 0.5439078 0.1799647 -0.1319947 -0.2323481 -0.2875569"
    )
    agree(answer("vballnet_grid_small", {"state_dict": names.state(1.1)}, (96, 48), stride=16), 14.6712, numbers)


def test_normalisations_that_an_exporter_put_into_convolutions_are_taken_out_again(names, answer) -> None:
    fill(names)
    state = names.state(1.1)
    expected = answer("vballnet_grid_small", {"state_dict": state}, (96, 48), stride=16)
    for place in BLOCKS:
        scale = state.pop(f"{place}.block.2.weight") / (state.pop(f"{place}.block.2.running_var") + 1e-5).sqrt()
        shift = state.pop(f"{place}.block.2.bias") - scale * state.pop(f"{place}.block.2.running_mean")
        node = "/".join(["", *place.split(".")[:-1], place, "block", "block.1", "Conv"])
        state[f"{node}.weight"] = state.pop(f"{place}.block.1.weight") * scale[:, None, None, None]
        state[f"{node}.bias"] = shift
        del state[f"{place}.block.2.num_batches_tracked"]
    got = answer("vballnet_grid_small", state, (96, 48), stride=16)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
