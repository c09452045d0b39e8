"""How numbers of things are said."""

import pytest

from tracknet_core.wording import count


@pytest.mark.parametrize(("number", "said"), [(0, "0 frames"), (1, "1 frame"), (12, "12 frames")])
def test_one_is_no_plural(number: int, said: str) -> None:
    assert count(number, "frame") == said
