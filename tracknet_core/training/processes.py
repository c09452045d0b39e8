"""Several processes that train together: what they agree on, and how all of them end when one fails.

Lightning starts them (``training.devices=2``) or torchrun does. What they have to tell each other stands in a store of
torch's, which the first process or torchrun offers, and not in a collective: a process that waits inside of one hears
nothing of another that has failed before it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import lightning.pytorch as pl
import torch.distributed as dist
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher

from tracknet_core.environment import environment
from tracknet_core.errors import ConfigError, DataError, UserError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

_PORT = "TRACKNET_STORE_PORT"
"""The environment variable that says to processes which were started by the first where its store is."""

_RUN, _FAILED = "run", "failed"  # what stands in the store

_START = timedelta(minutes=30)
"""How long the slowest process may take until it is ready to train; what there is to prepare may be much."""

_PERIOD = 0.5
"""Seconds between two looks at the others."""

_GRACE = 3.0
"""Seconds that a process has to end by itself after another has failed."""

_FAREWELL = 30.0
"""Seconds that the first process waits for the others at the end."""

_LOST_CONNECTION = re.compile(r"[Cc]onnection (closed|reset|refused)|[Bb]roken pipe|Socket Timeout|NCCL|failed to recv")
"""What backends of torch say where another process is gone."""


class _End(NamedTuple):
    """Why this process has to end.

    Attributes:
        code: exit code.
        message: what nobody else has told; empty if somebody has.
    """

    code: int
    message: str = ""


class Team:
    """The processes of a training, seen by one of them; a context, at whose end all are over or none has failed.

    One that fails tells the others, and is the only one that tells the user. Where a process trains alone, there is
    nothing to agree on, and errors are as they come.

    Attributes:
        is_first: whether this is the process that writes files and speaks.
    """

    def __init__(self) -> None:
        self._children: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._rank = 0
        self._world: int | None = None  # how many there are, if that is known already
        self._store: Store | None = None
        if _PORT in os.environ:
            self._rank = int(os.environ["LOCAL_RANK"])
            self._store = _tcp_store(int(os.environ[_PORT]), offers=False)
        elif dist.is_available() and dist.is_torchelastic_launched() and int(os.environ["WORLD_SIZE"]) > 1:
            self._rank, self._world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
            store, _, _ = next(iter(dist.rendezvous("env://", timeout=_START)))  # type: ignore[attr-defined]
            # What stands there outlives a failed attempt.
            attempt = f"tracknet/{os.environ['TORCHELASTIC_RESTART_COUNT']}"
            self._store = dist.PrefixStore(attempt, store)  # type: ignore[attr-defined]
        self.is_first = self._rank == 0

    def agree(self, make: Callable[[], str]) -> str:
        """Return what the first process makes, in all of them."""
        if self._store is None:
            return make()
        if self.is_first:
            self._store.set(_RUN, make())
        run: bytes = self._store.get(_RUN)
        return run.decode()

    def start(self, trainer: pl.Trainer, run: str) -> None:
        """Start the other processes, if Lightning is to do that, and look after them from now on.

        Args:
            trainer: what they train with.
            run: what they agree on.

        Raises:
            ConfigError: torchrun has started more or fewer than the settings say.
        """
        if self._world not in (None, trainer.world_size):
            raise ConfigError(
                f"training.devices: torchrun has started {self._world} processes, but the settings are for "
                f"{trainer.world_size}. Set training.devices to the processes of a machine, training.num_nodes to the "
                "machines, and training.strategy=ddp."
            )
        launcher = trainer.strategy.launcher
        if self._store is None and isinstance(launcher, _SubprocessScriptLauncher):
            store = _tcp_store(0, offers=True)
            store.set(_RUN, run)
            self._store = store
            # That the store is gone with its process is no news to those who watch it.
            for_children = {_PORT: str(store.port), "TORCH_CPP_LOG_LEVEL": "ERROR"}
            with environment(**for_children):
                # Lightning starts none where they are there, and then has nobody kill this process without a word when
                # one of them ends.
                launcher._call_children_scripts()
            self._children = launcher.procs
        if self._store is not None:
            threading.Thread(target=self._watch, name="tracknet-team", daemon=True).start()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End together.

        Raises:
            SystemExit: another process has failed, and told why.
            DataError: another process is gone without a word.
        """
        if self._store is None:
            return
        try:
            other = None if error is None else self._failure_before(error)
        finally:
            self._over.set()
            self._wait(_FAREWELL if error is None else 2 * _GRACE)
        if other is None:
            return
        if other.message:
            raise DataError(other.message) from error
        raise SystemExit(other.code) from error

    def _failure_before(self, error: BaseException) -> _End | None:
        """Return the failure that ``error`` follows from; None if it is the first, which the others now know."""
        until = time.monotonic() + (_GRACE if _LOST_CONNECTION.search(str(error)) else 0)
        while (other := self._failure_elsewhere()) is None and time.monotonic() < until:
            time.sleep(_PERIOD / 5)
        return other or self._announce(2 if isinstance(error, UserError) else 1)

    def _announce(self, code: int) -> _End | None:
        """Tell the others that this process fails; return the failure of another that was faster."""
        own = f"{self._rank} {code}"
        try:
            first = self._stored().compare_set(_FAILED, "", own).decode()
        except RuntimeError:
            return _End(1)
        return None if first == own else _End(int(first.split()[1]))

    def _failure_elsewhere(self) -> _End | None:
        """Return why this process has to end, if another has failed."""
        for rank, child in enumerate(self._children, start=1):
            code = child.poll()
            if code is not None and code < 0:
                return _End(
                    2,
                    f"training.devices: process {rank} was killed ({signal.Signals(-code).name}). Mostly the machine "
                    "ran out of memory: lower training.batch_size or training.data_loader.num_workers. What was saved "
                    "is whole: go on with --resume auto.",
                )
            if code:
                return _End(code)
        store = self._stored()
        try:
            if not store.check([_FAILED]):
                return None
            rank, code = map(int, store.get(_FAILED).split())
        except RuntimeError:  # the store went with its process
            return _End(1)
        return None if rank == self._rank else _End(code)

    def _watch(self) -> None:
        """End this process if another has failed, and nothing else does it."""
        while not self._over.wait(_PERIOD):
            other = self._failure_elsewhere()
            if other is not None and not self._over.wait(_GRACE):
                # The main thread waits for the others inside of a collective, out of which no exception reaches it.
                if other.message:
                    sys.stderr.write(f"error: {other.message}\n")
                self._wait(_GRACE)
                os._exit(other.code)

    def _wait(self, seconds: float) -> None:
        """Wait until the processes that were started here are over, and end those that are not."""
        until = time.monotonic() + seconds
        for child in self._children:
            try:
                child.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _stored(self) -> Store:
        if self._store is None:
            raise RuntimeError("a process that trains alone has no store")
        return self._store


def _tcp_store(port: int, *, offers: bool) -> Any:
    """Return the store of this machine at a port; ``offers`` makes it, at a free one for 0."""
    return dist.TCPStore(  # type: ignore[attr-defined]
        "127.0.0.1", port, is_master=offers, wait_for_workers=False, timeout=_START
    )
