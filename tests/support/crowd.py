"""Many clients that do the same thing at once, and look only at what they wait for."""

import asyncio
from typing import cast

from support.dialling import Dial
from support.loops import wait_until

AT_ONCE = 100
"""Clients that connect at the same time."""
POLL_S = 0.05
WELCOME_S_MAX = 30.0


class CrowdClient(asyncio.Protocol):
    """One client; it counts what it waits for, and keeps nothing."""

    def __init__(self, nick: str) -> None:
        self.nick = nick
        self.is_lost = False
        self.last_words = b""
        self._wanted = b" 001 "
        self._seen = asyncio.Event()
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        lines = f"NICK {self.nick}\r\nUSER {self.nick} 0 * :crowd\r\n"
        self._transport.write(lines.encode())

    def data_received(self, data: bytes) -> None:
        text = self._rest + data
        self._rest = text[-64:]
        if self._wanted in text:
            self._seen.set()
        if b"ERROR :" in text:
            self.last_words = text[text.index(b"ERROR :") :][:200]

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_lost = True

    def ask(self, line: bytes, answer: bytes) -> None:
        """Send a line, and begin to wait for its answer."""
        self._wanted, self._rest = answer, b""
        self._seen.clear()
        assert self._transport is not None
        self._transport.write(line)

    def leave(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_answered(self) -> bool:
        """Whether the answer has come."""
        return self._seen.is_set()

    async def wait_registered(self) -> None:
        """Wait for the welcome.

        Raises:
            AssertionError: It takes too long.
        """
        try:
            async with asyncio.timeout(WELCOME_S_MAX):
                await self._seen.wait()
        except TimeoutError:
            state = "lost" if self.is_lost else "open"
            raise AssertionError(
                f"no welcome for {self.nick}, {state}, {self.last_words!r} {self._rest!r}"
            ) from None


class Crowd:
    """All clients."""

    def __init__(self) -> None:
        self.clients: list[CrowdClient] = []

    async def register(self, dial: Dial, count: int) -> None:
        """Connect and register clients, some at a time."""
        free = asyncio.Semaphore(AT_ONCE)

        async def come(number: int) -> None:
            async with free:
                client = CrowdClient(f"crowd{number}")
                await dial(lambda: client)
                await client.wait_registered()
                self.clients.append(client)

        async with asyncio.TaskGroup() as tasks:
            for number in range(count):
                tasks.create_task(come(number))

    def ask(self, line: bytes, answer: bytes) -> None:
        """Let everybody send the same line at once."""
        for client in self.clients:
            client.ask(line, answer)

    async def wait_answered(self, count: int, seconds_max: float) -> None:
        """Wait until so many have their answer.

        Raises:
            AssertionError: The connection of any is closed, or it takes too long.
        """
        deadline = asyncio.get_running_loop().time() + seconds_max
        while (answered := sum(client.is_answered for client in self.clients)) < count:
            lost = [client for client in self.clients if client.is_lost]
            assert not lost, f"{len(lost)} were disconnected, one with {lost[0].last_words!r}"
            is_late = asyncio.get_running_loop().time() >= deadline
            assert not is_late, f"only {answered} of {count} are answered after {seconds_max:g} s"
            await asyncio.sleep(POLL_S)

    async def leave(self) -> None:
        """Close all connections."""
        for client in self.clients:
            client.leave()
        await wait_until(lambda: all(client.is_lost for client in self.clients))
