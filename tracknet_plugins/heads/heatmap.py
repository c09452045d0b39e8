"""A feature map to heatmaps, or to several numbers in each of their cells."""

from torch import Tensor, nn

from tracknet_core.contracts import HEATMAP, FeatureSpec, Form, Head, Size
from tracknet_core.registry import heads
from tracknet_plugins.heads.logits import Logits


@heads.register("heatmap")
class Heatmap(nn.Module, Head):
    """Logits by one convolution, resized to the heatmap where the feature map has another size.

    The last layer starts so that nearly every cell says ``prior``: the ball fills a few cells of thousands, and a
    start at 0.5 lets the empty ones drown it (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017,
    section 4.1: weights from a normal distribution with deviation 0.01, bias -log((1 - prior) / prior)).

    Args:
        in_feature: the decoder's map.
        maps: target frames per network sample.
        form: what each of them gets: any map.
        hidden: channels of a 3x3 convolution with ReLU before the last layer; 0 leaves it out.
        prior: probability of a ball in a cell at the start, between 0 and 1.
        kernel: side of the last convolution in cells of the feature map, odd.
        normalize: ReLU and batch normalisation after it, as in the code of TrackNet (Huang et al., AVSS 2019).
        enlarge: cells along a side that a transposed convolution of each map makes of a cell at the end, as in BallSeg;
            it starts with copies, and 1 leaves it out.
        per_frame: in a map in which time is an axis of its own, each target frame is answered from its own channels,
            all by the same weights.

    Raises:
        ValueError: ``hidden`` is negative, ``prior`` not between 0 and 1, ``kernel`` not odd, ``enlarge`` less than 1,
            or ``per_frame`` asked of a map whose frames are not the target frames.
    """

    forms = ("map",)

    def __init__(
        self,
        *,
        in_feature: FeatureSpec,
        maps: int,
        form: Form = HEATMAP,
        hidden: int = 0,
        prior: float = 0.01,
        kernel: int = 1,
        normalize: bool = False,
        enlarge: int = 1,
        per_frame: bool = False,
    ) -> None:
        super().__init__()
        if per_frame and in_feature.frames != maps:
            raise ValueError(
                f"per_frame: the decoder's map has {in_feature.frames} frames, and {maps} are to be answered. Set "
                "per_frame: false, or choose parts that keep the frames: the backbone 'temporal_profile' and the "
                "decoder 'hypercolumns'."
            )
        if hidden < 0:
            raise ValueError(f"hidden: {hidden} is no number of channels. Give at least 0 (0: no hidden layer).")
        self.frames = maps if per_frame else 1  # answered one by one
        channels = in_feature.channels // self.frames
        self.hidden = nn.Sequential(nn.Conv2d(channels, hidden, 3, padding=1), nn.ReLU()) if hidden else nn.Identity()
        self.logits = Logits(hidden or channels, maps // self.frames, form, prior, kernel, normalize, enlarge)

    def forward(self, feature: Tensor, frames: Tensor, size: Size) -> Tensor:
        """Return logits.

        Args:
            feature: (N, C, H / stride, W / stride), the decoder's map.
            frames: (B, T, 3, H, W); not used.
            size: (w, h) cells of the codec's grid.

        Returns:
            (N, maps, *form).
        """
        if self.frames == 1:
            logits: Tensor = self.logits(self.hidden(feature), size)
            return logits
        each = feature.reshape(-1, feature.shape[1] // self.frames, *feature.shape[2:])  # (N * maps, C, h, w)
        answers: Tensor = self.logits(self.hidden(each), size)  # (N * maps, 1, *form)
        return answers.reshape(-1, self.frames, *answers.shape[2:])
