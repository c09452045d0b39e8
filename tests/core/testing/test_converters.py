"""The kit accepts converters that keep the contract and tells what breaks it."""

import pytest
import torch

from tracknet_core.published import weights_in
from tracknet_core.testing import check_converter


class Plain:
    """A tracker whose weights have our names."""

    experiment = "inpaint"
    more = ()

    def settings(self, content):
        return ("model.tracker={channels: [2, 2], bottleneck: 2, kernel: 3}", *self.more)

    def weights(self, content):
        return weights_in(content, "net")


def state():
    widths = {"down.0": (2, 3), "down.1": (2, 2), "bottleneck.0": (2, 2), "bottleneck.1": (2, 2)}
    widths |= {"up.0": (2, 4), "up.1": (2, 4)}
    shapes = {f"network.{name}.0": shape for name, shape in widths.items()} | {"network.last": (2, 2)}
    return {
        f"{name}.{leaf}": torch.ones(shape)
        for name, (after, before) in shapes.items()
        for leaf, shape in (("weight", (after, before, KERNEL)), ("bias", (after,)))
    }


KERNEL = 3


def test_a_converter_that_keeps_the_contract_is_accepted() -> None:
    check_converter(Plain())
    check_converter(Plain(), {"net": state()})


class Lost(Plain):
    experiment = "nothing_of_the_kind"


class Hiding(Plain):
    def weights(self, content):
        return {name: value for name, value in weights_in(content, "net").items() if name.startswith("network")}


class Mistaken(Plain):
    more = ("model.tracker.depth=3",)


class Wider(Plain):
    more = ("model.tracker.bottleneck=4",)


class Deeper(Plain):
    more = ("model.tracker.channels=[2,2,2]",)


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Lost(), "experiment: nothing_of_the_kind: no such file"),
        (Hiding(), r"what is unknown keeps its name, or raises CheckpointError; got \[\]"),
        (Mistaken(), r"settings: model.tracker.depth"),
        (Wider(), r"network.bottleneck.0.0.weight: \(4, 2, 3\) is expected, got \(2, 2, 3\)"),
        (Deeper(), r"network.down.2.0.weight: \(2, 2, 3\) is expected, got nothing"),
    ],
)
def test_broken_converters_are_refused(refused, component, words) -> None:
    with refused(words):
        check_converter(component, {"net": state()})


def test_weights_of_other_layers_are_told(refused) -> None:
    with refused("the experiment has no weight called strange.weight"):
        check_converter(Plain(), {"net": {"strange.weight": torch.ones(1), **state()}})
