"""TrackNetV5's weights as its authors' code saves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.errors import CheckpointError
from tracknet_core.published import Weights, renamed, shape_of, weights_in, with_biases
from tracknet_core.registry import converters
from tracknet_plugins.converters.tracknetv5_code import LAYERS as NETWORK

PATCHES, PLACES, TIMES = "head.embed_conv.weight", "head.spatial_pos_embed", "head.time_embed"

LAYERS = {
    **NETWORK,
    "head.draft_head": "head.logits.convolution",
    "head.embed_conv": "head.embedding",
    **{
        f"head.transformer_encoder.layers.*.{theirs}": f"head.layers.*.{ours}"
        for theirs, ours in {
            "self_attn.in_proj": "projections",
            "self_attn.out_proj": "merge",
            "linear1": "wide",
            "linear2": "narrow",
            "norm1": "first",
            "norm2": "second",
        }.items()
    },
    "head.decoder_head.0": "head.residual",
}

LUMA = ("mdd.R_WEIGHT", "mdd.G_WEIGHT", "mdd.B_WEIGHT")
"""The weights of colours in a grey picture, which are the same here and no part of a file."""


@converters.register("tracknetv5")
class TrackNetV5:
    """TrackNetV5 of codelancera-offical/TracknetV5, with the head ``R_STRHead``.

    Three RGB frames at 0..1, of 512 x 288 pixels or others with sides of 16 to 9, which the number of patches says. The
    heads of the attention do not stand in a file: there are two, as in all of its final configurations, unless
    ``model.head.num_heads`` is set.
    """

    experiment = "tracknetv5"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames and the sizes of the transformer."""
        weights = weights_in(content)
        channels, _, side, _ = shape_of(weights, PATCHES)
        rows, columns = _grid(weights)
        depth = len({name.split(".")[3] for name in weights if name.startswith("head.transformer_encoder.layers.")})
        return (
            "model=tracknetv5",
            f"model.head.channels={channels}",
            f"model.head.patch_size={side}",
            f"model.head.depth={depth}",
            "data.sequence.length=3",
            f"data.preprocess.resize=[{columns * side},{rows * side}]",
            f"model.heatmap.size=[{columns * side},{rows * side}]",
        )

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        weights = renamed(_shaped(weights_in(content)), LAYERS)
        for theirs, ours in (("mdd.a", "slope"), ("mdd.b", "threshold")):
            if theirs in weights:  # one attention there, for the input and for the draft
                value = weights.pop(theirs)
                weights |= {f"{place}.normalization.{ours}": value for place in ("input", "head.motion")}
        return weights


def _grid(weights: Weights) -> tuple[int, int]:
    """Return rows and columns of patches of a picture of 16 to 9."""
    count = shape_of(weights, PLACES)[1]
    rows = max(1, round((count * 9 / 16) ** 0.5))
    if count % rows:
        raise CheckpointError(f"{count} patches are no picture with sides of 16 to 9, as of 512 x 288 pixels.")
    return rows, count // rows


def _shaped(weights: Weights) -> Weights:
    """Return weights in the shapes that they have here."""
    shaped = with_biases({name: value for name, value in weights.items() if name not in LUMA}, ["head.draft_head"])
    if PLACES in shaped:
        places = shaped.pop(PLACES).mT  # (1, D, rows * columns)
        shaped["head.places"] = places.reshape(*places.shape[:2], *_grid(weights))
    if TIMES in shaped:
        shaped["head.times"] = shaped.pop(TIMES)[0, :, :, None, None]  # (3, D, 1, 1)
    for name in [name for name in shaped if ".self_attn.in_proj_" in name]:
        shaped[name.replace(".in_proj_", ".in_proj.")] = shaped.pop(name)
    return shaped
