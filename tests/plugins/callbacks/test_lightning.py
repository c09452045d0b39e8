"""Callbacks of Lightning's by the names of their classes."""

from __future__ import annotations

import pytest
from lightning.pytorch.callbacks import StochasticWeightAveraging

from tracknet_core.testing import check_constructor
from tracknet_plugins.callbacks.lightning import lightning_callback


def test_a_callback_of_lightning_is_made_by_its_name() -> None:
    check_constructor("callbacks", lightning_callback)
    made = lightning_callback(callback="StochasticWeightAveraging", options={"swa_lrs": 1e-2})
    assert isinstance(made, StochasticWeightAveraging)
    assert made._swa_lrs == 1e-2


def test_one_that_would_change_settings_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"would change a setting .* 'tracknet lr-find EXPERIMENT'"):
        lightning_callback(callback="LearningRateFinder")
    with pytest.raises(ValueError, match=r"'BatchSizeFinder' would change a setting .* training\.batch_size"):
        lightning_callback(callback="BatchSizeFinder")


def test_an_unknown_callback_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(ValueError, match=r"callback='RateMonitor' is unknown.* Lightning has: .*LearningRateMonitor"):
        lightning_callback(callback="RateMonitor")
    with pytest.raises(ValueError, match="Did you mean 'LearningRateMonitor'"):
        lightning_callback(callback="LearningRateMonitr")


def test_an_unknown_option_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"Timer has no parameter 'min_rate'\. .*It accepts: duration"):
        lightning_callback(callback="Timer", options={"min_rate": 1})
