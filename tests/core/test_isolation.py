"""Work in processes of their own."""

from __future__ import annotations

import math
import signal
from functools import partial
from pathlib import Path

from tracknet_core.evaluation.saved_runs import read_run
from tracknet_core.isolation import Job, run_apart


def test_one_that_fails_or_is_killed_ends_no_other(tmp_path: Path) -> None:
    work = {
        "broken": partial(math.sqrt, -1.0),
        "killed": partial(signal.raise_signal, signal.SIGKILL),
        "mistaken": partial(read_run, tmp_path / "nothing.json"),
        "right": partial((tmp_path / "done").touch),
    }
    told: list[str] = []
    jobs = [Job(name, one, tmp_path / f"{name}.txt") for name, one in work.items()]
    faults = run_apart(jobs, at_once=2, threads=1, tell=told.append)
    assert (tmp_path / "done").is_file()
    assert faults["broken"].startswith("ValueError: ")
    assert "Traceback" in (tmp_path / "broken.txt").read_text()
    assert faults["killed"] == "was killed (SIGKILL); mostly the machine ran out of memory"
    assert faults["mistaken"].startswith(f"{tmp_path / 'nothing.json'}: this file cannot be read")
    assert (tmp_path / "mistaken.txt").read_text() == ""
    assert faults.keys() == {"broken", "killed", "mistaken"}
    assert f"right: {tmp_path / 'right.txt'}" in told
