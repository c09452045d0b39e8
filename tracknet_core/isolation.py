"""Work in processes of their own: one that fails, or that the system kills for its memory, ends no other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from tracknet_core.environment import environment
from tracknet_core.errors import UserError

_CONTEXT = multiprocessing.get_context("spawn")
_GRACE = 15.0  # seconds for a process to end by itself


@dataclass(frozen=True)
class Job:
    """A piece of work.

    Attributes:
        name: what it is called.
        work: a function of a module, without arguments that cannot be sent to another process.
        log: the file that gets what it prints.
    """

    name: str
    work: Callable[[], None]
    log: Path


def run_apart(jobs: Sequence[Job], *, at_once: int, threads: int, tell: Callable[[str], object]) -> dict[str, str]:
    """Do work in processes of their own, and return why some failed, by name.

    Args:
        jobs: in the order in which they begin.
        at_once: how many processes there are at a time.
        threads: of each.
        tell: is called with how it goes.
    """
    waiting, running, faults = list(jobs), dict[int, tuple[Job, BaseProcess, Connection]](), dict[str, str]()
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.pop(0)
                tell(f"{job.name}: {job.log}")
                process, answer = _start(job, threads)
                running[process.sentinel] = (job, process, answer)
            for sentinel in wait(list(running)):
                job, process, answer = running.pop(int(sentinel))  # type: ignore[arg-type]
                fault = _fault(process, answer)
                if fault is not None:
                    faults[job.name] = fault
                    tell(f"{job.name}: {fault}")
    finally:
        _end([process for _, process, _ in running.values()])
    return faults


def _start(job: Job, threads: int) -> tuple[BaseProcess, Connection]:
    answer, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_in_process, args=(job, theirs))
    # Read when libraries are loaded, which is before any line of ours runs there.
    with environment(OMP_NUM_THREADS=str(threads)):
        process.start()
    theirs.close()
    return process, answer


def _in_process(job: Job, answer: Connection) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with job.log.open("ab", buffering=0) as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    try:
        job.work()
    except UserError as error:
        answer.send(str(error))
    except KeyboardInterrupt:
        answer.send("interrupted")
    except Exception as error:
        traceback.print_exc()
        answer.send(f"{type(error).__name__}: {error}; {job.log} has all of it")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _fault(process: BaseProcess, answer: Connection) -> str | None:
    """Return why a process failed that is over."""
    process.join()
    try:
        text: str | None = answer.recv() if answer.poll() else None
    except EOFError:
        text = None
    answer.close()
    code = process.exitcode or 0
    if text is None and code < 0:
        return f"was killed ({signal.Signals(-code).name}); mostly the machine ran out of memory"
    return text if text is not None or code == 0 else f"ended with exit code {code}"


def _end(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(_GRACE)
        if process.is_alive():
            process.kill()
            process.join()
