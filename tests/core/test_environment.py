"""Variables of the environment for a while."""

import os

import pytest

from tracknet_core.environment import environment


def test_variables_are_what_they_were_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKNET_KNOWN", "before")
    monkeypatch.delenv("TRACKNET_NEW", raising=False)
    with environment(TRACKNET_KNOWN="now", TRACKNET_NEW="1"):
        assert (os.environ["TRACKNET_KNOWN"], os.environ["TRACKNET_NEW"]) == ("now", "1")
    assert os.environ["TRACKNET_KNOWN"] == "before"
    assert "TRACKNET_NEW" not in os.environ
