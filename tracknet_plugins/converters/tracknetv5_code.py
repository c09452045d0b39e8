"""Names of layers that the networks of codelancera-offical/TracknetV5 share: TrackNetV2's, in blocks of its own."""

from __future__ import annotations

BLOCKS = {
    **{
        f"backbone.conv{number}": f"backbone.levels.{level}.{i}"
        for level, numbers in enumerate(((1, 2), (3, 4), (5, 6, 7), (8, 9, 10)))
        for i, number in enumerate(numbers)
    },
    **{
        f"neck.conv{number}": f"decoder.merges.{step}.{i}"
        for step, numbers in enumerate(((11, 12, 13), (14, 15), (16, 17)))
        for i, number in enumerate(numbers)
    },
}

LAYERS = {f"{theirs}.conv.{layer}": f"{ours}.{layer}" for theirs, ours in BLOCKS.items() for layer in (0, 2)}
"""A convolution, a ReLU and a normalisation each."""
