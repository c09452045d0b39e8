"""Heatmaps that motion between frames raises or lowers."""

from torch import Tensor, nn

from tracknet_core.contracts import HEATMAP, FeatureSpec, Form, Head, Size
from tracknet_core.layers import PowerNormalization
from tracknet_core.registry import heads
from tracknet_plugins.heads.logits import Logits
from tracknet_plugins.heads.motion import Change, Fusion, MotionFusion


@heads.register("motion_attention")
class MotionAttention(nn.Module, Head):
    """Logits by one convolution, times motion attention, as in TrackNetV4 (Raj et al., ICASSP 2025).

    Attention lies between 0 and 1, and it multiplies logits, not probabilities: what it takes away leaves a probability
    of one half. At the start it is one half where nothing moves (``threshold: 0``), and it learns the rest.

    Args:
        in_feature: the decoder's map.
        maps: target frames per network sample, two at least: all frames of a window.
        form: what each of them gets: a heatmap.
        frames: pictures of a network sample.
        fusion: the changes that count for a frame: ``previous`` is the one from the frame before, so that the first
            frame keeps its logits (type A of the code); ``both`` the mean of that and the one to the next frame
            (type B); ``central`` half the change from the previous frame to the next (VballNet).
        change: the ``absolute`` difference of luma, or only that of cells that became brighter (``brightening``).
        slope: where the learned slope of the attention starts; the nearer to 0, the steeper.
        threshold: where its learned threshold starts; at 0 what has not changed gets half.
        margin: what is added to the width of the rise.
        scale: factor on differences: the deviation that frames were divided by, 1 for frames at 0..1.
        prior: probability of a ball in a cell at the start, between 0 and 1, before the attention.

    Raises:
        ValueError: a parameter is out of range or unknown, or the frames are not those that get an answer.
    """

    def __init__(
        self,
        *,
        in_feature: FeatureSpec,
        maps: int,
        frames: int,
        form: Form = HEATMAP,
        fusion: Fusion = "previous",
        change: Change = "absolute",
        slope: float = 0.1,
        threshold: float = 0.0,
        margin: float = 0.1,
        scale: float = 1.0,
        prior: float = 0.01,
    ) -> None:
        super().__init__()
        self.logits = Logits(in_feature.channels, maps, form, prior)
        self.motion = MotionFusion(
            maps=maps,
            frames=frames,
            fusion=fusion,
            change=change,
            normalization=PowerNormalization(slope=slope, threshold=threshold, margin=margin, scale=scale),
        )

    def forward(self, feature: Tensor, frames: Tensor, size: Size) -> Tensor:
        """Return logits.

        Args:
            feature: (N, C, H / stride, W / stride), the decoder's map.
            frames: (B, P, 3, H, W), the normalised frames.
            size: (w, h) cells of the codec's grid.

        Returns:
            (N, maps, h, w).
        """
        logits: Tensor = self.motion(self.logits(feature, size), frames)
        return logits
