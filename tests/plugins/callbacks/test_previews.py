from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tracknet_core.contracts import Batch, Detections, Labels, RunPaths, Target, ValidationOutput
from tracknet_plugins.callbacks.previews import Previews

W, H = 64, 48


def make_batch(visibility: Sequence[Sequence[int]], xy: tuple[float, float] = (30.0, 20.0)) -> Batch:
    """Black frames of 64 x 48; the first window is 10 bright, the next 20, and so on."""
    codes = torch.tensor(visibility)
    b, t = codes.shape
    frames = torch.zeros(b, t, 3, H, W, dtype=torch.uint8)
    frames += 10 * torch.arange(1, b + 1, dtype=torch.uint8).view(b, 1, 1, 1, 1)
    points = torch.tensor(xy).expand(b, t, 1, 2)
    rest = torch.zeros(b, t)
    labels = Labels(points, codes, rest.float())
    return Batch(frames, labels, rest.bool(), points, torch.ones(b, 2), rest[:, 0], rest)


def make_outputs(batch: Batch, present: bool = True, targets: tuple[int, ...] = (0, 1, 2)) -> ValidationOutput:
    b, k = len(batch.frames), len(targets)
    detections = Detections.at(
        torch.tensor((31.0, 20.0)).expand(b, k, 1, 2), torch.full((b, k, 1), 0.9), torch.full((b, k, 1), present)
    )
    logits = torch.full((b, k, H // 4, W // 4), -9.0)
    logits[:, :, 5, 7] = 9
    target = Target(logits.sigmoid(), torch.ones(b, k), torch.ones(b, k, dtype=torch.bool))
    return ValidationOutput(logits, target, detections, targets)


def validate(
    previews: Previews,
    batches: Sequence[Batch],
    outputs: Sequence[ValidationOutput] | None = None,
    **trainer: Any,
) -> None:
    state = {"sanity_checking": False, "is_global_zero": True, "current_epoch": 0, "num_val_batches": [len(batches)]}
    for index, batch in enumerate(batches):
        output = outputs[index] if outputs else make_outputs(batch)
        previews.on_validation_batch_end(SimpleNamespace(**(state | trainer)), None, output, batch, index)  # type: ignore[arg-type]


def files(paths: RunPaths) -> list[str]:
    return sorted(str(path.relative_to(paths.logs)) for path in paths.logs.rglob("*.png"))


def picture(paths: RunPaths, name: str) -> np.ndarray:
    with Image.open(paths.logs / name) as image:
        return np.asarray(image)


def brightness(path: Path) -> int:
    """Which window of a batch a picture of its frames shows."""
    with Image.open(path) as image:
        return int(np.asarray(image)[0, 0, 0])


def test_every_sample_is_three_pictures(paths: RunPaths) -> None:
    validate(Previews(paths=paths, count=2), [make_batch([[1, 1, 1]])] * 4, current_epoch=3)
    assert files(paths) == [
        f"{kind}/epoch003/sample_{i}.png" for kind in ("inputs", "overlays", "targets") for i in (0, 1)
    ]


def test_samples_come_from_batches_spread_over_the_set(paths: RunPaths) -> None:
    # 8 batches of one window, 4 samples: the middles of quarters, batches 1, 3, 5 and 7.
    batches = [make_batch([[1, 1, 1]]) for _ in range(8)]
    for index, batch in enumerate(batches):
        batch.frames[:] = 10 * (index + 1)
    validate(Previews(paths=paths, count=4), batches)
    shown = [brightness(paths.logs / f"inputs/epoch000/sample_{i}.png") for i in range(4)]
    assert shown == [20, 40, 60, 80]


def test_windows_with_a_visible_ball_are_preferred(paths: RunPaths) -> None:
    batch = make_batch([[0, 0, 0], [3, 3, 3], [0, 1, 0], [0, 0, 0], [2, 2, 2]])
    validate(Previews(paths=paths, count=3), [batch])
    # The two that show a ball, windows 2 and 4, and then the first of the others.
    assert [brightness(paths.logs / f"inputs/epoch000/sample_{i}.png") for i in range(3)] == [30, 50, 10]


def test_a_small_set_gives_fewer_samples(paths: RunPaths) -> None:
    validate(Previews(paths=paths, count=4), [make_batch([[1, 1, 1], [0, 0, 0]])])
    assert len(files(paths)) == 3 * 2


def test_small_frames_are_enlarged_and_stand_side_by_side(paths: RunPaths) -> None:
    validate(Previews(paths=paths, count=1), [make_batch([[1, 1, 1]])])
    # 640 / 64 = 10 times; 3 frames of 640 and 2 gaps of 2 in a row
    assert picture(paths, "inputs/epoch000/sample_0.png").shape == (480, 3 * 640 + 2 * 2, 3)
    assert picture(paths, "targets/epoch000/sample_0.png").shape == (480, 640, 3)
    overlay = picture(paths, "overlays/epoch000/sample_0.png")
    assert overlay.shape[1] == 640
    assert overlay.shape[0] > 480  # the legend


def test_marks_stand_at_the_places(paths: RunPaths) -> None:
    from tracknet_core import drawing

    validate(Previews(paths=paths, count=1), [make_batch([[1, 1, 1]])])
    overlay = picture(paths, "overlays/epoch000/sample_0.png")[:480]
    for colour, (x, y) in ((drawing.TRUTH, (304.5, 204.5)), (drawing.PREDICTION, (314.5, 204.5))):
        rows, columns = np.nonzero((overlay == colour).all(axis=-1))
        assert abs((rows.min() + rows.max()) / 2 - y) <= 0.5
        assert abs((columns.min() + columns.max()) / 2 - x) <= 0.5


@pytest.mark.parametrize("code", [0, 3, -1])
def test_no_ball_and_no_detection_leave_no_mark(paths: RunPaths, code: int) -> None:
    from tracknet_core import drawing

    batch = make_batch([[code] * 3], xy=(float("nan"), float("nan")))
    validate(Previews(paths=paths, count=1), [batch], [make_outputs(batch, present=False)])
    overlay = picture(paths, "overlays/epoch000/sample_0.png")
    for colour in (drawing.TRUTH, drawing.PREDICTION):
        assert not (overlay == colour).all(axis=-1).any()


def test_the_overlay_shows_a_target_frame_with_the_ball(paths: RunPaths) -> None:
    batch = make_batch([[0, 0, 1, 0, 0]])
    batch.frames[:, 2] = 200
    validate(Previews(paths=paths, count=1), [batch], [make_outputs(batch, targets=(1, 2, 3))])
    assert brightness(paths.logs / "overlays/epoch000/sample_0.png") == 200


def test_maps_of_another_form_are_left_out(paths: RunPaths) -> None:
    batch = make_batch([[1, 1, 1]])
    outputs = make_outputs(batch)
    classes = torch.zeros(1, 3, 256, 12, 16)
    validate(
        Previews(paths=paths, count=1),
        [batch],
        [outputs._replace(logits=classes, target=outputs.target._replace(values=classes))],
    )
    target = picture(paths, "targets/epoch000/sample_0.png")
    np.testing.assert_array_equal(target, 5)  # the frame of 10, dimmed to a half


def test_numbers_of_channels_are_no_heatmap(paths: RunPaths) -> None:
    batch = make_batch([[1, 1, 1]])
    outputs = make_outputs(batch)
    logits, values = torch.zeros(1, 3, 256, 12, 16), torch.full((1, 3, 12, 16), 200)
    validate(
        Previews(paths=paths, count=1),
        [batch],
        [outputs._replace(logits=logits, target=outputs.target._replace(values=values))],
    )
    np.testing.assert_array_equal(picture(paths, "targets/epoch000/sample_0.png"), 5)


def test_every_says_which_epochs_are_drawn(paths: RunPaths) -> None:
    previews = Previews(paths=paths, count=1, every=2)
    for epoch in range(4):
        validate(previews, [make_batch([[1, 1, 1]])], current_epoch=epoch)
    assert sorted(path.name for path in (paths.logs / "inputs").iterdir()) == ["epoch000", "epoch002"]


@pytest.mark.parametrize("state", [{"sanity_checking": True}, {"is_global_zero": False}])
def test_the_sanity_check_and_other_processes_draw_nothing(paths: RunPaths, state: dict[str, bool]) -> None:
    validate(Previews(paths=paths), [make_batch([[1, 1, 1]])], **state)
    assert not paths.logs.exists()


@pytest.mark.parametrize("name", ["count", "every"])
def test_numbers_below_one_are_refused(paths: RunPaths, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}=0 is too small"):
        Previews(paths=paths, **{name: 0})
