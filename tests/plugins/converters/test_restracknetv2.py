"""ResTrackNetV2 of nttcom/WASB-SBDT @ 923462ca, configs/model/restracknetv2.yaml."""


def convolutions(names, place, *layers):
    """Name convolutions with a bias: their number, channels after and before, side."""
    for number, after, before, side in layers:
        names.convolution(f"{place}.{number}", after, before, side, side, bias=True)


def block(names, place, before, after, *, doubles=False):
    names.normalization(f"{place}.conv1.0", before)
    convolutions(
        names,
        f"{place}.conv1",
        (2, after, before, 1),
        (5, after, after, 2 if doubles else 3),
        (8, after, after, 1),
    )
    for number in (3, 6):
        names.normalization(f"{place}.conv1.{number}", after)
    if doubles or before != after:
        convolutions(names, f"{place}.conv0", (1, after, before, 1))
        names.normalization(f"{place}.conv0.2", after)


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    for i, before in enumerate((9, 64), start=1):
        convolutions(names, f"inc.conv{i}", (0, 64, before, 3))
        names.normalization(f"inc.conv{i}.1", 64)
    for level, (before, after, count) in enumerate(((64, 16, 3), (16, 32, 3), (32, 64, 4), (64, 128, 3)), start=1):
        for i in range(count):
            block(names, f"down{level}.convs.block{i}", after if i else before, after)
    for step, (below, after, count) in enumerate(((128, 64, 3), (64, 32, 2), (32, 16, 2)), start=1):
        block(names, f"up{step}.conv0", below, below, doubles=True)
        for i in range(count):
            block(names, f"up{step}.convs.block{i}", after if i else below + after, after)
    block(names, "up4", 16, 16, doubles=True)
    convolutions(names, "outc.convs", (0, 64, 16, 3), (3, 64, 64, 3), (6, 3, 64, 1))
    for number in (1, 4):
        names.normalization(f"outc.convs.{number}", 64)
    numbers = (
        "0.4514744 -0.09752902 -1.349767 -0.04344434 -0.839347 -0.6197793 -1.617523 -0.6997446 -0.01650113 0.8043758 "
        "0.1791816 -0.00677583 0.9657601 0.03015988 -0.2738272 0.4882995 -0.8056893 0.6946589 -0.6326844 0.8250661 "
        "-0.5499861 0.7366141 0.1825235 0.02794191"
    )
    agree(answer("restracknetv2", {"model_state_dict": names.state(1.0)}, (32, 16)), -218.978, numbers)
