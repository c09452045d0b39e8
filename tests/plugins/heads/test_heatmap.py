import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tracknet_core.contracts import HEATMAP, FeatureSpec, Form
from tracknet_core.testing import check_constructor, check_head
from tracknet_plugins.heads.heatmap import Heatmap

FEATURE = FeatureSpec(channels=8, stride=4)
CLASSES = Form("classes", channels=5, indices=True)
OFFSETS = Form("offsets", channels=3)
FORMS = (HEATMAP, CLASSES, OFFSETS)


@pytest.fixture
def frames():
    return torch.zeros(2, 3, 3, 16, 32)


@pytest.mark.parametrize("hidden", [0, 5])
@pytest.mark.parametrize("maps", [1, 3])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_heatmap_keeps_the_contract(maps, hidden, form):
    check_constructor("heads", Heatmap)
    head = Heatmap(in_feature=FEATURE, maps=maps, hidden=hidden, form=form)
    check_head(head, in_feature=FEATURE, maps=maps, frames=3, size=(64, 32), form=form)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_transposed_convolution_of_each_map_starts_with_copies(frames, form):
    torch.manual_seed(0)
    head = Heatmap(in_feature=FEATURE, maps=2, form=form, enlarge=2)
    check_head(head, in_feature=FEATURE, maps=2, frames=3, size=(64, 32), form=form)
    plain = Heatmap(in_feature=FEATURE, maps=2, form=form)
    plain.logits.convolution.load_state_dict(head.logits.convolution.state_dict())
    feature = torch.randn(2, 8, 4, 8)
    copies = plain(feature, frames, (8, 4)).repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(head(feature, frames, (16, 8)), copies)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@pytest.mark.parametrize("hidden", [0, 5])
def test_each_frame_may_be_answered_from_its_own_channels(frames, form, hidden):
    torch.manual_seed(0)
    feature = FeatureSpec(channels=24, stride=4, frames=3)
    head = Heatmap(in_feature=feature, maps=3, form=form, hidden=hidden, per_frame=True)
    check_head(head, in_feature=feature, maps=3, frames=3, size=(64, 32), form=form)
    alone = Heatmap(in_feature=FEATURE, maps=1, form=form, hidden=hidden)
    alone.load_state_dict(head.state_dict())
    maps = torch.randn(2, 3, 8, 4, 8)
    together = head(maps.flatten(1, 2), frames, (8, 4))
    for i in range(3):
        torch.testing.assert_close(together[:, i : i + 1], alone(maps[:, i], frames, (8, 4)))


def test_frames_that_are_not_in_the_map_cannot_be_answered_one_by_one():
    with pytest.raises(ValueError, match="per_frame: the decoder's map has 1 frames, and 3 are to be answered"):
        Heatmap(in_feature=FEATURE, maps=3, per_frame=True)


def test_classes_start_at_the_first_and_share_the_prior(frames):
    head = Heatmap(in_feature=FEATURE, maps=2, form=CLASSES, prior=0.1)
    probability = head(torch.zeros(2, 8, 4, 8), frames, (8, 4)).softmax(dim=2)
    assert probability.shape == (2, 2, 5, 4, 8)
    np.testing.assert_allclose(probability[0, 1, :, 2, 3].detach(), [0.9, *[0.025] * 4], rtol=1e-5)


def test_offsets_start_in_the_middle_of_cells_that_hold_no_ball(frames):
    head = Heatmap(in_feature=FEATURE, maps=2, form=OFFSETS, prior=0.1)
    probability = head(torch.zeros(2, 8, 4, 8), frames, (8, 4)).sigmoid()
    np.testing.assert_allclose(probability[0, 1, :, 2, 3].detach(), [0.1, 0.5, 0.5], rtol=1e-5)


def test_the_last_convolution_may_look_at_neighbours(frames):
    head = Heatmap(in_feature=FEATURE, maps=2, kernel=3)
    feature = torch.randn(2, 8, 4, 8)
    convolution = head.logits.convolution
    expected = F.conv2d(feature, convolution.weight, convolution.bias, padding=1)
    assert convolution.weight.shape == (2, 8, 3, 3)
    torch.testing.assert_close(head(feature, frames, (8, 4)), expected)


@pytest.mark.parametrize("hidden", [0, 5])
@pytest.mark.parametrize("prior", [0.01, 0.1])
def test_nearly_every_cell_starts_at_the_prior(frames, prior, hidden):
    torch.manual_seed(0)
    head = Heatmap(in_feature=FEATURE, maps=3, hidden=hidden, prior=prior)
    probability = head(torch.randn(2, 8, 4, 8), frames, (8, 4)).sigmoid()
    assert probability.min() > 0.8 * prior
    assert probability.max() < 1.25 * prior
    silent = head(torch.zeros(2, 8, 4, 8), frames, (8, 4)).sigmoid()
    if not hidden:
        np.testing.assert_allclose(silent.detach(), prior, rtol=1e-5)


def test_logits_of_the_right_size_are_a_weighted_sum_of_channels(frames):
    head = Heatmap(in_feature=FEATURE, maps=2)
    feature = torch.randn(2, 8, 4, 8)
    weight, bias = (
        head.logits.convolution.weight.detach().numpy()[..., 0, 0],
        head.logits.convolution.bias.detach().numpy(),
    )
    expected = np.einsum("mc,nchw->nmhw", weight, feature.numpy()) + bias[:, None, None]
    np.testing.assert_allclose(head(feature, frames, (8, 4)).detach(), expected, atol=1e-5)


def test_logits_are_enlarged_by_the_half_pixel_rule(frames):
    head = Heatmap(in_feature=FeatureSpec(1, 4), maps=1)
    torch.nn.init.constant_(head.logits.convolution.weight, 1.0)
    torch.nn.init.constant_(head.logits.convolution.bias, 0.0)
    feature = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    # Cell i of 4 lies at (i + 0.5) / 2 - 0.5 of 2: at -0.25 (before the first, so 0), 0.25, 0.75, 1.25 (so 1).
    assert head(feature, frames, (4, 1)).flatten().tolist() == [0.0, 0.25, 0.75, 1.0]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"hidden": -1}, "hidden: -1"),
        ({"prior": 0.0}, "prior: 0.0"),
        ({"prior": 1.0}, "between 0 and 1"),
        ({"kernel": 2}, "kernel: 2 has no middle"),
    ],
)
def test_bad_values_are_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        Heatmap(in_feature=FEATURE, maps=1, **parameters)


def test_answers_that_are_normalised_start_at_the_prior_and_have_the_deviation_of_the_batch() -> None:
    torch.manual_seed(0)
    head = Heatmap(in_feature=FeatureSpec(8, 4), maps=2, prior=0.1, normalize=True)
    feature = torch.randn(4, 8, 6, 5)
    logits = head(feature, torch.empty(0), (5, 6))
    assert logits.mean().item() == pytest.approx(math.log(0.1 / 0.9), abs=1e-4)
    assert logits.std(dim=(0, 2, 3), correction=0).tolist() == pytest.approx([1.0, 1.0], abs=1e-3)
    # A rectified map has its least value many times.
    assert ((logits - logits.amin(dim=(0, 2, 3), keepdim=True)) < 1e-6).float().mean() > 0.2
