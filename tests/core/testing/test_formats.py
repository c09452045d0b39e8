"""The kit accepts formats that keep the contract and tells what breaks it."""

from typing import Any

import pytest
import torch

from tracknet_core.contracts import Format
from tracknet_core.errors import CheckpointError
from tracknet_core.testing import check_format


class Pickled(Format):
    """Keeps what it saved in memory, and a mark in the file."""

    suffix = ".net"

    def __init__(self) -> None:
        pass

    def save(self, network: Any, frames: Any, path: Any, notes: Any) -> None:
        path.write_text("network")
        self.network, self.kept = network, dict(notes)

    def load(self, path: Any) -> Any:
        self._check(path)
        return self.network

    def notes(self, path: Any) -> dict[str, str]:
        self._check(path)
        return self.kept

    def _check(self, path: Any) -> None:
        if not path.is_file() or path.read_text() != "network":
            raise CheckpointError(f"{path}: no network.")


class Trusting(Pickled):
    def _check(self, path: Any) -> None:
        pass


class Undotted(Pickled):
    suffix = "net"


class Littering(Pickled):
    def save(self, network: Any, frames: Any, path: Any, notes: Any) -> None:
        super().save(network, frames, path, notes)
        path.with_name("graph.tmp").touch()


class Forgetful(Pickled):
    def notes(self, path: Any) -> dict[str, str]:
        return {key: text.strip("<&>") for key, text in super().notes(path).items() if key == "config"}


class Rounded(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        return lambda frames: (network(frames)[0].round(), *network(frames)[1:])


class OneWindow(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        return lambda frames: network(frames[:1])


class Buffered(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        buffers: dict[Any, Any] = {}

        def run(frames: Any) -> Any:
            results = network(frames)
            for buffer, result in zip(buffers.setdefault(frames.shape, results), results, strict=True):
                buffer.copy_(result)
            return buffers[frames.shape]

        return run


def test_a_format_passes(tmp_path):
    check_format(Pickled(), tmp_path)


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Undotted(), "suffix"),
        (Littering(), r"leaves nothing but network\.\*, got graph\.tmp"),
        (Forgetful(), "notes come back"),
        (Rounded(), "logits of the file is up to 0.[0-9]+ off"),
        (OneWindow(), "shape"),
        (Buffered(), "off"),
        (Trusting(), "raises CheckpointError"),
    ],
)
def test_broken_formats_are_refused(refused, component, words, tmp_path):
    with refused(words), torch.no_grad():
        check_format(component, tmp_path)
