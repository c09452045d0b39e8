"""Log for TensorBoard."""

from __future__ import annotations

from lightning.pytorch.loggers import TensorBoardLogger

from tracknet_core.contracts import RunPaths
from tracknet_core.errors import UserError
from tracknet_core.registry import loggers


@loggers.register("tensorboard")
def tensorboard(*, paths: RunPaths) -> TensorBoardLogger:
    """Return a logger that writes to ``<logs>/tensorboard``.

    Args:
        paths: where the run writes; supplied.

    Raises:
        UserError: TensorBoard is not installed.
    """
    try:
        # An empty version keeps Lightning from adding a folder 'version_0', which belongs to metrics.csv.
        return TensorBoardLogger(paths.logs, name="tensorboard", version="", default_hp_metric=False)
    except ModuleNotFoundError as error:
        raise UserError(
            "the logger 'tensorboard' needs a package that is not installed: pip install 'tracknet[tensorboard]'"
        ) from error
