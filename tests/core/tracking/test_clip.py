"""From frames to candidates: the windows of a clip, and what overlapping ones say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import catalogue
import numpy as np
import pytest
import torch
from torch import Tensor

from tracknet_core.assembly import build_model, load_model
from tracknet_core.checkpoint import describe
from tracknet_core.config import load_config
from tracknet_core.contracts import Candidates, Clip, Codec, Detections, Merger, TimedFrame, UInt8Array, WindowSpec
from tracknet_core.loading.windows import EvaluationPlaces
from tracknet_core.model import BallTracker
from tracknet_core.registry import NAMESPACE
from tracknet_core.tracking import with_torch
from tracknet_core.tracking.answers import Detector, Found
from tracknet_core.tracking.clip import detect, detect_clip
from tracknet_core.tracking.detector import load_detector
from tracknet_plugins.codecs.averages import average_probabilities

SIZE = (4, 2)
ORIGINAL = (8, 8)


class Told(Codec):
    """A codec whose single map says the place: its first cell is x, its second y, its third the logit of the score."""

    size = (3, 1)

    def average(self, logits: Tensor, weights: Tensor) -> Tensor:
        return average_probabilities(logits, weights)

    def encode(self, xy: Tensor, visible: Tensor, size: tuple[int, int]) -> Tensor:
        raise NotImplementedError

    def decode(self, logits: Tensor) -> Detections:
        x, y, score = logits[..., 0, :].unbind(-1)
        return Detections.at(
            torch.stack([x, y], -1).unsqueeze(2), score.sigmoid().unsqueeze(-1), (score > 0).unsqueeze(-1)
        )


Network = Callable[[Tensor], Tensor]


def detector(
    network: Network, length: int, targets: Sequence[int], *, background: bool = False, codec: Codec | None = None
) -> Detector:
    return with_torch.detector(
        lambda frames: (network(frames), ()),
        codec or Told(),
        WindowSpec(length, tuple(targets), background, SIZE),
        find_config=lambda: None,  # type: ignore[arg-type, return-value]  # a detector that came from no file
    )


def pictures(count: int) -> list[TimedFrame]:
    """Frames whose pixels are their number."""
    return [TimedFrame(n, n / 10, np.full((SIZE[1], SIZE[0], 3), n, np.uint8)) for n in range(count)]


def numbers_of(frames: Tensor) -> Tensor:
    """(B, P, 3, H, W) -> (B, P), the numbers that the pixels hold."""
    return frames[:, :, 0, 0, 0].float()


def naming(targets: Sequence[int], score: Callable[[Tensor], Tensor]) -> Network:
    """A network that says as x the number of the frame that it saw, as y that of the window's first frame."""

    def network(frames: Tensor) -> Tensor:
        numbers = numbers_of(frames)
        seen = numbers[:, list(targets)]
        first = numbers[:, :1].expand_as(seen)
        return torch.stack([seen, first, score(seen - first)], -1).unsqueeze(2)  # (B, K, 1, 3)

    return network


def run(built: Detector, count: int, **options: Any) -> list[Candidates]:
    if "ensemble" in options:
        options["ensemble"] = {"name": options["ensemble"]}
    return list(detect(built, pictures(count), SIZE, **options))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 10, 11])
@pytest.mark.parametrize(
    ("length", "targets"), [(1, (0,)), (3, (0, 1, 2)), (3, (1,)), (3, (2,)), (5, (1, 2)), (4, (0, 1))]
)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_windows_of_a_run_of_frames_are_those_of_evaluation(
    count: int, length: int, targets: tuple[int, ...], batch_size: int
) -> None:
    seen: list[list[int]] = []

    def network(frames: Tensor) -> Tensor:
        seen.extend(numbers_of(frames).int().tolist())
        return naming(targets, torch.ones_like)(frames)

    found = run(detector(network, length, targets), count, batch_size=batch_size)
    places = EvaluationPlaces([count], WindowSpec(length, targets, False, SIZE))(0, 0)
    assert seen == [place.numbers.tolist() for place in places]
    assert [candidates.number for candidates in found] == list(range(count))
    assert [candidates.xy[0, 0] for candidates in found] == list(range(count))


