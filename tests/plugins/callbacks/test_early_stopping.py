import pytest

from tracknet_plugins.callbacks.early_stopping import EarlyStopping

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
]

LOSSES = [5.0, 4.0, 4.5, 3.95, 4.2, 4.1, 1.0, 0.5]


@pytest.mark.parametrize(
    ("settings", "epochs"),
    [
        ({"patience": 2}, 6),  # 4.2 and 4.1 are no better than 3.95
        ({"patience": 1}, 3),  # 4.5 is no better than 4.0
        ({"patience": 3}, 8),  # 1.0 comes in time
        ({"patience": 2, "min_delta": 0.1}, 4),  # 3.95 is not 0.1 better than 4.0
        ({"patience": 2, "mode": "max"}, 3),  # nothing is greater than the first
    ],
)
def test_training_ends_when_patience_does(settings, epochs, make_module, make_trainer, loader) -> None:
    trainer = make_trainer(EarlyStopping(**settings), epochs=len(LOSSES))
    trainer.fit(make_module(LOSSES), loader, loader)
    assert trainer.current_epoch == epochs


def test_a_figure_that_nobody_logs_is_named(make_module, make_trainer, loader) -> None:
    with pytest.raises(RuntimeError, match=r"`val/f2` which is not available.*val/loss"):
        make_trainer(EarlyStopping(monitor="val/f2")).fit(make_module(), loader, loader)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patience": 0}, "patience=0 is too small"),
        ({"min_delta": -0.1}, "min_delta=-0.1 is no size"),
        ({"mode": "least"}, "mode='least' is unknown"),
    ],
)
def test_bad_settings_are_refused(settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        EarlyStopping(**settings)
