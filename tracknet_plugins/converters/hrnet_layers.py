"""Names of HRNet's layers, in code that stands on HRNet's own (HRNet/HRNet-Image-Classification)."""

from __future__ import annotations

STAGES = range(2, 5)

LAYERS = {
    **{f"{theirs}{i + 1}": f"backbone.stem.{i}.{j}" for i in range(2) for j, theirs in enumerate(("conv", "bn"))},
    **{f"layer1.*.conv{i + 1}": f"backbone.bottlenecks.*.residual.{i}.0" for i in range(3)},
    **{f"layer1.*.bn{i + 1}": f"backbone.bottlenecks.*.residual.{i}.1" for i in range(3)},
    "layer1.*.downsample.*": "backbone.bottlenecks.*.shortcut.*",
    "transition1.0.*": "backbone.first.*",
    **{f"transition{i + 1}.{i + 1}.0.*": f"backbone.branchings.{i}.*" for i in range(3)},
    **{
        f"stage{stage}.*.branches.*.*.{theirs}": f"backbone.stages.{stage - 2}.*.branches.*.*.residual.{ours}"
        for stage in STAGES
        for theirs, ours in (
            ("conv1", "0.0"),
            ("bn1", "0.1"),
            ("conv2", "1.0"),
            ("bn2", "1.1"),
            ("se.fc.*", "2.gate.*"),  # squeeze-and-excitation, where there is one
        )
    },
    # From a coarser branch one convolution, from a finer one as many as there are halvings.
    **{
        f"stage{stage}.*.fuse_layers.*.*.{theirs}": f"backbone.stages.{stage - 2}.*.exchanges.*.paths.*.{ours}"
        for stage in STAGES
        for theirs, ours in (("*", "0.*"), ("*.*", "*.*"))
    },
    "final_layers.0": "head.logits.convolution",
}

UNUSED = tuple(f"stage4.*.fuse_layers.{branch}.*.{steps}" for branch in (1, 2, 3) for steps in ("*", "*.*"))
"""The exchange into the coarser branches of the last stage, of which the finest alone is read."""
