import re
import sys
from types import SimpleNamespace

import pytest
from lightning.pytorch.callbacks import RichProgressBar

from tracknet_plugins.callbacks.progress import EpochBars, EpochLines, progress

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]


def test_a_terminal_gets_bars_and_a_file_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert isinstance(progress(), RichProgressBar)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert isinstance(progress(), EpochLines)


def test_the_style_can_be_chosen() -> None:
    assert isinstance(progress(style="bar"), RichProgressBar)
    assert isinstance(progress(style="lines"), EpochLines)
    with pytest.raises(ValueError, match="style='dots' is unknown: give 'auto', 'bar' or 'lines'"):
        progress(style="dots")  # type: ignore[arg-type]


def test_every_epoch_is_one_line_with_its_figures(make_module, make_trainer, loader, capsys) -> None:
    trainer = make_trainer(EpochLines(), epochs=2)
    trainer.fit(make_module([0.25, 0.125]), loader, loader)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    for number, line in enumerate(lines, start=1):
        pattern = rf"epoch {number}/2  train/loss \d+\.\d{{4}}  val/loss 0\.{(250, 125)[number - 1]}0  \d+\.\d s"
        assert re.fullmatch(pattern, line), line
    assert f"train/loss {trainer.callback_metrics['train/loss']:.4f}" in lines[-1]


def test_a_long_epoch_says_how_far_it_is(make_module, make_trainer, loader, capsys, monkeypatch) -> None:
    seconds = iter(range(0, 10_000, 25))
    clock = SimpleNamespace(monotonic=lambda: next(seconds))
    monkeypatch.setattr("tracknet_plugins.callbacks.progress.time", clock)
    make_trainer(EpochLines(), epochs=1).fit(make_module(), loader, loader)
    # Looked at after each of three batches; what is told resets the clock.
    assert capsys.readouterr().out.splitlines()[:-1] == ["epoch 1/1  batch 3/3"]


def test_lines_can_be_switched_off_and_on(make_module, make_trainer, loader, capsys) -> None:
    lines = EpochLines()
    lines.disable()
    make_trainer(lines, epochs=1).fit(make_module(), loader, loader)
    assert capsys.readouterr().out == ""
    lines.enable()
    make_trainer(lines, epochs=1).fit(make_module(), loader, loader)
    assert capsys.readouterr().out.startswith("epoch 1/1  train/loss")


def test_bars_count_epochs_from_one_and_show_the_figures(make_module, make_trainer, loader, capsys) -> None:
    bars = EpochBars()
    trainer = make_trainer(bars, epochs=2)
    trainer.fit(make_module([0.25, 0.125]), loader, loader)
    shown = capsys.readouterr().out
    assert "Epoch 2/2" in shown
    assert "Epoch 0" not in shown
    metrics = bars.get_metrics(trainer, trainer.lightning_module)
    assert list(metrics) == ["train/loss", "val/loss"]
    assert metrics["val/loss"] == 0.125


def test_bars_show_no_figure_of_the_batch_before_training(make_module, make_trainer, loader) -> None:
    seen = []

    class Watched(EpochBars):
        def on_train_batch_end(self, trainer, *arguments) -> None:
            super().on_train_batch_end(trainer, *arguments)
            seen.append("val/loss" in self.get_metrics(trainer, trainer.lightning_module))

    make_trainer(Watched(), epochs=2).fit(make_module([0.25, 0.125]), loader, loader)
    assert seen == [False] * 3 + [True] * 3
