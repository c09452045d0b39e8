"""What the tests of the kit share."""

import pytest


@pytest.fixture
def refused():
    """Expect that the kit complains in these words."""
    return lambda words: pytest.raises(AssertionError, match=words)
