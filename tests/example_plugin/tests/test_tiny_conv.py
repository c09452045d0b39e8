from tracknet_example.tiny_conv import TinyConv

from tracknet_core.registry import backbones
from tracknet_core.testing import check_backbone, check_constructor


def test_tiny_conv_keeps_the_contract_of_a_backbone() -> None:
    check_constructor("backbones", TinyConv)
    check_backbone(TinyConv(in_channels=9, width=8), in_channels=9, size=(64, 32))


def test_tiny_conv_is_found_by_its_entry_point() -> None:
    assert backbones.get("tiny_conv") is TinyConv