@pytest.mark.parametrize("ensemble", ["pool", "mean", "triangular", "none"])
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_every_frame_is_reported_once_and_in_order(count: int, step: int, ensemble: Any) -> None:
    built = detector(naming((0, 1, 2), torch.ones_like), 3, (0, 1, 2))
    found = run(built, count, step=step, ensemble=ensemble, batch_size=2)
    assert [candidates.number for candidates in found] == list(range(count))
    np.testing.assert_allclose([candidates.time for candidates in found], np.arange(count) / 10)


def test_without_overlap_the_last_window_reports_only_what_is_left() -> None:
    built = detector(naming((0, 1, 2), torch.ones_like), 3, (0, 1, 2))
    # Frames 0 to 4 in windows that start at 0 and, moved back into the clip, at 2.
    assert [candidates.xy.tolist() for candidates in run(built, 5)] == [[[n, 0 if n < 3 else 2]] for n in range(5)]


def test_a_network_says_itself_how_far_its_windows_are_apart() -> None:
    built = detector(naming((0, 1, 2), torch.ones_like), 3, (0, 1, 2))
    overlapping = replace(built, window=replace(built.window, step=1))
    asked = run(built, 5, step=1)
    assert max(len(candidates.xy) for candidates in asked) == 3  # the middle frame is in three windows
    for found, expected in zip(run(overlapping, 5), asked, strict=True):
        np.testing.assert_array_equal(found.xy, expected.xy)
    for found, expected in zip(run(overlapping, 5, step=3), run(built, 5), strict=True):
        np.testing.assert_array_equal(found.xy, expected.xy)


def test_pooled_detections_stand_side_by_side_highest_score_first() -> None:
    # The score is highest where the frame is the second of its window: sigmoid(1), sigmoid(3), sigmoid(2).
    def score(position: Tensor) -> Tensor:
        return torch.tensor([1.0, 3.0, 2.0])[position.long()]

    found = run(detector(naming((0, 1, 2), score), 3, (0, 1, 2)), 5, step=1)
    starts = [candidates.xy[:, 1].tolist() for candidates in found]
    assert starts == [[0], [0, 1], [1, 0, 2], [2, 1], [2]]
    sure = [1 / (1 + np.exp(-x)) for x in (3, 2, 1)]
    np.testing.assert_allclose(found[2].score, sure, rtol=1e-6)


@pytest.mark.parametrize(
    ("ensemble", "weights"), [("mean", [1.0, 1.0, 1.0, 1.0]), ("triangular", [1.0, 2.0, 2.0, 1.0])]
)
def test_probabilities_are_averaged_before_they_are_decoded(ensemble: Any, weights: list[float]) -> None:
    chance = np.array([0.9, 0.6, 0.8, 0.3])  # at each place of the window

    def network(frames: Tensor) -> Tensor:
        maps = torch.logit(torch.tensor(chance, dtype=torch.float32)).expand(len(frames), 4)
        return torch.stack([torch.zeros_like(maps), torch.zeros_like(maps), maps], -1).unsqueeze(2)

    found = run(detector(network, 4, range(4)), 6, step=1, ensemble=ensemble, batch_size=2)
    for number in range(6):
        places = [number - start for start in range(3) if 0 <= number - start < 4]
        expected = np.average(chance[places], weights=np.array(weights)[places])
        if expected > 0.5:
            np.testing.assert_allclose(found[number].score, [expected], rtol=1e-5)
        else:
            assert len(found[number].score) == 0


def test_places_are_in_pixels_of_the_original_video() -> None:
    built = detector(naming((0,), torch.ones_like), 1, (0,))
    found = list(detect(built, pictures(2), ORIGINAL))
    # Frame 1 says (1, 1), in a picture of 4 x 2 pixels: 1.5 times 2 and 1.5 times 4, less half a pixel.
    assert found[1].xy.tolist() == [[2.5, 5.5]]


