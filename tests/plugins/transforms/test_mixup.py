from collections.abc import Iterator

import numpy as np
import pytest
import torch

from tracknet_core.contracts import Form, Target
from tracknet_core.testing import check_batch_transform, check_constructor
from tracknet_plugins.transforms.mixup import Mixup

BATCH = 64


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def batch(weight: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Windows of 2 frames and a background, flat pictures of 2 * (index of the window); a target of its own each."""
    frames = (2 * torch.arange(BATCH)).to(torch.uint8)[:, None, None, None, None].expand(-1, 3, 3, 4, 6).clone()
    target = torch.eye(BATCH).view(BATCH, 1, 8, 8).repeat(1, 2, 1, 1)
    return frames, target, torch.ones(BATCH, 2) if weight is None else weight


def mixed(mixup: Mixup, frames: torch.Tensor, values: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return frames, values and weights as they come out."""
    frames, target = mixup.mix(frames, Target(values, weight, values.flatten(2).amax(dim=-1) > 0))
    return frames, target.values, target.weight


def test_it_keeps_the_contract_of_its_kind() -> None:
    check_constructor("transforms", Mixup)
    check_batch_transform(Mixup())


def test_pictures_and_targets_are_blended_with_the_same_shares() -> None:
    frames, target, weight = mixed(Mixup(), *batch())
    # The target of a window is one cell of its own, so shares and partners can be read off the mixed targets.
    shares = target[:, 0].flatten(1)  # (B, B)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(BATCH))
    expected = shares.double() @ (2 * torch.arange(BATCH).double())
    np.testing.assert_allclose(frames[:, 0, 0, 0, 0], expected, atol=0.51)  # rounded to whole levels
    assert bool((frames == frames[:, :1, :1, :1, :1]).all())  # every pixel and picture, the background too
    torch.testing.assert_close(target[:, 0], target[:, 1])
    assert bool((weight == 1).all())


def test_a_window_keeps_the_larger_part_of_itself_and_gets_one_partner() -> None:
    _, target, _ = mixed(Mixup(), *batch())
    shares = target[:, 0].flatten(1)
    assert bool((shares.diagonal() >= 0.5 - 1e-6).all())
    assert bool(((shares > 0).sum(dim=1) <= 2).all())
    assert bool((shares.argmax(dim=1) == torch.arange(BATCH)).all())
    # Every window is once a partner, as in an order of the batch.
    partners = (shares - torch.diag(shares.diagonal())).argmax(dim=1)[shares.diagonal() < 1]
    assert len({*partners.tolist()}) == len(partners) > BATCH // 2


def test_shares_follow_the_beta_distribution_of_the_paper() -> None:
    drawn = []
    for _ in range(60):
        _, target, _ = mixed(Mixup(alpha=0.5), *batch())
        shares = target[:, 0].flatten(1).diagonal()
        drawn.append(shares[shares < 1])  # 1: a window was its own partner
    kept = torch.cat(drawn).numpy()
    # max(s, 1 - s) of the arcsine law has the distribution 4 / pi * asin(sqrt(x)) - 1 on [0.5, 1].
    for x in (0.6, 0.75, 0.9):
        expected = 4 / np.pi * np.arcsin(np.sqrt(x)) - 1
        assert (kept <= x).mean() == pytest.approx(expected, abs=0.035)


def test_a_frame_counts_only_if_both_that_it_is_made_of_do() -> None:
    weight = torch.ones(BATCH, 2)
    weight[3, 1] = 0
    _, target, weights = mixed(Mixup(), *batch(weight))
    partner_of_3 = {3, *(target[:, 0].flatten(1)[:, 3] > 0).nonzero().flatten().tolist()}
    assert set((weights[:, 1] == 0).nonzero().flatten().tolist()) == partner_of_3
    assert bool((weights[:, 0] == 1).all())
    assert len(partner_of_3) == 2


def test_a_batch_of_one_stays() -> None:
    frames, target, weight = (tensor[5:6] for tensor in batch())
    after_all = mixed(Mixup(), frames, target, weight)
    for before, after in zip((frames, target, weight), after_all, strict=True):
        torch.testing.assert_close(after, before)


def test_half_precision_targets_stay_so() -> None:
    frames, target, weight = batch()
    assert mixed(Mixup(), frames, target.bfloat16(), weight)[1].dtype is torch.bfloat16


def test_a_frame_made_of_one_with_a_ball_has_one() -> None:
    frames, values, weight = batch()
    has_ball = torch.zeros(BATCH, 2, dtype=torch.bool)
    has_ball[3] = True
    target = Mixup().mix(frames, Target(values, weight, has_ball))[1]
    made_of_3 = target.values[:, 0].flatten(1)[:, 3] > 0
    assert torch.equal(target.has_ball[:, 0], made_of_3)
    assert int(made_of_3.sum()) == 2


def test_it_blends_heatmaps_alone() -> None:
    assert Form("heatmap").fits(Mixup.forms)
    assert not Form("classes", 256).fits(Mixup.forms)
    assert not Form("offsets", 3).fits(Mixup.forms)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan"), float("inf")])
def test_an_alpha_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match=r"alpha=.*above 0.*remove the transform"):
        Mixup(alpha=alpha)
