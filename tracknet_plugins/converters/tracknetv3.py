"""TrackNetV3's weights, as its authors publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from tracknet_core.errors import CheckpointError
from tracknet_core.published import renamed, weights_in
from tracknet_core.registry import converters

INPUTS = {
    "": "{name: stack}",
    **{mode: f"{{name: background, mode: {mode}}}" for mode in ("concat", "subtract", "subtract_concat")},
}
"""Inputs by the published names of what is made of the background."""

BLOCKS = {
    **{f"down_block_{level + 1}": f"backbone.levels.{level}" for level in range(3)},
    "bottleneck": "backbone.levels.3",
    **{f"up_block_{step + 1}": f"decoder.merges.{step}" for step in range(3)},
}

LAYERS = {
    **{
        f"{theirs}.conv_{i + 1}.{layer}": f"{ours}.{i}.{j}"
        for theirs, ours in BLOCKS.items()
        for i in range(3)
        for j, layer in enumerate(("conv", "bn"))
    },
    "predictor": "head.logits.convolution",
}


@converters.register("tracknetv3")
class TrackNetV3:
    """TrackNetV3's tracking module (Chen and Wang, MMAsia 2023; qaz812345/TrackNetV3); its gap filler is inpaintnet.

    RGB frames of 512 x 288 pixels at 0..1, and the median. How many, and what is made of the median, stands in the
    file. With ``subtract`` and ``subtract_concat`` the published code lets differences above 255 begin again at 0; here
    they do not.
    """

    experiment = "tracknetv3"

    def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
        """Return size, frames and background."""
        said = content.get("param_dict")
        length, mode = (said.get(key) for key in ("seq_len", "bg_mode")) if isinstance(said, Mapping) else (None, None)
        if not isinstance(length, int) or mode not in INPUTS:
            raise CheckpointError(
                "does not say of how many frames, and with which background: its 'param_dict' should hold 'seq_len' "
                f"and 'bg_mode', one of {', '.join(map(repr, INPUTS))}."
            )
        return (
            "model=tracknetv3",
            f"model.input={INPUTS[mode]}",
            f"data.sequence.length={length}",
            "data.preprocess.resize=[512,288]",
        )

    def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """Return the weights by the names they have here."""
        return renamed(weights_in(content, "model"), LAYERS)
