"""The ball tracker of OrcustD/RacketVision @ 683becdf, the network of qaz812345/TrackNetV3 for other frames."""


def fill(names):
    blocks = ((15, 64, 2), (64, 128, 2), (128, 256, 3), (256, 512, 3), (768, 256, 3), (384, 128, 2), (192, 64, 2))
    places = [f"down_block_{i}" for i in (1, 2, 3)] + ["bottleneck"] + [f"up_block_{i}" for i in (1, 2, 3)]
    for place, (before, after, count) in zip(places, blocks, strict=True):
        for i in range(count):
            names.convolution(f"{place}.conv_{i + 1}.conv", after, after if i else before, 3, 3)
            names.normalization(f"{place}.conv_{i + 1}.bn", after)
    names.convolution("predictor", 4, 64, 1, 1, bias=True)


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    fill(names)
    numbers = (
        "-0.3440028 0.1689004 0.01212069 0.4437095 0.04647283 0.4862353 0.3417999 0.5746434 0.4434178 0.3199995 "
        "0.1626219 0.3270494 -0.05529106 -0.3220637 0.368397 -0.1808582 0.3331813 0.3696299 -0.3369943 -0.2595536 "
        "0.061128 0.3080722 0.2691771 0.3388544"
    )
    agree(answer("racketvision", {"state_dict": names.state(1.4)}, (32, 16)), 96.1601, numbers)
