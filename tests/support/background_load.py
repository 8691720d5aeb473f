"""Clients that talk while a test does something to their cluster.

with BackgroundLoad(cluster) as load:
    with load.measured("kill -9"):
        cluster.kill("n1")
        ...
This prints the pauses. At the end it checks that no line was lost, doubled or reordered, and that
no connection was closed.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from roost.ops import clock
from support.cluster import Cluster
from support.dialling import Dial
from support.load import Load, Report

PATIENCE_S = 60.0
TALK_S = 0.2
"""How long to talk before checking whether to go on."""


class Pause(float):
    """Return a time as text, in milliseconds."""

    def __str__(self) -> str:
        return f"{float(self):.0f} ms"


class BackgroundLoad:
    """A load in a thread of its own; a context manager that checks the results."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        clients: int = 120,
        rooms: int = 12,
        rate: float = 80.0,
        dials: Sequence[Dial] = (),
    ) -> None:
        host, port = cluster.address
        self._load = Load(host, port, clients=clients, rooms=rooms, rate=rate, dials=dials)
        self._is_ending = threading.Event()
        self._has_begun = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failure: BaseException | None = None
        self.report = Report()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._has_begun.wait(PATIENCE_S), "the load does not begin"
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_ending.set()
        self._thread.join(PATIENCE_S)
        if error is not None:
            return
        if self._failure is not None:
            raise self._failure
        print(self.report)
        counts = {
            name: getattr(self.report, name) for name in ("lost", "doubled", "reordered", "closed")
        }
        assert counts == dict.fromkeys(counts, 0), str(self.report)
        assert not self.report.strange, str(self.report)
        assert self.report.delivered > self.report.sent

    @contextlib.contextmanager
    def measured(self, what: str, *, pause_ms_max: float) -> Iterator[None]:
        """Print and limit the longest time that any client waited for a line meanwhile."""
        self._load.pauses = {}
        yield
        pauses = sorted(self._load.pauses.values())
        assert pauses, "nobody heard anything"
        p50, p99 = (Pause(pauses[int(len(pauses) * share)]) for share in (0.5, 0.99))
        most = Pause(pauses[-1])
        print(f"{what}: pauses of {len(pauses)} clients p50 {p50}, p99 {p99}, max {most}")
        assert most < pause_ms_max, f"{what}: {most}"

    def wait_said(self, lines: int) -> None:
        """Wait until `count` more lines were sent."""
        until = self._load.report.sent + lines
        deadline = clock.monotonic() + PATIENCE_S
        while self._load.report.sent < until:
            assert clock.monotonic() < deadline, "nobody talks any more"
            time.sleep(TALK_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._talk())
        except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
            self._failure = error
        finally:
            self._has_begun.set()

    async def _talk(self) -> None:
        await self._load.connect()
        self._has_begun.set()
        while not self._is_ending.is_set():
            await self._load.talk(TALK_S)
        self.report = await self._load.settle()
