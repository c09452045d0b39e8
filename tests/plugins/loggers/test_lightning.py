import inspect
from pathlib import Path

import lightning.pytorch.loggers.wandb as lightning_wandb
import pytest
from lightning.pytorch.loggers import CSVLogger

from tracknet_core.contracts import RunPaths
from tracknet_core.errors import UserError
from tracknet_plugins.loggers.lightning import lightning_logger


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return RunPaths("run-1-s0", tmp_path / "logs" / "run-1-s0", tmp_path / "checkpoints")


def test_a_logger_of_lightning_is_made_by_its_name(paths: RunPaths) -> None:
    logger = lightning_logger(paths=paths, logger="CSVLogger", options={"name": "more", "version": 3})
    assert isinstance(logger, CSVLogger)
    assert Path(logger.log_dir) == paths.logs / "more" / "version_3"


def test_options_can_name_another_folder(paths: RunPaths, tmp_path: Path) -> None:
    logger = lightning_logger(paths=paths, logger="CSVLogger", options={"save_dir": str(tmp_path / "other")})
    assert Path(logger.log_dir).is_relative_to(tmp_path / "other")


def test_the_options_that_are_given_stay_as_they_are(paths: RunPaths) -> None:
    options = {"name": "more"}
    lightning_logger(paths=paths, logger="CSVLogger", options=options)
    assert options == {"name": "more"}


@pytest.mark.parametrize("name", ["WandLogger", "Logger", "__all__"])
def test_an_unknown_logger_is_answered_with_those_there_are(paths: RunPaths, name: str) -> None:
    with pytest.raises(ValueError, match=rf"logger='{name}' is unknown.*Lightning has: .*CSVLogger.*WandbLogger"):
        lightning_logger(paths=paths, logger=name)


def test_the_nearest_logger_is_proposed(paths: RunPaths) -> None:
    with pytest.raises(ValueError, match="Did you mean 'WandbLogger'"):
        lightning_logger(paths=paths, logger="WandLogger")


def test_an_unknown_option_is_answered_with_those_there_are(paths: RunPaths) -> None:
    with pytest.raises(
        ValueError, match=r"CSVLogger has no parameter 'prefx'. Did you mean 'prefix'\? .*save_dir, name"
    ):
        lightning_logger(paths=paths, logger="CSVLogger", options={"prefx": "a"})


def test_a_logger_that_refuses_says_so_and_is_no_traceback(paths: RunPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: CSVLogger, **options: object) -> None:
        raise RuntimeError("the file store is closed")

    refuse.__signature__ = inspect.signature(CSVLogger.__init__)  # type: ignore[attr-defined]
    monkeypatch.setattr(CSVLogger, "__init__", refuse)
    with pytest.raises(ValueError, match=r"CSVLogger refuses .*RuntimeError: the file store is closed"):
        lightning_logger(paths=paths, logger="CSVLogger")


class Missing:
    """What Lightning keeps in place of a package that is not installed."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "Requirement 'wandb>=0.12.10' not met"


def test_a_missing_package_is_named(paths: RunPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lightning_wandb, "_WANDB_AVAILABLE", Missing())
    with pytest.raises(UserError, match=r"WandbLogger needs a package .* 'wandb>=0\.12\.10' not met.*with pip"):
        lightning_logger(paths=paths, logger="WandbLogger")
