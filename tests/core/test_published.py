"""Names of layers, and where weights lie in a file."""

import pytest
import torch

from tracknet_core.errors import CheckpointError
from tracknet_core.published import (
    listed,
    normalized,
    renamed,
    scale_and_shift,
    shape_of,
    skips_last,
    weights_in,
    with_biases,
    without_biases,
)

ONE = torch.ones(1)


def test_weights_lie_under_a_key_or_alone_and_of_several_devices() -> None:
    state = {"conv.weight": ONE}
    assert weights_in(state, "model") == state
    assert weights_in({"epoch": 3, "model": state}, "state_dict", "model") == state
    assert weights_in({"model": {"module.conv.weight": ONE, "module.bn.bias": ONE}}, "model").keys() == {
        "conv.weight",
        "bn.bias",
    }
    assert weights_in({"module.conv.weight": ONE, "head.bias": ONE}).keys() == {"module.conv.weight", "head.bias"}


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, {"model": {}}, {"model": {"epoch": 3}}, {"model": [ONE]}])
def test_what_holds_no_weights_is_told(content) -> None:
    with pytest.raises(CheckpointError, match=r"expected under 'model', or alone. The file holds (epoch|model|noth)"):
        weights_in(content, "model")


def test_layers_get_our_names_and_unknown_ones_keep_theirs() -> None:
    weights = {"down1.0.conv.weight": ONE, "down2.1.conv.bias": ONE, "aux.1.weight": ONE, "other.weight": ONE, "a": ONE}
    layers = {"down1.*.conv": "levels.0.*.0", "down*.*.conv": "levels.*.*.0"}
    assert [*renamed(weights, layers, ["aux.*"])] == ["levels.0.0.0.weight", "levels.2.1.0.bias", "other.weight", "a"]


def test_a_star_is_one_part_of_a_name() -> None:
    assert [*renamed({"a.b.c.weight": ONE, "a.b.weight": ONE}, {"a.*": "x.*"})] == ["a.b.c.weight", "x.b.weight"]
    assert [*renamed({"axb.weight": ONE}, {"a.b": "x"})] == ["axb.weight"]


def test_a_bias_before_a_normalisation_moves_its_mean() -> None:
    torch.manual_seed(0)
    both = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3)).eval()
    torch.nn.init.normal_(both[1].running_mean)
    changed = without_biases({f"a.{name}": value for name, value in both.state_dict().items()}, {"*.0": "*.1"})
    assert "a.0.bias" not in changed
    plain = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, bias=False), torch.nn.BatchNorm2d(3)).eval()
    plain.load_state_dict({name.removeprefix("a."): value for name, value in changed.items()})
    x = torch.randn(1, 2, 5, 5)
    torch.testing.assert_close(plain(x), both(x))


def test_a_bias_without_its_normalisation_stays() -> None:
    assert without_biases({"a.0.bias": ONE, "b.bias": ONE}, {"*.0": "*.1"}).keys() == {"a.0.bias", "b.bias"}


def test_a_scale_and_a_shift_are_a_normalisation() -> None:
    torch.manual_seed(0)
    scale, shift, x = torch.randn(3), torch.randn(3), torch.randn(2, 3, 4, 4)
    norm = torch.nn.BatchNorm2d(3).eval()
    norm.load_state_dict({"num_batches_tracked": torch.tensor(0), **_leaves(scale_and_shift("a", scale, shift))})
    torch.testing.assert_close(norm(x), scale[:, None, None] * x + shift[:, None, None])


def _leaves(weights):
    return {name.removeprefix("a."): value for name, value in weights.items()}


def test_a_normalisation_is_taken_out_of_its_convolution_unless_it_is_there() -> None:
    folded = {"a.0.weight": ONE, "a.0.bias": 3 * ONE, "other.bias": ONE}
    changed = normalized(folded, {"*.0": "*.1"})
    assert changed.keys() == {
        "a.0.weight",
        *(f"a.1.{leaf}" for leaf in ("weight", "bias", "running_mean", "running_var")),
        "other.bias",
    }
    assert (changed["a.1.weight"].item(), changed["a.1.bias"].item()) == (1, 3)
    both = {**folded, "a.1.weight": ONE}
    assert normalized(both, {"*.0": "*.1"}) == both


def test_a_layer_without_a_bias_gets_one_of_0_and_another_keeps_its_own() -> None:
    weights = {"a.0.weight": torch.ones(3, 2), "b.0.weight": torch.ones(2), "b.0.bias": torch.ones(2)}
    changed = with_biases(weights, ["*.0", "c"])
    assert changed["a.0.bias"].tolist() == [0, 0, 0]
    assert changed["b.0.bias"] is weights["b.0.bias"]
    assert len(changed) == 4


def test_a_skip_that_comes_first_comes_last() -> None:
    weight = torch.arange(6.0).view(1, 6, 1, 1)
    changed = skips_last({"up1.conv.weight": weight, "down.weight": weight}, {"up*.conv": 3})
    assert changed["up1.conv.weight"].flatten().tolist() == [2, 3, 4, 5, 0, 1]
    assert changed["down.weight"] is weight


def test_a_shape_that_is_not_there_is_told() -> None:
    assert shape_of({"a.weight": torch.ones(2, 3)}, "a.weight") == (2, 3)
    with pytest.raises(CheckpointError, match=r"no weight is called b.weight. The file holds a.weight"):
        shape_of({"a.weight": ONE}, "b.weight")


def test_many_names_are_not_all_listed() -> None:
    assert listed([str(n) for n in range(10)]).endswith("8, 9")
    assert listed([str(n) for n in range(12)]).endswith("8, 9 and 2 more")
