"""Compiled parts: what is trained, what checkpoints hold, and what is told where nothing can be compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from torch.utils.data import DataLoader

from tracknet_core.errors import UserError
from tracknet_core.testing import check_constructor
from tracknet_plugins.callbacks.compile import Compile
from tracknet_plugins.callbacks.ema import ema

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    # torch's compiler looks at the gradient of whatever it is given, and silences what torch says to that by a filter.
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),
    # Python 3.13.0 alone has a fault that its guards go round, and torch says so where the first is made.
    pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0"),
]

Make = Callable[..., Any]


def fitted(module: pl.LightningModule, trainer: pl.Trainer, loader: DataLoader[Any], path: Path) -> dict[str, Any]:
    """Train, and return the checkpoint that is written at the end."""
    trainer.fit(module, loader, loader, weights_only=True)
    trainer.save_checkpoint(path)
    content: dict[str, Any] = torch.load(path, weights_only=True)
    return content


def test_parts_are_compiled_and_checkpoints_stay_as_they_are(
    make_module: Make, make_trainer: Make, loader: DataLoader[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[torch.nn.Module] = []
    original = torch.nn.Module.compile

    def counting(self: torch.nn.Module, **settings: Any) -> None:
        compiled.append(self)
        original(self, **settings)

    monkeypatch.setattr(torch.nn.Module, "compile", counting)
    plain = fitted(make_module(), make_trainer(), loader, tmp_path / "plain.ckpt")
    module = make_module()
    content = fitted(module, make_trainer(Compile(backend="eager")), loader, tmp_path / "compiled.ckpt")
    assert compiled == [module.model.backbone, module.model.head]
    assert content["state_dict"].keys() == plain["state_dict"].keys()
    for name, value in plain["state_dict"].items():
        assert torch.equal(content["state_dict"][name], value), name

    resumed = make_module()
    make_trainer(Compile(backend="eager"), epochs=4).fit(
        resumed, loader, loader, ckpt_path=tmp_path / "plain.ckpt", weights_only=True
    )
    uninterrupted = make_module()
    make_trainer(epochs=4).fit(uninterrupted, loader, loader)
    for name, value in uninterrupted.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name


def test_a_compiled_network_is_averaged(
    make_module: Make, make_trainer: Make, loader: DataLoader[Any], tmp_path: Path
) -> None:
    callbacks = [Compile(backend="eager"), ema(decay=0.5)]
    content = fitted(make_module(), make_trainer(*callbacks), loader, tmp_path / "average.ckpt")
    assert not any("_orig_mod" in name for name in content["state_dict"])


def test_where_nothing_can_be_compiled_one_message_says_what_is_needed(
    make_module: Make, make_trainer: Make, loader: DataLoader[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **settings: Any) -> None:
        raise RuntimeError("\n  No working C++ compiler found in g++\nmore of it")

    monkeypatch.setattr(torch, "compile", fail)
    message = r"fails here.*\(RuntimeError: No working C\+\+ compiler found in g\+\+\).*training\.compile=false"
    with pytest.raises(UserError, match=message):
        make_trainer(Compile()).fit(make_module(), loader, loader)


def test_settings_are_checked() -> None:
    check_constructor("callbacks", Compile)
    with pytest.raises(ValueError, match=r"backend='indctor' is unknown: give one of .*inductor"):
        Compile(backend="indctor")
    with pytest.raises(ValueError, match="mode='default' stands beside options"):
        Compile(mode="default", options={"max_autotune": True})