def test_only_what_is_present_is_a_candidate() -> None:
    built = detector(naming((0,), lambda position: position - 1), 1, (0,))
    assert [candidates.xy.shape for candidates in run(built, 3)] == [(0, 2)] * 3


def test_the_background_is_the_last_picture() -> None:
    seen: list[list[int]] = []

    def network(frames: Tensor) -> Tensor:
        seen.extend(numbers_of(frames).int().tolist())
        return naming((0, 1), torch.ones_like)(frames)

    run(detector(network, 2, (0, 1), background=True), 4, background=np.full((2, 4, 3), 99, np.uint8))
    assert seen == [[0, 1, 99], [2, 3, 99]]
    with pytest.raises(ValueError, match="background: None"):
        run(detector(network, 2, (0, 1), background=True), 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0}, r"^step: 0 is out of range\. Give 1 to 3,"),
        ({"step": 4}, r"^step: 4 is out of range\."),
        ({"batch_size": 0}, r"^batch_size: 0 windows"),
    ],
)
def test_what_is_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(detector(naming((0, 1, 2), torch.ones_like), 3, (0, 1, 2)), 3, **options)


@pytest.mark.parametrize(("suits", "asked", "expected"), [(2, None, [2, 2, 1]), (2, 3, [3, 2])])
def test_windows_go_together_as_suits_the_network_or_as_was_asked(suits: int, asked: Any, expected: list[int]) -> None:
    together: list[int] = []

    def network(frames: Tensor) -> Tensor:
        together.append(len(frames))
        return naming((0,), torch.ones_like)(frames)

    built = dataclasses.replace(detector(network, 1, (0,)), batch_size=suits)
    assert len(run(built, 5, batch_size=asked)) == 5
    assert together == expected


def test_frames_are_asked_for_as_windows_need_them() -> None:
    asked: list[int] = []

    def coming() -> Iterable[TimedFrame]:
        for frame in pictures(9):
            asked.append(frame.number)
            yield frame

    found = detect(detector(naming((0, 1, 2), torch.ones_like), 3, (0, 1, 2)), coming(), SIZE, batch_size=1)
    next(found)
    assert asked == [0, 1, 2]


# ------------------------------------------------------------------------------------------ mergers


class Last(Merger[Candidates]):
    """A merger of a plugin: what the last window says that reports the frame."""

    reads = "candidates"
    asked: ClassVar[list[tuple[int, list[int]]]] = []

    def __init__(self, *, targets: int) -> None:
        self.targets = targets

    def __call__(self, answers: Sequence[Candidates], positions: Sequence[int]) -> Candidates:
        self.asked.append((self.targets, list(positions)))
        return answers[-1]


def test_a_merger_of_a_plugin_decides_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalogue.REGISTRY, (NAMESPACE, "mergers", "last"), Last)
    monkeypatch.setattr(Last, "asked", [])
    found = run(detector(naming((0, 1, 2), torch.ones_like), 3, (0, 1, 2)), 5, step=1, ensemble="last", batch_size=2)
    assert [candidates.xy.tolist() for candidates in found] == [[[0, 0]], [[1, 1]], [[2, 2]], [[3, 2]], [[4, 2]]]
    assert Last.asked == [(3, positions) for positions in ([0], [1, 0], [2, 1, 0], [2, 1], [2])]


def test_a_codec_says_what_an_average_is() -> None:
    class Surest(Told):
        """Its logits are no probabilities: that of the surest window counts."""

        def average(self, logits: Tensor, weights: Tensor) -> Tensor:
            return logits[logits[:, 0, 2].argmax()]

    built = detector(naming((0, 1, 2), lambda position: position + 1), 3, (0, 1, 2), codec=Surest())
    found = run(built, 5, step=1, ensemble="mean")
    assert [candidates.xy.tolist() for candidates in found] == [[[n, max(n - 2, 0)]] for n in range(5)]


def test_a_frame_waits_for_later_windows_only_where_they_count() -> None:
    built = detector(naming((0, 1, 2), torch.ones_like), 3, (0, 1, 2))
    for ensemble, needed in (("none", 3), ("pool", 4), ("mean", 4)):
        asked: list[int] = []

        def coming(asked: list[int] = asked) -> Iterable[TimedFrame]:
            for frame in pictures(9):
                asked.append(frame.number)
                yield frame

        next(detect(built, coming(), SIZE, step=1, ensemble={"name": ensemble}, batch_size=1))
        assert len(asked) == needed


