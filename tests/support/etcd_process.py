"""One member of etcd as a process, and ends of a log that use it, in a test's own event loop."""

import asyncio
import contextlib
import random
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

from roost.instant import Instant
from roost.log import Entry, EtcdConfig, EtcdEffect, EtcdLog, EtcdResult, Request, Watch
from roost.node.config import LogConfig
from roost.node.logs import asking_etcd
from roost.ops import clock

PATIENCE_S = 20.0
POLL_S = 0.02


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running_etcd(folder: Path, scheme: str, options: Sequence[str]) -> Iterator[str]:
    """Run a lone member while the context lasts; yield HOST:PORT."""
    port, peer_port = free_port(), free_port()
    client, peer = f"{scheme}://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    words = [
        "etcd",
        *("--data-dir", str(folder)),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"default={peer}"),
        *("--heartbeat-interval", "20", "--election-timeout", "200", "--log-level", "error"),
        *options,
    ]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


class RealEnd:
    """One node's end of the log in a real etcd."""

    def __init__(self, node: str, cluster: str) -> None:
        config = EtcdConfig(cluster=cluster, node=node, endpoints=1)
        self.log = EtcdLog(config, (0, 0), random.random, clock.now())
        self.committed: list[Entry] = []
        self.ask: Callable[[EtcdEffect], None]
        self._loop = asyncio.get_running_loop()
        self._is_due = False

    @property
    def fault(self) -> str:
        fault = self.log.status().fault
        return "" if fault is None else f"{fault[0]}: {fault[1]}"

    def tell(self, result: EtcdResult) -> None:
        self.log.receive(result, self._now())
        self._schedule()

    def tick(self) -> None:
        self.log.tick(self._now())
        self._schedule()

    def propose(self, *commands: bytes) -> None:
        assert self.log.propose(commands, self._now())
        self._schedule()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        deadline = clock.monotonic() + PATIENCE_S
        while not condition():
            assert clock.monotonic() < deadline, f"{self.fault}, {self.log.status()}"
            self.tick()
            await asyncio.sleep(POLL_S)

    def _now(self) -> Instant:
        return clock.now()

    def _schedule(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_due = False
        output = self.log.take_output()
        self.committed.extend(output.committed)
        for effect in output.effects:
            assert isinstance(effect, Request | Watch)
            self.ask(effect)


@contextlib.asynccontextmanager
async def real_end(node: str, config: LogConfig, cluster: str = "test") -> AsyncIterator[RealEnd]:
    """Open an end of the log while the context lasts."""
    end = RealEnd(node, cluster)
    async with asking_etcd(config, end.tell) as ask:
        assert ask is not None
        end.ask = ask
        yield end


class SilentProxy:
    """Stands between a node and etcd, and can lose everything without closing a connection."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._passes = asyncio.Event()
        self._passes.set()

    def go_silent(self) -> None:
        self._passes.clear()

    def go_on(self) -> None:
        self._passes.set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Listen while the context lasts; yield HOST:PORT."""
        running: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as tasks:

            async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                far_reader, far_writer = await asyncio.open_connection(*self._target)
                running.append(tasks.create_task(self._pass_on(reader, far_writer)))
                running.append(tasks.create_task(self._pass_on(far_reader, writer)))

            server = await asyncio.start_server(accept, "127.0.0.1", 0)
            host, port = server.sockets[0].getsockname()
            try:
                yield f"{host}:{port}"
            finally:
                server.close()
                for task in running:
                    task.cancel()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(65_536):
                    await self._passes.wait()
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
