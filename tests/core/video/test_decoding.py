"""What goes wrong between packets and pictures."""

from __future__ import annotations

from collections.abc import Iterator

import av
import pytest

from tracknet_core.errors import DataError
from tracknet_core.video.decoding import decoded, demuxed


def test_memory_that_runs_out_is_no_broken_frame() -> None:
    class Packet:
        def decode(self) -> list[object]:
            raise av.error.MemoryError(12, "Cannot allocate memory")

    with pytest.raises(MemoryError):
        list(decoded([Packet()]))  # type: ignore[list-item]


def test_a_container_that_breaks_off_is_named() -> None:
    class Container:
        def demux(self, stream: object) -> Iterator[object]:
            yield "the first packet"
            raise av.error.OSError(5, "Input/output error")

    packets = demuxed(Container(), None, "rally.mp4")  # type: ignore[arg-type]
    assert next(packets) == "the first packet"
    with pytest.raises(DataError, match=r"^rally\.mp4: broke off, and cannot be read on \(Input/output error\)"):
        next(packets)
