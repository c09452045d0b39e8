"""What a file of weights holds, whoever wrote it, and what cannot be read safely."""

import pickle
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tracknet_core.converting.reading import read_published
from tracknet_core.errors import CheckpointError

STATE = {"conv.weight": torch.arange(6.0).view(2, 3), "conv.bias": torch.ones(2)}


def same(content) -> bool:
    return content.keys() == STATE.keys() and all(torch.equal(content[name], value) for name, value in STATE.items())


def test_files_of_torch_and_of_safetensors(tmp_path) -> None:
    torch.save({"epoch": 3, "param_dict": {"seq_len": 8}, "model": STATE}, tmp_path / "best.pth.tar")
    content = read_published(tmp_path / "best.pth.tar")
    assert same(content["model"])
    assert content["param_dict"] == {"seq_len": 8}
    save_file(STATE, tmp_path / "model.safetensors")
    assert same(read_published(tmp_path / "model.safetensors"))


def test_a_graph_has_its_tensors(tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    tensors = [onnx.numpy_helper.from_array(value.numpy(), name) for name, value in STATE.items()]
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2])
    node = helper.make_node("Identity", ["conv.bias"], ["y"])
    onnx.save(helper.make_model(helper.make_graph([node], "g", [], [y], tensors)), tmp_path / "net.onnx")
    assert same(read_published(tmp_path / "net.onnx"))


def test_tensors_of_a_graph_without_a_name_of_a_layer_go_by_their_node(tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    arrays = {"conv.weight": (2, 3, 1, 1), "onnx::Conv_7": (2, 2, 1, 1), "onnx::Conv_8": (2,), "factor": (1, 2, 1, 1)}
    tensors = [onnx.numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in arrays.items()]
    x, y = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, n, 4, 4]) for name, n in (("x", 3), ("y", 2))
    )
    nodes = [
        helper.make_node("Conv", ["x", "conv.weight"], ["a"], "/conv/Conv"),
        helper.make_node("Conv", ["a", "onnx::Conv_7", "onnx::Conv_8"], ["b"], "/block.1/Conv"),
        helper.make_node("Mul", ["b", "factor"], ["y"], "norm/mul"),
    ]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [x], [y], tensors)), tmp_path / "net.onnx")
    names = {"conv.weight", "/block.1/Conv.weight", "/block.1/Conv.bias", "norm/mul.1"}
    assert read_published(tmp_path / "net.onnx").keys() == names


def test_a_graph_without_its_package_says_which(tmp_path, monkeypatch) -> None:
    (tmp_path / "net.onnx").write_bytes(b"a graph")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(CheckpointError, match=r"pip install 'tracknet\[onnx\]'"):
        read_published(tmp_path / "net.onnx")


class Harmful:
    def __reduce__(self):
        return (print, ("code of a stranger runs",))


@pytest.mark.parametrize("content", [b"", b"no weights at all", pickle.dumps({"model": Harmful()})])
def test_what_is_no_file_of_weights_is_refused_and_runs_no_code(content, tmp_path, capsys) -> None:
    for name in ("net.pth", "net.safetensors", "net.onnx"):
        (tmp_path / name).write_bytes(content)
        if name.endswith("onnx"):
            pytest.importorskip("onnx")
            if not content:
                continue  # an empty graph, which holds no weights
        with pytest.raises(CheckpointError, match=f"{name}: cannot be read safely"):
            read_published(tmp_path / name)
    assert capsys.readouterr().out == ""


def test_objects_in_a_file_of_torch_are_refused_without_torchs_advice(tmp_path) -> None:
    torch.save({"model": STATE, "config": Harmful()}, tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match="save the state dict alone") as refusal:
        read_published(tmp_path / "net.pth")
    assert "weights_only" not in str(refusal.value)


def test_other_files_are_told(tmp_path) -> None:
    (tmp_path / "net.h5").write_bytes(b"\x89HDF")
    with pytest.raises(CheckpointError, match="weights of Keras are not read"):
        read_published(tmp_path / "net.h5")
    with pytest.raises(CheckpointError, match="no such file of weights"):
        read_published(tmp_path / "none.pth")
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match="holds a list, and no weights by name"):
        read_published(tmp_path / "list.pth")
    torch.save({"loss": np.float64(1.0), "model": STATE}, tmp_path / "numpy.pth")
    with pytest.raises(CheckpointError, match="cannot be read safely"):
        read_published(tmp_path / "numpy.pth")
