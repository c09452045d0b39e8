"""OpenVINO."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tracknet_core.errors import UserError
from tracknet_core.testing import check_constructor, check_format
from tracknet_plugins.formats.onnx import ONNX
from tracknet_plugins.formats.openvino import OpenVINO


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    check_constructor("formats", OpenVINO)
    check_format(OpenVINO(), tmp_path)


def test_graph_and_weights_are_two_files_and_nothing_else_is_left(saved) -> None:
    assert sorted(path.name for path in saved(OpenVINO(int8=True)).parent.iterdir()) == ["finder.bin", "finder.xml"]


def test_it_runs_onnx_files_with_their_decoding(saved, finder, frames) -> None:
    run = OpenVINO().load(saved(ONNX()))
    for windows in (frames[:1], frames[1:4], frames):
        torch.testing.assert_close(run(windows), finder(windows), rtol=0, atol=1e-3)


def test_int8_stays_near(saved, finder, frames) -> None:
    logits, *_ = OpenVINO().load(saved(OpenVINO(int8=True)))(frames)
    expected, *_ = finder(frames)
    assert (logits - expected).abs().max() > 1e-2
    assert np.corrcoef(logits.flatten(), expected.detach().flatten())[0, 1] > 0.99


def test_a_missing_package_is_answered_with_the_command_that_installs_it(
    missing: Callable[..., None], tmp_path: Path
) -> None:
    missing("openvino")
    with pytest.raises(UserError, match=r"'openvino', which is not installed: pip install 'tracknet\[openvino\]'$"):
        OpenVINO().load(tmp_path / "any.xml")
