"""From experiment files, groups and overrides to one validated configuration."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tracknet_core.config import default_section, load_config, load_data, parse_config
from tracknet_core.errors import ConfigError
from tracknet_core.schema import require_component

ROOT = Path(__file__).parents[3]
Write = Callable[[str, str], Path]


# -------------------------------------------------------------------------------- files and groups


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


def test_the_default_of_a_section_is_the_shipped_one_as_it_is_written(
    experiment: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write("training/default.yaml", "protocols: [tracknet]\n").parent.parent)
    protocols = default_section("training")["protocols"]
    assert [node["name"] for node in protocols] == ["wasb", "pck"]
    checked = [require_component("protocols", node, "training.protocols") for node in protocols]
    assert checked == load_config(ROOT / "experiments" / "convnext.yaml").training.protocols


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
        (f"data: {'9' * 5000}", "cannot be read as YAML"),
        ("data: !!int x", "cannot be read as YAML"),
        (f"data: {'[' * 5000}", "cannot be read as YAML"),
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


# ----------------------------------------------------------------------------------------- merging


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


# --------------------------------------------------------------------------------------- overrides


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


# ------------------------------------------------------------------------------------------ faults


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


# -------------------------------------------------------------------------------------- round trip


def test_the_resolved_configuration_is_an_experiment_that_resolves_to_itself(experiment: Path, write: Write) -> None:
    overrides = ["training.early_stopping.patience=2", "data.preprocess.flip_prob=0.5", "data.split={train: ['*/1']}"]
    config = load_config(experiment, overrides)
    again = load_config(write("elsewhere/resolved.yaml", config.as_yaml()))
    assert again == config


@pytest.mark.parametrize("text", ["${a}", "\\${a}", "\\\\${a}${", "a\\", "\0", "null", "1", "x: y", " # "])
def test_a_text_stays_itself_in_a_file(experiment: Path, write: Write, text: str) -> None:
    tree = load_config(experiment).as_dict()
    tree["data"]["root"] = text
    config = parse_config(tree)
    assert config.data.root == text
    assert load_config(write("elsewhere/resolved.yaml", config.as_yaml())) == config


@pytest.mark.parametrize("text", ["???", "/data/\udcff"])
def test_a_text_that_no_file_holds_is_told(experiment: Path, text: str) -> None:
    tree = load_config(experiment).as_dict()
    tree["data"]["root"] = text
    with pytest.raises(ConfigError, match=r"data\.root: '.*' is not accepted\. It accepts: text or null"):
        parse_config(tree)


def test_overrides_that_cannot_be_understood_are_shown_in_short(experiment: Path) -> None:
    with pytest.raises(ConfigError, match=r"^overrides \['data.root=\$\{x*…: cannot be understood: ") as caught:
        load_config(experiment, [f"data.root=${{{'x' * 5000}"])
    assert len(str(caught.value)) < 600


# ------------------------------------------------------------------------ the section `data` alone


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
