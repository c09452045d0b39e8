"""Layers that parts of networks share."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tracknet_core.layers import (
    ConvBlock,
    ConvGRU,
    PowerNormalization,
    PreActivation,
    Shortcut,
    SpatialAttention,
    SqueezeExcitation,
    VolumeBlock,
    activation,
    block_counts,
    conv_blocks,
    normalization,
    volume_blocks,
)


def test_a_group_norm_has_eight_groups_or_as_many_as_divide_the_channels() -> None:
    assert [normalization("gn", width).num_groups for width in (64, 12, 7)] == [8, 4, 1]  # type: ignore[union-attr]
    assert isinstance(normalization("bn", 12), nn.BatchNorm2d)


@pytest.mark.parametrize("depthwise", [False, True])
def test_the_order_of_a_block_and_a_bias_where_no_norm_follows(depthwise: bool) -> None:
    first = ConvBlock(3, 4, norm="bn", act="relu", depthwise=depthwise)
    assert [type(layer) for layer in first][-2:] == [nn.BatchNorm2d, nn.ReLU]
    assert all(layer.bias is None for layer in first if isinstance(layer, nn.Conv2d))
    second = ConvBlock(3, 4, norm="bn", act="relu", depthwise=depthwise, order="activation_first")
    assert [type(layer) for layer in second][-2:] == [nn.ReLU, nn.BatchNorm2d]
    assert [layer.bias is None for layer in second if isinstance(layer, nn.Conv2d)] == [True] * depthwise + [False]


@pytest.mark.parametrize("depthwise", [False, True])
def test_a_block_does_without_a_bias(depthwise: bool) -> None:
    block = ConvBlock(3, 4, norm="bn", act="relu", depthwise=depthwise, order="activation_first", bias=False)
    assert all(layer.bias is None for layer in block if isinstance(layer, nn.Conv2d))
    blocks = conv_blocks(3, 4, 2, norm="bn", act="relu", order="activation_first", bias=False)
    assert sum(parameter.numel() for parameter in blocks.parameters()) == 9 * 3 * 4 + 9 * 4 * 4 + 2 * 2 * 4


def test_a_depthwise_block_is_a_convolution_of_each_channel_and_one_across_them() -> None:
    torch.manual_seed(0)
    block = ConvBlock(3, 4, norm="gn", act="gelu", depthwise=True)
    x = torch.randn(2, 3, 5, 6)
    each = torch.cat([F.conv2d(x[:, [i]], block[0].weight[[i]], padding=1) for i in range(3)], dim=1)  # type: ignore[index]
    across = torch.einsum("oi,nihw->nohw", block[1].weight[..., 0, 0], each)  # type: ignore[index]
    torch.testing.assert_close(block(x), F.gelu(F.group_norm(across, 4)))


def test_blocks_in_a_row_change_the_channels_once() -> None:
    blocks = conv_blocks(3, 5, 3, norm="bn", act="relu")
    assert [block[0].weight.shape[:2] for block in blocks] == [(5, 3), (5, 5), (5, 5)]  # type: ignore[index]


def test_a_shortcut_leads_around_all_blocks_or_all_but_the_first() -> None:
    torch.manual_seed(0)
    blocks = conv_blocks(3, 4, 3, norm="gn", act="relu")
    x = torch.randn(2, 3, 5, 6)
    first = blocks[0](x)
    torch.testing.assert_close(Shortcut(blocks, None, 4)(x), first + blocks[2](blocks[1](first)))
    around = Shortcut(blocks, 3, 4)
    assert around.around is not None
    straight = torch.einsum("oi,nihw->nohw", around.around.weight[..., 0, 0], x) + around.around.bias[:, None, None]
    torch.testing.assert_close(around(x), blocks(x) + straight)


def test_spatial_attention_weighs_a_cell_by_mean_and_maximum_of_its_channels() -> None:
    torch.manual_seed(0)
    layer, x = SpatialAttention(kernel=1), torch.randn(2, 3, 4, 5)
    mean, most = layer.convolution.weight.flatten()
    gate = 1 / (1 + torch.exp(-(mean * x.sum(dim=1) / 3 + most * x.max(dim=1).values)))
    torch.testing.assert_close(layer(x), x * gate[:, None])
    assert SpatialAttention()(x).shape == x.shape


@pytest.mark.parametrize(("resample", "size"), [("keep", (8, 12)), ("halve", (4, 6)), ("double", (16, 24))])
def test_a_block_whose_activations_come_first_adds_what_its_convolutions_see(
    resample: Any, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    block, x = PreActivation(4, 6, resample).eval(), torch.randn(2, 4, 8, 12)
    first, middle, last = (layer.weight for layer in block.blocks if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)))
    norm = (1 + 1e-5) ** 0.5
    seen = F.conv2d((x / norm).relu(), first) / norm
    if resample == "double":
        seen = F.conv_transpose2d(seen.relu(), middle, stride=2) / norm
        around = x.repeat_interleave(2, -1).repeat_interleave(2, -2)
    else:
        stride = 2 if resample == "halve" else 1
        seen = F.conv2d(seen.relu(), middle, stride=stride, padding=1) / norm
        around = F.max_pool2d(x, stride)
    seen = F.conv2d(seen.relu(), last, block.blocks[-1].bias)  # type: ignore[arg-type]
    around = F.conv2d(around, block.around[-2].weight) / norm  # type: ignore[arg-type]
    assert seen.shape[-2:] == size
    torch.testing.assert_close(block(x), seen + around, rtol=1e-4, atol=1e-5)


def test_a_block_whose_activations_come_first_leaves_its_input_as_it_is_where_nothing_changes() -> None:
    block, x = PreActivation(4, 4), torch.randn(2, 4, 8, 12)
    nn.init.zeros_(block.blocks[-1].weight)  # type: ignore[arg-type]
    nn.init.zeros_(block.blocks[-1].bias)  # type: ignore[arg-type]
    assert torch.equal(block(x), x)


def test_squeeze_excitation_weighs_whole_channels() -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 4, 5, 6) + 0.1
    share = SqueezeExcitation(4, 2)(x) / x
    torch.testing.assert_close(share, share[..., :1, :1].expand_as(share))
    assert bool(((share > 0) & (share < 1)).all())


@pytest.mark.parametrize(("blocks", "counts"), [(2, (2, 2, 2)), ((1, 2, 3), (1, 2, 3))])
def test_blocks_are_one_number_for_all_or_one_for_each(blocks: int | tuple[int, ...], counts: tuple[int, ...]) -> None:
    assert block_counts(blocks, 3, "levels") == counts


@pytest.mark.parametrize("blocks", [0, (1, 2), (1, 0, 2), ()])
def test_other_numbers_of_blocks_are_refused(blocks: int | tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^blocks: .* the 3 levels have\. Give one number of at least 1 for each"):
        block_counts(blocks, 3, "levels")


def test_unknown_kinds_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"norm: 'ln' is unknown\. It accepts: gn, bn"):
        normalization("ln", 8)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"activation: 'tanh' is unknown\. It accepts: gelu, relu"):
        activation("tanh")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"order: 'any' is unknown\. It accepts: norm_first, activation_first"):
        ConvBlock(3, 4, norm="bn", act="relu", order="any")  # type: ignore[arg-type]


@pytest.mark.parametrize(("kernel", "side"), [((3, 3), 3), ((1, 2), 2), ((5, 4), 4)])
def test_a_convolution_over_frames_pads_as_torch_calls_the_same(kernel: tuple[int, int], side: int) -> None:
    torch.manual_seed(0)
    block = VolumeBlock(2, 3, kernel=kernel).eval()
    x = torch.randn(1, 2, 5, 6, 7)
    [convolution] = [layer for layer in block if isinstance(layer, nn.Conv3d)]
    before, after = (side - 1) // 2, side // 2
    over = kernel[0] // 2
    padded = F.pad(x, (before, after, before, after, over, over))
    expected = F.conv3d(padded, convolution.weight).relu() / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(block(x), expected)


def test_blocks_over_frames_change_the_channels_once() -> None:
    blocks = volume_blocks(3, 5, 3, kernel=(1, 3))
    shapes = [layer.weight.shape[:2] for block in blocks for layer in block if isinstance(layer, nn.Conv3d)]  # type: ignore[attr-defined]
    assert shapes == [(5, 3), (5, 5), (5, 5)]


def test_a_convolutional_gru_follows_torchs_where_its_kernel_sees_one_cell() -> None:
    torch.manual_seed(0)
    layer, reference = ConvGRU(4), nn.GRUCell(4, 4)
    with torch.no_grad():
        for convolution in (layer.gates, layer.candidate):
            centre = torch.zeros_like(convolution.weight)
            centre[:, :, 1, 1] = convolution.weight[:, :, 1, 1]
            convolution.weight.copy_(centre)
        weight = torch.cat((layer.gates.weight, layer.candidate.weight))[:, :, 1, 1]
        reference.weight_ih.copy_(weight[:, :4])
        reference.weight_hh.copy_(weight[:, 4:])
        reference.bias_ih.copy_(torch.cat((layer.gates.bias, layer.candidate.bias)))  # type: ignore[arg-type]
        reference.bias_hh.zero_()
        # torch resets the product and not what goes into it: the same where nothing is reset.
        layer.gates.weight[:4] = 0.0
        layer.gates.bias[:4] = 30.0  # type: ignore[index]
        reference.weight_ih[:4] = reference.weight_hh[:4] = 0.0
        reference.bias_ih[:4] = 30.0
        x, state = torch.randn(2, 4, 3, 5), torch.randn(2, 4, 3, 5)
        expected = reference(x.movedim(1, -1).reshape(-1, 4), state.movedim(1, -1).reshape(-1, 4))
        torch.testing.assert_close(layer(x, state).movedim(1, -1).reshape(-1, 4), expected)


def test_power_normalization_rises_where_its_threshold_says_and_as_steeply_as_its_slope() -> None:
    layer = PowerNormalization(slope=0.2, threshold=0.15, margin=1e-6, scale=0.5)
    middle = 0.6 * torch.tensor(0.15).tanh()
    width = 0.45 * torch.tensor(0.2).tanh() + 1e-6
    x = 2 * torch.stack((middle, -middle, middle + width / 5, middle - width / 5))
    torch.testing.assert_close(layer(x), torch.tensor([0.5, 0.5, 0.731059, 0.268941]))  # the logistic function at 1, -1
