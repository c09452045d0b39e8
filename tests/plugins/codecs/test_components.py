"""Connected components: the same as a flood fill finds, whatever the shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tracknet_plugins.codecs.components import best_components, find_components


def flood_fill(above: np.ndarray) -> list[set[tuple[int, int]]]:
    """The components of one map, in reading order of their first cells."""
    left = {(int(row), int(column)) for row, column in np.argwhere(above)}
    components = []
    while left:
        component, edge = set(), [min(left)]
        while edge:
            row, column = edge.pop()
            if (row, column) in left:
                left.remove((row, column))
                component.add((row, column))
                edge += [(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        components.append(component)
    return components


def found_in(logits: torch.Tensor, threshold: float = 0.5) -> list[list[set[tuple[int, int]]]]:
    """The components that the code finds, by map."""
    found = find_components(logits, threshold)
    maps: list[list[set[tuple[int, int]]]] = [[] for _ in range(logits.shape[0] * logits.shape[1])]
    for number, which in enumerate(found.map.tolist()):
        mine = found.label == number
        maps[which].append(set(zip(found.row[mine].tolist(), found.column[mine].tolist(), strict=True)))
    return maps


@pytest.mark.parametrize("share", [0.05, 0.3, 0.42, 0.6, 0.95])
def test_random_maps_have_the_components_of_a_flood_fill(share: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.where(torch.rand(2, 3, 17, 23, generator=generator) < share, 2.0, -2.0)

    expected = [flood_fill(one.numpy() > 0) for one in logits.flatten(0, 1)]

    assert found_in(logits) == expected


def test_a_spiral_is_one_component() -> None:
    spiral = np.array(
        [
            [1, 1, 1, 1, 1, 1, 1],
            [0, 0, 0, 0, 0, 0, 1],
            [1, 1, 1, 1, 1, 0, 1],
            [1, 0, 0, 0, 1, 0, 1],
            [1, 0, 1, 1, 1, 0, 1],
            [1, 0, 0, 0, 0, 0, 1],
            [1, 1, 1, 1, 1, 1, 1],
        ]
    )
    logits = torch.from_numpy(np.where(spiral, 1.0, -1.0))[None, None]

    assert [len(component) for component in found_in(logits)[0]] == [spiral.sum()]


def test_corners_connect_but_borders_and_maps_do_not() -> None:
    logits = torch.full((1, 2, 4, 4), -1.0)
    logits[0, 0, 0, 0] = logits[0, 0, 1, 1] = 1.0  # touch at a corner
    logits[0, 0, 2, 3] = logits[0, 0, 3, 0] = 1.0  # neighbours in memory only
    logits[0, 0, 3, 3] = logits[0, 1, 0, 0] = 1.0  # the last cell of a map and the first of the next

    assert found_in(logits) == [[{(0, 0), (1, 1)}, {(2, 3), (3, 3)}, {(3, 0)}], [{(0, 0)}]]


def test_a_cell_at_the_threshold_is_not_above_it() -> None:
    logits = torch.tensor([[[[0.0, -1.0, 1e-3]]]])

    assert found_in(logits) == [[{(0, 2)}]]
    assert found_in(logits, threshold=0.0) == [[{(0, 0), (0, 1), (0, 2)}]]
    assert found_in(logits, threshold=1.0) == [[]]


def test_heights_are_those_of_the_cells() -> None:
    logits = torch.tensor([[[[3.0, -1.0, 0.5]]]])

    found = find_components(logits, 0.5)

    torch.testing.assert_close(found.height, torch.tensor([3.0, 0.5]).sigmoid())


def test_the_best_of_each_map_come_first_and_equal_ones_in_reading_order() -> None:
    maps = torch.tensor([0, 0, 0, 2, 2, 2])
    score = torch.tensor([1.0, 3.0, 2.0, 5.0, 5.0, 5.0])

    best = best_components(maps, score, count=4, depth=2)

    assert best.tolist() == [[1, 2], [6, 6], [3, 4], [6, 6]]


def test_no_components_at_all() -> None:
    found = find_components(torch.full((1, 2, 3, 3), -1.0), 0.5)

    assert len(found.map) == len(found.label) == 0
    assert best_components(found.map, torch.zeros(0), count=2, depth=3).tolist() == [[0, 0, 0]] * 2
