"""Any callback that Lightning has."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import callbacks as lightning_callbacks
from lightning.pytorch.callbacks import Callback

from tracknet_core.foreign import make, named_class
from tracknet_core.registry import callbacks


@callbacks.register("lightning")
def lightning_callback(*, callback: str, options: dict[str, Any] | None = None) -> Callback:
    """Return one of Lightning's callbacks by the name of its class.

    Args:
        callback: name of a class in ``lightning.pytorch.callbacks``, such as ``LearningRateFinder`` or
            ``StochasticWeightAveraging``.
        options: arguments of that class.

    Raises:
        ValueError: no such callback, or an option that it does not have.
        UserError: the package behind the callback is not installed.
    """
    classes = {name: getattr(lightning_callbacks, name) for name in lightning_callbacks.__all__ if name != "Callback"}
    cls = named_class("callback", callback, "Lightning", classes)
    made: Callback = make(cls, options or {})
    return made
