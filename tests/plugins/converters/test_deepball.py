"""DeepBall and DeepBall-Large of nttcom/WASB-SBDT @ 923462ca."""

import pytest


def fill(names, widths):
    before = 3
    for level, width in enumerate(widths, start=1):
        for i in range(2):
            side = 7 if (level, i) == (1, 0) else 3
            names.convolution(f"conv{level}.module.conv{i + 1}.conv.0", width, before, side, side, bias=True)
            names.normalization(f"conv{level}.module.conv{i + 1}.conv.1", width)
            before = width
    for level, times in ((2, 2), (3, 4)):
        names.convolution(f"upsample{level}", widths[level - 1], widths[level - 1], times, times, bias=True)
    together = sum(widths)
    names.convolution("conv4_1.module.conv1.conv.0", together, together, 3, 3, bias=True)
    names.normalization("conv4_1.module.conv1.conv.1", together)
    names.convolution("conv4_2", 2, together, 3, 3, bias=True)


@pytest.mark.parametrize(
    ("widths", "total", "numbers"),
    [
        (
            (8, 16, 32),
            15.5097,
            (
                "-0.7996333 -0.550379 0.426077 -1.039491 -0.07830252 -0.8149304 -2.108012 -0.8675442 -2.422973 "
                "0.1034417 -1.135178 0.001590562 -0.2605581 1.480103 0.8424701 2.289414 1.919177 1.080399 1.96342 "
                "1.242813 0.1841712 1.945129 1.868526 0.8076646"
            ),
        ),
        (
            (32, 64, 128),
            -2.52351,
            (
                "0.1661012 0.8576112 2.079438 1.314719 2.541344 0.5208127 0.3614484 1.959082 0.03422252 -0.6340429 "
                "-0.1376776 0.764592 -2.057428 0.3973087 -0.6115221 0.2416189 -1.723351 -0.6128134 0.6625564 "
                "-0.9321026 -0.9561713 0.3118012 -2.050451 -0.425708"
            ),
        ),
    ],
    ids=["deepball", "large"],
)
def test_it_answers_as_the_published_code(names, answer, agree, widths, total, numbers) -> None:
    fill(names, widths)
    agree(answer("deepball", {"model_state_dict": names.state(1.4)}, (32, 16), stride=4), total, numbers)
