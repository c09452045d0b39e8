"""Any logger that Lightning has."""

from __future__ import annotations

import inspect
from typing import Any

from lightning.pytorch import loggers as lightning_loggers
from lightning.pytorch.loggers import Logger

from tracknet_core.contracts import RunPaths
from tracknet_core.foreign import make, named_class
from tracknet_core.registry import loggers


@loggers.register("lightning")
def lightning_logger(*, paths: RunPaths, logger: str, options: dict[str, Any] | None = None) -> Logger:
    """Return one of Lightning's loggers by the name of its class.

    Args:
        paths: where the run writes; supplied. Loggers that keep files keep them in the run's folder of logs,
            unless ``options`` says otherwise.
        logger: name of a class in ``lightning.pytorch.loggers``, such as ``WandbLogger`` or ``MLFlowLogger``.
        options: arguments of that class.

    Raises:
        ValueError: no such logger, or an option that it does not have.
        UserError: the package behind the logger is not installed.
    """
    classes = {name: getattr(lightning_loggers, name) for name in lightning_loggers.__all__ if name != "Logger"}
    cls = named_class("logger", logger, "Lightning", classes)
    options = dict(options or {})
    for folder in ("save_dir", "root_dir"):
        if folder in inspect.signature(cls).parameters:
            options.setdefault(folder, str(paths.logs))
    made: Logger = make(cls, options)
    return made
