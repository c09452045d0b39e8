"""VballNetV2 of asigatchov/vball-net-pytorch @ 41833e0e."""


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
        names.convolution(f"{place}.depthwise", before, 1, 3, 3)
        names.convolution(f"{place}.pointwise", after, before, 1, 1)
        names.normalization(f"{place}.bn", after)
    names.convolution("spatial_attention.conv", 1, 2, 7, 7)
    names.convolution("out_conv", 15, 32, 1, 1, bias=True)
    names.shapes |= {"motion_prompt.a": (), "motion_prompt.b": ()}
    numbers = (
        "0.3374263 -0.4881276 -0.2211426 -0.3987181 0.007178705 -0.2227945 0.03736408 -0.28144 -0.1382093 "
        "-0.5475954 0.3578834 -0.3481969 0.1199848 0.3348475 0.7704789 1.095629 0.1632206 0.094877 0.2404414 "
        "-0.01651598 -0.6058637 -0.9861768 0.2386801 0.09853407"
    )
    agree(answer("vballnet_v2", {"model_state_dict": names.state(1.4)}, (32, 16)), -318.33, numbers)
