"""A real balancer on loopback, with fake nodes and with clients over sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from roost.balancer import Addresses, Balancer, Config
from roost.instant import Instant
from roost.protocol.trunk import (
    Attach,
    Batch,
    FromBalancer,
    FromNode,
    Incarnation,
    Item,
    Lines,
    Output,
    Ping,
    Pong,
    Reply,
    Welcome,
    decode_from_balancer,
    encode,
)
from roost.wire import FramedConnection, admit, client_context, connect, parse_address
from support.credentials import issue
from support.loops import WAIT_S_MAX, wait_until
from unit.balancer.fakes import INCARNATION, hello, status

T = TypeVar("T")


class ManualClock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.monotonic = 1000.0

    def __call__(self) -> Instant:
        return Instant(self.monotonic, 1_750_000_000_000)


class FakeNode:
    """A node's end of a trunk."""

    def __init__(self, connection: FramedConnection) -> None:
        self.connection = connection
        self.frames: list[FromBalancer] = []
        self.closed: list[str] = []
        self.is_answering = True
        self.pings = 0
        self.position = 0

    def on_frame(self, body: bytes) -> None:
        frame = decode_from_balancer(body)
        if isinstance(frame, Ping):
            self.pings += 1
            if self.is_answering:
                self.say(Pong(frame.nonce))
        else:
            self.frames.append(frame)

    def on_closed(self, reason: str) -> None:
        self.closed.append(reason)

    def say(self, frame: FromNode) -> None:
        self.connection.send(encode(frame))

    def show(self, *items: Item) -> None:
        self.position += 1
        self.say(Output(self.position, items))

    def seen(self, kind: type[T]) -> list[T]:
        return [frame for frame in self.frames if isinstance(frame, kind)]

    def has_spoken(self) -> bool:
        """Return whether the newest session's first line has come; a node acknowledges no other."""
        attaches = self.seen(Attach)
        sessions = {frame.session for frame in self.seen(Lines)}
        sessions |= {lines.session for batch in self.seen(Batch) for lines in batch.lines}
        return bool(attaches) and attaches[-1].session in sessions

    async def next(self, kind: type[T], count: int = 1) -> list[T]:
        """Wait for that many frames of a kind; remove and return all of that kind."""
        await wait_until(lambda: len(self.seen(kind)) >= count)
        found = self.seen(kind)
        self.frames = [frame for frame in self.frames if not isinstance(frame, kind)]
        return found

    async def register(self) -> Attach:
        """Wait for the next session, and acknowledge its first line."""
        (attach,) = await self.next(Attach)
        self.show(
            Reply(attach.session, attach.generation, 1, 0, True, b":roost.local 001 a :hi\r\n")
        )
        return attach


class Client:
    """A client over a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def is_sent(self) -> bool:
        """Return whether the system has taken everything."""
        return self.writer.transport.get_write_buffer_size() == 0

    async def line(self) -> bytes:
        """Wait for a line and return it; empty at the end of the connection."""
        async with asyncio.timeout(WAIT_S_MAX):
            return await self.reader.readline()

    async def rest(self) -> bytes:
        """Wait until the balancer closes the connection; return what it sent."""
        async with asyncio.timeout(WAIT_S_MAX):
            return await self.reader.read()


class RunningBalancer:
    """The balancer, with its nodes and clients."""

    def __init__(self, directory: Path, balancer: Balancer, clock: ManualClock) -> None:
        self.directory = directory
        self.balancer = balancer
        self.clock = clock
        self._addresses: Addresses | None = None
        self._clients: list[Client] = []

    @property
    def addresses(self) -> Addresses:
        assert self._addresses is not None
        return self._addresses

    async def open(self) -> None:
        self._addresses = await self.balancer.wait_listening()

    async def link(self, name: str, **connecting: Any) -> FakeNode:
        """Connect with a node's certificate, and send nothing."""
        host, port = parse_address(self.addresses.trunk_address)
        nodes: list[FakeNode] = []

        def make(connection: FramedConnection) -> FakeNode:
            nodes.append(FakeNode(connection))
            return nodes[0]

        credentials = issue(self.directory, name, **connecting)
        context = client_context(credentials)
        await connect(host, port, context, make, admit("test", "balancer"))
        return nodes[0]

    async def node(self, name: str, *, is_ready: bool = True, **changes: Any) -> FakeNode:
        """Connect a node that announces itself, and wait until the balancer knows it."""
        node = await self.link(name)
        node.say(hello(name, **changes))
        await node.next(Welcome)
        node.say(Incarnation(INCARNATION))
        if is_ready:
            node.say(status())
            await wait_until(lambda: self.node_state(name) == "ready")
        return node

    async def client(self) -> Client:
        host, port = parse_address(self.addresses.address)
        client = Client(*await asyncio.open_connection(host, port, limit=1 << 24))
        self._clients.append(client)
        return client

    async def registered(self, node: FakeNode) -> tuple[Client, Attach]:
        client = await self.client()
        client.send(b"NICK a\r\n")
        await wait_until(node.has_spoken)
        attach = await node.register()
        assert await client.line() == b":roost.local 001 a :hi\r\n"
        return client, attach

    def node_state(self, name: str) -> str:
        states = {node.name: node.state for node in self.balancer.statistics().nodes}
        return states.get(name, "")

    async def sweep_until(self, condition: Callable[[], object], step_s: float = 0.25) -> None:
        """Advance the clock in steps, with a sweep after each, until the condition holds."""

        def turn() -> object:
            self.clock.monotonic += step_s
            self.balancer.sweep()
            return condition()

        await wait_until(turn)

    def keep(self, client: Client) -> None:
        """Close a client at the end."""
        self._clients.append(client)

    def close(self) -> None:
        for client in self._clients:
            client.writer.transport.abort()


def make_config(directory: Path, **changes: Any) -> Config:
    values: dict[str, Any] = {
        "name": "b1",
        "cluster": "test",
        "credentials": issue(directory, "b1", "balancer"),
        "port": 0,
        "http_port": 0,
        "trunk_port": 0,
        "stop_s": 0.01,
    }
    return Config(**(values | changes))


@contextlib.asynccontextmanager
async def run_balancer(directory: Path, **changes: Any) -> AsyncIterator[RunningBalancer]:
    """Run a balancer while the context lasts."""
    clock = ManualClock()
    balancer = Balancer(make_config(directory, **changes), clock)
    one = RunningBalancer(directory, balancer, clock)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(balancer.run())
        opening = tasks.create_task(one.open())
        await asyncio.wait((running, opening), return_when=asyncio.FIRST_COMPLETED)
        try:
            yield one
        finally:
            one.close()
            balancer.stop()


def changed(limits: T, **changes: Any) -> T:
    """Return limits with some of them changed."""
    return msgspec.structs.replace(limits, **changes)  # type: ignore[type-var]
