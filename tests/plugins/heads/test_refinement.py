import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tracknet_core.contracts import FeatureSpec
from tracknet_core.testing import check_constructor, check_head
from tracknet_plugins.heads.motion_attention import MotionAttention
from tracknet_plugins.heads.refinement import Refinement

FEATURE = FeatureSpec(channels=4, stride=2)


@pytest.fixture
def build():
    def build(**parameters):
        torch.manual_seed(0)
        small = {"channels": 8, "depth": 2, "patch_size": 4, "maps": 3, "frames": 3, "image_size": (32, 16)}
        return Refinement(in_feature=FEATURE, **(small | parameters))

    return build


@pytest.fixture
def seen():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 4, 8, 16, generator=generator), torch.rand(2, 3, 3, 16, 32, generator=generator)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"auxiliary": True},
        {"motion": False, "maps": 1},
        {"patch_size": 5},
        {"fusion": "both", "change": "absolute"},
    ],
    ids=["default", "auxiliary", "one map", "parts of patches", "both"],
)
def test_refinement_keeps_the_contract(build, parameters):
    check_constructor("heads", Refinement)
    head = build(**parameters)
    check_head(head, in_feature=FEATURE, maps=parameters.get("maps", 3), frames=3, size=(32, 16))


def test_it_starts_as_the_draft_which_motion_multiplies(build, seen):
    head = build().eval()
    draft = MotionAttention(
        in_feature=FEATURE, maps=3, frames=3, change="brightening", slope=0.2, threshold=0.15, margin=1e-6
    )
    draft.load_state_dict({k: v for k, v in head.state_dict().items() if k in draft.state_dict()})
    torch.testing.assert_close(head(*seen, (32, 16)), draft(*seen, (32, 16)))


def test_residuals_are_those_of_torchs_transformer_over_the_patches_of_all_frames(build, seen):
    head = build(motion=False).eval()
    nn.init.normal_(head.residual.weight)
    layers = []
    for ours in head.layers:
        theirs = nn.TransformerEncoderLayer(8, 2, 32, batch_first=True).eval()
        state = {
            "self_attn.in_proj_weight": ours.projections.weight,
            "self_attn.in_proj_bias": ours.projections.bias,
            "self_attn.out_proj.weight": ours.merge.weight,
            "self_attn.out_proj.bias": ours.merge.bias,
        }
        for name, part in (("linear1", "wide"), ("linear2", "narrow"), ("norm1", "first"), ("norm2", "second")):
            state |= {f"{name}.{key}": value for key, value in getattr(ours, part).state_dict().items()}
        theirs.load_state_dict(state)
        layers.append(theirs)
    draft = head.logits(seen[0], (32, 16))
    patches = [F.conv2d(draft[:, k : k + 1], head.embedding.weight, head.embedding.bias, stride=4) for k in range(3)]
    tokens = torch.cat([(patches[k] + head.places + head.times[k]).flatten(2).mT for k in range(3)], dim=1)
    for layer in layers:
        tokens = layer(tokens)
    added = tokens @ head.residual.weight[..., 0, 0].T + head.residual.bias  # (2, 3 * 4 * 8, 16)
    whole = added.view(2, 3, 4, 8, 4, 4).permute(0, 1, 2, 4, 3, 5).reshape(2, 3, 16, 32)
    torch.testing.assert_close(head(*seen, (32, 16)), draft + whole, rtol=1e-4, atol=1e-5)


def test_a_crop_takes_the_places_of_the_whole_image_resampled(build, seen):
    head = build(image_size=(64, 32)).eval()
    assert head.places.shape == (1, 8, 8, 16)
    assert head(*seen, (32, 16)).shape == (2, 3, 16, 32)


def test_the_draft_is_an_answer_of_its_own_in_training_alone(build, seen):
    head = build(auxiliary=True, dropout=0.0, draft_dropout=0.0)
    nn.init.normal_(head.residual.weight)
    draft, refined = head(*seen, (32, 16))
    torch.testing.assert_close(head.eval()(*seen, (32, 16)), refined)
    assert not torch.allclose(draft, refined)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"depth": 0}, "depth: 0"),
        ({"num_heads": 0}, "num_heads: 0"),
        ({"patch_size": 0}, "patch_size: 0"),
        ({"channels": 9}, "channels: 9 cannot be shared by 2 heads"),
        ({"dropout": 1.0}, r"^dropout: 1\.0"),
        ({"draft_dropout": -0.1}, r"^draft_dropout: -0\.1"),
        ({"maps": 1}, "1 of 3 pictures do"),
    ],
)
def test_bad_values_are_refused(build, parameters, words):
    with pytest.raises(ValueError, match=words):
        build(**parameters)
