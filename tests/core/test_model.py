"""The network as a whole."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tracknet_core.assembly import build_model
from tracknet_core.config import Config, load_config
from tracknet_core.model import BallTracker


@pytest.fixture
def model(config: Config) -> BallTracker:
    torch.manual_seed(0)
    return build_model(config).eval()


def frames(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_frames_become_one_map_per_target(model: BallTracker) -> None:
    assert model(frames(2, 3, 3, 48, 64)).shape == (2, 3, 24, 32)


def test_a_crop_has_cells_in_proportion(model: BallTracker) -> None:
    assert model.cells(frames(1, 3, 3, 24, 32)) == (16, 12)
    assert model(frames(1, 3, 3, 24, 32)).shape == (1, 3, 12, 16)


def test_a_crop_that_cuts_cells_of_the_backbone_is_refused(model: BallTracker) -> None:
    with pytest.raises(ValueError, match=r"frames of 34 x 24 pixels do not fit the backbone, .* a stride of 4"):
        model.check_size((34, 24))


def test_a_crop_that_cuts_cells_of_the_heatmap_is_refused(experiment: Path) -> None:
    model = build_model(load_config(experiment, ["model.heatmap.size=[8,24]"]))
    assert model.check_size((32, 24)) == (4, 12)
    with pytest.raises(ValueError, match=r"36 pixels do not give a whole number of heatmap cells, .* multiples of 8"):
        model.check_size((36, 24))


def test_frames_one_by_one_keep_their_places(config: Config) -> None:
    single = replace(config, model=replace(config.model, input={"name": "per_frame"}))
    model = build_model(single).eval()
    window = frames(2, 3, 3, 48, 64)
    together = model(window)
    assert together.shape == (2, 3, 24, 32)
    for b in range(2):
        for t in range(3):
            alone = build_alone(model, window[b, t])
            torch.testing.assert_close(together[b, t], alone)


def build_alone(model: BallTracker, frame: torch.Tensor) -> torch.Tensor:
    """Run one frame (3, H, W) through the parts by hand."""
    mean, std = torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1), torch.tensor([0.2, 0.2, 0.2]).view(3, 1, 1)
    x = (frame.float() / 255 - mean) / std
    feature = model.decoder(model.backbone(x[None]))
    return model.head(feature, x[None, None], (32, 24))[0, 0]


def test_without_normalization_frames_are_0_to_1(config: Config) -> None:
    data = replace(config.data, preprocess=replace(config.data.preprocess, normalize=False))
    model = build_model(replace(config, data=data))
    seen: list[torch.Tensor] = []
    model.input.register_forward_hook(lambda _m, args, _o: seen.append(args[0]))  # type: ignore[attr-defined]
    window = frames(1, 3, 3, 48, 64)
    model(window)
    torch.testing.assert_close(seen[0], window.float() / 255)


def test_normalization_is_no_part_of_the_weights(model: BallTracker) -> None:
    assert not {"mean", "std"} & model.state_dict().keys()


def test_detections_are_in_pixels_of_the_frames(model: BallTracker) -> None:
    detections = model.detect(frames(2, 3, 3, 48, 64))
    assert detections.xy.shape == (2, 3, 1, 2)
    assert detections.score.shape == detections.present.shape == (2, 3, 1)
    assert (detections.xy >= -0.5).all()
    assert (detections.xy <= torch.tensor([63.5, 47.5])).all()
