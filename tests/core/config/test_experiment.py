"""From experiment files, groups and overrides to one validated configuration."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import catalogue
import pytest
from omegaconf import OmegaConf

from tracknet_core.config import Config, load_config, load_data, parse_config
from tracknet_core.errors import ConfigError
from tracknet_core.registry import NAMESPACE

Write = Callable[[str, str], Path]


@pytest.fixture
def faults() -> Callable[..., list[str]]:
    """Load an experiment that is wrong and return what it is told."""

    def load(*arguments: Any, **options: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load_config(*arguments, **options)
        return caught.value.faults

    return load


# -------------------------------------------------------------------------------------- files and groups


def test_a_section_may_be_the_name_of_a_file(experiment: Path, write: Write) -> None:
    config = load_config(write("short.yaml", "data: tiny\nmodel: tiny\n"))
    assert config.data.preprocess.resize == (64, 48)
    assert config.model.decoder["channels"] == (8,)


def test_a_chain_of_bases_is_merged_from_its_root_up(experiment: Path, write: Write) -> None:
    write("model/parent.yaml", "base: tiny\nheatmap: {sigma: 2.0, threshold: 0.3}\n")
    write("model/child.yaml", "base: parent\nheatmap: {sigma: 3.0}\n")
    config = load_config(experiment, ["model.heatmap.candidates=2"], {"model": "child"})
    heatmap = config.model.heatmap
    assert (heatmap["size"], heatmap["threshold"], heatmap["sigma"]) == ((32, 24), 0.3, 3.0)
    assert heatmap["candidates"] == 2


def test_without_a_base_a_section_starts_from_the_default_of_its_group(experiment: Path, write: Write) -> None:
    write("training/default.yaml", "loss: bce\noptimizer: sgd\nscheduler: constant\nepochs: 7\n")
    config = load_config(write("bare.yaml", "data: tiny\nmodel: tiny\ntraining: {batch_size: 3}\n"))
    assert (config.training.epochs, config.training.batch_size) == (7, 3)
    config = load_config(write("empty.yaml", "data: tiny\nmodel: tiny\n"))
    assert config.training.epochs == 7


def test_files_beside_the_experiment_go_before_the_shipped_ones(experiment: Path, write: Write) -> None:
    write("data/synthetic.yaml", "base: tiny\npreprocess: {resize: [32, 24]}\n")
    assert load_config(experiment, sections={"data": "synthetic"}).data.preprocess.resize == (32, 24)


def test_bases_in_a_circle_are_shown(experiment: Path, write: Write, faults: Callable[..., list[str]]) -> None:
    write("model/hen.yaml", "base: egg\n")
    write("model/egg.yaml", "base: hen\n")
    assert faults(experiment, ["model=hen"]) == ["model.base: hen -> egg -> hen is a circle."]


def test_a_missing_group_file_answers_with_those_that_exist(experiment: Path, faults: Callable[..., list[str]]) -> None:
    (message,) = faults(experiment, ["model=tinny"])
    assert message.startswith("model: no file is called 'tinny'. Known: ")
    assert "default" in message
    assert "tiny" in message


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1, 2]", "holds a list"),
        ("data: {", "cannot be read as YAML"),
        ("data: 3\n", "data: 3 is neither a mapping nor the name of a file"),
        ("dta: tiny\n", "dta: no such section. Did you mean 'data'? It accepts: data, model, training, plugins."),
    ],
)
def test_a_file_that_is_no_experiment_is_named(
    text: str, complaint: str, write: Write, faults: Callable[..., list[str]]
) -> None:
    (message,) = faults(write("odd.yaml", text))
    assert complaint in message


def test_a_missing_experiment_is_named(tmp_path: Path, faults: Callable[..., list[str]]) -> None:
    path = tmp_path / "gone.yaml"
    assert faults(path) == [f"{path}: no such experiment file. Give the path of a YAML file."]


# ----------------------------------------------------------------------------------------------- merging


def test_a_node_whose_name_changes_starts_afresh(experiment: Path, write: Write) -> None:
    write("training/base.yaml", "optimizer: {name: sgd, lr: 0.5, momentum: 0.1}\nloss: mse\nscheduler: constant\n")
    (kept,) = {load_config(experiment, ["training.optimizer.lr=0.2"], {"training": "base"}).training.optimizer["lr"]}
    assert kept == 0.2
    changed = load_config(experiment, ["training.optimizer.name=adamw"], {"training": "base"}).training.optimizer
    assert changed["lr"] != 0.5
    assert "momentum" not in changed
    bare = load_config(experiment, ["training.optimizer=adamw"], {"training": "base"}).training.optimizer
    assert bare == changed


def test_a_node_that_keeps_its_name_keeps_its_parameters(experiment: Path, write: Write) -> None:
    write("training/base.yaml", "optimizer: {name: sgd, lr: 0.5, momentum: 0.1}\nloss: mse\nscheduler: constant\n")
    config = load_config(experiment, ["training.optimizer.name=sgd"], {"training": "base"})
    assert config.training.optimizer["momentum"] == 0.1


def test_a_node_that_is_a_bare_name_takes_parameters(experiment: Path, write: Write) -> None:
    write("training/base.yaml", "optimizer: sgd\nloss: focal\nscheduler: constant\n")
    config = load_config(experiment, ["training.loss.alpha=3"], {"training": "base"})
    assert (config.training.loss["name"], config.training.loss["alpha"]) == ("focal", 3.0)


def test_lists_replace(experiment: Path, write: Write) -> None:
    write("data/flips.yaml", "base: tiny\ntransforms: [{name: flip, prob: 0.1}, {name: color_jitter}]\n")
    config = load_config(experiment, ["data.transforms=[{name: flip, prob: 0.7}]"], {"data": "flips"})
    assert config.data.transforms == [{"name": "flip", "prob": 0.7}]


def test_a_single_element_of_a_list_cannot_be_set(
    experiment: Path, write: Write, faults: Callable[..., list[str]]
) -> None:
    write("data/flips.yaml", "base: tiny\ntransforms: [flip]\n")
    (message,) = faults(experiment, ["data.transforms.0.prob=0.7"], {"data": "flips"})
    assert "lists are replaced whole" in message


# --------------------------------------------------------------------------------------------- overrides


def test_overrides_come_last_and_are_typed_as_yaml(experiment: Path) -> None:
    overrides = ["training.optimizer.lr=1e-3", "training.grad_clip=null", "data.preprocess.resize=[32,24]"]
    config = load_config(experiment, overrides)
    assert config.training.optimizer["lr"] == 0.001
    assert config.training.grad_clip is None
    assert config.data.preprocess.resize == (32, 24)


def test_a_number_in_a_file_may_have_an_exponent_without_a_point(experiment: Path, write: Write) -> None:
    path = write("e.yaml", "data: tiny\nmodel: tiny\ntraining: {optimizer: {weight_decay: 2e-3}, grad_clip: 1E+1}\n")
    config = load_config(path)
    assert config.training.optimizer["weight_decay"] == 0.002
    assert config.training.grad_clip == 10.0


@pytest.mark.parametrize("order", [1, -1])
def test_a_section_is_replaced_by_name_and_then_changed(experiment: Path, write: Write, order: int) -> None:
    write("model/other.yaml", "base: tiny\nheatmap: {sigma: 2.0, threshold: 0.3}\n")
    config = load_config(experiment, ["model=other", "model.heatmap.sigma=3"][::order])
    assert (config.model.heatmap["threshold"], config.model.heatmap["sigma"]) == (0.3, 3.0)


def test_options_name_sections_too(experiment: Path, write: Write) -> None:
    write("model/other.yaml", "base: tiny\nheatmap: {threshold: 0.3}\n")
    config = load_config(experiment, [], {"model": "other", "data": None})
    assert config.model.heatmap["threshold"] == 0.3


@pytest.mark.parametrize("override", ["epochs", "=3", "--epochs"])
def test_an_override_without_key_or_value_is_told_the_form(
    override: str, experiment: Path, faults: Callable[..., list[str]]
) -> None:
    assert faults(experiment, [override]) == [
        f"{override}: an override has the form key=value, such as training.epochs=3."
    ]


def test_interpolations_reach_across_sections(experiment: Path, write: Write) -> None:
    path = write("i.yaml", "data: tiny\nmodel: tiny\ntraining: {epochs: 5, seed: '${training.epochs}'}\n")
    assert load_config(path, ["training.epochs=6"]).training.seed == 6


def test_a_broken_interpolation_is_told_with_its_path(experiment: Path, faults: Callable[..., list[str]]) -> None:
    (message,) = faults(experiment, ["training.seed=${training.sede}"])
    assert message.startswith("training.seed: ")
    assert "training.sede" in message


def test_a_value_that_waits_for_the_user_is_asked_for(
    experiment: Path, write: Write, faults: Callable[..., list[str]]
) -> None:
    write("data/mine.yaml", "base: tiny\nroot: ???\n")
    (message,) = faults(experiment, ["data=mine"])
    assert message == "data.root: required, but not set. Set it in the experiment, or write data.root=… at the end."
    assert load_config(experiment, ["data=mine", "data.root=/x"]).data.root == "/x"


def test_null_is_nothing_and_none_is_a_word(experiment: Path, faults: Callable[..., list[str]]) -> None:
    assert load_config(experiment, ["data.root=null"]).data.root is None
    assert load_config(experiment, ["data.root=None"]).data.root == "None"
    (message,) = faults(experiment, ["training.grad_clip=None"])
    assert message.startswith("training.grad_clip: 'None' is not accepted.")
    assert message.endswith("write null.")


# -------------------------------------------------------------------------------------------- shorthands


def test_model_fpn_is_the_decoder(experiment: Path, write: Write) -> None:
    parts = "input: stack\nbackbone: tiny\nhead: heatmap\nheatmap: {name: gaussian, size: [32, 24]}\n"
    write("model/pyramid.yaml", f"{parts}fpn: {{lateral_dim: 16}}\n")
    decoder = load_config(experiment, ["model=pyramid", "model.fpn.fuse=concat"]).model.decoder
    assert (decoder["name"], decoder["lateral_dim"], decoder["fuse"]) == ("fpn", 16, "concat")


def test_model_fpn_beside_another_decoder_is_a_fault(experiment: Path, faults: Callable[..., list[str]]) -> None:
    assert faults(experiment, ["model.fpn.lateral_dim=16"]) == [
        "model.fpn: settings for 'fpn', but decoder is 'upsampling'. Set decoder.name to 'fpn', or remove these "
        "settings."
    ]


def test_training_early_stopping_is_a_callback(experiment: Path) -> None:
    before = load_config(experiment).training.callbacks
    after = load_config(experiment, ["training.early_stopping.patience=2"]).training.callbacks
    assert after[:-1] == before
    assert (after[-1]["name"], after[-1]["patience"]) == ("early_stopping", 2)
    assert load_config(experiment, ["training.early_stopping=true"]).training.callbacks[-1]["name"] == "early_stopping"
    for off in ("null", "false"):
        assert load_config(experiment, [f"training.early_stopping={off}"]).training.callbacks == before


def test_training_backbone_freeze_epochs_is_a_callback(experiment: Path) -> None:
    callbacks = load_config(experiment, ["training.backbone_freeze_epochs=2"]).training.callbacks
    assert callbacks[-1] == {"name": "backbone_freeze", "epochs": 2}


def test_data_preprocess_flip_prob_is_a_transform(experiment: Path) -> None:
    assert load_config(experiment, ["data.preprocess.flip_prob=0.25"]).data.transforms == [
        {"name": "flip", "prob": 0.25}
    ]


def test_a_shorthand_changes_the_component_that_is_there_in_its_place(experiment: Path) -> None:
    overrides = ["data.transforms=[flip,color_jitter]", "data.preprocess.flip_prob=0.25"]
    transforms = load_config(experiment, overrides).data.transforms
    assert [node["name"] for node in transforms] == ["flip", "color_jitter"]
    assert transforms[0]["prob"] == 0.25


def test_a_misspelt_shorthand_is_a_fault(experiment: Path, faults: Callable[..., list[str]]) -> None:
    (message,) = faults(experiment, ["training.early_stoping.patience=2"])
    assert message.startswith("training.early_stoping: no such setting.")


# ------------------------------------------------------------------------------------------------ faults


def test_all_faults_come_in_one_error(experiment: Path, faults: Callable[..., list[str]]) -> None:
    overrides = [
        "data.preprocess.resize=wide",
        "model.backbone.widht=3",
        "model.backbone.in_channels=3",
        "training.optimzer.lr=1",
        "training.epochs=many",
        "training.loss=focl",
    ]
    found = faults(experiment, overrides)
    paths = sorted(message.split(": ")[0] for message in found)
    assert paths == [
        "data.preprocess.resize",
        "model.backbone.in_channels",
        "model.backbone.widht",
        "training.epochs",
        "training.loss.name",
        "training.optimzer",
    ]
    text = "\n".join(found)
    assert (
        "model.backbone.widht: 'tiny' has no such parameter. Did you mean 'width'? "
        "It accepts: width, dropout, pretrained." in text
    )
    assert "training.epochs: 'many' is not accepted. It accepts: a whole number." in text
    assert "Did you mean 'focal'?" in text
    assert "Did you mean 'optimizer'?" in text


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("data.sequence.length=0", "data.sequence.length"),
        ("data.preprocess.resize=[0,24]", "data.preprocess.resize"),
        ("training.batch_size=0", "training.batch_size"),
        ("training.epochs=0", "training.epochs"),
        ("training.seed=-1", "training.seed"),
        ("training.limit_train_batches=-1", "training.limit_train_batches"),
        ("training.data_loader.num_workers=-1", "training.data_loader.num_workers"),
    ],
)
def test_numbers_that_are_too_small_are_told_the_least(
    override: str, path: str, experiment: Path, faults: Callable[..., list[str]]
) -> None:
    (message,) = faults(experiment, [override])
    assert message.startswith(f"{path}: ")
    assert "is too small. It accepts: " in message


def test_a_seed_that_numpy_does_not_take_is_told(experiment: Path, faults: Callable[..., list[str]]) -> None:
    assert faults(experiment, ["training.seed=4294967296"]) == [
        "training.seed: 4294967296 is too large. It accepts: 0 to 4294967295."
    ]


@pytest.mark.parametrize("setting", ["limit_train_batches", "limit_val_batches"])
def test_a_share_of_the_batches_is_at_most_one(
    setting: str, experiment: Path, faults: Callable[..., list[str]]
) -> None:
    assert faults(experiment, [f"training.{setting}=1.5"]) == [
        f"training.{setting}: 1.5 is no share of the batches. It accepts: 0.0 to 1.0, or a whole number of batches."
    ]
    assert getattr(load_config(experiment, [f"training.{setting}=15"]).training, setting) == 15


def test_a_single_frame_is_a_sequence_that_is_not_enabled(experiment: Path) -> None:
    sequence = load_config(experiment, ["data.sequence.enabled=false"]).data.sequence
    assert (sequence.length, sequence.frames) == (3, 1)


# --------------------------------------------------------------------------------------------- round trip


def test_the_resolved_configuration_is_an_experiment_that_resolves_to_itself(experiment: Path, write: Write) -> None:
    overrides = ["training.early_stopping.patience=2", "data.preprocess.flip_prob=0.5", "data.split={train: ['*/1']}"]
    config = load_config(experiment, overrides)
    again = load_config(write("elsewhere/resolved.yaml", config.as_yaml()))
    assert again == config


def test_the_plain_form_of_a_configuration_parses_to_an_equal_one(config: Config) -> None:
    plain = config.as_dict()
    assert _types(plain) <= {dict, list, str, int, float, bool, type(None)}
    assert parse_config(plain) == config
    assert OmegaConf.to_container(OmegaConf.create(config.as_yaml())) == plain


def test_the_size_of_the_network_input_is_filled_in(config: Config) -> None:
    changed = config.with_image_size((32, 16))
    assert changed.data.preprocess.resize == (32, 16)
    assert changed.model == config.model
    assert config.data.preprocess.resize == (64, 48)


def _types(value: Any) -> set[type]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*(_types(item) for item in items))


# -------------------------------------------------------------------------------------- the section `data` alone


def test_the_data_section_needs_no_model(tiny: None, write: Write) -> None:
    write("data/tiny.yaml", "dataset: {name: tiny}\npreprocess: {resize: [64, 48], flip_prob: 0.25}\n")
    data = load_data(write("only_data.yaml", 'data: tiny\nmodel: {backbone: "???"}\n'), ["data.dataset.frames=5"])
    assert data.dataset["frames"] == 5
    assert [(node["name"], node["prob"]) for node in data.transforms] == [("flip", 0.25)]


def test_the_data_section_of_an_experiment_is_that_of_a_training(experiment: Path) -> None:
    overrides = ["training.epochs=7", "data.sequence.length=${training.epochs}"]
    assert load_data(experiment, overrides) == load_config(experiment, overrides).data


def test_a_data_section_is_found_by_name_without_an_experiment(
    tiny: None, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("data/tiny.yaml", "dataset: {name: tiny}\n")
    monkeypatch.chdir(tmp_path)
    assert load_data(None, ["data.root=/path/to/data"], "tiny").root == "/path/to/data"
    assert load_data(None, [], "synthetic").dataset["name"] == "synthetic"


def test_faults_of_the_data_section_come_in_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_data(None, ["data.rot=x", "data.dataset.sed=1"], "synthetic")
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["data.rot", "data.dataset.sed"]
    with pytest.raises(ConfigError, match=r"data\.root: required, but not set"):
        load_data(None, [], "tennis")


# ----------------------------------------------------------------------------------------------- plugins

PART = """\
from torch import nn
from tracknet_core.registry import losses

