"""BallSeg of nttcom/WASB-SBDT @ 923462ca, configs/model/ballseg.yaml."""


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    for i, (before, after) in enumerate(((6, 64), (64, 64), (64, 128))):
        names.convolution(f"pretrained.conv1.{3 * i}", after, before, 3, 3)
        names.normalization("pretrained.bn1" if i == 2 else f"pretrained.conv1.{3 * i + 1}", after)
    before = 128
    for level, after in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            place = f"pretrained.layer{level}.{block}"
            for i in (1, 2):
                names.convolution(f"{place}.conv{i}", after, before if i == 1 else after, 3, 3)
                names.normalization(f"{place}.bn{i}", after)
            if not block:
                names.convolution(f"{place}.downsample.0", after, before, 1, 1)
                names.normalization(f"{place}.downsample.1", after)
            before = after
    names.convolution("pretrained.fc", 1000, 512, bias=True)
    for i, (before, after) in enumerate(((6, 32), (32, 32), (32, 64))):
        names.convolution(f"conv_sub1.{i}.conv", after, before, 3, 3)
        names.normalization(f"conv_sub1.{i}.bn", after)
    for fusion, low, high in (("cff_12", 128, 64), ("cff_24", 512, 128)):
        names.convolution(f"head.{fusion}.conv_low.0", 128, low, 3, 3)
        names.convolution(f"head.{fusion}.conv_high.0", 128, high, 1, 1)
        names.convolution(f"head.{fusion}.conv_low_cls", 1, 128, 1, 1)
        for way in ("low", "high"):
            names.normalization(f"head.{fusion}.conv_{way}.1", 128)
    names.convolution("head.conv_cls", 1, 128, 1, 1)
    names.convolution("head.deconv_x2", 128, 128, 2, 2, bias=True)
    names.convolution("head.deconv_x8", 1, 1, 4, 4, bias=True)
    numbers = (
        "0.3284602 0.1009454 0.04661831 0.06119306 0.07726261 0.04313617 0.04713013 0.02212732 0.08461806 0.0649403 "
        "0.03325478 0.04843253 -0.07054295 0.3437358 0.03167664 0.06296647 0.01259528 -0.2475269 -0.003364526 "
        "0.09482852 -0.002025262 0.03965621 0.07599998 0.03709346"
    )
    agree(answer("ballseg", {"model_state_dict": names.state(1.0)}, (32, 16)), 21.7271, numbers)
