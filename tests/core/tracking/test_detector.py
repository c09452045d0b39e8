"""A trained network out of a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import catalogue
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tracknet_core import registry
from tracknet_core.assembly import build_model, build_window
from tracknet_core.checkpoint import describe
from tracknet_core.config import Config
from tracknet_core.contracts import LARGEST_BATCH, Array, Wanted
from tracknet_core.errors import CheckpointError, ConfigError, RegistryError
from tracknet_core.model import BallTracker
from tracknet_core.registry import NAMESPACE
from tracknet_core.tracking.detector import load_detector
from tracknet_core.tracking.file_facts import facts_note

FACTS = {"length": 3, "targets": [0, 1, 2], "background": False, "image_size": [64, 48], "state": []}
"""Of a file that can be read."""


def test_a_checkpoint_is_all_that_a_detector_needs(checkpoint: Path, config: Config, model: BallTracker) -> None:
    built = load_detector(checkpoint, device="cpu")
    assert built.config.as_dict() == config.as_dict()
    assert (built.window.length, built.window.targets, built.window.background) == (3, (0, 1, 2), False)
    assert (built.window.image_size, built.points, built.device) == ((64, 48), 1, "cpu")
    frames = torch.randint(0, 256, (2, 3, 3, 48, 64), dtype=torch.uint8)
    with torch.inference_mode():
        expected = model(frames)
    torch.testing.assert_close(built.logits(frames.numpy())[0], expected, rtol=1e-4, atol=1e-5)
    found, state = built.detections(frames.numpy())
    np.testing.assert_allclose(found.points, model.codec.decode(expected).points, rtol=1e-3, atol=1e-3)
    assert state == built.state == ()


def test_a_network_of_3d_convolutions_runs_and_is_a_graph_whose_batch_is_free(config: Config, tmp_path: Path) -> None:
    parts: dict[str, Any] = {
        "input": {"name": "stack", "outputs": "last"},
        "backbone": {
            "name": "p3d",
            "channels": [4, 6],
            "kernels": [3, 2],
            "time_kernels": [3, 1],
            "blocks": [1, 1],
            "keep": [2],
        },
        "decoder": {"name": "unet3d", "kernels": [3], "time_kernels": [3], "blocks": [1], "time_blocks": [1]},
        "head": {"name": "sides"},
        "heatmap": {"name": "sides", "size": [64, 48]},
    }
    config = replace(config, model=replace(config.model, **parts))
    torch.manual_seed(0)
    model = build_model(config).eval()
    path = tmp_path / "volumes.ckpt"
    state = {f"model.{key}": value for key, value in model.state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, path)
    frames = torch.randint(0, 256, (3, 3, 3, 48, 64), dtype=torch.uint8)

    built = load_detector(path, device="cpu")
    with torch.no_grad():
        batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
        graph = torch.export.export(model, (frames[:2],), dynamic_shapes=({0: batch},))
        expected = model(frames)

    torch.testing.assert_close(built.logits(frames.numpy())[0], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(graph.module()(frames), expected, rtol=1e-4, atol=1e-4)


def test_a_detector_needs_no_part_that_only_training_has(checkpoint: Path) -> None:
    saved = torch.load(checkpoint, weights_only=True)
    saved["tracknet"]["config"]["training"]["loss"] = {"name": "of_a_package_that_is_not_here"}
    saved["tracknet"]["config"]["data"]["dataset"] = {"name": "of_a_package_that_is_not_here"}
    torch.save(saved, checkpoint)
    assert load_detector(checkpoint, device="cpu").window.length == 3


class Memory:
    """A format whose files hold their notes; what runs is the network given here."""

    suffix = ".memory"
    runs_code = False
    network: BallTracker
    decodes = True

    def load(self, path: Path) -> Callable[..., tuple[Array, ...]]:
        def run(frames: Array) -> tuple[Array, ...]:
            with torch.inference_mode():
                logits = self.network(torch.from_numpy(frames))
                if not self.decodes:
                    return (logits.numpy(),)
                found = self.network.codec.decode(logits)
            return logits.numpy(), found.points.numpy(), found.score.numpy(), found.present.numpy()

        return run

    def notes(self, path: Path) -> dict[str, str]:
        notes: dict[str, str] = json.loads(path.read_text())
        return notes


def notes_of(config: Config, **facts: Any) -> str:
    """Return what the file of an experiment's network holds; `facts` are other than they are."""
    (told,) = facts_note(build_window(config), [], Wanted(), luma=False, points=1).values()
    notes = {"config": json.dumps(config.as_dict()), "network": json.dumps({**json.loads(told), **facts})}
    return json.dumps(notes)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, model: BallTracker) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "formats", "memory"), Memory)
    monkeypatch.setattr(registry.formats, "names", lambda: ["memory"])
    monkeypatch.setattr(Memory, "network", model, raising=False)