@losses.register("{name}")
class {name}(nn.Module):
    def __init__(self, *, power: float = 2.0) -> None:
        super().__init__()
"""


@pytest.fixture
def forget(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Forget at the end of the test what a plugin registers as a loss."""

    def forget_later(name: str) -> None:
        monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "losses", name), None)
        monkeypatch.delitem(catalogue.REGISTRY, (NAMESPACE, "losses", name))

    return forget_later


def test_a_plugin_file_is_found_beside_the_experiment(
    experiment: Path, write: Write, forget: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget("FileLoss")
    write("parts/mine.py", PART.format(name="FileLoss"))
    path = write("p.yaml", "plugins: [./parts/mine.py]\ndata: tiny\nmodel: tiny\ntraining: {loss: FileLoss}\n")
    monkeypatch.chdir("/")
    config = load_config(path, ["training.loss.power=3"])
    assert config.training.loss == {"name": "FileLoss", "power": 3.0}
    assert parse_config(config.as_dict()) == config


def test_a_plugin_may_be_a_module_of_the_path(
    experiment: Path, write: Write, forget: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    forget("ModuleLoss")
    write("some_plugin_module.py", PART.format(name="ModuleLoss"))
    monkeypatch.syspath_prepend(tmp_path)
    path = write("p.yaml", "plugins: [some_plugin_module]\ndata: tiny\nmodel: tiny\n")
    assert load_config(path, ["training.loss=ModuleLoss"]).training.loss["power"] == 2.0
    monkeypatch.delitem(sys.modules, "some_plugin_module")


def test_a_plugin_of_the_command_line_is_found_from_the_working_folder(
    experiment: Path, write: Write, forget: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget("LineLoss")
    monkeypatch.chdir(write("work/mine_too.py", PART.format(name="LineLoss")).parent)
    config = load_config(experiment, ["plugins=[mine_too.py]", "training.loss=LineLoss"])
    assert config.training.loss["name"] == "LineLoss"


@pytest.mark.parametrize(
    ("plugins", "complaint"),
    [
        ("[no_such_module_at_all]", "'no_such_module_at_all' does not import: ModuleNotFoundError"),
        ("[./gone.py]", "gone.py: no such file."),
        ("[./broken.py]", "broken.py' does not import: ZeroDivisionError"),
        ("mine.py", "'mine.py' is not a list of modules or files"),
    ],
)
def test_a_plugin_that_does_not_import_is_named(
    plugins: str, complaint: str, experiment: Path, write: Write, faults: Callable[..., list[str]]
) -> None:
    write("broken.py", "1 / 0\n")
    (message,) = faults(write("p.yaml", f"plugins: {plugins}\ndata: tiny\nmodel: tiny\n"))
    assert message.startswith("plugins: ")
    assert complaint in message
