"""Any callback that Lightning has."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import callbacks as lightning_callbacks
from lightning.pytorch.callbacks import Callback

from tracknet_core.foreign import make, named_class
from tracknet_core.registry import callbacks

_TUNERS = {
    "LearningRateFinder": "'tracknet lr-find EXPERIMENT' finds one to write there",
    "BatchSizeFinder": "write training.batch_size there",
}


@callbacks.register("lightning")
def lightning_callback(*, callback: str, options: dict[str, Any] | None = None) -> Callback:
    """Return one of Lightning's callbacks by the name of its class.

    Args:
        callback: name of a class in ``lightning.pytorch.callbacks``, such as ``Timer`` or
            ``StochasticWeightAveraging``.
        options: arguments of that class.

    Raises:
        ValueError: no such callback, one that would change settings, or an option that it does not have.
        UserError: the package behind the callback is not installed.
    """
    classes = {name: getattr(lightning_callbacks, name) for name in lightning_callbacks.__all__ if name != "Callback"}
    if callback in _TUNERS:
        raise ValueError(
            f"callback={callback!r} would change a setting that the experiment and its checkpoints hold: "
            f"{_TUNERS[callback]}"
        )
    cls = named_class("callback", callback, "Lightning", classes)
    made: Callback = make(cls, options or {})
    return made
