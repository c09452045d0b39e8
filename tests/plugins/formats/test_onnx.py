"""ONNX, in 32 and in 8 bits."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from tracknet_core.errors import UserError
from tracknet_core.testing import check_constructor, check_format
from tracknet_plugins.formats.graph import write_onnx
from tracknet_plugins.formats.onnx import ONNX
from tracknet_plugins.formats.openvino import OpenVINO


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    check_constructor("formats", ONNX)
    check_format(ONNX(), tmp_path)


def test_a_network_with_its_decoding_comes_back_for_any_number_of_windows(saved, assert_same) -> None:
    assert_same(ONNX().load(saved(ONNX())), atol=1e-3)


def test_other_programs_see_names_sizes_and_notes(saved) -> None:
    session = onnxruntime.InferenceSession(saved(ONNX()))
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape[1:]) == ("frames", "tensor(uint8)", [3, 3, 48, 64])
    assert isinstance(given.shape[0], str)  # free
    results = {result.name: (result.type, result.shape[1:]) for result in session.get_outputs()}
    assert results == {
        "logits": ("tensor(float)", [3, 24, 32]),
        "points": ("tensor(float)", [3, 2, 1, 2]),
        "score": ("tensor(float)", [3, 2]),
        "present": ("tensor(bool)", [3, 2]),
    }
    assert session.get_modelmeta().custom_metadata_map == {"config": "{}"}


def test_int8_stores_whole_numbers_and_stays_near(saved, finder, frames) -> None:
    component = ONNX(int8=True)
    path = saved(component)
    model = onnx.load(path)
    products = [node for node in model.graph.node if node.op_type == "Conv"]
    assert len(products) == 5  # two of the backbone, three of the head
    whole = [w for w in model.graph.initializer if w.data_type == onnx.TensorProto.INT8 and len(w.dims) == 4]
    assert len(whole) == 3  # neither the first nor the last
    logits, *_ = component.load(path)(frames.numpy())
    expected = finder(frames)[0].detach().numpy()
    assert np.abs(logits - expected).max() > 1e-2
    assert np.corrcoef(logits.flatten(), expected.flatten())[0, 1] > 0.99
    assert component.notes(path) == {"config": "{}"}


@pytest.mark.parametrize(
    ("asked", "light", "expected"),
    [("3", 0.0, 3), (None, 60.0, 1), (None, 0.0, 4)],
    ids=["asked for", "a light network", "a heavy network"],
)
def test_threads_are_those_that_suit_the_network(
    saved, assert_same, monkeypatch: pytest.MonkeyPatch, asked: str | None, light: float, expected: int
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr("tracknet_plugins.formats.onnx.LIGHT", light)
    monkeypatch.setattr("tracknet_plugins.formats.onnx.threads", lambda: 4)
    run = ONNX().load(saved(ONNX()))
    assert_same(run, atol=1e-3)
    assert run.threads == expected


class Bright(nn.Module):
    def forward(self, frames: Tensor) -> tuple[Tensor]:
        return (frames.float().mean(dim=2),)


def test_a_network_may_give_logits_alone(frames: Tensor, tmp_path: Path) -> None:
    for component in (ONNX(), OpenVINO()):
        path = tmp_path / f"bright{component.suffix}"
        component.save(Bright(), [frames], path, {})
        (logits,) = component.load(path)(frames.numpy())
        torch.testing.assert_close(torch.from_numpy(logits), frames.float().mean(dim=2))


class Summing(nn.Module):
    """Sums of pictures, which one convolution reads; and further ones, which two read."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.sums, self.first = nn.Conv2d(9, 5, 1, bias=False), nn.Conv2d(5, 4, 3, stride=2, padding=1)
        self.shared, self.one, self.other = nn.Conv2d(4, 4, 1, bias=False), nn.Conv2d(4, 3, 1), nn.Conv2d(4, 3, 1)

    def forward(self, frames: Tensor) -> tuple[Tensor]:
        shared = self.shared(self.first(self.sums(frames.float().flatten(1, 2))))
        return (self.one(shared) + self.other(shared).relu(),)


def test_sums_of_pictures_become_part_of_the_convolution_that_reads_them(frames: Tensor, tmp_path: Path) -> None:
    component, path, network = ONNX(), tmp_path / "summing.onnx", Summing().eval()
    component.save(network, [frames], path, {})
    graph = onnx.load(path).graph
    assert [node.op_type for node in graph.node].count("Conv") == 4
    assert sorted(list(one.dims) for one in graph.initializer if len(one.dims) == 4) == [
        [3, 4, 1, 1],
        [3, 4, 1, 1],
        [4, 4, 1, 1],
        [4, 9, 3, 3],
    ]
    with torch.no_grad():
        (expected,) = network(frames)
    np.testing.assert_allclose(component.load(path)(frames.numpy())[0], expected, rtol=1e-4, atol=1e-3)


