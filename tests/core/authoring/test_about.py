"""``tracknet info``: what a bug report needs."""

import json
from importlib.metadata import version

import pytest

from tracknet_core.authoring.about import about, about_text
from tracknet_core.cli import main


def test_versions_devices_codecs_and_extras_are_told() -> None:
    facts = about()
    assert facts["tracknet"] == version("tracknet")
    assert facts["dependencies"]["numpy"] == version("numpy")
    assert facts["extras"].keys() >= {"onnx", "openvino", "tensorboard"}
    assert "onnx" not in facts["dependencies"]
    assert facts["devices"][0].startswith("cpu (")
    assert {"h264", "mpeg4"} <= {*facts["decodes"]}
    assert facts["packages with parts"]["tracknet"] == version("tracknet")


def test_text_has_a_line_for_each_fact() -> None:
    facts = {"a": "1", "b": {"c": "2", "d": []}, "e": ["x", "y"]}
    assert about_text(facts).splitlines() == ["a: 1", "b:", "  c: 2", "  d: none", "e: x, y"]


def test_the_command_gives_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    assert f"tracknet: {version('tracknet')}\n" in capsys.readouterr().out
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["extras"]["onnx"].keys() == {"onnx", "onnxscript"}
