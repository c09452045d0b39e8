"""Names that nobody has, for boards, shirts and captions."""

from __future__ import annotations

import numpy as np

_ONSETS = ("B", "D", "K", "L", "M", "N", "R", "S", "T", "V", "Z", "TR", "ST", "KL")
_ENDINGS = ("", "X", "N", "S", "R")


def made_up_name(rng: np.random.Generator) -> str:
    """Return a made-up name in capitals."""
    syllables = [_ONSETS[rng.integers(len(_ONSETS))] + "AEIOU"[rng.integers(5)] for _ in range(rng.integers(2, 4))]
    return "".join(syllables) + _ENDINGS[rng.integers(len(_ENDINGS))]
