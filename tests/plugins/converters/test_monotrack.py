"""MonoTrack of nttcom/WASB-SBDT @ 923462ca."""


def block(names, place, before, after, count):
    names.convolution(f"{place}.conv0", after, before, 1, 1, bias=True)
    for i in range(count):
        names.convolution(f"{place}.convs.conv{i}", after, after if i else before, 3, 3, bias=True)
        names.normalization(f"{place}.convs.bn{i}", after)


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    for i, before in enumerate((9, 32), start=1):
        names.convolution(f"inc.conv{i}.0", 32, before, 3, 3, bias=True)
        names.normalization(f"inc.conv{i}.1", 32)
    for i, (before, after, count) in enumerate(((32, 64, 2), (64, 128, 3), (128, 256, 3)), start=1):
        block(names, f"down{i}.maxpool_conv.1", before, after, count)
    for i, (before, after, count) in enumerate(((256, 128, 3), (128, 64, 2), (64, 32, 2)), start=1):
        names.convolution(f"up{i}.up", before, after, 2, 2)
        names.shapes[f"up{i}.up.bias"] = (after,)
        block(names, f"up{i}.conv", before, after, count)
    names.convolution("outc.conv", 3, 32, 1, 1, bias=True)
    state = names.state(0.7)
    numbers = (
        "0.03755767 0.1581409 0.3867109 -0.03487916 0.02079473 0.1929281 0.1400865 -0.3905314 0.1280432 0.3499817 "
        "0.4403039 0.2106223 -0.1317962 0.2348996 0.07676624 0.3390605 -0.2337729 -0.3342579 -0.06473884 -0.1280171 "
        "-0.2766501 -0.1294237 -0.1365517 0.1060139"
    )
    agree(answer("monotrack", {"model_state_dict": state}, (32, 16)), 26.6475, numbers)
