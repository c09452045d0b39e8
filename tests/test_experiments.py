"""Every shipped experiment is a test case: it says what it is for, loads, and its network can be built."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from tracknet_core.assembly import build_model, build_tracker
from tracknet_core.config import DEFAULT, SECTIONS, Config, TrackerConfig, load_config, parse_component
from tracknet_core.contracts import Labels
from tracknet_core.data_sets import parser as data_parser
from tracknet_core.halls import parser as adapt_parser
from tracknet_core.predict import parser as predict_parser
from tracknet_core.run import parser
from tracknet_core.training.parts import build_module, build_transforms

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "experiments"
SHORTHANDS = FOLDER / "shorthands.yaml"
OPTIONS = FOLDER / "options.yaml"
FILES = sorted(file for file in FOLDER.rglob("*.yaml") if file not in (SHORTHANDS, OPTIONS))
HOSTS = {
    "trajectories": "inpaint.yaml",
    "deepball_large": "deepball.yaml",
    "tracknetv4_v3": "tracknetv4.yaml",
    "vballnet_grid_small": "vballnet_grid.yaml",
}
"""Experiments for files of groups that have none of their own, and that are not for networks of one heatmap."""
PIXELS = re.compile(r"^#.* (?P<width>\d+) x (?P<height>\d+) pixels", re.MULTILINE)
COMMAND = re.compile(r"^#\s+python -m tracknet_core\.run (?P<arguments>.+)$", re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


@pytest.fixture(params=FILES, ids=name)
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def load(file: Path, *overrides: str) -> Config:
    """Load an experiment, or a group's file in the place of its section of an experiment."""
    if file.parent == FOLDER:
        return load_config(file, overrides)
    # A default is where a section starts, and on its own no whole one.
    chosen = {} if file.stem == DEFAULT else {file.parent.name: file.stem}
    own = FOLDER / file.name  # a network of another form than heatmaps needs the loss of its experiment
    host = own if file.parent.name == "model" and own.exists() else FOLDER / HOSTS.get(file.stem, "convnext.yaml")
    return load_config(host, [*size_of(file), *overrides], chosen)


def size_of(file: Path) -> list[str]:
    """Return the override for the size of frames that a model is made for, as its comment says."""
    said = PIXELS.search(file.read_text(encoding="utf-8")) if file.parent.name == "model" else None
    return [f"data.preprocess.resize=[{said['width']},{said['height']}]"] if said else []


def with_root(file: Path) -> list[str]:
    """Return the override that says where the data are; building a network does not read them."""
    return ["data.root=/data"] if "synthetic" not in str(file) else []


def test_the_groups_are_the_sections() -> None:
    assert {path.parent.name for path in FILES if path.parent != FOLDER} == set(SECTIONS)


@pytest.mark.parametrize("path", OmegaConf.load(SHORTHANDS))
def test_a_shorthand_is_no_setting_and_stands_for_a_component_that_is_there(path: str) -> None:
    *above, key = path.split(".")
    settings: Any = load_config(FOLDER / "convnext.yaml")
    for step in above:
        settings = getattr(settings, step)
    assert not hasattr(settings, key)
    shorthand = OmegaConf.load(SHORTHANDS)[path]
    written = f"{path}={{}}" if shorthand.get("parameter") is None else f"{path}=1"
    config = load_config(FOLDER / "convnext.yaml", [f"{above[0]}.{shorthand.slot}=null", written])
    slot = getattr(getattr(config, above[0]), shorthand.slot)
    (node,) = slot if isinstance(slot, list) else [slot]
    assert node["name"] == shorthand.name


KINDS = {
    "--tracker": "trackers",
    "--teacher": "trackers",
    "--paste": "transforms",
    "--model": "models",
    "--ensemble": "mergers",
    "--step": "mergers",
    "--to": "datasets",
}


@pytest.mark.parametrize("option", OmegaConf.load(OPTIONS))
def test_what_stands_for_an_option_is_a_component_that_is_there(option: str) -> None:
    node = parse_component(KINDS.get(option, "writers"), None, option)
    assert node == parse_component(KINDS.get(option, "writers"), str(OmegaConf.load(OPTIONS)[option]), option)
    listed = {
        option
        for parser in (predict_parser(), adapt_parser(), data_parser("convert"))
        for option in parser._option_string_actions
    }
    assert option in listed


def test_the_file_begins_with_its_purpose(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r"# [A-Z].{20,}", first)


def test_the_command_in_the_comment_runs_this_file(file: Path) -> None:
    commands = [match["arguments"] for match in COMMAND.finditer(file.read_text(encoding="utf-8"))]
    if file.parent == FOLDER or file.parent.name == "data":
        assert commands
    for command in commands:
        options = vars(parser().parse_intermixed_args(shlex.split(command)))
        load_config(ROOT / options["experiment"], options["overrides"], {key: options[key] for key in SECTIONS})
        own = ROOT / options["experiment"] == file if file.parent == FOLDER else options[file.parent.name] == file.stem
        assert own


def test_what_is_trained_is_built_and_takes_what_training_gives_it(file: Path) -> None:
    config = load(file, *with_root(file))
    torch.manual_seed(0)
    if isinstance(config.model, TrackerConfig):
        length = config.data.sequence.frames
        labels = Labels(torch.zeros(1, length, 1, 2), torch.ones(1, length, dtype=torch.int64), torch.zeros(1, length))
        cost = build_tracker(config, fps=30.0, size=(64, 48)).cost(labels, torch.tensor([[64.0, 48.0]]))
        assert cost.count > 0
        return
    model = build_model(config, fetch=False)
    size = config.data.preprocess.resize
    assert size is not None
    model.check_size(size)
    for transform in build_transforms(config.data)[0]:
        size = transform.output_size(size)
    width, height = model.check_size(size)
    pictures = config.data.sequence.frames + model.window.background
    window = torch.zeros(1, pictures, 3, size[1], size[0], dtype=torch.uint8)
    logits = build_module(config, model).eval()(window)
    assert logits.shape == (1, len(model.input.targets), *model.codec.form.shape((width, height)))


def test_the_resolved_configuration_resolves_to_itself(file: Path, tmp_path: Path) -> None:
    config = load(file, *with_root(file))
    saved = tmp_path / "config.yaml"
    saved.write_text(config.as_yaml(), encoding="utf-8")
    assert load_config(saved) == config


def test_wasb_has_as_many_parameters_as_published() -> None:
    # The published network has all branches of the last stage, though its answer comes from the finest alone.
    model = build_model(load(FOLDER / "model" / "wasb.yaml", "model.backbone.multi_scale=true"))
    assert sum(parameter.numel() for parameter in model.parameters()) == 1_481_427


def test_totnet_has_as_many_parameters_as_published_but_for_what_is_idle() -> None:
    # Published are 8,654,467. 1,247,872 of them are layers whose result nobody uses, and each of the 5,121 channels of
    # a convolution has a bias, which the batch normalisation after it takes away again.
    model = build_model(load(FOLDER / "model" / "totnet.yaml"))
    assert sum(parameter.numel() for parameter in model.parameters()) == 8_654_467 - 1_247_872 - 5_121
