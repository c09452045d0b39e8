"""Compile the network for training."""

from __future__ import annotations

from typing import Any, Literal, cast

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from tracknet_core.errors import UserError
from tracknet_core.registry import callbacks


@callbacks.register("compile")
class Compile(pl.Callback):
    """Compiles each part of what is trained with ``torch.compile``, in place: checkpoints stay as they are.

    The first batches take long, those of training and of validation each, and later ones are faster where network and
    processor allow: ``python benchmarks/training.py`` measures both. Parameters are those of ``torch.compile``. On a
    CPU the backend ``inductor`` needs a C++ compiler and the headers of Python, on a GPU Triton; a small function is
    compiled first to find out.

    Args:
        mode: how much is tried; none together with ``options``.
        dynamic: whether one program serves all sizes of batches and pictures; by default the second size decides.
        fullgraph: whether a part that cannot be compiled as a whole is an error.
        backend: what compiles.
        options: of the backend.

    Raises:
        ValueError: an unknown backend, or a mode beside options.
    """

    def __init__(
        self,
        *,
        mode: Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"] | None = None,
        dynamic: bool | None = None,
        fullgraph: bool = False,
        backend: str = "inductor",
        options: dict[str, Any] | None = None,
    ) -> None:
        if mode is not None and options is not None:
            raise ValueError(f"mode={mode!r} stands beside options, and torch.compile takes one of them")
        # Asking for all backends imports the compiler, which the usual one is spared.
        if backend != "inductor" and backend not in (known := torch.compiler.list_backends(exclude_tags=())):
            raise ValueError(f"backend={backend!r} is unknown: give one of {', '.join(sorted(known))}")
        self.settings: dict[str, Any] = {
            "mode": mode,
            "dynamic": dynamic,
            "fullgraph": fullgraph,
            "backend": backend,
            "options": options,
        }

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Compile; the work itself is done at the first batch.

        Raises:
            UserError: nothing can be compiled here.
        """
        try:
            torch.compile(_twice, **self.settings)(torch.ones(4, device=trainer.strategy.root_device))
        except Exception as error:  # compilers, linkers, Triton and torch itself fail in many ways
            raise UserError(
                f"training.compile: torch.compile fails here, on a function of one line ({_summary(error)}). On a CPU "
                "it needs a C++ compiler, such as the package g++, and the headers of Python (python3-dev); on a GPU "
                "Triton. Install what is missing, or train without: training.compile=false."
            ) from error
        for part in cast(nn.Module, pl_module.model).children():
            part.compile(**self.settings)


def _twice(x: Tensor) -> Tensor:
    return 2 * x


def _summary(error: Exception) -> str:
    """Return the kind of an error and the first line that it says anything in."""
    return f"{type(error).__name__}: {next(filter(None, map(str.strip, str(error).splitlines())), 'no reason given')}"
