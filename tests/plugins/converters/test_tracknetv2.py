"""TrackNetV2 of nttcom/WASB-SBDT @ 923462ca."""


def block(names, place, before, after, count):
    for i in range(count):
        layer = f"{place}.{'double' if count == 2 else 'triple'}_conv"
        names.convolution(f"{layer}.{3 * i}", after, after if i else before, 3, 3, bias=True)
        names.normalization(f"{layer}.{3 * i + 2}", after)


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    block(names, "inc", 9, 64, 2)
    for i, (before, after, count) in enumerate(((64, 128, 2), (128, 256, 3), (256, 512, 3)), start=1):
        block(names, f"down{i}.maxpool_conv.1", before, after, count)
    for i, (before, after, count) in enumerate(((768, 256, 3), (384, 128, 2), (192, 64, 2)), start=1):
        block(names, f"up{i}.conv", before, after, count)
    names.convolution("outc.conv", 3, 64, 1, 1, bias=True)
    state = names.state(1.4)
    numbers = (
        "0.346081 2.70066 2.079287 3.768073 3.741785 2.694357 2.783388 3.353653 -0.1243604 0.7286673 0.07803848 "
        "-0.02439281 1.303567 0.6803735 0.7217897 1.358112 3.526581 4.514222 2.161346 5.421455 3.955254 0.05715536 "
        "-0.7402414 0.3363953"
    )
    agree(answer("tracknetv2", {"model_state_dict": state}, (32, 16)), 2572.61, numbers)
