"""One of the backbone's maps, as it is."""

from torch import Tensor, nn

from tracknet_core.contracts import Decoder, FeatureSpec
from tracknet_core.registry import decoders


@decoders.register("select")
class Select(nn.Module, Decoder):
    """Hands on one map, for backbones that merge their maps themselves, such as ``hrnet``. It has no weights.

    Args:
        in_features: the backbone's maps, fine to coarse.
        index: of the map: 0 for the finest, -1 for the coarsest.

    Raises:
        ValueError: the backbone has no such map.
    """

    def __init__(self, *, in_features: tuple[FeatureSpec, ...], index: int = 0) -> None:
        super().__init__()
        count = len(in_features)
        if not -count <= index < count:
            raise ValueError(
                f"index: {index} is none of the {count} maps of the backbone, whose strides are "
                f"{tuple(feature.stride for feature in in_features)}. Give a number from {-count} to {count - 1}."
            )
        self.index = index
        self.feature = in_features[index]

    def forward(self, features: list[Tensor]) -> Tensor:
        """(N, C_i, H / s_i, W / s_i) each -> the chosen one."""
        return features[self.index]
