"""The kit accepts writers that keep the contract and tells what breaks it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tracknet_core.contracts import ClipFacts, Output, TrackedFrame, Writer
from tracknet_core.row_file import RowWriter
from tracknet_core.testing import check_writer


class Numbers(RowWriter):
    """A line for each frame: its number."""

    suffix = ".txt"

    def encode(self, frame: TrackedFrame) -> str:
        return f"{frame.number}\n"

    def number(self, line: str) -> int:
        return int(line)

    def decode(self, lines: Any) -> Iterator[TrackedFrame]:
        for line in lines:
            yield TrackedFrame(int(line), 0.0)


class Names(Writer, Output):
    """Writes at once, when all frames are there."""

    def __init__(self, *, clip: ClipFacts) -> None:
        self.paths: tuple[Path, ...] = (clip.path("_names.txt"),)
        self.seen: list[str] = []

    @contextmanager
    def open(self, run: Mapping[str, str], *, resume: bool) -> Iterator[Output]:
        self.paths[0].parent.mkdir(exist_ok=True)
        yield self
        self.paths[0].write_text("".join(self.seen))

    def write(self, frame: TrackedFrame) -> None:
        self.seen.append(str(frame.number))


class Eager(Names):
    def __init__(self, *, clip: ClipFacts) -> None:
        super().__init__(clip=clip)
        self.paths[0].parent.mkdir(exist_ok=True)


class Elsewhere(Names):
    def __init__(self, *, clip: ClipFacts) -> None:
        super().__init__(clip=clip)
        self.paths = (clip.place.parent.parent / "names.txt",)


class Untidy(Names):
    def write(self, frame: TrackedFrame) -> None:
        self.paths[0].with_suffix(".log").touch()


class Early(Names):
    def write(self, frame: TrackedFrame) -> None:
        self.paths[0].touch()


class Swallowing(Names):
    @contextmanager
    def open(self, run: Mapping[str, str], *, resume: bool) -> Iterator[Output]:
        with suppress(Exception), super().open(run, resume=resume) as output:
            yield output


class Forgetting(Numbers):
    """Writes every frame as the first one, so that nothing is found again."""

    def decode(self, lines: Any) -> Iterator[TrackedFrame]:
        for _ in lines:
            yield TrackedFrame(99, 0.0)


class Counting(Numbers):
    """Counts the frames of a run: one that is gone on with counts anew."""

    count = 0

    def encode(self, frame: TrackedFrame) -> str:
        self.count += 1
        return f"{frame.number} {self.count}\n"

    def number(self, line: str) -> int:
        return int(line.split()[0])

    def decode(self, lines: Any) -> Iterator[TrackedFrame]:
        for line in lines:
            yield TrackedFrame(self.number(line), 0.0)


@pytest.mark.parametrize("writer", [Numbers, Names])
def test_a_writer_passes(writer, tmp_path):
    check_writer(lambda clip: writer(clip=clip), tmp_path)


@pytest.mark.parametrize(
    ("writer", "words"),
    [
        (Eager, "the constructor writes nothing"),
        (Elsewhere, "its files lie beside the place of the clip"),
        (Untidy, "it leaves .*clip_names.txt"),
        (Early, "a file of an interrupted run has its name already"),
        (Swallowing, "an exception inside of its block went no further"),
        (Forgetting, "earlier is what frames .* begin with"),
        (Counting, "ends with the file of one that was not interrupted"),
    ],
)
def test_broken_writers_are_refused(refused, writer, words, tmp_path):
    with refused(words):
        check_writer(lambda clip: writer(clip=clip), tmp_path)
