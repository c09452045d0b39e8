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
from tracknet_plugins.formats.onnx import ONNX
from tracknet_plugins.formats.openvino import OpenVINO


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    check_constructor("formats", ONNX)
    check_format(ONNX(), tmp_path)


def test_a_network_with_its_decoding_comes_back_for_any_number_of_windows(saved, finder, batches) -> None:
    run = ONNX().load(saved(ONNX()))
    for windows in batches:
        torch.testing.assert_close(run(windows), finder(windows), rtol=0, atol=1e-3)


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
    logits, *_ = component.load(path)(frames)
    expected, *_ = finder(frames)
    assert (logits - expected).abs().max() > 1e-2
    assert np.corrcoef(logits.flatten(), expected.detach().flatten())[0, 1] > 0.99
    assert component.notes(path) == {"config": "{}"}


class Bright(nn.Module):
    def forward(self, frames: Tensor) -> tuple[Tensor]:
        return (frames.float().mean(dim=2),)


def test_a_network_may_give_logits_alone(frames: Tensor, tmp_path: Path) -> None:
    for component in (ONNX(), OpenVINO()):
        path = tmp_path / f"bright{component.suffix}"
        component.save(Bright(), frames, path, {})
        (logits,) = component.load(path)(frames)
        torch.testing.assert_close(logits, frames.float().mean(dim=2))


def test_int8_leaves_only_its_file(saved) -> None:
    assert [path.name for path in saved(ONNX(int8=True)).parent.iterdir()] == ["finder.onnx"]


@pytest.mark.parametrize("method", ["load", "notes"])
def test_a_missing_package_is_answered_with_the_command_that_installs_it(
    missing: Callable[..., None], method: str, tmp_path: Path
) -> None:
    missing("onnx", "onnxruntime")
    with pytest.raises(UserError, match=r"'onnx\w*', which is not installed: pip install 'tracknet\[onnx\]'$"):
        getattr(ONNX(), method)(tmp_path / "any.onnx")


def test_a_missing_package_is_told_before_writing(
    missing: Callable[..., None], finder, frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tracknet_plugins.formats.graph", raising=False)
    missing("onnxscript")
    with pytest.raises(UserError, match=r"pip install 'tracknet\[onnx\]'$"):
        ONNX().check(tmp_path / "any.onnx")
    with pytest.raises(UserError, match=r"pip install 'tracknet\[onnx\]'$"):
        ONNX().save(finder, frames, tmp_path / "any.onnx", {})
    assert not list(tmp_path.iterdir())
