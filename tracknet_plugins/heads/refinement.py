"""Heatmaps in two steps: a draft of all frames, and what a transformer adds to it.

Letters: N samples, K target frames, D channels of a token, L tokens, h x w cells of the grid, r x c patches of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tracknet_core.contracts import HEATMAP, FeatureSpec, Form, Head, Size
from tracknet_core.layers import PowerNormalization
from tracknet_core.registry import heads
from tracknet_plugins.heads.logits import Logits
from tracknet_plugins.heads.motion import Change, Fusion, MotionFusion


@heads.register("refinement")
class Refinement(nn.Module, Head):
    """A draft by one convolution, and residuals from a transformer over the patches of all frames, as in TrackNetV5.

    The draft is multiplied by motion attention. Patches of it are tokens that know their place and their frame; a
    transformer encoder (Vaswani et al., NeurIPS 2017) lets each see all others, so that the track through the window
    shows what a single frame hides; each token gives what is added to its patch. The residual starts at 0, the
    answers so as the draft.

    Embeddings of the place are those of a grid over ``image_size``, and resampled for others: crops in training.

    Args:
        in_feature: the decoder's map.
        maps: K, target frames per network sample; two at least with ``motion``: all frames of a window.
        form: what each of them gets: a heatmap.
        frames: pictures of a network sample.
        image_size: (W, H) pixels of the network input.
        channels: D, a multiple of ``num_heads``.
        depth: layers of the transformer.
        num_heads: attention heads.
        patch_size: cells along the side of a patch.
        dropout: share of what is dropped inside the transformer in training.
        draft_dropout: share of the draft's cells that are dropped in training: they say one half, and the residual has
            to put that right.
        auxiliary: whether the draft is trained as an answer of its own beside the last one.
        motion: whether the draft is multiplied by motion attention.
        fusion: the changes that count for a frame, as in ``motion_attention``.
        change: which changes count, as in ``motion_attention``.
        slope: where the learned slope of the attention starts, as in ``motion_attention``.
        threshold: where its learned threshold starts.
        margin: what is added to the width of the rise.
        scale: factor on differences: the deviation that frames were divided by, 1 for frames at 0..1.
        prior: probability of a ball in a cell at the start, between 0 and 1, before the attention.

    Raises:
        ValueError: a parameter is out of range or unknown, or the frames are not those that motion attention takes.
    """

    def __init__(
        self,
        *,
        in_feature: FeatureSpec,
        maps: int,
        frames: int,
        image_size: tuple[int, int],
        form: Form = HEATMAP,
        channels: int = 256,
        depth: int = 4,
        num_heads: int = 2,
        patch_size: int = 16,
        dropout: float = 0.1,
        draft_dropout: float = 0.1,
        auxiliary: bool = False,
        motion: bool = True,
        fusion: Fusion = "previous",
        change: Change = "brightening",
        slope: float = 0.2,
        threshold: float = 0.15,
        margin: float = 1e-6,
        scale: float = 1.0,
        prior: float = 0.01,
    ) -> None:
        super().__init__()
        for name, value in {"depth": depth, "num_heads": num_heads, "patch_size": patch_size}.items():
            if value < 1:
                raise ValueError(f"{name}: {value} is out of range. Give at least 1.")
        if channels < 1 or channels % num_heads:
            raise ValueError(
                f"channels: {channels} cannot be shared by {num_heads} heads. Give a multiple of {num_heads}."
            )
        for name, share in {"dropout": dropout, "draft_dropout": draft_dropout}.items():
            if not 0 <= share < 1:
                raise ValueError(f"{name}: {share} is no share. Give at least 0 and less than 1.")
        self.patch_size, self.auxiliary = patch_size, auxiliary
        self.logits = Logits(in_feature.channels, maps, form, prior)
        self.motion = (
            MotionFusion(
                maps=maps,
                frames=frames,
                fusion=fusion,
                change=change,
                normalization=PowerNormalization(slope=slope, threshold=threshold, margin=margin, scale=scale),
            )
            if motion
            else None
        )
        self.dropout = nn.Dropout(draft_dropout)
        self.embedding = nn.Conv2d(1, channels, patch_size, stride=patch_size)
        columns, rows = (max(1, side // patch_size) for side in image_size)
        self.places = nn.Parameter(torch.randn(1, channels, rows, columns))
        self.times = nn.Parameter(torch.randn(maps, channels, 1, 1))
        self.layers = nn.Sequential(*(_Layer(channels, num_heads, dropout) for _ in range(depth)))
        self.residual = nn.Conv2d(channels, patch_size**2, 1)
        nn.init.zeros_(self.residual.weight)
        nn.init.zeros_(self.residual.bias)  # type: ignore[arg-type]

    def forward(self, feature: Tensor, frames: Tensor, size: Size) -> Tensor | list[Tensor]:
        """Return logits.

        Args:
            feature: (N, C, H / stride, W / stride), the decoder's map.
            frames: (B, P, 3, H, W), the normalised frames.
            size: (w, h) cells of the codec's grid.

        Returns:
            (N, K, h, w); in training with ``auxiliary`` the draft and these.
        """
        draft: Tensor = self.logits(feature, size)
        if self.motion is not None:
            draft = self.motion(draft, frames)
        draft = self.dropout(draft)
        refined = draft + self._residual(draft)
        return [draft, refined] if self.training and self.auxiliary else refined

    def _residual(self, draft: Tensor) -> Tensor:
        """(N, K, h, w) -> (N, K, h, w)."""
        maps, (height, width), side = draft.shape[1], draft.shape[-2:], self.patch_size
        whole = F.pad(draft, (0, -width % side, 0, -height % side))  # of patches
        tokens = self.embedding(whole.flatten(0, 1).unsqueeze(1))  # (N * K, D, r, c)
        rows, columns = tokens.shape[-2:]
        places: Tensor = self.places
        if places.shape[-2:] != (rows, columns):
            places = F.interpolate(places, (rows, columns), mode="bicubic", align_corners=False)
        tokens = tokens.unflatten(0, (-1, maps)) + places + self.times  # (N, K, D, r, c)
        sequence = self.layers(tokens.permute(0, 1, 3, 4, 2).flatten(1, 3))  # (N, K * r * c, D)
        tokens = sequence.unflatten(1, (maps, rows, columns)).flatten(0, 1).movedim(-1, 1)  # (N * K, D, r, c)
        added = F.pixel_shuffle(self.residual(tokens), side)  # (N * K, 1, r * side, c * side)
        return added[..., :height, :width].reshape(-1, maps, height, width)


class _Layer(nn.Module):
    """A layer of a transformer encoder whose normalisations come last, as in the paper.

    Args:
        channels: D.
        heads: of the attention.
        dropout: share of what is dropped in training.
    """

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.share = heads, dropout
        self.projections = nn.Linear(channels, 3 * channels)
        self.merge = nn.Linear(channels, channels)
        self.first, self.second = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.wide, self.narrow = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, D) -> (N, L, D)."""
        projected = self.projections(x).unflatten(-1, (3, self.heads, -1))  # (N, L, 3, heads, D / heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)  # (N, heads, L, D / heads) each
        seen = F.scaled_dot_product_attention(query, key, value, dropout_p=self.share if self.training else 0.0)
        x = self.first(x + self.dropout(self.merge(seen.transpose(1, 2).flatten(-2))))
        after: Tensor = self.second(x + self.dropout(self.narrow(self.dropout(self.wide(x).relu()))))
        return after
