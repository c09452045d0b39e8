"""Callbacks of Lightning's by the names of their classes."""

from __future__ import annotations

import pytest
from lightning.pytorch.callbacks import LearningRateFinder

from tracknet_core.testing import check_constructor
from tracknet_plugins.callbacks.lightning import lightning_callback


def test_a_callback_of_lightning_is_made_by_its_name() -> None:
    check_constructor("callbacks", lightning_callback)
    made = lightning_callback(callback="LearningRateFinder", options={"min_lr": 1e-6})
    assert isinstance(made, LearningRateFinder)
    assert made._min_lr == 1e-6


def test_an_unknown_callback_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(ValueError, match=r"callback='LRFinder' is unknown.* Lightning has: .*LearningRateFinder"):
        lightning_callback(callback="LRFinder")
    with pytest.raises(ValueError, match="Did you mean 'LearningRateFinder'"):
        lightning_callback(callback="LearningRateFindr")


def test_an_unknown_option_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"LearningRateFinder has no parameter 'min_rate'\. .*It accepts: min_lr"):
        lightning_callback(callback="LearningRateFinder", options={"min_rate": 1})
