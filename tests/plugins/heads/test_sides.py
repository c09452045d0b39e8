import numpy as np
import pytest
import torch

from tracknet_core.contracts import FeatureSpec, Form
from tracknet_core.testing import check_constructor, check_head
from tracknet_plugins.heads.sides import Sides

FEATURE = FeatureSpec(channels=6, stride=4)
SIDES = Form("sides", layout="sides")


@pytest.mark.parametrize("parameters", [{}, {"pool": "logsumexp", "normalize": False}], ids=["published", "marginals"])
def test_sides_keeps_the_contract(parameters):
    check_constructor("heads", Sides)
    head = Sides(in_feature=FEATURE, maps=2, form=SIDES, **parameters)
    check_head(head, in_feature=FEATURE, maps=2, frames=3, size=(64, 32), form=SIDES)


def test_each_side_is_a_softmax_of_what_is_highest_in_columns_and_rows():
    head = Sides(in_feature=FeatureSpec(1, 1), maps=1, form=SIDES, normalize=False)
    torch.nn.init.constant_(head.map.weight, 1.0)
    torch.nn.init.constant_(head.map.bias, 0.0)
    cells = np.array([[1.0, 5.0, 2.0], [3.0, 0.0, 4.0]])

    got = head(torch.tensor(cells, dtype=torch.float32)[None, None], torch.zeros(()), (3, 2))[0, 0].exp()

    for side, highest in ((got[:3], [3.0, 5.0, 4.0]), (got[3:], [5.0, 4.0])):
        np.testing.assert_allclose(side.detach(), np.exp(highest) / np.exp(highest).sum(), rtol=1e-5)


def test_with_logsumexp_sides_are_the_marginals_of_a_softmax_over_the_map():
    torch.manual_seed(0)
    head = Sides(in_feature=FEATURE, maps=1, form=SIDES, normalize=False, pool="logsumexp")
    feature = torch.randn(2, 6, 4, 5)

    got = head(feature, torch.zeros(()), (5, 4)).exp()

    whole = head.map(feature).flatten(1).softmax(-1).view(2, 1, 4, 5)
    torch.testing.assert_close(got, torch.cat((whole.sum(-2), whole.sum(-1)), dim=-1))


def test_a_map_is_normalised_before_its_sides_are_taken():
    head = Sides(in_feature=FEATURE, maps=3, form=SIDES)
    assert head.map.bias is None
    assert [type(layer).__name__ for layer in head.after] == ["BatchNorm2d", "ReLU"]
    assert sum(p.numel() for p in head.parameters()) == 3 * 6 + 2 * 3


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match="accepts: max, logsumexp"):
        Sides(in_feature=FEATURE, maps=1, form=SIDES, pool="mean")
    with pytest.raises(ValueError, match="one number per cell"):
        Sides(in_feature=FEATURE, maps=1, form=Form("sides", channels=2, layout="sides"))
