"""Graphs that take their weights out of a file of safetensors: the same numbers, and no others' weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from safetensors.torch import save_file
from torch import Tensor, nn

from tracknet_core.errors import CheckpointError
from tracknet_plugins.formats.beside import NOTE
from tracknet_plugins.formats.graph import with_sums
from tracknet_plugins.formats.onnx import ONNX

WEIGHTS = "model.safetensors"


class Melting(nn.Module):
    """Sums of pictures, convolutions and a normalisation, all of which an exporter melts into fewer weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.sums = nn.Conv2d(9, 12, 1, bias=False)
        self.first, self.norm = nn.Conv2d(12, 16, 3, bias=False), nn.BatchNorm2d(16)
        self.second, self.last = nn.Conv2d(16, 32, 3), nn.Conv2d(32, 3, 1)
        for tensor in (self.norm.weight, self.norm.running_mean, self.norm.running_var):
            nn.init.uniform_(tensor, 0.2, 2.0)
        with torch.no_grad():
            self.norm.weight[0] *= -1
        self.half().float()  # what the file holds

    def forward(self, frames: Tensor) -> tuple[Tensor]:
        seen = self.norm(self.first(self.sums(frames.float().flatten(1, 2) / 255))).relu()
        return (self.last(self.second(seen).relu()),)


@pytest.fixture(scope="module")
def network() -> Melting:
    return Melting().eval()


@pytest.fixture(scope="module")
def folder(network: Melting, frames: Tensor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights, and the graph in whole precision and in 8 bits."""
    folder = tmp_path_factory.mktemp("beside")
    state = {name: value.half() for name, value in network.state_dict().items() if name != "norm.num_batches_tracked"}
    save_file(state, folder / WEIGHTS)
    for name, component in (("network", ONNX()), ("int8", ONNX(int8=True))):
        component.save_beside(network, [frames], folder / f"{name}.onnx", {"config": "{}"}, folder / WEIGHTS)
    return folder


def test_it_gives_the_numbers_of_the_network(folder: Path, network: Melting, frames: Tensor) -> None:
    (found,) = ONNX().load(folder / "network.onnx")(frames.numpy())
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), network(frames)[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("name", "large"), [("network", ["first", "second"]), ("int8", ["first", "second"])])
def test_large_weights_are_in_the_other_file_alone(folder: Path, name: str, large: list[str]) -> None:
    graph = onnx.load(folder / f"{name}.onnx", load_external_data=False).graph
    outside = [one for one in graph.initializer if one.data_location == onnx.TensorProto.EXTERNAL]
    assert sorted(one.name for one in outside) == [f"{layer}.weight_of_file" for layer in large]
    assert {entry.value for one in outside for entry in one.external_data if entry.key == "location"} == {WEIGHTS}
    assert max(np.prod(one.dims) for one in graph.initializer if one not in outside) <= 12 * 12  # the sums, filled up


def test_8_bits_are_those_of_a_file_that_stands_alone(
    folder: Path, network: Melting, frames: Tensor, tmp_path: Path
) -> None:
    ONNX(int8=True).save(network, [frames], tmp_path / "alone.onnx", {})
    (found,), (expected,) = (
        ONNX().load(path)(frames.numpy()) for path in (folder / "int8.onnx", tmp_path / "alone.onnx")
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.02 * np.ptp(expected))
    with torch.no_grad():
        assert np.abs(found - network(frames)[0].numpy()).max() > 1e-4  # 8 bits indeed


@pytest.mark.parametrize(("name", "channels"), [("network", 9), ("int8", 12)])
def test_8_bits_are_given_the_pictures_in_fours(folder: Path, name: str, channels: int) -> None:
    graph = onnx.shape_inference.infer_shapes(onnx.load(folder / f"{name}.onnx")).graph
    first = next(node for node in graph.node if node.op_type == "Conv")
    (weight,) = (value for value in graph.value_info if value.name == first.input[1])
    assert [one.dim_value for one in weight.type.tensor_type.shape.dim] == [16, channels, 3, 3]


class OfWholeNumbers(Melting):
    """It reads its pictures as they come."""

    def forward(self, frames: Tensor) -> tuple[Tensor]:
        seen = self.first(self.sums(frames.float().flatten(1, 2))).relu()
        return (self.last(self.second(seen).relu()),)


def test_first_weights_in_8_bits_keep_their_sums_over_the_pictures(frames: Tensor, tmp_path: Path) -> None:
    network = OfWholeNumbers().eval()
    ONNX(int8=True).save(network, [frames], tmp_path / "int8.onnx", {})
    held = {one.name: one for one in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    (name,) = (name for name in held if name.endswith("_quantized") and "first" in name)
    whole, scale = (numpy_helper.to_array(held[one]) for one in (name, name.replace("_quantized", "_scale")))
    with torch.no_grad():
        sums = torch.einsum("ocyx,ci->oyx", network.first.weight, network.sums.weight[..., 0, 0])
    found = whole.astype(np.float64).sum(axis=1) * scale.reshape(-1, 1, 1)
    assert (np.abs(found - sums.numpy()) <= 0.501 * scale.reshape(-1, 1, 1)).all()


def test_whole_numbers_with_the_sums_of_values_are_near_them() -> None:
    values = np.random.default_rng(0).normal(0, 20, (8, 12, 3, 3))
    whole = with_sums(values)
    assert (whole == np.rint(whole)).all()
    assert np.abs(whole - values).max() < 1
    assert np.abs((whole - values).sum(axis=1)).max() <= 0.5 < np.abs((np.rint(values) - values).sum(axis=1)).max()


def test_any_program_reads_it(folder: Path, network: Melting, frames: Tensor) -> None:
    onnx.checker.check_model(folder / "network.onnx")
    (found,) = onnx.reference.ReferenceEvaluator(onnx.load(folder / "network.onnx")).run(
        None, {"frames": frames[:1].numpy()}
    )
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), network(frames[:1])[0], rtol=0, atol=1e-4)


def _alone(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def _other_weights(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)


def _cut_off(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-2])


def _noted(text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        model = onnx.load(folder / "network.onnx", load_external_data=False)
        onnx.helper.set_model_props(model, {NOTE: text})
        (folder / "network.onnx").write_bytes(model.SerializeToString())

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_alone, "a graph without weights, which are to lie beside it as model.safetensors"),
        (_other_weights, "was written for other weights than those of model.safetensors"),
        (_cut_off, "was written for other weights than those of model.safetensors"),
        (_noted("no JSON"), "does not say which weights it is of"),
        (_noted(json.dumps({"file": "../model.safetensors", "sha256": ""})), "a graph without weights"),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, tmp_path: Path, change: Callable[[Path], None], words: str) -> None:
    place = Path(shutil.copytree(folder, tmp_path / "model"))
    change(place)
    with pytest.raises(CheckpointError, match=words):
        ONNX().load(place / "network.onnx")
