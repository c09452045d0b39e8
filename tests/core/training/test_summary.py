"""The table of a network's parts."""

from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from tracknet_core.assembly import build_model
from tracknet_core.config import Config, load_config
from tracknet_core.model import BallTracker
from tracknet_core.training.summary import summarize


def cells(table: Table) -> dict[str, list[str]]:
    columns = [list(column.cells) for column in table.columns]
    return {str(row[0]): [str(cell) for cell in row[1:]] for row in zip(*columns, strict=True)}


def build(config: Config) -> BallTracker:
    torch.manual_seed(0)
    return build_model(config)


def test_each_part_has_its_shape_and_its_parameters(config: Config) -> None:
    model = build(config)
    rows = cells(summarize(model))
    assert list(rows) == ["input", "backbone", "decoder", "head", "total"]
    assert rows["input"][:3] == ["Stack", "1x9x48x64", "0"]
    # 9 channels in, 8 out, 4x4, with bias: 1160; a norm of 8: 16.
    assert rows["backbone"][:3] == ["TinyBackbone", "1x8x12x16", "1,176"]
    assert rows["decoder"][1] == "1x8x24x32"
    assert rows["head"][1] == "1x3x24x32"
    assert rows["total"][2] == f"{sum(p.numel() for p in model.parameters()):,}"


def test_arithmetic_is_counted_as_multiplications_and_additions(experiment: Path) -> None:
    config = load_config(experiment, ["data.preprocess.resize=[640,480]", "model.backbone.width=64"])
    rows = cells(summarize(build(config)))
    # 160 x 120 cells, 64 channels out of 9 x 4 x 4 values each, two operations per weight: 0.354 GFLOP.
    assert rows["backbone"][3] == f"{160 * 120 * 64 * 144 * 2 / 1e9:.2f}" == "0.35"
    parts = sum(float(rows[part][3]) for part in ("input", "backbone", "decoder", "head"))
    assert abs(parts - float(rows["total"][3])) < 0.03


def test_the_network_is_left_as_it_was(config: Config) -> None:
    model = build(config).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    console = Console(record=True, width=120)
    console.print(summarize(model))
    assert "one window of 3 x 48 x 64" in console.export_text()
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert not model.backbone._forward_hooks  # type: ignore[attr-defined]
