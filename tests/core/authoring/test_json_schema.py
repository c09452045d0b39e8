"""``tracknet schema``: what an editor knows of an experiment file is what loading it says."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from omegaconf import OmegaConf

from tracknet_core.authoring.json_schema import experiment_schema, write_schema
from tracknet_core.cli import main
from tracknet_core.config import SECTIONS, load_config, shipped_experiments, shipped_folder
from tracknet_core.errors import ConfigError, DataError

Install = Callable[..., Path]
Validator = Any
GROUP_FILES = [file for group in SECTIONS for file in sorted((shipped_folder() / group).glob("*.yaml"))]

PART = '''\
from typing import Literal
from tracknet_core.contracts import Dataset
from tracknet_core.registry import backbones, datasets


@backbones.register("strange")
class Strange:
    """A backbone of a stranger.

    Args:
        depth: how deep.
    """

    def __init__(self, *, in_channels: int, depth: int, shape: Literal["round", "flat"] = "round") -> None: ...


@datasets.register("twofold")
class Twofold:
    def __init__(self, *, root: str | None = None, one: Dataset, all_others: list[Dataset] = []) -> None: ...
'''


def validator(schema: dict[str, Any]) -> Validator:
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


@pytest.fixture(scope="module")
def experiments() -> Validator:
    schema, notes = experiment_schema()
    assert notes == []
    return validator(json.loads(json.dumps(schema)))


def read(text: str) -> Any:
    return OmegaConf.to_container(OmegaConf.create(text), resolve=False)


@pytest.mark.parametrize("name", shipped_experiments())
def test_every_shipped_experiment_validates(name: str, experiments: Validator) -> None:
    text = shipped_experiments()[name].read_text(encoding="utf-8")
    assert [error.message for error in experiments.iter_errors(read(text))] == []


@pytest.mark.parametrize("group", SECTIONS)
def test_every_shipped_file_of_a_group_validates(group: str) -> None:
    schema, _ = experiment_schema(group)
    files = [file for file in GROUP_FILES if file.parent.name == group]
    checker = validator(schema)
    wrong = {
        file.name: error.message
        for file in files
        for error in checker.iter_errors(read(file.read_text(encoding="utf-8")))
    }
    assert (wrong, len(files) > 1) == ({}, True)


@pytest.mark.parametrize("name", ["vit", "inpaint", "wasb"])
def test_a_resolved_experiment_validates(name: str, experiments: Validator) -> None:
    whole = load_config(Path(name)).as_dict()
    assert [error.message for error in experiments.iter_errors(whole)] == []


GOOD = """\
data: synthetic
data: {base: synthetic, dataset: {sport: tennis}}
data: {preprocess: {flip_prob: 0.5}, transforms: [flip, {name: crop, size: [96, 96]}], cache: {limit_gb: 3}}
data: {split: {train: ["a/*"]}, sampling: {ball: null, clips: {"a/*": 2}}, root: "???"}
data: {dataset: {name: mixed, parts: {a: {name: tennis, root: /x}, b: synthetic}}}
model: {base: vit_heatmap, fpn: {lateral_dim: 16}, decoder: fpn}
model: {base: vit_heatmap, fpn: true, decoder: fpn}
model: {heatmap: {sigma: 2, size: [64, "${data.preprocess.resize}"]}}
training: {epochs: "${training.seed}", seed: 3, early_stopping: {patience: 5}, backbone_freeze_epochs: null}
training: {optimizer: {name: "${training.other}", anything: 3}}
training: {limit_train_batches: 15, limit_val_batches: 0.5, grad_clip: null, devices: [0, 1]}
plugins: [./my_part.py, my_module]
""".splitlines()

BAD = """\
dta: tiny
data: 3
data: null
data: {rot: /x}
data: {dataset: {name: synthetic, sed: 1}}
data: {dataset: synthtic}
data: {dataset: {name: synthtic}}
data: {dataset: {name: 3}}
data: {dataset: {name: synthetic, root: /x}}
data: {dataset: {name: mixed, parts: {a: {name: tennis, rot: /x}}}}
data: {dataset: {name: mixed, parts: [tennis]}}
data: {preprocess: {resize: wide}}
data: {preprocess: {resize: [64]}}
data: {preprocess: {resize: [0, 24]}}
data: {preprocess: {resize: [24, 20000]}}
data: {sequence: {length: 0}}
data: {sequence: {windows: 0}}
data: {sampling: {ball: 1.5}}
data: {sampling: {clips: {a: 2, b: -1}}}
data: {sequence: 3}
data: {transforms: flip}
data: {transforms: [flipp]}
model: {backbone: {name: vit, patchsize: 8}}
model: {backbone: {name: vit, in_channels: 3}}
model: {backbone: {name: vit, position: somewhere}}
model: {backbone: {widht: 3}}
model: {backbone: {depth: deep}}
model: {backbone: null}
model: {back_bone: vit}
model: {fpn: {latteral_dim: 16}, decoder: fpn}
model: {tracker: {name: inpaint, kernell: 3}}
model: {tracker: inpaint, backbone: vit}
training: {epochs: many}
training: {epochs: 0}
training: {epochs: 2.5}
training: {epochs: true}
training: {batch_size: 0}
training: {accumulate: 0}
training: {seed: -1}
training: {seed: 4294967296}
training: {limit_train_batches: -1}
training: {limit_val_batches: 1.5}
training: {data_loader: {num_workers: -1}}
training: {optimzer: {lr: 1}}
training: {loss: focl}
training: {loss: [mse]}
training: {grad_clip: None}
training: {precision: fp8}
training: {early_stopping: 5}
training: {early_stoping: {patience: 2}}
training: {backbone_freeze_epochs: soon}
training: {callbacks: [{name: checkpoint, monitr: val/loss}]}
plugins: ./my_part.py
plugins: [3]
""".splitlines()


@pytest.mark.parametrize("text", GOOD)
def test_what_may_stand_in_a_file_validates(text: str, experiments: Validator) -> None:
    assert [error.message for error in experiments.iter_errors(read(text))] == []


@pytest.mark.parametrize("text", BAD)
def test_what_loading_refuses_is_refused(text: str, experiments: Validator, tmp_path: Path) -> None:
    assert not experiments.is_valid(read(text))
    whole = {"data": "synthetic", "model": "vit_heatmap", **read(text)}
    for section, base in (("data", "synthetic"), ("model", "vit_heatmap")):
        if isinstance(whole[section], dict) and "tracker" not in whole[section]:
            whole[section] = {"base": base, **whole[section]}
    file = tmp_path / "bad.yaml"
    file.write_text(OmegaConf.to_yaml(OmegaConf.create(whole)), encoding="utf-8")
    with pytest.raises(ConfigError):
        load_config(file)


def test_parts_of_third_parties_are_in_it(install: Install) -> None:
    entries = {"backbones": {"strange": "stranger:Strange"}, "datasets": {"twofold": "stranger:Twofold"}}
    install("stranger", {"stranger.py": PART}, entries)
    schema, notes = experiment_schema()
    assert notes == []
    strange = schema["definitions"]["backbones.strange"]
    assert strange["description"] == "A backbone of a stranger."
    assert strange["properties"]["depth"]["description"] == "how deep."
    assert strange["properties"]["shape"]["default"] == "round"
    checker = validator(schema)
    for good in ("{name: strange, depth: 3}", "{depth: 3}", "strange"):
        assert checker.is_valid(read(f"model: {{backbone: {good}}}"))
    for bad in ("{name: strange, depth: x}", "{name: strange, deep: 3}", "{shape: square}"):
        assert not checker.is_valid(read(f"model: {{backbone: {bad}}}"))
    whole = "{name: twofold, one: {name: twofold, one: tennis}, all_others: [{name: tennis, root: /x}]}"
    assert checker.is_valid(read(f"data: {{dataset: {whole}}}"))
    assert not checker.is_valid(read(f"data: {{dataset: {whole.replace('/x', '3')}}}"))


def test_a_part_that_does_not_import_is_told_and_may_stand(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("broken", {"broken.py": "1 / 0"}, {"losses": {"broken_one": "broken:Loss"}})
    schema, notes = experiment_schema()
    assert len(notes) == 1
    assert "'broken_one' comes from the package 'broken'" in notes[0]
    assert validator(schema).is_valid(read("training: {loss: {name: broken_one, anything: 1}}"))
    assert validator(schema).is_valid(read("training: {loss: {anything: 1}}"))
    assert main(["schema"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("warning: losses: 'broken_one'")
    assert json.loads(captured.out) == json.loads(json.dumps(schema))


def test_an_older_schema_is_replaced_and_no_other_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "experiment.schema.json"
    schema = {"title": "tracknet: an experiment"}
    write_schema(schema, target)
    write_schema({**schema, "type": "object"}, target)
    assert json.loads(target.read_text(encoding="utf-8"))["type"] == "object"
    for mine in ("[1]", '{"title": "mine"}', "no json"):
        target.write_text(mine, encoding="utf-8")
        with pytest.raises(DataError, match="there is a file already"):
            write_schema(schema, target)
        assert target.read_text(encoding="utf-8") == mine


def test_a_group_that_does_not_exist_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--group", "modle"]) == 2
    assert "--group modle: no such group of files. It accepts: data, model, training." in capsys.readouterr().err


def nodes_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from nodes_of(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from nodes_of(part)


def test_references_lead_to_definitions(experiments: Validator) -> None:
    references = {node["$ref"] for node in nodes_of(experiments.schema) if isinstance(node.get("$ref"), str)}
    definitions = experiments.schema["definitions"]
    assert {name.removeprefix("#/definitions/").replace("%20", " ") for name in references} <= definitions.keys()
