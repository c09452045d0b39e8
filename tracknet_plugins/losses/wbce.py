"""The weighted binary cross-entropy of TrackNetV2."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import Cost, Loss, Target
from tracknet_core.registry import losses
from tracknet_plugins.losses.reduction import per_frame


@losses.register("wbce")
class WBCE(nn.Module, Loss):
    """``-((1 - p)^2 y log p + p^2 (1 - y) log(1 - p))``, with p = ``sigmoid(logits)`` and y the target's height.

    From Sun et al., "TrackNetV2: Efficient Shuttlecock Tracking Network", ICPAI 2020, which sums over the cells;
    here, as in the code that came with TrackNetV3, it is the mean over the cells of a map, and over the frames that
    count. The factors p^2 and (1 - p)^2 are part of the gradient.
    """

    # nn.Module's own takes any arguments, but the constructor is the schema.
    def __init__(self) -> None:
        super().__init__()

    def forward(self, logits: Tensor, target: Target) -> Cost:
        """Return the cost, in float32 also under autocast.

        Args:
            logits: (B, K, h, w).
            target: values (B, K, h, w), heights in 0..1.

        Returns:
            A sum over the frames, and how many frames count.
        """
        logits = logits.float()
        p = logits.sigmoid()
        # log p and log(1 - p) from the logits: finite where p rounds to 0 or 1.
        ball = (1 - p).square() * target.values * F.logsigmoid(logits)
        empty = p.square() * (1 - target.values) * F.logsigmoid(-logits)
        return per_frame(-(ball + empty).mean(dim=(-2, -1)), target.weight)
