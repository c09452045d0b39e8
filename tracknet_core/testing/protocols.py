"""Protocols: the rules by which detections are counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tracknet_core.contracts import Detections, FrameRule, Outcome, ProtocolMetric, Visibility
from tracknet_core.testing.require import noise, require


def check_protocol(component: ProtocolMetric) -> None:
    """Check a protocol: what it counts, that batches add up, and that its states are sums (or lists, of rows).

    What a :class:`FrameRule` says of each frame is what its figures count.

    Args:
        component: the metric, newly made.

    Raises:
        AssertionError: it breaks the contract of its kind.
    """
    rule: Any = component.rule
    require(isinstance(rule, str) and rule != "", f"rule is a sentence, got {rule!r}")
    xy = noise(4, 3, 2).abs() * 100 + 50
    visibility = torch.full((4, 3), int(Visibility.EASY))
    visibility[0, 0] = int(Visibility.ABSENT)
    xy[0, 0] = torch.nan
    visibility[1, 1] = int(Visibility.UNLABELLED)
    visibility[2, 1] = int(Visibility.HARD)
    visibility[3, 1] = int(Visibility.OCCLUDED)
    found = xy.nan_to_num(0.0) + torch.tensor([1.0, 40.0, 3.0, 90.0]).view(4, 1, 1)
    present = torch.ones(4, 3, 1, dtype=torch.bool)
    present[2, 0] = False
    reach = torch.tensor([[-8.0, -3.0], [8.0, 3.0]])  # a streak's ends
    points = xy.unsqueeze(-2) + reach  # (B, K, Q, 2)
    detections = Detections((found.unsqueeze(-2) + reach).unsqueeze(2), torch.ones(4, 3, 1), present)
    counted = torch.ones(4, 3, dtype=torch.bool)
    size = torch.tensor([[1280.0, 720.0]] * 4)

    metric: Any = component

    def figures(*parts: tuple[slice, Tensor]) -> Mapping[str, Tensor]:
        metric.reset()
        for rows, mask in parts:
            part = Detections(detections.points[rows], detections.score[rows], detections.present[rows])
            component.update(part, points[rows], visibility[rows], mask[rows], size[rows])
        return component.compute()

    whole = figures((slice(0, 4), counted))
    require(len(whole) > 0 and all(isinstance(name, str) for name in whole), "compute gives figures by name")
    for name, value in whole.items():
        require(value.shape == (), f"the figure '{name}' is a scalar, got the shape {tuple(value.shape)}")
        require(bool(value.isfinite()), f"the figure '{name}' is {value.item()}")
    if isinstance(component, FrameRule):
        outcomes = component.outcomes(detections, points, visibility, counted, size)
        require(outcomes.shape == (4, 3), f"outcomes are (B, K), got the shape {tuple(outcomes.shape)}")
        for outcome in Outcome:
            name, said = outcome.name.lower(), int((outcomes == outcome).sum())
            if outcome is Outcome.UNCOUNTED:
                require(bool(outcomes[1, 1] == outcome), "an UNLABELLED frame is UNCOUNTED")
            else:
                require(said == whole.get(name), f"{said} outcomes are {outcome.name}: '{name}' is {whole.get(name)}")
    sums = {name: state for name, state in metric.metric_state.items() if isinstance(state, Tensor)}
    _require_equal_figures(whole, figures((slice(0, 1), counted), (slice(1, 4), counted)), "batches do not add up")
    figures((slice(0, 1), counted))
    first = dict(metric.metric_state)
    figures((slice(1, 4), counted))
    for name, state in sums.items():
        added = first[name] + metric.metric_state[name]
        require(torch.allclose(state, added), f"the state '{name}' is no sum: {added} where {state} was due")
    masked = counted.clone()
    masked[1, 1] = False  # its label says nothing
    _require_equal_figures(whole, figures((slice(0, 4), masked)), "an UNLABELLED frame counts")
    masked[2:] = False
    _require_equal_figures(
        figures((slice(0, 4), masked)), figures((slice(0, 2), masked)), "a frame that is not 'counted' counts"
    )


def _require_equal_figures(one: Mapping[str, Tensor], other: Mapping[str, Tensor], complaint: str) -> None:
    for name, value in one.items():
        same = torch.allclose(value.double(), other[name].double(), equal_nan=True)
        require(same, f"{complaint}: '{name}' is {other[name].item():g} where {value.item():g} was due")
