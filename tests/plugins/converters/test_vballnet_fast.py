"""VballNetFastV1_seq9_grayscale_233_h288_w512.onnx of asigatchov/fast-volleyball-tracking-inference @ 81d16f39."""


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    network = "VballNetFastV1_1"
    widths = {
        **{f"down_block_{i}": widths for i, widths in enumerate(((9, 8), (8, 16), (16, 32)), start=1)},
        "bottleneck": (32, 64),
        **{f"up_block_{i}": widths for i, widths in enumerate(((96, 32), (48, 16), (24, 8)), start=1)},
    }
    for place, (before, after) in widths.items():
        convolution = f"{network}/{place}_sepconv_1/separable_conv2d"
        names.convolution(f"{convolution}/depthwise", before, 1, 3, 3)
        names.convolution(convolution, after, before, 1, 1)
        names.shapes[f"{network}/{place}_bn_1/batchnorm/mul_1.1"] = (1, after, 1, 1)
        names.shapes[f"{network}/{place}_bn_1/batchnorm/add_1.1"] = (1, after, 1, 1)
    names.convolution(f"{network}/predictor_1/convolution", 9, 8, 1, 1)
    names.shapes |= {f"{network}/predictor_1/add.1": (1, 9, 1, 1), "Resize__34.1": (1,), "Resize__34.2": (4,)}
    numbers = (
        "0.6476998 0.7224814 0.7431291 -1.078759 -1.082422 -1.201271 -0.2547582 -0.1727832 0.3248827 0.39728 "
        "0.3440179 -0.4438813 -0.4371167 0.918433 0.9369473 0.9547634 -0.2467526 -0.2568373 0.09362802 0.1259274 "
        "0.1091677 -0.791131 -0.7973154 -0.6705371"
    )
    agree(answer("vballnet_fast", names.state(1.4), (512, 288)), -104981, numbers)
