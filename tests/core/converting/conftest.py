"""A converter of a tiny network, and a file of its weights under names of somebody else."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import catalogue
import pytest
import torch
from torch import Tensor

from tracknet_core.assembly import build_model
from tracknet_core.config import Config
from tracknet_core.published import renamed, weights_in
from tracknet_core.registry import NAMESPACE

STARS = [".".join("*" * count) for count in range(1, 7)]


@pytest.fixture
def converter(experiment: Path) -> Iterator[None]:
    class Theirs:
        """Ours, whose layers are called otherwise."""

        def __init__(self) -> None:
            self.experiment = str(experiment)

        def settings(self, content: Mapping[str, Any]) -> Sequence[str]:
            return [] if "length" not in content else [f"data.sequence.length={content['length']}"]

        def weights(self, content: Mapping[str, Any]) -> Mapping[str, Tensor]:
            return renamed(weights_in(content, "net"), {f"their.{stars}": stars for stars in STARS}, ["unread"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalogue.REGISTRY, (NAMESPACE, "converters", "theirs"), Theirs)
        yield


@pytest.fixture
def published(config: Config, converter: None) -> dict[str, Tensor]:
    torch.manual_seed(3)
    return {f"their.{name}": value for name, value in build_model(config).state_dict().items()}


@pytest.fixture
def written(published: dict[str, Tensor], tmp_path: Path) -> Path:
    path = tmp_path / "published.pth"
    torch.save({"epoch": 3, "net": published}, path)
    return path
