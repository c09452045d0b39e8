"""The one LightningModule: what trains, what is counted, what is logged."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tracknet_core.assembly import build_model
from tracknet_core.config import Config
from tracknet_core.contracts import Batch, BatchTransform, Cost, Labels, Target, Visibility
from tracknet_core.training.module import TrackerModule, parameter_groups
from tracknet_core.training.parts import build_module

NAN = float("nan")


@pytest.fixture
def module(config: Config) -> TrackerModule:
    torch.manual_seed(0)
    return build_module(config, build_model(config))


@pytest.fixture
def batch() -> Batch:
    """Two windows of three frames of 64x48 px, the ball at (20, 30) in all of them."""
    frames = torch.randint(0, 256, (2, 3, 3, 48, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    xy = torch.tensor([20.0, 30.0]).expand(2, 3, 2).clone()
    return Batch(
        frames=frames,
        labels=Labels(xy.unsqueeze(-2), torch.full((2, 3), int(Visibility.EASY)), torch.zeros(2, 3)),
        counted=torch.ones(2, 3, dtype=torch.bool),
        original_points=((xy + 0.5) * 2 - 0.5).unsqueeze(-2),
        original_size=torch.tensor([[128.0, 96.0]] * 2),
        clip=torch.tensor([0, 0]),
        number=torch.arange(6).view(2, 3),
    )


@pytest.fixture
def seen(module: TrackerModule, monkeypatch: pytest.MonkeyPatch) -> Callable[[Batch], tuple[Tensor, Tensor]]:
    """Return the target and the weights that the loss gets in a training step."""
    got: dict[str, Tensor] = {}

    def loss(logits: Tensor, target: Target) -> Cost:
        got.update(target=target.values, weight=target.weight)
        return Cost(logits.sum() * 0, target.weight.sum())

    def step(batch: Batch) -> tuple[Tensor, Tensor]:
        monkeypatch.setattr(module, "log", lambda *args, **kwargs: None)
        module.training_step(batch, 0)
        return got["target"], got["weight"]

    del module.loss
    module.loss = loss  # type: ignore[assignment]
    return step


def relabelled(batch: Batch, visibility: Visibility) -> Batch:
    """Give the first frame of the first window another code."""
    codes, points = batch.labels.visibility.clone(), batch.labels.points.clone()
    codes[0, 0], points[0, 0] = int(visibility), NAN
    return batch._replace(labels=batch.labels._replace(visibility=codes, points=points))


def test_every_frame_with_a_visible_ball_trains_with_its_heatmap(
    batch: Batch, seen: Callable[[Batch], tuple[Tensor, Tensor]]
) -> None:
    target, weight = seen(batch)
    assert weight.tolist() == [[1.0] * 3] * 2
    # 64 px have 32 cells: the ball is at ((20 + 0.5) / 2 - 0.5, (30 + 0.5) / 2 - 0.5) = (9.75, 14.75) cells.
    peak = target[0, 0].flatten().argmax()
    assert (int(peak) % 32, int(peak) // 32) == (10, 15)
    assert float(target[0, 0].max()) == pytest.approx(2.718281828 ** (-(0.25**2 + 0.25**2) / 2))


def test_frames_that_nobody_labelled_do_not_train(batch: Batch, seen: Callable[[Batch], tuple[Tensor, Tensor]]) -> None:
    target, weight = seen(relabelled(batch, Visibility.UNLABELLED))
    assert weight.tolist() == [[0.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    assert target.isfinite().all()


def test_frames_that_another_window_reports_do_not_train(
    batch: Batch, seen: Callable[[Batch], tuple[Tensor, Tensor]]
) -> None:
    counted = batch.counted.clone()
    counted[1, 2] = False
    # The loader makes it UNLABELLED.
    codes = torch.where(counted, batch.labels.visibility, int(Visibility.UNLABELLED))
    _, weight = seen(batch._replace(counted=counted, labels=batch.labels._replace(visibility=codes)))
    assert weight.tolist() == [[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]


@pytest.mark.parametrize("code", [Visibility.ABSENT, Visibility.OCCLUDED])
@pytest.mark.parametrize(("train_empty", "expected"), [(True, 1.0), (False, 0.0)])
def test_frames_without_a_visible_ball_train_as_empty_maps_or_not_at_all(
    code: Visibility,
    train_empty: bool,
    expected: float,
    module: TrackerModule,
    batch: Batch,
    seen: Callable[[Batch], tuple[Tensor, Tensor]],
) -> None:
    module._train_empty = train_empty
    target, weight = seen(relabelled(batch, code))
    assert weight.tolist() == [[expected, 1.0, 1.0], [1.0, 1.0, 1.0]]
    assert not target[0, 0].any()
    assert target[0, 1].any()


def test_no_ball_ignore_is_the_setting_for_that(config: Config) -> None:
    from dataclasses import replace

    ignoring = replace(config, training=replace(config.training, no_ball="ignore"))
    assert build_module(config, build_model(config))._train_empty
    assert not build_module(ignoring, build_model(ignoring))._train_empty


def test_validation_is_scored_in_pixels_of_the_original_video(
    module: TrackerModule, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: dict[str, float] = {}
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: float(value.compute())}))
    monkeypatch.setattr(module, "log_dict", lambda figures, **_: logged.update(figures))
    # The network says exactly what the codec draws, one pixel of the input to the right: 2 px of the original.
    beside = batch.labels._replace(points=batch.labels.points + torch.tensor([1.0, 0.0]))
    drawn = module.model.codec.encode(beside, (64, 48)).values
    monkeypatch.setattr(module, "forward", lambda frames: torch.logit(drawn.clamp(1e-6, 1 - 1e-6)))
    codes = batch.labels.visibility.clone()
    codes[1, 1] = int(Visibility.UNLABELLED)
    counted = batch.counted.clone()
    counted[1, 2] = False
    output = module.validation_step(batch._replace(labels=batch.labels._replace(visibility=codes), counted=counted), 0)
    module.on_validation_epoch_end()
    assert output.logits.shape == output.target.values.shape == (2, 3, 24, 32)
    assert output.targets == (0, 1, 2)
    assert logged["val/l2"] == pytest.approx(2.0, abs=0.02)
    assert {name: float(logged[f"val/{name}"]) for name in ("tp", "fp1", "fp2", "tn", "fn")} == {
        "tp": 4.0, "fp1": 0.0, "fp2": 0.0, "tn": 0.0, "fn": 0.0,
    }  # fmt: skip
    assert (float(logged["val/pck@2"]), float(logged["val/pck@5"])) in ((0.0, 1.0), (1.0, 1.0))
    assert {"val/loss", "val/precision", "val/recall", "val/f1", "val/accuracy"} <= logged.keys()


def test_the_figures_start_again_with_every_validation(
    module: TrackerModule, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[float] = []
    monkeypatch.setattr(module, "log", lambda *args, **kwargs: None)
    monkeypatch.setattr(
        module,
        "log_dict",
        lambda figures, **_: counts.append(sum(float(figures.get(f"val/{n}", 0)) for n in ("tp", "fp1", "fn"))),
    )
    for _ in range(2):
        module.validation_step(batch, 0)
        module.on_validation_epoch_end()
    assert counts == [6.0, 6.0]


# ------------------------------------------------------------------------------------------- optimizer


def test_norms_and_biases_do_not_decay_and_the_backbone_has_its_own_rate(module: TrackerModule) -> None:
    names = {id(parameter): name for name, parameter in module.model.named_parameters()}
    groups = parameter_groups(module.model, 0.25)
    found = {names[id(p)]: (g["lr_scale"], g.get("weight_decay")) for g in groups for p in g["params"]}
    assert found.keys() == set(names.values())
    assert sum(len(group["params"]) for group in groups) == len(names)
    for name, parameter in module.model.named_parameters():
        assert found[name] == (
            0.25 if name.startswith("backbone.") else 1.0,
            None if parameter.ndim > 1 else 0.0,
        )


def test_frozen_parameters_are_in_the_optimizer_from_the_start(module: TrackerModule) -> None:
    module.model.backbone.requires_grad_(False)  # type: ignore[attr-defined]
    grouped = sum(len(group["params"]) for group in parameter_groups(module.model, 1.0))
    assert grouped == len(list(module.model.parameters()))


def test_the_optimizer_gets_scaled_rates_and_the_schedule_counts_steps(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    training = replace(
        config.training,
        backbone_lr_scale=0.1,
        optimizer={**config.training.optimizer, "lr": 0.5, "weight_decay": 0.3},
        scheduler={"name": "multistep", "milestones": [1], "gamma": 0.1},
    )
    module = build_module(replace(config, training=training), build_model(config))
    module._trainer = SimpleNamespace(estimated_stepping_batches=8, max_epochs=2)  # type: ignore[assignment]
    made = module.configure_optimizers()
    optimizer, schedule = made["optimizer"], made["lr_scheduler"]
    assert schedule["interval"] == "step"
    rates = {(round(g["lr"], 6), g["weight_decay"]) for g in optimizer.param_groups}
    assert rates == {(0.05, 0.3), (0.05, 0.0), (0.5, 0.3), (0.5, 0.0)}
    assert all("lr_scale" not in group for group in optimizer.param_groups)
    history = []
    for _ in range(8):
        history.append(max(group["lr"] for group in optimizer.param_groups))
        optimizer.step()
        schedule["scheduler"].step()
    assert history == pytest.approx([0.5] * 4 + [0.05] * 4)


# ------------------------------------------------------------------------------------------------ draws


def test_the_draws_of_an_epoch_follow_from_seed_epoch_and_process(config: Config, batch: Batch) -> None:
    def draw(seed: int, epoch: int, rank: int) -> float:
        module = TrackerModule(
            model=build_model(config),
            loss=nn.MSELoss(),
            protocols={},
            optimizer=lambda **_: None,  # type: ignore[arg-type, return-value]
            scheduler=lambda **_: None,  # type: ignore[arg-type, return-value]
            description={},
            seed=seed,
        )
        module._trainer = SimpleNamespace(current_epoch=epoch, global_rank=rank)  # type: ignore[assignment]
        torch.rand(3)  # whatever was drawn before
        module.on_train_batch_start(batch, 0)
        first = float(torch.rand(()))
        module.on_train_batch_start(batch, 1)
        assert float(torch.rand(())) != first
        return first

    def unlike(*others: Any) -> bool:
        return len({draw(1, 2, 0), *(draw(*other) for other in others)}) == len(others) + 1

    assert draw(1, 2, 0) == draw(1, 2, 0)
    assert unlike((2, 2, 0), (1, 3, 0), (1, 2, 1))


def test_batch_transforms_change_frames_target_and_weight_of_training_only(
    config: Config, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Inverted(BatchTransform):
        def mix(self, frames: Tensor, target: Target) -> tuple[Tensor, Target]:
            return 255 - frames, Target(1 - target.values, target.weight / 2, target.has_ball)

    torch.manual_seed(0)
    module = build_module(config, build_model(config), [Inverted()]).eval()
    monkeypatch.setattr(module, "log", lambda *args, **kwargs: None)
    got: list[tuple[Tensor, Tensor, Tensor]] = []

    def loss(logits: Tensor, target: Target) -> Cost:
        got.append((logits, target.values, target.weight))
        return Cost(logits.sum(), target.weight.sum())

    del module.loss
    module.loss = loss  # type: ignore[assignment]
    module.training_step(batch, 0)
    module.validation_step(batch, 0)
    (logits, target, weight), (_, plain_target, plain_weight) = got
    torch.testing.assert_close(logits, module(255 - batch.frames))
    torch.testing.assert_close(target, 1 - plain_target)
    torch.testing.assert_close(weight, plain_weight / 2)


def test_batches_that_only_keep_processes_in_step_do_not_count_in_the_loss(
    module: TrackerModule, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[float] = []
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.append(float(value.compute())))
    nothing = batch._replace(
        counted=torch.zeros_like(batch.counted),
        labels=batch.labels._replace(visibility=torch.full_like(batch.labels.visibility, int(Visibility.UNLABELLED))),
    )
    for one in (batch, nothing):
        module.validation_step(one, 0)
    assert logged[0] > 0
    assert logged[1] == logged[0]