# -------------------------------------------------------------------------------------------- clips


def test_a_clip_gives_what_the_network_says_of_its_windows(
    checkpoint: Path, model: BallTracker, clip: Callable[..., Clip]
) -> None:
    built = load_detector(checkpoint, device="cpu")
    whole = dataclasses.replace(built, detections=lambda frames: (_all(built.detections(frames)[0]), ()))
    rally = clip("rally", 7)
    found = list(detect_clip(whole, rally.frames, batch_size=2))
    starts = [0, 0, 0, 3, 3, 3, 4]  # the last window is frames 4 to 6
    for number, start in enumerate(starts):
        window = np.stack(list(rally.frames.read(range(start, start + 3), (64, 48))))
        with torch.inference_mode():
            expected = model.detect(torch.from_numpy(window).permute(0, 3, 1, 2).unsqueeze(0))
        xy = expected.xy[0, number - start].numpy()
        assert (found[number].number, found[number].time) == (number, pytest.approx(number / 25))
        np.testing.assert_allclose(found[number].xy, (xy + 0.5) * 2 - 0.5, atol=1e-2)


def _all(found: Found) -> Found:
    return found._replace(present=np.ones_like(found.present))


def test_the_background_of_a_clip_is_its_median(experiment: Path, tmp_path: Path, clip: Callable[..., Clip]) -> None:
    config = load_config(experiment, ["model.input={name: background}"])
    network = build_model(config)
    path = tmp_path / "background.ckpt"
    state = {f"model.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": state, **describe(config.as_dict())}, path)
    built = load_detector(path)
    seen: list[UInt8Array] = []
    watched = dataclasses.replace(built, detections=lambda frames: seen.append(frames) or built.detections(frames))
    rally = clip("rally", 6)
    assert len(list(detect_clip(watched, rally.frames))) == 6
    assert seen[0].shape == (2, 4, 3, 48, 64)
    expected = np.sort(np.stack(list(rally.frames.read(range(6), (64, 48)))), axis=0)[2]  # of six the third
    np.testing.assert_array_equal(seen[0][0, 3].transpose(1, 2, 0), expected)


# ------------------------------------------------------------------------------------------- states


@pytest.mark.parametrize("batch_size", [1, 2, 8])
@pytest.mark.parametrize("ensemble", ["none", "mean"])
def test_a_state_goes_from_window_to_window_of_a_clip(
    recurrent: Path, clip: Callable[..., Clip], batch_size: int, ensemble: str
) -> None:
    built = load_detector(recurrent, device="cpu")
    _, network = load_model(recurrent)
    rally = clip("rally", 9)
    frames = torch.from_numpy(np.stack(list(rally.frames.read(range(9), (64, 48))))).permute(0, 3, 1, 2).unsqueeze(0)
    with torch.inference_mode():
        expected = network.codec.decode(network.eval()(frames))  # three windows in a row, as training has them
        alone = network.codec.decode(network(frames[:, 6:]))
    for _ in range(2):  # a clip begins without a state, whatever came before
        found = list(detect_clip(built, rally.frames, ensemble={"name": ensemble}, batch_size=batch_size))
        for number, candidates in enumerate(found):
            present = expected.present[0, number]
            np.testing.assert_allclose(candidates.score, expected.score[0, number][present], atol=1e-5)
    assert not torch.allclose(alone.score[0], expected.score[0, 6:])


def test_windows_of_a_network_with_a_state_do_not_overlap(recurrent: Path, clip: Callable[..., Clip]) -> None:
    built = load_detector(recurrent, device="cpu")
    with pytest.raises(ValueError, match="step: 1 lets windows overlap, and this network carries a state"):
        list(detect_clip(built, clip("rally", 9).frames, step=1))
    assert len(list(detect_clip(built, clip("rally", 9).frames, step=3))) == 9
