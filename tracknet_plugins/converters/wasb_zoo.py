"""What networks of the model zoo of WASB (nttcom/WASB-SBDT) have in common: where weights lie, and what frames are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracknet_core.published import Weights, weights_in


def zoo_settings(model: str) -> Sequence[str]:
    """Return the settings of a model group: three RGB frames of 512 x 288 pixels, by mean and deviation of ImageNet."""
    return (
        f"model={model}",
        "model.backbone.statistics=imagenet",
        "data.sequence.length=3",
        "data.preprocess.resize=[512,288]",
    )


def zoo_weights(content: Mapping[str, Any]) -> Weights:
    """Return the weights in a file, by the names that they have there."""
    return weights_in(content, "model_state_dict")
