"""Published weights to a checkpoint: all have their place, or it is told which have not, and nothing is written."""

from pathlib import Path

import pytest
import torch

from tracknet_core.assembly import load_model
from tracknet_core.cli import main
from tracknet_core.converting import convert
from tracknet_core.errors import CheckpointError, ConfigError, DataError
from tracknet_plugins.converters.totnet import FIRST, LAST

FRAMES = torch.randint(0, 256, (1, 3, 3, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def first(published) -> str:
    return next(name for name in published if name.endswith(".weight"))


def test_a_checkpoint_has_the_published_weights(written, published, tmp_path) -> None:
    made = convert(written, tmp_path / "ours.ckpt", "theirs")
    config, model = load_model(tmp_path / "ours.ckpt")
    assert model.eval()(FRAMES).shape == (1, 3, 24, 32)
    state = model.state_dict()
    assert {f"their.{name}" for name in state} == {*published}
    assert all(torch.equal(value, published[f"their.{name}"]) for name, value in state.items())
    assert made.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert (made.settings, made.is_tracker, config.data.sequence.length) == ([], False, 3)


def test_a_file_and_its_user_change_settings(written, published, tmp_path) -> None:
    torch.save({"net": published, "length": 3}, written)
    made = convert(written, tmp_path / "ours.ckpt", "theirs", overrides=["data.preprocess.resize=[128,96]"])
    assert made.settings == ["data.sequence.length=3", "data.preprocess.resize=[128,96]"]
    assert load_model(tmp_path / "ours.ckpt")[0].data.preprocess.resize == (128, 96)


def test_weights_of_another_precision_are_those_of_ours(written, published, tmp_path) -> None:
    torch.save({"net": {name: value.double() for name, value in published.items()}}, written)
    convert(written, tmp_path / "ours.ckpt", "theirs")
    assert load_model(tmp_path / "ours.ckpt")[1](FRAMES).dtype == torch.float32


def test_what_is_unknown_missing_or_of_another_shape_is_listed_and_nothing_written(
    written, published, first, tmp_path
) -> None:
    del published[first]
    other = next(name for name in published if published[name].dim() == 1)
    published[other] = torch.ones(99)
    published |= {"strange.layer.weight": torch.ones(1), "unread.bias": torch.ones(1)}
    torch.save({"net": published}, written)
    with pytest.raises(CheckpointError) as refusal:
        convert(written, tmp_path / "ours.ckpt", "theirs")
    text = str(refusal.value)
    assert text.startswith(f"{written}: not the weights that --from theirs expects: unknown: strange.layer.weight; ")
    assert f"missing: {first.removeprefix('their.')}; " in text
    assert f"of another shape: {other.removeprefix('their.')} is (99,), the network has " in text
    assert "unread" not in text
    assert sorted(path.name for path in tmp_path.glob("*.ckpt")) == []


def test_numbers_that_are_none_are_refused(written, published, first, tmp_path) -> None:
    published[first] = published[first] * torch.nan
    torch.save({"net": published}, written)
    with pytest.raises(CheckpointError, match=rf"no finite numbers: {first.removeprefix('their.')}"):
        convert(written, tmp_path / "ours.ckpt", "theirs")


def test_the_counters_of_normalisations_may_be_missing(written, published, tmp_path) -> None:
    counters = [name for name in published if name.endswith("num_batches_tracked")]
    assert counters
    torch.save({"net": {name: value for name, value in published.items() if name not in counters}}, written)
    convert(written, tmp_path / "ours.ckpt", "theirs")


def test_a_checkpoint_that_is_there_stays(written, tmp_path) -> None:
    (tmp_path / "ours.ckpt").write_text("precious")
    with pytest.raises(DataError, match=r"ours.ckpt"):
        convert(written, tmp_path / "ours.ckpt", "theirs")
    assert (tmp_path / "ours.ckpt").read_text() == "precious"


def test_the_command_says_what_became_of_a_file(written, tmp_path, capsys) -> None:
    output = tmp_path / "ours.ckpt"
    assert main(["convert", str(written), "--from", "theirs", "data.sequence.length=3", "--output", str(output)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("experiment.yaml, with data.sequence.length=3")
    assert " parameters: the network of the experiment " in lines[0]
    assert lines[1] == str(output)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--from", "their"],
            "--from.name: no component of kind 'converters' is called 'their'. Did you mean 'theirs'",
        ),
        (["--from", "{name: theirs, size: 3}"], "--from.size"),
        (["--from", "theirs", "model.depth=3"], "model.depth"),
    ],
)
def test_mistakes_are_one_message(written, arguments, words, tmp_path, capsys) -> None:
    assert main(["convert", str(written), *arguments, "--output", str(tmp_path / "ours.ckpt")]) == 2
    assert words in capsys.readouterr().err


def test_a_file_that_is_none_of_weights_is_told_by_its_name(written, tmp_path) -> None:
    torch.save({"epoch": 3}, written)
    with pytest.raises(CheckpointError, match=r"published.pth: no weights: tensors by name were expected under 'net'"):
        convert(written, tmp_path / "ours.ckpt", "theirs")
    with pytest.raises(CheckpointError, match=r"gone.pth: no such file"):
        convert(Path("gone.pth"), tmp_path / "ours.ckpt", "theirs")
    with pytest.raises(ConfigError, match="not a component"):
        convert(written, tmp_path / "ours.ckpt", "{name: [")


def test_tensors_with_other_axes_are_a_message(tmp_path) -> None:
    torch.save({"state_dict": {FIRST: torch.ones(1), LAST: torch.ones(1)}}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"other\.pth: not the weights that --from totnet expects"):
        convert(tmp_path / "other.pth", tmp_path / "ours.ckpt", "totnet")
    assert not (tmp_path / "ours.ckpt").exists()
