"""Any logger that Lightning has."""

from __future__ import annotations

import difflib
import inspect
from typing import Any

from lightning.pytorch import loggers as lightning_loggers
from lightning.pytorch.loggers import Logger

from tracknet_core.contracts import RunPaths
from tracknet_core.errors import UserError
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
    names = sorted(name for name in lightning_loggers.__all__ if name != "Logger")
    if logger not in names:
        raise ValueError(f"logger={logger!r} is unknown.{_nearest(logger, names)} Lightning has: {', '.join(names)}")
    cls = getattr(lightning_loggers, logger)
    parameters = inspect.signature(cls).parameters
    options = dict(options or {})
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        for name in options:
            if name not in parameters:
                raise ValueError(
                    f"options: {logger} has no parameter '{name}'.{_nearest(name, list(parameters))} "
                    f"It accepts: {', '.join(parameters)}"
                )
    for folder in ("save_dir", "root_dir"):
        if folder in parameters:
            options.setdefault(folder, str(paths.logs))
    try:
        made: Logger = cls(**options)
    except ModuleNotFoundError as error:
        raise UserError(f"{logger} needs a package that is not installed: {error}. Install it with pip.") from error
    return made


def _nearest(name: str, names: list[str]) -> str:
    nearest = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""
