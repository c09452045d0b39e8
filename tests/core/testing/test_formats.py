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

    def save(self, network: Any, inputs: Any, path: Any, notes: Any) -> None:
        path.write_text("network")
        self.network, self.kept = network, dict(notes)

    def load(self, path: Any) -> Any:
        self._check(path)
        return lambda *arrays: tuple(one.numpy() for one in self.network(*map(torch.from_numpy, arrays)))

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
    def save(self, network: Any, inputs: Any, path: Any, notes: Any) -> None:
        super().save(network, inputs, path, notes)
        path.with_name("graph.tmp").touch()


class Forgetful(Pickled):
    def notes(self, path: Any) -> dict[str, str]:
        return {key: text.strip("<&>") for key, text in super().notes(path).items() if key == "config"}


class Rounded(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        return lambda *inputs: (network(*inputs)[0].round(), *network(*inputs)[1:])


class OneWindow(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        return lambda *inputs: network(*(one[:1] for one in inputs))


class Buffered(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        buffers: dict[Any, Any] = {}

        def run(frames: Any, *state: Any) -> Any:
            results = network(frames, *state)
            for buffer, result in zip(buffers.setdefault(frames.shape, results), results, strict=True):
                buffer[...] = result
            return buffers[frames.shape]

        return run


class Tensors(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        return lambda *inputs: tuple(map(torch.from_numpy, network(*inputs)))


class Stateless(Pickled):
    def load(self, path: Any) -> Any:
        network = super().load(path)
        return lambda frames, *state: network(frames, *state)[:4]


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
        (Tensors(), "logits is a NumPy array, got a Tensor"),
        (Stateless(), "this file gives logits, points, score, present, the state after it, got 4 results"),
        (Trusting(), "raises CheckpointError"),
    ],
)
def test_broken_formats_are_refused(refused, component, words, tmp_path):
    with refused(words), torch.no_grad():
        check_format(component, tmp_path)
