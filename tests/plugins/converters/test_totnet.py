"""TemporalConvNet of AugustRushG/TOTNet @ 90f98445, with blue before red as its frames have it."""


def layer(names, place, after, before, *kernel):
    names.convolution(f"{place}.block.0", after, before, *kernel, bias=True)
    names.normalization(f"{place}.block.1", after)


def part(names, place, before, after, side, reach, counts, *, doubled):
    for i in range(counts[0]):
        layer(names, f"{place}.conv_layers.{i}", after, after if i else before, side, side)
    for i in range(counts[1]):
        layer(names, f"{place}.temp_layers.{i}", after, after if i or not doubled else 2 * after, reach, side, side)


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    part(names, "block1", 3, 64, 3, 5, (2, 1), doubled=False)
    part(names, "block2", 64, 128, 2, 3, (2, 2), doubled=False)
    part(names, "block3", 128, 256, 2, 3, (2, 2), doubled=False)
    part(names, "bottle_neck", 256, 512, 1, 1, (3, 2), doubled=False)
    part(names, "block5", 768, 256, 2, 3, (2, 2), doubled=True)
    part(names, "block6", 384, 128, 2, 3, (2, 2), doubled=True)
    part(names, "block7", 192, 64, 3, 5, (2, 1), doubled=True)
    layer(names, "temp_reduce", 1, 64, 5, 1, 1)
    numbers = (
        "-2.5636 -4.917507 -4.100187 -3.809688 -4.679777 -3.228784 -3.270202 -5.017606 -3.383176 -3.091442 -5.010942 "
        "-7.892885 -8.950243 -10.08608 -15.18382 -19.95108 -17.76631 -17.92688 -17.92185 -19.77915 -20.13026 "
        "-19.52757 -20.11757 -19.20001"
    )
    content = {"epoch": 1, "state_dict": names.state(1.4)}
    agree(answer("totnet", content, (64, 32)), -990.35, numbers)