@pytest.mark.usefixtures("memory")
def test_a_file_says_how_far_its_windows_are_apart(config: Config, tmp_path: Path) -> None:
    for step in (None, 2):
        path = tmp_path / f"{step}.memory"
        path.write_text(notes_of(config, step=step))
        assert load_detector(path).window == replace(build_window(config), step=step)


@pytest.mark.parametrize("decodes", [True, False])
@pytest.mark.parametrize("backend", ["auto", "memory"])
def test_an_exported_file_runs_like_its_checkpoint(
    checkpoint: Path, memory: None, config: Config, backend: str, decodes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Memory, "decodes", decodes)
    exported = checkpoint.with_name("best.memory")
    exported.write_text(notes_of(config))
    one, other = load_detector(checkpoint, device="cpu"), load_detector(exported, backend=backend)
    assert other.config.as_dict() == config.as_dict()
    assert (other.points, other.state) == (1, ())
    assert (one.batch_size, other.batch_size) == (8, 1)
    assert (other.window.length, other.window.targets, other.window.image_size) == (3, (0, 1, 2), (64, 48))
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 48, 64), dtype=np.uint8)
    (logits, _), (expected, _) = other.logits(frames), one.logits(frames)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
    (found, _), (wanted, _) = other.detections(frames), one.detections(frames)
    for values, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(values, right, rtol=1e-4, atol=1e-3)
    again = other.decode(list(logits[0]))
    for values, right in zip(again, wanted, strict=True):
        np.testing.assert_allclose(values, right[0], rtol=1e-4, atol=1e-3)


