"""TrackNetV5 of codelancera-offical/TracknetV5 @ 2842f424."""

import pytest
import torch

from tracknet_core.errors import CheckpointError
from tracknet_plugins.converters.tracknetv5 import TrackNetV5


def fill_head(names) -> None:
    names.shapes |= {"mdd.a": (), "mdd.b": ()}
    names.shapes |= {"head.spatial_pos_embed": (1, 2, 256), "head.time_embed": (1, 3, 256)}
    names.convolution("head.draft_head", 3, 64, 1, 1)
    names.convolution("head.embed_conv", 256, 1, 16, 16, bias=True)
    for i in range(4):
        layer = f"head.transformer_encoder.layers.{i}"
        names.shapes |= {f"{layer}.self_attn.in_proj_weight": (768, 256), f"{layer}.self_attn.in_proj_bias": (768,)}
        for name, after, before in (("self_attn.out_proj", 256, 256), ("linear1", 1024, 256), ("linear2", 256, 1024)):
            names.convolution(f"{layer}.{name}", after, before, bias=True)
        for name in ("norm1", "norm2"):
            names.shapes |= {f"{layer}.{name}.weight": (256,), f"{layer}.{name}.bias": (256,)}
    names.convolution("head.decoder_head.0", 256, 256, 1, 1, bias=True)


def test_it_answers_as_the_published_code(names, fill_unet, answer, agree) -> None:
    fill_unet(13)
    fill_head(names)
    colours = {"R": 0.299, "G": 0.587, "B": 0.114}
    state = names.state(1.0) | {
        f"mdd.{name}_WEIGHT": torch.full((1, 1, 1, 1), share) for name, share in colours.items()
    }
    numbers = (
        "0.8604368 0.2182853 0.6774964 0.34405 0.7890241 0.6736848 0.4234913 0.218 0.1513423 0.8827819 0.5210654 "
        "0.7159112 0.2865641 0.4150067 0.8548898 0.1702105 0.2461014 0.5561197 0.22291 0.7049422 0.2529886 0.6071369 "
        "0.7609406 0.4317761"
    )
    agree(answer("tracknetv5", state, (32, 16)).sigmoid(), 770.287, numbers)


@pytest.mark.parametrize(("patches", "size"), [(576, "512,288"), (144, "256,144"), (2, "32,16")])
def test_the_number_of_patches_says_the_size_of_the_picture(patches, size) -> None:
    shapes = {"head.embed_conv.weight": torch.ones(8, 1, 16, 16), "head.spatial_pos_embed": torch.ones(1, patches, 8)}
    layers = {f"head.transformer_encoder.layers.{i}.norm1.weight": torch.ones(8) for i in range(3)}
    settings = TrackNetV5().settings(shapes | layers)
    assert f"data.preprocess.resize=[{size}]" in settings
    assert {"model.head.channels=8", "model.head.patch_size=16", "model.head.depth=3"} <= set(settings)


def test_patches_of_no_such_picture_are_refused() -> None:
    shapes = {"head.embed_conv.weight": torch.ones(8, 1, 16, 16), "head.spatial_pos_embed": torch.ones(1, 577, 8)}
    with pytest.raises(CheckpointError, match="577 patches are no picture"):
        TrackNetV5().settings(shapes)
