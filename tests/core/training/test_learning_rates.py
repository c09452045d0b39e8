"""A learning rate out of a short test: which rates are tried, what is suggested, and that nothing is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from tracknet_core import lr_find, training
from tracknet_core.errors import ConfigError
from tracknet_core.training import RateTest


def valley(steps: int = 61) -> RateTest:
    """Return a test with losses that fall from 1 to 0 around 1e-3, and rise from 1e-1 on."""
    powers = np.linspace(-6, 0, steps)
    fall, rise = 1 / (1 + np.exp(6 * (powers + 3))), 3 * np.clip(powers + 1, 0, None)
    return RateTest(10**powers, fall + rise, current=2e-3)


def test_the_suggestion_is_where_the_loss_falls_fastest() -> None:
    test = valley()
    assert test.suggestion == pytest.approx(1e-3, rel=0.3)
    assert 3e-3 < test.lowest < 1e-1


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    rates = np.geomspace(1e-6, 1, 20)
    test = RateTest(rates, np.linspace(1, 5, 20), current=1e-3)
    assert test.suggestion is None
    assert "falls at no rate" in str(list(test.tell())[-1])


def test_the_picture_has_a_dot_for_each_step_and_a_mark() -> None:
    picture = ElementTree.fromstring(valley().as_svg())
    names = [element.tag.rpartition("}")[2] for element in picture.iter()]
    assert names.count("circle") == 61
    assert names.count("path") == 1
    assert [e.text for e in picture.iter() if e.text and e.text.startswith("1e")] == [f"1e{n}" for n in range(-6, 1)]


def test_rates_rise_evenly_and_the_backbone_keeps_its_share(
    experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[set[float]] = []

    def note(optimizer: Any, *_: Any) -> None:
        used.append({round(float(np.log10(group["lr"])), 4) for group in optimizer.param_groups})

    overrides = ["training.backbone_lr_scale=0.1", "training.accumulate=2"]
    prepared = training.prepare(experiment, overrides)
    handle = register_optimizer_step_pre_hook(note)
    before = set(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    try:
        found = training.find_learning_rate(prepared, lowest=1e-5, highest=1e-1, steps=13)
    finally:
        handle.remove()
    assert used == [{round(-5 + step / 3, 4), round(-6 + step / 3, 4)} for step in range(13)]
    assert np.allclose(found.rates, 10 ** (-5 + np.arange(13) / 3))
    assert found.losses.shape == (13,)
    assert found.current == 5e-3
    assert set(tmp_path.rglob("*")) == before


def test_the_first_loss_is_that_of_the_first_batch(experiment: Path) -> None:
    overrides = ["model.backbone.dropout=0"]
    found = training.find_learning_rate(training.prepare(experiment, overrides), steps=10)
    again = training.prepare(experiment, overrides)
    again.data.setup("fit")
    with torch.no_grad():
        loss = again.module.cost(next(iter(again.data.train_dataloader()))).mean()
    assert found.losses[0] == pytest.approx(float(loss), rel=1e-5)


def test_it_ends_where_the_loss_has_no_use_any_more(experiment: Path) -> None:
    found = training.find_learning_rate(training.prepare(experiment), lowest=1e-3, highest=1e9, steps=20)
    assert len(found.rates) == len(found.losses) < 20


@pytest.mark.parametrize("asked", [{"lowest": 0.0}, {"lowest": 1.0, "highest": 0.1}, {"steps": 5}])
def test_rates_that_do_not_rise_are_refused(experiment: Path, asked: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="the rates have to rise"):
        training.find_learning_rate(training.prepare(experiment), **asked)


def test_the_command_shows_a_table_and_writes_a_picture(
    experiment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "rates.svg"
    arguments = [str(experiment), "--steps", "10", "--lowest", "1e-4", "--output", str(picture)]
    assert lr_find.main(arguments) == 0
    shown = capsys.readouterr().out
    assert "1.0e-04" in shown
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    assert lr_find.main(arguments) == 2
    assert "rates.svg" in capsys.readouterr().err
