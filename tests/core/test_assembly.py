"""From nodes to components, and which faults they tell."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import catalogue
import pytest
import torch

from tracknet_core.assembly import build_dataset, build_model
from tracknet_core.components import build
from tracknet_core.config import Config, load_config
from tracknet_core.contracts import Clip, Dataset, FeatureSpec, WindowSpec
from tracknet_core.errors import ConfigError, DataError
from tracknet_core.labels import existing_root
from tracknet_core.registry import NAMESPACE


def test_parts_get_what_follows_from_the_others(config: Config) -> None:
    model = build_model(config)
    assert model.input.channels == 9  # type: ignore[attr-defined]
    assert model.backbone.convolution.in_channels == 9  # type: ignore[attr-defined, union-attr]
    assert model.decoder.feature == FeatureSpec(8, 2)
    assert model.codec.size == (32, 24)
    assert model.window == WindowSpec(3, (0, 1, 2), False, (64, 48))


def test_windows_of_a_trained_network_overlap_as_the_experiment_says(experiment: Path) -> None:
    model = build_model(load_config(experiment, ["data.sequence.step=1"]))
    assert model.window == WindowSpec(3, (0, 1, 2), False, (64, 48), step=1)


def test_windows_of_a_network_with_a_state_may_not_overlap(experiment: Path) -> None:
    parts = ["model.backbone={name: vgg, channels: [4, 8], blocks: 1}", "model.head=heatmap"]
    parts += ["model.decoder={name: unet, channels: [4], blocks: 1, recurrent: true}"]
    message = (
        r"^data\.sequence\.step: 2 lets windows overlap, and 'unet' carries a state from a window to the next, which "
        r"it learns 3 frames apart\. Set it to null\.$"
    )
    with pytest.raises(ConfigError, match=message):
        build_model(load_config(experiment, [*parts, "data.sequence.step=2"]))
    assert build_model(load_config(experiment, [*parts, "data.sequence.step=3"])).decoder.state


def test_single_frames_enter_a_network_of_three_channels(experiment: Path) -> None:
    model = build_model(load_config(experiment, ["data.sequence.enabled=false"]))
    assert model.input.channels == 3
    assert model.input.targets == (0,)


def test_weights_that_come_from_a_checkpoint_are_not_fetched(experiment: Path) -> None:
    config = load_config(experiment, ["model.backbone.pretrained=true"])
    with pytest.raises(ConfigError, match=r"^model\.backbone: pretrained: true, but there are no weights\.$"):
        build_model(config)
    build_model(config, fetch=False)


@pytest.mark.parametrize(("input_", "frames"), [("stack", 3), ("{name: stack, outputs: last}", 3), ("per_frame", 1)])
def test_a_head_is_told_the_frames_of_a_sample(input_: str, frames: int, experiment: Path) -> None:
    model = build_model(load_config(experiment, [f"model.input={input_}", "model.head=detail"]))
    window = torch.zeros(2, 3, 3, 48, 64, dtype=torch.uint8)
    assert model(window).shape == (2, len(model.input.targets), 24, 32)
    assert model.input.channels == 3 * frames


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.backbone.width=0", "model.backbone: width: 0 is too small. Give at least 1."),
        ("model.heatmap.sigma=0", "model.heatmap: sigma: 0.0 cells is out of range."),
        ("model.decoder={name: fpn}", "model.decoder: fpn needs a pyramid, two or more maps whose strides double"),
        (
            "data.sequence.step=4",
            "data.sequence.step: 4 frames between windows leave some out, as a window answers for 3",
        ),
        ("data.preprocess.resize=null", "data.preprocess.resize: null, but the network needs the size of its input."),
    ],
)
def test_a_part_that_refuses_is_named_by_its_path(override: str, message: str, experiment: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        build_model(load_config(experiment, [override]))
    assert str(caught.value).startswith(message)


def test_a_dataset_that_refuses_is_named_by_its_path(experiment: Path) -> None:
    with pytest.raises(ConfigError, match=r"^data\.dataset: frames: 1 is too small"):
        build_dataset(load_config(experiment, ["data.dataset.frames=1"]).data)


def test_a_dataset_gets_its_folder_with_the_home_folder_filled_in(
    experiment: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    roots: list[Path | None] = []

    def constructor(kind: str, node: Any, path: str, supplied: dict[str, Any]) -> Any:
        roots.append(supplied["root"])
        return SimpleNamespace

    monkeypatch.setattr("tracknet_core.components._constructor", constructor)
    monkeypatch.setenv("HOME", str(tmp_path))
    build_dataset(load_config(experiment, ["data.root=~/rallies"]).data)
    build_dataset(load_config(experiment).data)
    assert roots == [tmp_path / "rallies", None]


def test_only_what_a_constructor_names_is_supplied(tiny: None) -> None:
    loss = build("losses", {"name": "mse"}, "training.loss", image_size=(1, 1), unheard_of=3)
    assert type(loss).__name__ == "MSE"


def test_a_model_without_normalization_ignores_what_the_backbone_expects(config: Config) -> None:
    data = replace(config.data, preprocess=replace(config.data.preprocess, normalize=False))
    model = build_model(replace(config, data=data))
    assert model.mean.flatten().tolist() == [0.0] * 3
    assert model.std.flatten().tolist() == [255.0] * 3


# ------------------------------------------------------------------------------------------ nested components


class Archive(Dataset):
    """A dataset in a folder."""

    splits = ("train",)

    def __init__(self, *, root: Path | None = None, fps: float = 30.0) -> None:
        if fps <= 0:
            raise ValueError(f"'fps' is {fps}.")
        self.root, self.fps = existing_root(root, "clips"), fps

    def clips(self, split: str) -> list[Clip]:
        return []


class Shelf(Archive):
    """Datasets in a dataset."""

    def __init__(self, *, one: Dataset, listed: list[Dataset], named: dict[str, Dataset]) -> None:
        self.one, self.listed, self.named = one, listed, named


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """A node with three nested ones, all with the folder that the home folder has; make it with other ones."""
    for name, component in (("archive", Archive), ("shelf", Shelf)):
        monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "datasets", name), component)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "rallies").mkdir()
    archive = {"name": "archive", "root": "~/rallies", "fps": 25.0}

    def make(**changes: Any) -> dict[str, Any]:
        return {"name": "shelf", "one": archive, "listed": [archive], "named": {"a": archive}, **changes}

    return make


def test_nested_components_are_built_first_each_with_its_own_folder(
    shelf: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    built = build("datasets", shelf(), "data.dataset", root=Path("/another"))
    for part in (built.one, *built.listed, *built.named.values()):
        assert isinstance(part, Archive)
        assert (part.root, part.fps) == (tmp_path / "rallies", 25.0)
    assert list(built.named) == ["a"]


@pytest.mark.parametrize(
    ("where", "path"),
    [("one", "data.dataset.one"), ("listed", "data.dataset.listed[0]"), ("named", "data.dataset.named.b")],
)
def test_a_nested_component_that_refuses_is_named_by_its_path(
    where: str, path: str, shelf: Callable[..., dict[str, Any]]
) -> None:
    def node(**parameters: Any) -> dict[str, Any]:
        archive = {"name": "archive", **parameters}
        return shelf(**{where: {"one": archive, "listed": [archive], "named": {"b": archive}}[where]})

    with pytest.raises(ConfigError) as refused:
        build("datasets", node(root="~/rallies", fps=0.0), "data.dataset")
    assert str(refused.value) == f"{path}: 'fps' is 0.0."
    with pytest.raises(DataError) as missing:
        build("datasets", node(root=None), "data.dataset")
    assert str(missing.value).startswith(f"{path}: data.root: not set.")


def test_an_experiment_with_nested_datasets_is_resolved_and_built(
    experiment: Path, shelf: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    tiny = "{name: tiny, frames: 4}"
    override = (
        f"data.dataset={{name: shelf, one: {tiny}, listed: [], named: {{b: {{name: archive, root: ~/rallies}}}}}}"
    )
    config = load_config(experiment, [override, "data.dataset.named.b.fps=50"])
    assert config.as_dict()["data"]["dataset"]["named"] == {"b": {"name": "archive", "root": "~/rallies", "fps": 50.0}}
    saved = tmp_path / "saved.yaml"
    saved.write_text(config.as_yaml(), encoding="utf-8")
    assert load_config(saved) == config
    dataset: Any = build_dataset(config.data)
    assert len(dataset.one.clips("val")[0]) == 4
    assert dataset.named["b"].root == tmp_path / "rallies"
