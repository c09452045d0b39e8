"""Any network of timm that gives feature maps."""

from __future__ import annotations

from itertools import chain
from typing import Any, Self

import timm
import torch
from torch import Tensor, nn
from torch.func import functional_call

from tracknet_core.contracts import FeatureSpec
from tracknet_core.registry import backbones
from tracknet_plugins.backbones.pretrained import check_variant, create, normalization
from tracknet_plugins.backbones.sizes import check_size

TRANSFORMERS = ("vision_transformer", "deit", "eva")
"""Modules of timm whose networks take any size of the image with ``dynamic_img_size``."""

WINDOWS = ("swin_transformer", "swin_transformer_v2", "swin_transformer_v2_cr")
"""Modules of timm whose networks take any size of the image without ``strict_img_size``."""

KEPT_WHOLE = ("efficientnet", "mobilenetv3")
"""Modules of timm whose own feature extractors keep, and run, the levels after the last one that is asked for. timm's
general one, "getter", does not."""


@backbones.register("timm")
class Timm(nn.Module):
    """Any network that timm can turn into a feature extractor: ResNet, HRNet, MobileNet, EfficientNet, Swin and others.

    Args:
        in_channels: channels of a network sample.
        image_size: (W, H) pixels of the network input, multiples of the coarsest stride.
        fetch: whether pretrained weights are fetched or read; False leaves that to a checkpoint.
        model: timm's name of the network, with or without the tag of its weights.
        out_indices: the levels that give a map, from 0 (finest); all if None. Levels after the last of them are not
            kept, where timm can leave them out.
        pretrained: random weights (False), the published ones (True), or the path of a file of weights.
        freeze: never train this network; it stays in evaluation mode.

    Raises:
        ValueError: timm has no such network, it gives no feature maps, or none of exactly 1 / stride of the image.
        UserError: the weights cannot be fetched or read, or do not fit.
    """

    network: Any

    def __init__(
        self,
        *,
        in_channels: int,
        image_size: tuple[int, int],
        fetch: bool = True,
        model: str = "resnet18",
        out_indices: list[int] | None = None,
        pretrained: bool | str = False,
        freeze: bool = False,
    ) -> None:
        super().__init__()
        check_variant(model, "model")
        if out_indices is not None and (not out_indices or sorted({*out_indices}) != out_indices or out_indices[0] < 0):
            raise ValueError(
                f"out_indices: {out_indices} does not name levels. Give ascending numbers from 0 (finest)."
            )
        options = _size_options(model, image_size)
        features = _feature_options(model, out_indices)
        # With random weights first: what cannot be built is known before anything is fetched.
        self.network = create(model, pretrained=False, in_channels=in_channels, features=features, **options)
        info = self.network.feature_info
        self.features = tuple(
            FeatureSpec(int(channels), int(stride))
            for channels, stride in zip(info.channels(), info.reduction(), strict=True)
        )
        check_size(image_size, self.features[-1].stride)
        self.channels_last = getattr(self.network, "output_fmt", "NCHW") == "NHWC"
        self._probe(model, in_channels, image_size)
        if fetch and pretrained is not False:
            self.network = create(model, pretrained=pretrained, in_channels=in_channels, features=features, **options)
        self.normalization = normalization(model)
        self.freeze = freeze
        if freeze:
            self.requires_grad_(False).train(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one (N, C_i, H / s_i, W / s_i) per level, fine to coarse."""
        return self._channels_first(self.network(x))

    def train(self, mode: bool = True) -> Self:
        """Set training mode; a frozen network stays in evaluation mode."""
        return super().train(mode and not self.freeze)

    def _channels_first(self, maps: list[Tensor]) -> list[Tensor]:
        return [m.permute(0, 3, 1, 2).contiguous() for m in maps] if self.channels_last else list(maps)

    def _probe(self, model: str, in_channels: int, image_size: tuple[int, int]) -> None:
        """Check the maps for this size of the image: shapes alone, on the meta device, where nothing is computed."""
        network: nn.Module = self.network
        weights = {
            name: tensor.to("meta") for name, tensor in chain(network.named_parameters(), network.named_buffers())
        }
        width, height = image_size
        image = torch.empty(1, in_channels, height, width, device="meta")
        network.eval()
        try:
            with torch.no_grad():
                maps = self._channels_first(functional_call(network, weights, (image,)))
        except Exception as error:  # each network has its own way to refuse a size
            raise ValueError(
                f"model: {model!r} does not take images of {width}x{height} pixels (data.preprocess.resize): "
                f"{type(error).__name__}: {error}. Choose another size, or another network."
            ) from error
        finally:
            network.train()
        for spec, got in zip(self.features, maps, strict=True):
            wanted = (1, spec.channels, height // spec.stride, width // spec.stride)
            if tuple(got.shape) != wanted:
                raise ValueError(
                    f"model: {model!r} gives a map of shape {tuple(got.shape)} where stride {spec.stride} of an image "
                    f"of {width}x{height} pixels is {wanted}. Heatmaps need exact places: choose another network."
                )


def _size_options(model: str, image_size: tuple[int, int]) -> dict[str, Any]:
    """Return what timm needs to know for networks that are made for one size of the image."""
    config = timm.get_pretrained_cfg(model)
    if not (config and config.fixed_input_size):
        return {}
    architecture = model.partition(".")[0]
    options: dict[str, Any] = {"img_size": (image_size[1], image_size[0])}
    if timm.models.is_model_in_modules(architecture, TRANSFORMERS):
        options["dynamic_img_size"] = True
    if timm.models.is_model_in_modules(architecture, WINDOWS):
        options["strict_img_size"] = False
    return options


def _feature_options(model: str, out_indices: list[int] | None) -> dict[str, Any]:
    architecture = model.partition(".")[0]
    options: dict[str, Any] = {} if out_indices is None else {"out_indices": tuple(out_indices)}
    if timm.models.is_model_in_modules(architecture, ("hrnet",)):
        # The branches as they are; by default timm widens them for classification, to up to 1024 channels.
        options["feature_location"] = ""
    if timm.models.is_model_in_modules(architecture, KEPT_WHOLE):
        options["feature_cls"] = "getter"
    return options
