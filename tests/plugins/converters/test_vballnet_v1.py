"""VballNetV1a of asigatchov/vball-net-pytorch @ 41833e0e."""


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    widths = {
        "enc1": (15, 32),
        "enc1_1": (32, 32),
        "enc2": (32, 64),
        "enc3": (64, 128),
        "dec1": (192, 64),
        "dec2": (96, 32),
    }
    for place, (before, after) in widths.items():
        names.convolution(f"{place}.0", after, before, 3, 3, bias=True)
        names.normalization(f"{place}.2", after)
    names.convolution("out_conv", 15, 32, 1, 1, bias=True)
    names.shapes |= {"motion_prompt.a": (), "motion_prompt.b": ()}
    numbers = (
        "-0.04164671 0.05573707 -0.1201405 -0.02669225 0.1547919 -0.04458295 -0.06354259 0.03596423 -0.06506765 "
        "-0.2903361 0.1188754 -0.1203052 -0.1334181 -0.008061117 0.1297561 -0.06563744 0.1253653 -0.02402508 "
        "-0.1330445 -0.003812005 -0.09445368 -0.2018344 0.0003985057 0.02970755"
    )
    agree(answer("vballnet_v1", {"model_state_dict": names.state(1.4)}, (32, 16)), -168.502, numbers)
