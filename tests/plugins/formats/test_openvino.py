"""OpenVINO."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tracknet_core.errors import CheckpointError, DataError, UserError
from tracknet_core.testing import check_constructor, check_format
from tracknet_plugins.formats.openvino import OpenVINO


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    check_constructor("formats", OpenVINO)
    check_format(OpenVINO(), tmp_path)


def test_graph_and_weights_are_two_files_and_nothing_else_is_left(saved) -> None:
    assert sorted(path.name for path in saved(OpenVINO(int8=True)).parent.iterdir()) == ["finder.bin", "finder.xml"]


def test_a_network_with_its_decoding_comes_back_for_any_number_of_windows(saved, assert_same) -> None:
    assert_same(OpenVINO().load(saved(OpenVINO())), atol=1e-3)


def test_int8_stays_near(saved, finder, frames) -> None:
    logits, *_ = OpenVINO().load(saved(OpenVINO(int8=True)))(frames.numpy())
    expected = finder(frames)[0].detach().numpy()
    assert np.abs(logits - expected).max() > 1e-2
    assert np.corrcoef(logits.flatten(), expected.flatten())[0, 1] > 0.99


def test_weights_that_are_missing_or_cut_are_told(saved, tmp_path: Path) -> None:
    whole = saved(OpenVINO())
    path = tmp_path / "alone.xml"
    path.write_bytes(whole.read_bytes())
    for read in (OpenVINO().load, OpenVINO().notes):
        with pytest.raises(
            CheckpointError, match=r"alone\.xml: alone\.bin, which belongs to it, is missing beside it\."
        ):
            read(path)
        path.with_suffix(".bin").write_bytes(whole.with_suffix(".bin").read_bytes()[:100])
        with pytest.raises(CheckpointError, match=r"cannot be read as OpenVINO \(Incorrect weights in bin file!\)"):
            read(path)
        path.with_suffix(".bin").unlink()


@pytest.mark.parametrize("text", ["hello", "<net/>"])
def test_a_file_of_something_else_is_refused_in_silence(
    text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "greeting.xml"
    path.write_text(text)
    path.with_suffix(".bin").touch()
    for read in (OpenVINO().load, OpenVINO().notes):
        with pytest.raises(CheckpointError, match=r"greeting\.xml: cannot be read as OpenVINO \((No|no) "):
            read(path)
    assert capfd.readouterr() == ("", "")


def test_weights_in_the_way_are_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "ball.bin").touch()
    OpenVINO().check(tmp_path / "other.xml")
    with pytest.raises(DataError, match=r"ball\.bin: there is a file already"):
        OpenVINO().check(tmp_path / "ball.xml")


@pytest.mark.parametrize("package", ["openvino", "onnx", "onnxscript"])
def test_packages_are_looked_for_before_the_work(missing: Callable[..., None], package: str, tmp_path: Path) -> None:
    missing(package)
    with pytest.raises(UserError, match=rf"'{package}', which is not installed: pip install 'tracknet\[openvino\]'$"):
        OpenVINO().check(tmp_path / "ball.xml")


def test_a_missing_package_is_answered_with_the_command_that_installs_it(
    missing: Callable[..., None], tmp_path: Path
) -> None:
    missing("openvino")
    with pytest.raises(UserError, match=r"'openvino', which is not installed: pip install 'tracknet\[openvino\]'$"):
        OpenVINO().load(tmp_path / "any.xml")
