"""The weighted binary cross-entropy of TrackNetV2."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import weighted_mean


@losses.register("wbce")
class WBCE(nn.Module):
    """``-((1 - p)^2 y log p + p^2 (1 - y) log(1 - p))``, with p = ``sigmoid(logits)`` and y the target's height.

    From Sun et al., "TrackNetV2: Efficient Shuttlecock Tracking Network", ICPAI 2020, which sums over the cells;
    here, as in the code that came with TrackNetV3, it is the mean over the cells of a map, and over the frames that
    count. The factors p^2 and (1 - p)^2 are part of the gradient.
    """

    # nn.Module's own takes any arguments, but the constructor is the schema.
    def __init__(self) -> None:
        super().__init__()

    def forward(self, logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Return the loss, in float32 also under autocast.

        Args:
            logits: (B, K, h, w).
            target: (B, K, h, w), heights in 0..1.
            weight: (B, K), how much a frame counts; 0 leaves it out.

        Returns:
            Scalar; 0 if no frame counts.
        """
        logits = logits.float()
        p = logits.sigmoid()
        # log p and log(1 - p) from the logits: finite where p rounds to 0 or 1.
        ball = (1 - p).square() * target * F.logsigmoid(logits)
        empty = p.square() * (1 - target) * F.logsigmoid(-logits)
        return weighted_mean(-(ball + empty).mean(dim=(-2, -1)), weight)
