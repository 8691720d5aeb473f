"""Clients that all talk at once and count every message.

    python -m support.load HOST PORT --clients 300 --rooms 30 --rate 200 --seconds 20

Each client joins one room and sends numbered lines. Each line should reach every client in the
room once and in the same order; its sender gets an echo. The load counts lost, doubled and
reordered lines and closed connections, and measures latencies. A pause is the longest time that a
client waited for a line.
"""

import argparse
import asyncio
import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from roost.ops import clock
from support.dialling import Dial, plain

GOODBYE_S = 5.0
"""How long closing may take; TLS and WebSocket clients have a closing handshake."""


class Report(msgspec.Struct, kw_only=True):
    """The results; times in milliseconds."""

    sent: int = 0
    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    closed: int = 0
    strange: list[str] = []
    latencies: list[float] = []

    def percentile(self, fraction: float) -> float:
        """Return a percentile of the latencies."""
        if not self.latencies:
            return 0.0
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]

    def __str__(self) -> str:
        return (
            f"sent {self.sent}, delivered {self.delivered}, lost {self.lost}, doubled "
            f"{self.doubled}, reordered {self.reordered}, closed {self.closed}, latency p50 "
            f"{self.percentile(0.5):.1f} ms, p99 {self.percentile(0.99):.1f} ms, max "
            f"{self.percentile(1.0):.1f} ms, strange {self.strange[:3]}"
        )


class LoadClient(asyncio.Protocol):
    """One client."""

    def __init__(self, load: "Load", number: int, room: str) -> None:
        self._load = load
        self.number = number
        self.nick = f"load{number}"
        self.room = room
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()
        self.heard: list[str] = []
        self.is_closed = False
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._names_ended = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.write(
            f"CAP REQ :echo-message message-tags server-time\r\nNICK {self.nick}\r\n"
            f"USER {self.nick} 0 * :{self.nick}\r\nCAP END\r\n"
        )

    def write(self, text: str) -> None:
        """Send text as it is."""
        if self._transport is not None and not self.is_closed:
            self._transport.write(text.encode())

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            self._line(line)

    def _line(self, line: bytes) -> None:
        if line.startswith(b"@"):
            _, _, line = line.partition(b" ")
        _, command, *rest = line.split(b" ", 3)
        if command == b"PRIVMSG":
            self._load.arrived(self, rest[1].decode()[1:])
        elif command == b"001":
            self.write(f"JOIN {self.room}\r\n")
        elif command == b"366":
            if not self.joined.done():
                self.joined.set_result(None)
        elif command == b"PING" or line.startswith(b"PING"):
            self.write(f"PONG {line.split(b' ', 1)[1].decode()}\r\n")
        elif command in {b"QUIT", b"NICK", b"AWAY", b"PART"} or line.startswith(b"ERROR"):
            self._load.report.strange.append(line.decode(errors="replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_closed and self._load.is_running:
            self._load.report.closed += 1
        self.is_closed = True
        self.gone.set()
        if not self.joined.done():
            self.joined.cancel()

    def close(self) -> None:
        """Go away."""
        self.is_closed = True
        if self._transport is not None:
            self._transport.close()


class Load:
    """All clients."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        clients: int,
        rooms: int,
        rate: float,
        dials: Sequence[Dial] = (),
    ) -> None:
        """Create `clients` clients, which use the `dials` in turn, or all plain text."""
        self._dials = tuple(dials) or (plain(host, port),)
        self._count = clients
        self._rooms = rooms
        self._rate = rate
        self.report = Report()
        self.is_running = False
        self.clients: list[LoadClient] = []
        self._sent_at: dict[str, float] = {}
        self._rooms_of: dict[str, list[str]] = {}
        self._text = itertools.count()
        self._speakers: Iterator[LoadClient] = iter(())
        self.pauses: dict[int, float] = {}
        """Each client's longest wait for a line, in ms; clear it to start again."""
        self._due = 0
        """How many deliveries are expected in the end; 0 while clients talk."""
        self._all_arrived = asyncio.Event()

    async def connect(self) -> None:
        """Connect all clients and join their rooms."""
        for number in range(self._count):
            # Each room has clients of each kind.
            room = f"#load{number % self._rooms}"
            dial = self._dials[number // self._rooms % len(self._dials)]
            client = LoadClient(self, number, room)
            await dial(lambda client=client: client)  # type: ignore[misc]
            self.clients.append(client)
            self._rooms_of.setdefault(room, [])
        async with asyncio.timeout(60):
            await asyncio.gather(*(client.joined for client in self.clients))
        self._speakers = itertools.cycle(self.clients)
        self.is_running = True

    async def talk(self, seconds: float) -> None:
        """Send lines at the rate, from all clients in turn."""
        start = clock.now().monotonic
        said = 0
        while (elapsed := clock.now().monotonic - start) < seconds:
            while said < elapsed * self._rate:
                self._say(next(self._speakers))
                said += 1
            await asyncio.sleep(0.005)

    def _say(self, client: LoadClient) -> None:
        text = f"m{next(self._text)}"
        self._sent_at[text] = clock.now().monotonic
        self._rooms_of[client.room].append(text)
        self.report.sent += 1
        client.write(f"PRIVMSG {client.room} :{text}\r\n")

    def arrived(self, client: LoadClient, text: str) -> None:
        """Record a line that a client received."""
        client.heard.append(text)
        self.report.delivered += 1
        latency = (clock.now().monotonic - self._sent_at[text]) * 1000
        self.report.latencies.append(latency)
        self.pauses[client.number] = max(latency, self.pauses.get(client.number, 0.0))
        self._check_done()

    def _check_done(self) -> None:
        if self._due and self.report.delivered >= self._due:
            self._all_arrived.set()

    async def settle(self, seconds_max: float = 30.0) -> Report:
        """Wait until everything has arrived or nothing more comes; return the results."""
        due = sum(len(self._rooms_of[client.room]) for client in self.clients)
        self._due = due
        self._check_done()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds_max):
                await self._all_arrived.wait()
        self.is_running = False
        self._count_up()
        for client in self.clients:
            client.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                for client in self.clients:
                    await client.gone.wait()
        return self.report

    def _count_up(self) -> None:
        order: dict[str, list[str]] = {}
        for client in self.clients:
            seen = dict.fromkeys(client.heard)
            self.report.doubled += len(client.heard) - len(seen)
            self.report.lost += len(_missing(self._rooms_of[client.room], seen))
            first = order.setdefault(client.room, client.heard)
            if list(seen) != list(dict.fromkeys(first)):
                self.report.reordered += 1


def _missing(due: Iterable[str], seen: dict[str, None]) -> list[str]:
    return [text for text in due if text not in seen]


async def run(arguments: argparse.Namespace) -> Report:
    """Run the command line."""
    load = Load(
        arguments.host,
        arguments.port,
        clients=arguments.clients,
        rooms=arguments.rooms,
        rate=arguments.rate,
    )
    await load.connect()
    await load.talk(arguments.seconds)
    return await load.settle()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--rooms", type=int, default=30)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    print(asyncio.run(run(parser.parse_args())))
