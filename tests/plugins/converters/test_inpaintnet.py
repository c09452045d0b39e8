"""InpaintNet of qaz812345/TrackNetV3 @ 77c123ad."""

import torch

from tracknet_core.assembly import load_tracker
from tracknet_core.converting import convert
from tracknet_core.testing import check_constructor, check_converter
from tracknet_plugins.converters.inpaintnet import InpaintNet


def test_it_fills_as_the_published_code(names, agree, tmp_path) -> None:
    places = (
        [f"down_{i}" for i in (1, 2, 3)] + [f"buttleneck.conv_{i}" for i in (1, 2)] + [f"up_{i}" for i in (1, 2, 3)]
    )
    widths = ((32, 3), (64, 32), (128, 64), (256, 128), (256, 256), (128, 384), (64, 192), (32, 96))
    for place, (after, before) in zip(places, widths, strict=True):
        names.convolution(f"{place}.conv", after, before, 3, bias=True)
    names.convolution("predictor", 2, 32, 3, bias=True)
    content = {"epoch": 1, "model": names.state(1.4)}
    check_constructor("converters", InpaintNet)
    check_converter(InpaintNet(), content)
    torch.save(content, tmp_path / "published.pth")
    made = convert(tmp_path / "published.pth", tmp_path / "ours.ckpt", "inpaintnet")
    assert (made.is_tracker, made.parameters) == (True, 520_610)
    tracker = load_tracker(tmp_path / "ours.ckpt")(30.0, (512, 288))
    frames = torch.arange(16)
    places = torch.stack((0.2 + 0.03 * frames, 0.9 - 0.04 * frames), dim=-1)[None]
    kept = (frames % 3 != 1)[None]
    with torch.inference_mode():
        said = tracker.places(places, kept)
    numbers = (
        "0.6028553 0.5178722 0.546782 0.6083071 0.7435839 0.7099802 0.57299 0.6781907 0.7920984 0.6741564 0.7277153 "
        "0.6751236 0.639179 0.6576982 0.7272457 0.6600105 0.6555809 0.7701613 0.6777117 0.5530711 0.7042925 0.6016977 "
        "0.6252458 0.6061189"
    )
    agree(said, 21.1617, numbers)
