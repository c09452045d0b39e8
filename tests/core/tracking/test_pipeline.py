"""A clip from its frames to files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracknet_core.contracts import Candidates
from tracknet_core.tracking import clip_tracker
from tracknet_core.tracking.clip import detect
from tracknet_core.tracking.videos import track_videos
from tracknet_core.video import write_video


def test_a_network_with_a_state_that_was_interrupted_goes_on_as_if_it_had_not_been(
    recurrent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, output = tmp_path / "rally.mp4", tmp_path / "out" / "rally.csv"
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (40, 6, 8, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    write_video(video, list(pictures), fps=25, crf=5)

    def track(existing: Any) -> None:
        forms: dict[str, str | None] = {"--format": None}
        track_videos(recurrent, [str(video)], output.parent, forms, existing=existing, tracker="none", device="cpu")

    def interrupted(*arguments: Any, **options: Any) -> Iterator[Candidates]:
        yield from islice(detect(*arguments, **options), 31)  # in the middle of a window
        raise KeyboardInterrupt

    track("refuse")
    whole = output.read_text()
    assert [line.split(",")[1] for line in whole.splitlines()[1:]] == ["1"] * 40
    with monkeypatch.context() as patch:
        patch.setattr(clip_tracker, "detect", interrupted)
        with pytest.raises(KeyboardInterrupt):
            track("overwrite")
    part = output.with_name("rally.csv.part")
    assert part.read_text().count("\n") == 32
    output.unlink()

    track("resume")

    assert output.read_text() == whole
