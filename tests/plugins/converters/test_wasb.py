"""The network of WASB of nttcom/WASB-SBDT @ 923462ca, and of BlurBall of vlasakjiri/blurball @ c80e0d94."""

import pytest

WIDTHS = (16, 32, 64, 128)


def pair(names, convolution, normalization, after, before, side):
    names.convolution(convolution, after, before, side, side)
    names.normalization(normalization, after)


def sequence(names, place, after, before, side=3):
    pair(names, f"{place}.0", f"{place}.1", after, before, side)


def fill(names, excited):
    pair(names, "conv1", "bn1", 64, 9, 3)
    pair(names, "conv2", "bn2", 64, 64, 3)
    for i, (after, before, side) in enumerate(((32, 64, 1), (32, 32, 3), (128, 32, 1)), start=1):
        pair(names, f"layer1.0.conv{i}", f"layer1.0.bn{i}", after, before, side)
    sequence(names, "layer1.0.downsample", 128, 64, 1)
    sequence(names, "transition1.0", 16, 128)
    for i, (after, before) in enumerate(((32, 128), (64, 32), (128, 64)), start=1):
        sequence(names, f"transition{i}.{i}.0", after, before)
    for branches in (2, 3, 4):
        stage = f"stage{branches}.0"
        for branch, width in enumerate(WIDTHS[:branches]):
            for block in range(2):
                place = f"{stage}.branches.{branch}.{block}"
                for i in (1, 2):
                    pair(names, f"{place}.conv{i}", f"{place}.bn{i}", width, width, 3)
                if excited:
                    names.convolution(f"{place}.se.fc.0", width // 16, width)
                    names.convolution(f"{place}.se.fc.2", width, width // 16)
        for target in range(branches):
            for source in range(branches):
                place = f"{stage}.fuse_layers.{target}.{source}"
                if source > target:
                    sequence(names, place, WIDTHS[target], WIDTHS[source], 1)
                for step in range(target - source):
                    after = WIDTHS[target if step == target - source - 1 else source]
                    sequence(names, f"{place}.{step}", after, WIDTHS[source])
    names.convolution("final_layers.0", 3, 16, 1, 1, bias=True)


@pytest.mark.parametrize(
    ("name", "total", "numbers"),
    [
        (
            "wasb",
            -154.844,
            (
                "-0.08429839 0.08674479 0.1858754 0.1738319 0.103849 0.1787295 0.02791466 -0.1344568 0.1666808 "
                "0.2376885 0.2398282 0.2112241 0.1814469 0.2302659 0.1574354 0.2887958 -0.5258422 -0.6289882 "
                "-0.6756318 -0.6081383 -0.6641327 -0.6550789 -0.5440663 -0.4446849"
            ),
        ),
        (
            "blurball",
            -118.75,
            (
                "-0.007544056 0.1614892 0.1618041 0.1250404 0.1502317 0.1594741 0.04280433 -0.02627541 0.1438163 "
                "0.08495149 0.06543356 0.05778053 0.1341034 0.08459869 0.02616901 0.155839 -0.4055654 -0.4739172 "
                "-0.4720045 -0.4080774 -0.4388687 -0.4919457 -0.4484133 -0.3649197"
            ),
        ),
    ],
    ids=["wasb", "blurball"],
)
def test_it_answers_as_the_published_code(names, answer, agree, name, total, numbers) -> None:
    fill(names, excited=name == "blurball")
    agree(answer(name, {"model_state_dict": names.state(0.7)}, (32, 16)), total, numbers)
