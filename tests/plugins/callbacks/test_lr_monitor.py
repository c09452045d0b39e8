import csv

import pytest
from lightning.pytorch.loggers import CSVLogger

from tracknet_plugins.callbacks.lr_monitor import LRMonitor

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]


@pytest.mark.parametrize(("interval", "rows"), [("epoch", 2), ("step", 6)])
def test_the_rate_is_logged_once_per_interval(interval, rows, make_module, make_trainer, loader, tmp_path) -> None:
    logger = CSVLogger(tmp_path)
    trainer = make_trainer(LRMonitor(interval=interval), epochs=2, logger=logger, log_every_n_steps=1)
    trainer.fit(make_module(), loader, loader)
    with (tmp_path / "lightning_logs" / "version_0" / "metrics.csv").open() as file:
        rates = [row["lr-AdamW"] for row in csv.DictReader(file)]
    assert [float(rate) for rate in rates if rate] == [0.05] * rows


def test_a_run_without_a_logger_is_no_fault(make_module, make_trainer, loader) -> None:
    trainer = make_trainer(LRMonitor(), epochs=1)
    trainer.fit(make_module(), loader, loader)
    assert trainer.current_epoch == 1


def test_another_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="interval='batch' is unknown: give 'step' or 'epoch'"):
        LRMonitor(interval="batch")  # type: ignore[arg-type]
