"""The load generator of the benchmarks detects the faults of servers that lose or reorder."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import pytest

from benchmarks.generator import Talk, compile_generator, connected
from benchmarks.systems import System, write_certificate
from support.loops import wait_until

Tamper = Callable[[int, bytes], list[bytes]]
"""Returns what to send to a listener instead of its nth delivery."""


class Server:
    """A server with the commands that the generator uses; `tamper` changes the deliveries."""

    def __init__(self, tamper: Tamper) -> None:
        self._tamper = tamper
        self._writers: list[asyncio.StreamWriter] = []
        self._count = 0
        self.gone = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(ConnectionError):
            await self._listen(reader, writer)
            writer.close()
            await writer.wait_closed()
        self.gone += 1

    async def run(
        self, started: "Queue[tuple[int, int]]", stopping: threading.Event, tls: ssl.SSLContext
    ) -> None:
        """Serve on two ports, the second by TLS, until all clients are gone."""
        async with (
            await asyncio.start_server(self.serve, "127.0.0.1", 0) as plain,
            await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=tls) as secure,
        ):
            port, tls_port = (one.sockets[0].getsockname()[1] for one in (plain, secure))
            started.put((port, tls_port))
            await asyncio.to_thread(stopping.wait)
            await wait_until(lambda: self.gone == len(self._writers))

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            word, _, rest = line.partition(b" ")
            if word == b"USER":
                writer.write(b":s 001 x :hello\r\nPING :s\r\n")
            elif word == b"JOIN":
                writer.write(b":s 366 x " + rest.strip() + b" :end\r\n")
            elif word == b"PRIVMSG":
                self._deliver(writer, b":x!x@x " + line)

    def _deliver(self, sender: asyncio.StreamWriter, line: bytes) -> None:
        for index, writer in enumerate(self._writers):
            if writer is sender:
                continue
            if index:
                writer.write(line)
                continue
            self._count += 1
            writer.writelines(self._tamper(self._count, line))


@contextlib.contextmanager
def serving(tamper: Tamper, folder: Path) -> Iterator[System]:
    """Run a server on a thread of its own."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(write_certificate(folder))
    started: Queue[tuple[int, int]] = Queue()
    stopping = threading.Event()
    server = Server(tamper)
    thread = threading.Thread(target=lambda: asyncio.run(server.run(started, stopping, tls)))
    thread.start()
    try:
        port, tls_port = started.get(timeout=60)
        yield System("a server", port, (), folder, tls_port=tls_port, backlog=4)
    finally:
        stopping.set()
        thread.join()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_generator(tmp_path_factory.mktemp("load"))


def talk(program: Path, tamper: Tamper, tmp_path: Path, *, is_tls: bool = False) -> Talk:
    with (
        serving(tamper, tmp_path) as system,
        connected(program, system, 4, 1, is_tls=is_tls) as generator,
    ):
        return generator.talk(400, 0.2, 0.05)


def honest(_number: int, line: bytes) -> list[bytes]:
    return [line]


def swapping() -> Tamper:
    """Hold the tenth delivery back until the sender's next one was sent."""
    kept: list[bytes] = []

    def tamper(number: int, line: bytes) -> list[bytes]:
        sender = line.partition(b":~")[2].split()[0]
        if number == 10:
            kept.append(line)
            return []
        if kept and kept[0].partition(b":~")[2].split()[0] == sender:
            return [line, kept.pop()]
        return [line]

    return tamper


@pytest.mark.parametrize("is_tls", [False, True])
def test_nothing_is_wrong_with_an_honest_server(
    program: Path, tmp_path: Path, *, is_tls: bool
) -> None:
    found = talk(program, honest, tmp_path, is_tls=is_tls)
    assert found.is_whole
    assert found.expected == found.delivered == 300
    assert 0 <= found.p50_ms <= found.p99_ms <= found.max_ms


def test_a_lost_delivery_is_missed(program: Path, tmp_path: Path) -> None:
    found = talk(program, lambda number, line: [] if number == 10 else [line], tmp_path)
    assert not found.is_whole
    assert (found.missing, found.gaps, found.repeats) == (1, 1, 0)


def test_a_doubled_delivery_is_noticed(program: Path, tmp_path: Path) -> None:
    found = talk(program, lambda number, line: [line] * (1 + (number == 10)), tmp_path)
    assert not found.is_whole
    assert (found.missing, found.gaps, found.repeats) == (-1, 0, 1)


def test_deliveries_in_another_order_are_noticed(program: Path, tmp_path: Path) -> None:
    found = talk(program, swapping(), tmp_path)
    assert not found.is_whole
    assert (found.missing, found.gaps, found.repeats) == (0, 1, 1)