class Cut(nn.Module):
    """Products whose results are cut off at 0, of pixels as they are."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(9, 8, 3),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3),
            nn.ReLU(),
            nn.Conv2d(8, 3, 1),
        )

    def forward(self, frames: Tensor) -> tuple[Tensor]:
        return (self.layers(frames.flatten(1, 2).float()),)


def test_int8_goes_no_way_to_other_numbers_and_back(frames: Tensor, tmp_path: Path) -> None:
    component, path, network = ONNX(int8=True), tmp_path / "cut.onnx", Cut().eval()
    component.save(network, [frames], path, {})
    graph = onnx.load(path).graph
    makers = {name: node for node in graph.node for name in node.output}
    way, name = [], next(node for node in graph.node if node.op_type == "Conv").input[0]
    while name != "frames":
        way.append(makers[name].op_type)
        name = makers[name].input[0]
    assert way == ["DequantizeLinear", "Reshape"]  # pixels are in 8 bits from the first on
    assert "Relu" not in {node.op_type for node in graph.node}  # 0 is the least number in 8 bits
    with torch.no_grad():
        expected = network(frames)[0].numpy()
    found = component.load(path)(frames.numpy())[0]
    assert np.corrcoef(found.flatten(), expected.flatten())[0, 1] > 0.99


@pytest.mark.parametrize("options", [{"stride": 2}, {"padding": 1}])
def test_a_convolution_that_leaves_pixels_out_or_adds_some_is_no_sum(
    frames: Tensor, tmp_path: Path, options: dict[str, int]
) -> None:
    torch.manual_seed(0)
    layers = [nn.Flatten(1, 2), nn.Conv2d(9, 4, 1, bias=False, **options), nn.Conv2d(4, 2, 3)]
    network, given = nn.Sequential(*layers).eval(), frames.float()
    path = tmp_path / "sparse.onnx"
    write_onnx(network, [given], path, {}, int8=False)
    (found,) = onnxruntime.InferenceSession(path).run(["logits"], {"frames": given.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, network(given), rtol=1e-4, atol=1e-2)


class Remembering(nn.Module):
    """Its state is what it saw; products in 8 bits among others."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.last = nn.Conv2d(9, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 3, 1)

    def forward(self, frames: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        seen = self.second(self.first(frames.float().flatten(1, 2) / 255))
        (before,) = state
        return self.last(seen + before), (before + seen) / 2


@pytest.mark.parametrize("int8", [False, True])
def test_a_state_goes_in_and_comes_out_by_name(frames: Tensor, tmp_path: Path, int8: bool) -> None:
    component, path, network = ONNX(int8=int8), tmp_path / "remembering.onnx", Remembering().eval()
    before = torch.randn(5, 4, 46, 62, generator=torch.Generator().manual_seed(0))
    component.save(network, [frames, before], path, {})
    session = onnxruntime.InferenceSession(path)
    assert [given.name for given in session.get_inputs()] == ["frames", "state_0"]
    assert [result.name for result in session.get_outputs()] == ["logits", "state_0_after"]
    with torch.no_grad():
        expected = [result.numpy() for result in network(frames, before)]
    for found, wanted in zip(component.load(path)(frames.numpy(), before.numpy()), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=0.1 if int8 else 1e-5)
        assert int8 == (np.abs(found - wanted).max() > 1e-5)


def test_int8_leaves_only_its_file(saved) -> None:
    assert [path.name for path in saved(ONNX(int8=True)).parent.iterdir()] == ["finder.onnx"]


def test_a_missing_package_is_answered_with_the_command_that_installs_it(
    missing: Callable[..., None], tmp_path: Path
) -> None:
    missing("onnx", "onnxruntime")
    with pytest.raises(UserError, match=r"'onnx\w*', which is not installed: pip install 'tracknet\[onnx\]'$"):
        ONNX().load(tmp_path / "any.onnx")


def test_a_missing_package_is_told_before_writing(
    missing: Callable[..., None], finder, frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tracknet_plugins.formats.graph", raising=False)
    missing("onnxscript")
    with pytest.raises(UserError, match=r"pip install 'tracknet\[onnx\]'$"):
        ONNX().check(tmp_path / "any.onnx")
    with pytest.raises(UserError, match=r"pip install 'tracknet\[onnx\]'$"):
        ONNX().save(finder, [frames], tmp_path / "any.onnx", {})
    assert not list(tmp_path.iterdir())
