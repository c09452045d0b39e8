"""What the tests of experiments share."""

from collections.abc import Callable
from typing import Any

import pytest

from tracknet_core.config import load_config
from tracknet_core.errors import ConfigError


@pytest.fixture
def faults() -> Callable[..., list[str]]:
    """Load an experiment that is wrong and return what it is told."""

    def load(*arguments: Any, **options: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load_config(*arguments, **options)
        return caught.value.faults

    return load
