"""Vision transformers of timm."""

from __future__ import annotations

from typing import Any, Literal, Self

import timm
from torch import Tensor, nn

from tracknet_core.contracts import FeatureSpec
from tracknet_core.registry import backbones
from tracknet_plugins.backbones.pretrained import check_variant, create, normalization
from tracknet_plugins.backbones.sizes import check_size

MODULES = ("vision_transformer", "deit", "eva")
"""Modules of timm with transformers that take any number of patches: plain ViT, DINOv2, DeiT, FlexiViT, SigLIP, EVA,
DINOv3 and others. Hybrids and transformers with windows are for the backbone ``timm``."""


@backbones.register("vit")
class ViT(nn.Module):
    """A vision transformer (Dosovitskiy et al., ICLR 2021) whose patch tokens become feature maps.

    Class and register tokens are dropped, and every map goes through the network's last normalisation, as DINOv2
    does for dense tasks. Position embeddings are those of ``image_size``, and resampled for images of other sizes:
    crops in training, whole frames in prediction. All maps have the stride of the patch.

    Args:
        in_channels: channels of a network sample.
        image_size: (W, H) pixels of the network input, multiples of the patch.
        fetch: whether pretrained weights are fetched or read; False leaves that to a checkpoint.
        variant: timm's name, such as ``vit_small_patch14_reg4_dinov2.lvd142m`` or ``vit_small_patch16_dinov3``.
        layers: blocks that give a map, counted from 0, negative from the end; the last one if None. Blocks after
            the last of them are not kept.
        pretrained: random weights (False), the published ones (True), or the path of a file of weights.
        freeze: never train this network; it stays in evaluation mode.
        patch_size: side of a patch in pixels, if not the variant's own; pretrained patches are resampled.
        depth: number of blocks, if not the variant's own; for training from random weights only.
        embed_dim: width of a token, likewise.
        num_heads: attention heads, likewise.
        position: ``variant`` leaves position embeddings as the variant has them; ``none`` leaves out those of a plain
            ViT, likewise, so that the place in the image shows only at borders.
        drop_path: rate of stochastic depth in the last block; it falls to 0 at the first.

    Raises:
        ValueError: a parameter is out of range, or the image does not consist of whole patches.
        UserError: the weights cannot be fetched or read, or do not fit.
    """

    network: Any

    def __init__(
        self,
        *,
        in_channels: int,
        image_size: tuple[int, int],
        fetch: bool = True,
        variant: str = "vit_tiny_patch16_224",
        layers: list[int] | None = None,
        pretrained: bool | str = False,
        freeze: bool = False,
        patch_size: int | None = None,
        depth: int | None = None,
        embed_dim: int | None = None,
        num_heads: int | None = None,
        position: Literal["variant", "none"] = "variant",
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        check_variant(variant, "variant", MODULES)
        if not 0 <= drop_path < 1:
            raise ValueError(f"drop_path: {drop_path} is no rate. Give at least 0 and less than 1.")
        if position not in ("variant", "none"):
            raise ValueError(f"position: {position!r} is unknown. It accepts: variant, none.")
        if position == "none" and timm.models.is_model_in_modules(variant.partition(".")[0], ("eva",)):
            raise ValueError(
                f"position: {variant!r} turns its tokens by their place, and cannot do without. Remove it."
            )
        shape: dict[str, Any] = {"depth": depth, "embed_dim": embed_dim, "num_heads": num_heads}
        shape = {name: value for name, value in shape.items() if value is not None}
        own = [*shape, *(["position"] if position == "none" else [])]
        if pretrained is not False and own:
            raise ValueError(
                f"{', '.join(own)}: the pretrained weights of {variant!r} have a shape of their own. Remove the "
                "parameter, or train from random weights (pretrained: false)."
            )
        for name, value in {**shape, "patch_size": patch_size}.items():
            if value is not None and value < 1:
                raise ValueError(f"{name}: {value} is out of range. Give at least 1.")
        width, height = image_size
        options: dict[str, Any] = {**shape, "drop_path_rate": drop_path, "img_size": (height, width)}
        if patch_size is not None:
            options["patch_size"] = patch_size
        if position == "none":
            options["pos_embed"] = "none"
        self.network = create(
            variant, pretrained=fetch and pretrained, in_channels=in_channels, dynamic_img_size=True, **options
        )
        patch = int(self.network.patch_embed.patch_size[0])
        check_size(image_size, patch)
        self.layers = _positions(layers, len(self.network.blocks))
        self.network.prune_intermediate_layers(self.layers, prune_head=True)
        self.features = (FeatureSpec(int(self.network.embed_dim), patch),) * len(self.layers)
        self.normalization = normalization(variant)
        self.freeze = freeze
        if freeze:
            self.requires_grad_(False).train(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one (N, embed_dim, H / patch, W / patch) per layer."""
        maps: list[Tensor] = self.network.forward_intermediates(
            x, indices=self.layers, norm=True, intermediates_only=True
        )
        return maps

    def train(self, mode: bool = True) -> Self:
        """Set training mode; a frozen network stays in evaluation mode."""
        return super().train(mode and not self.freeze)


def _positions(layers: list[int] | None, depth: int) -> list[int]:
    """Return the blocks that give a map, counted from 0 and ascending."""
    layers = [-1] if layers is None else layers
    positions = sorted(layer + depth if layer < 0 else layer for layer in layers)
    if not positions or positions[0] < 0 or positions[-1] >= depth or len(set(positions)) < len(positions):
        raise ValueError(
            f"layers: {layers} does not name different blocks of this network. Give numbers from 0 to {depth - 1}, or "
            f"from {-depth} to -1 to count from the end."
        )
    return positions