def test_a_file_of_luma_takes_frames_with_and_without_colours(
    memory: None, config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class OfLuma(nn.Module):
        def forward(self, frames: Tensor) -> Tensor:
            assert frames.shape[2:] == (1, 48, 64)
            return frames[:, :, 0, ::2, ::2] / 255

    network = OfLuma()
    network.codec = Memory.network.codec  # type: ignore[assignment]
    monkeypatch.setattr(Memory, "network", network)
    exported = tmp_path / "best.memory"
    exported.write_text(notes_of(config, luma=True))
    detector = load_detector(exported)
    assert detector.luma
    level = np.random.default_rng(0).integers(0, 256, (2, 3, 1, 48, 64), dtype=np.uint8)
    for look in (detector.detections, detector.logits):
        one, other = look(level)[0], look(level.repeat(3, axis=2))[0]
        assert all(map(np.array_equal, one, other))


@pytest.mark.parametrize("adjusts", [True, False])
def test_a_file_that_holds_what_a_tracker_wants_gives_that(
    checkpoint: Path, memory: None, config: Config, adjusts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Wanted(candidates=5, score=0.0)
    run = Memory().load(checkpoint)

    def with_more(frames: Array) -> tuple[Array, ...]:
        logits, *own = run(frames)
        found = Memory.network.codec.adjusted(wanted).decode(torch.from_numpy(logits))  # type: ignore[attr-defined]
        further = (found.points.numpy() + 1, found.score.numpy(), found.present.numpy())  # told from what torch decodes
        return logits, *own, *further

    monkeypatch.setattr(Memory, "load", lambda *_: with_more if adjusts else run)  # its codec may be one that cannot
    exported = checkpoint.with_name("best.memory")
    exported.write_text(notes_of(config, candidates=5, score=0.0))
    # Noise, in which no two cells are as high: which of them is first would be chance.
    detector, frames = load_detector(exported), np.random.default_rng(0).integers(0, 256, (2, 3, 3, 48, 64), np.uint8)

    (found, _), (more, _) = detector.detections(frames), detector.adjusted(wanted).detections(frames)
    assert (found.present.shape, more.present.shape) == ((2, 3, 1), (2, 3, 5 if adjusts else 1))
    np.testing.assert_allclose(more.points[:, :, :1], found.points + adjusts, rtol=1e-5)
    other = detector.adjusted(Wanted(candidates=4, score=0.0)).detections(frames)[0]  # by torch
    np.testing.assert_allclose(other.points[:, :, :1], found.points, rtol=1e-5)


class Breaking(nn.Module):
    """A network that gives no finite number where a picture is not black."""

    def __init__(self, network: BallTracker) -> None:
        super().__init__()
        self.network = network
        self.codec = network.codec

    def forward(self, frames: Tensor) -> Tensor:
        logits: Tensor = self.network(frames)
        return logits / (frames.amax((1, 2, 3, 4)) == 0).view(-1, 1, 1, 1)


@pytest.mark.parametrize("decodes", [True, False])
def test_an_exported_file_whose_numbers_are_not_finite_is_refused_at_the_first_real_frames(
    checkpoint: Path,
    memory: None,
    model: BallTracker,
    config: Config,
    decodes: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Memory, "decodes", decodes)
    exported = checkpoint.with_name("best.memory")
    exported.write_text(notes_of(config))
    monkeypatch.setattr(Memory, "network", Breaking(model))
    built = load_detector(exported)
    frames = np.full((1, 3, 3, 48, 64), 9, np.uint8)
    for look in (built.detections, built.logits):
        with pytest.raises(CheckpointError, match=r"best\.memory: gives numbers that are not finite: .* Use an"):
            look(frames)
    built = load_detector(exported)
    built.detections(frames * 0)  # the first frames; later ones are not looked at
    built.detections(frames)


def test_a_checkpoint_whose_numbers_are_not_finite_is_refused_at_the_first_frames(checkpoint: Path) -> None:
    saved = torch.load(checkpoint, weights_only=True)
    saved["state_dict"]["model.backbone.norm.running_var"].fill_(-1)  # finite weights, whose root is not
    torch.save(saved, checkpoint)
    built = load_detector(checkpoint, device="cpu")
    with pytest.raises(CheckpointError, match=r"best\.ckpt: gives numbers that are not finite"):
        built.detections(np.full((1, 3, 3, 48, 64), 9, np.uint8))


def test_an_exported_file_needs_no_part_of_the_network(checkpoint: Path, memory: None, config: Config) -> None:
    told = notes_of(config)
    tree = config.as_dict()
    for part in ("input", "backbone", "decoder", "head", "heatmap"):
        tree["model"][part] = {"name": "of_a_package_that_is_not_here"}
    tree["plugins"] = ["/home/ann/my_backbone.py"]
    exported = checkpoint.with_name("best.memory")
    exported.write_text(json.dumps({**json.loads(told), "config": json.dumps(tree)}))
    built = load_detector(exported)
    assert built.window.targets == (0, 1, 2)
    assert built.config.network.head == {"name": "of_a_package_that_is_not_here"}
    assert built.detections(np.zeros((1, 3, 3, 48, 64), np.uint8))[0].score.shape[:2] == (1, 3)


@pytest.mark.parametrize("config_text", ["{x", "[1]", "7", "[" * 100_000])
def test_an_exported_file_whose_experiment_cannot_be_read_tells_whoever_asks_for_it(
    config_text: str, memory: None, config: Config, tmp_path: Path
) -> None:
    exported = tmp_path / "best.memory"
    exported.write_text(json.dumps({**json.loads(notes_of(config)), "config": config_text}))
    built = load_detector(exported)
    with pytest.raises(CheckpointError, match=r"best\.memory: holds no configuration of a network"):
        _ = built.config


@pytest.mark.parametrize(
    "notes",
    [
        "{}",
        '{"config": "{}"}',
        '{"network": "{x"}',
        '{"network": "[1]"}',
        '{"network": "{}"}',
        *(
            json.dumps({"network": json.dumps({**FACTS, **wrong})})
            for wrong in (
                {"length": 0},
                {"length": 10**9},
                {"length": "3"},
                {"targets": []},
                {"targets": [0, 2]},
                {"targets": [2, 3]},
                {"image_size": [10**6, 48]},
                {"image_size": [64]},
                {"background": 1},
                {"state": [[10**9, 1, 1]]},
                {"state": 7},
                {"step": 100},
                {"more": 1},
            )
        ),
    ],
)
def test_a_file_that_does_not_say_what_it_is_is_refused(notes: str, memory: None, tmp_path: Path) -> None:
    exported = tmp_path / "best.memory"
    exported.write_text(notes)
    with pytest.raises(CheckpointError) as caught:
        load_detector(exported)
    assert str(caught.value) == (
        f"{exported}: does not say what network it is. Give a file that 'tracknet export' wrote."
    )


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({"length": 4}, r"does not take what it says to take, windows \(1, 4, 3, 48, 64\)"),
        ({"targets": [2]}, r"gives \(1, 3\) frames and says \(1, 1\)"),
    ],
)
def test_a_graph_that_is_not_what_its_notes_say_is_refused_before_any_work(
    facts: dict[str, Any], complaint: str, memory: None, config: Config, tmp_path: Path
) -> None:
    exported = tmp_path / "best.memory"
    exported.write_text(notes_of(config, **facts))
    with pytest.raises(CheckpointError, match=complaint):
        load_detector(exported)


