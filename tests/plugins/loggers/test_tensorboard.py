from pathlib import Path

import lightning.fabric.loggers.tensorboard as fabric_tensorboard
import pytest

from tracknet_core.contracts import RunPaths
from tracknet_core.errors import UserError
from tracknet_plugins.loggers.tensorboard import tensorboard


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return RunPaths("run-1-s0", tmp_path / "logs" / "run-1-s0", tmp_path / "checkpoints")


def pretend(monkeypatch: pytest.MonkeyPatch, *, installed: bool) -> None:
    """Make Lightning believe that TensorBoard is or is not there: it is an extra, tests run with and without."""
    monkeypatch.setattr(fabric_tensorboard, "_TENSORBOARD_AVAILABLE", installed)
    monkeypatch.setattr(fabric_tensorboard, "_TENSORBOARDX_AVAILABLE", False)


def test_the_log_is_in_the_folder_of_the_run_and_not_among_the_csv_logs(
    paths: RunPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, installed=True)
    (paths.logs / "version_0").mkdir(parents=True)
    assert Path(tensorboard(paths=paths).log_dir) == paths.logs / "tensorboard"


def test_a_missing_package_says_what_to_install(paths: RunPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, installed=False)
    with pytest.raises(UserError, match=r"pip install 'tracknet\[tensorboard\]'"):
        tensorboard(paths=paths)
