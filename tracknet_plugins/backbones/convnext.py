"""ConvNeXt networks of timm."""

from __future__ import annotations

from typing import Any, Self

from torch import Tensor, nn

from tracknet_core.contracts import FeatureSpec
from tracknet_core.registry import backbones
from tracknet_plugins.backbones.pretrained import check_variant, create, normalization
from tracknet_plugins.backbones.sizes import check_size

STAGES = 4


@backbones.register("convnext")
class ConvNeXt(nn.Module):
    """ConvNeXt, V1, V2 and DINOv3's (Liu et al., CVPR 2022; Woo et al., CVPR 2023): a pyramid of up to four maps.

    Args:
        in_channels: channels of a network sample.
        image_size: (W, H) pixels of the network input, multiples of the coarsest stride.
        fetch: whether pretrained weights are fetched or read; False leaves that to a checkpoint.
        variant: timm's name, such as ``convnextv2_atto.fcmae`` or ``convnext_tiny.dinov3_lvd1689m``.
        stages: stages that give a map, from 0 (finest) to 3. Stages after the last of them are not kept.
        pretrained: random weights (False), the published ones (True), or the path of a file of weights.
        freeze: never train this network; it stays in evaluation mode.
        drop_path: rate of stochastic depth in the last block; it falls to 0 at the first.
        layer_scale: what the residual branches are multiplied with at the start, for variants that learn such scales.
            If None, pretrained scales are as they are, and others start at 1: timm's own start, 1e-6, is meant for
            long schedules and leaves a network from random weights all but inert for thousands of steps.
        depths: blocks per stage, four numbers, if not the variant's own; for training from random weights only.
        dims: channels per stage, likewise.
        patch_size: side of a patch of the first layer in pixels, likewise; with 4, the default of all variants, the
            strides are 4, 8, 16, 32, with 1 they are 1, 2, 4, 8, and with 2 they remain 4, 8, 16, 32, in smaller steps.

    Raises:
        ValueError: a parameter is out of range, or the image is not a whole number of the coarsest cells.
        UserError: the weights cannot be fetched or read, or do not fit.
    """

    network: Any

    def __init__(
        self,
        *,
        in_channels: int,
        image_size: tuple[int, int],
        fetch: bool = True,
        variant: str = "convnext_atto",
        stages: tuple[int, ...] = (0, 1, 2, 3),
        pretrained: bool | str = False,
        freeze: bool = False,
        drop_path: float = 0.0,
        layer_scale: float | None = None,
        depths: list[int] | None = None,
        dims: list[int] | None = None,
        patch_size: int | None = None,
    ) -> None:
        super().__init__()
        check_variant(variant, "variant", ("convnext",))
        if not stages or sorted({*stages}) != list(stages) or stages[0] < 0 or stages[-1] >= STAGES:
            raise ValueError(
                f"stages: {list(stages)} does not name stages. Give ascending numbers from 0 to {STAGES - 1}."
            )
        if not 0 <= drop_path < 1:
            raise ValueError(f"drop_path: {drop_path} is no rate. Give at least 0 and less than 1.")
        for name, values in (("depths", depths), ("dims", dims)):
            if values is not None and (len(values) != STAGES or min(values) < 1):
                raise ValueError(f"{name}: {values} is not {STAGES} numbers of at least 1, one for each stage.")
        if patch_size is not None and patch_size < 1:
            raise ValueError(f"patch_size: {patch_size} is out of range. Give at least 1.")
        shape: dict[str, Any] = {"depths": depths, "dims": dims, "patch_size": patch_size}
        shape = {name: value for name, value in shape.items() if value is not None}
        own = [*shape, *(["layer_scale"] if layer_scale is not None else [])]
        if pretrained is not False and own:
            raise ValueError(
                f"{', '.join(own)}: the pretrained weights of {variant!r} have their own. Remove the parameter, or "
                "train from random weights (pretrained: false)."
            )
        weights = fetch and pretrained
        self.stages = list(stages)
        self.network = create(variant, pretrained=weights, in_channels=in_channels, drop_path_rate=drop_path, **shape)
        if patch_size is not None and self.network.stem[0].kernel_size != (patch_size, patch_size):
            raise ValueError(
                f"patch_size: {variant!r} does not begin with patches. Remove it, or choose another variant."
            )
        if weights is False:
            _start_scales(self.network, layer_scale, variant)
        info = [self.network.feature_info[stage] for stage in stages]
        self.features = tuple(FeatureSpec(int(stage["num_chs"]), int(stage["reduction"])) for stage in info)
        check_size(image_size, self.features[-1].stride)
        self.network.prune_intermediate_layers(self.stages, prune_norm=True, prune_head=True)
        self.normalization = normalization(variant)
        self.freeze = freeze
        if freeze:
            self.requires_grad_(False).train(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one (N, C_i, H / s_i, W / s_i) per stage, fine to coarse."""
        maps: list[Tensor] = self.network.forward_intermediates(x, indices=self.stages, intermediates_only=True)
        return maps

    def train(self, mode: bool = True) -> Self:
        """Set training mode; a frozen network stays in evaluation mode."""
        return super().train(mode and not self.freeze)


def _start_scales(network: nn.Module, start: float | None, variant: str) -> None:
    scales = [scale for name, scale in network.named_parameters() if name.endswith(".gamma")]
    if start is not None and not scales:
        raise ValueError(f"layer_scale: {variant!r} learns no scale of its branches. Remove it.")
    for scale in scales:
        nn.init.constant_(scale, 1.0 if start is None else start)
