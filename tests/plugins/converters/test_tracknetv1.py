"""BallTrackerNet of yastrebksv/TrackNet @ 730ea17a."""

from itertools import pairwise


def test_it_answers_as_the_published_code(names, answer, agree) -> None:
    widths = (9, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 256, 256, 256, 128, 128, 64, 64, 256)
    for number, (before, after) in enumerate(pairwise(widths), start=1):
        names.convolution(f"conv{number}.block.0", after, before, 3, 3, bias=True)
        names.normalization(f"conv{number}.block.2", after)
    numbers = (
        "-0.003650066 0.2926528 0.1373524 1.221575 -0.1135981 0.1528674 0.6015566 0.4242139 0.8066442 -0.1350358 "
        "0.08486178 -0.07711177 0.5731754 -0.1127637 0.004140275 0.2524717 1.287992 0.9351968 1.561524 0.05468589 "
        "0.05628968 -0.04918062 0.1773029 0.1366911"
    )
    agree(answer("tracknetv1", names.state(1.4), (32, 16)), 37150.7, numbers)