@pytest.mark.parametrize(("points", "at_once"), [(1, False), (None, True)])
def test_a_file_that_says_enough_of_itself_is_loaded_when_it_is_given_frames(
    memory: None, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: int | None, at_once: bool
) -> None:
    loaded: list[Path] = []
    run = Memory().load(tmp_path)
    monkeypatch.setattr(Memory, "load", lambda _, path: loaded.append(path) or run)
    exported = tmp_path / "best.memory"
    exported.write_text(notes_of(config, points=points))
    built = load_detector(exported, later=True)
    assert (built.window.image_size, built.points) == ((64, 48), 1)
    assert loaded == ([exported] if at_once else [])
    for _ in range(2):
        assert built.detections(np.zeros((2, 3, 3, 48, 64), np.uint8))[0].score.shape[:2] == (2, 3)
    assert loaded == [exported]


def test_a_graph_that_is_loaded_later_and_not_what_its_notes_say_is_refused_with_the_first_frames(
    memory: None, config: Config, tmp_path: Path
) -> None:
    exported = tmp_path / "best.memory"
    exported.write_text(notes_of(config, points=2))
    built = load_detector(exported, later=True)
    for _ in range(2):
        with pytest.raises(CheckpointError, match=r"best\.memory: its graph gives balls of 1 points\. Export it anew"):
            built.detections(np.zeros((1, 3, 3, 48, 64), np.uint8))


def test_exported_files_run_on_the_cpu(checkpoint: Path, memory: None, config: Config) -> None:
    exported = checkpoint.with_name("best.memory")
    exported.write_text(notes_of(config))
    assert load_detector(exported, device="cpu").device == "cpu"
    with pytest.raises(ConfigError) as caught:
        load_detector(exported, device="cuda:0")
    assert str(caught.value) == "--device cuda:0: files of the format 'memory' run on the CPU. Leave it out."


def test_a_file_that_can_run_code_is_read_only_where_its_backend_is_named(
    checkpoint: Path, memory: None, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Memory, "runs_code", True)
    exported = checkpoint.with_name("best.memory")
    exported.write_text(notes_of(config))
    with pytest.raises(CheckpointError, match=r"can run code that is inside it.* --backend memory"):
        load_detector(exported)
    assert load_detector(exported, backend="memory").window.length == 3


def test_a_format_whose_package_does_not_import_is_in_nobodys_way(
    checkpoint: Path, memory: None, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.formats, "names", lambda: ["absent", "memory"])
    exported = checkpoint.with_name("best.memory")
    exported.write_text(notes_of(config))
    assert load_detector(exported).window.length == 3
    with pytest.raises(RegistryError, match="absent"):
        load_detector(exported, backend="absent")


def test_a_file_for_another_backend_is_refused(checkpoint: Path, memory: None) -> None:
    with pytest.raises(
        CheckpointError, match=r"best\.ckpt: not a file for the backend 'memory', which runs \.memory\."
    ):
        load_detector(checkpoint, backend="memory")
    odd = checkpoint.rename(checkpoint.with_suffix(".odd"))
    with pytest.raises(CheckpointError, match=r"'auto', which runs \.ckpt, \.memory\."):
        load_detector(odd)


def test_an_exported_file_without_its_experiment_is_refused(memory: None, tmp_path: Path) -> None:
    (tmp_path / "bare.memory").write_text("{}")
    with pytest.raises(CheckpointError, match="does not say what network it is"):
        load_detector(tmp_path / "bare.memory")


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(checkpoint: Path, device: str) -> None:
    with pytest.raises(ConfigError, match=f"^--device {device}: not a device that torch can use here"):
        load_detector(checkpoint, device=device)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.ckpt: no such file\."):
        load_detector(tmp_path / "gone.ckpt")


@pytest.mark.parametrize("decodes", [True, False])
def test_a_detector_gives_what_a_tracker_wants(
    checkpoint: Path, memory: None, config: Config, decodes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Memory, "decodes", decodes)
    exported = checkpoint.with_name("best.memory")
    exported.write_text(notes_of(config))
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 3, 48, 64), dtype=np.uint8)

    for detector in (load_detector(checkpoint, device="cpu"), load_detector(exported, backend="memory")):
        more = detector.adjusted(Wanted(candidates=5, score=0.0))

        found, _ = more.detections(frames)
        assert found.present.shape == (2, 3, 5)
        assert found.present.all()
        before, _ = detector.detections(frames)
        np.testing.assert_allclose(found.points[:, :, :1], before.points, rtol=1e-5)
        assert before.present.shape == (2, 3, 1)
        logits, _ = more.logits(frames)
        np.testing.assert_allclose(more.decode(list(logits[0])).points, found.points[0], rtol=1e-5)
        assert detector.adjusted(Wanted()) is detector
