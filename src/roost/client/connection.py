"""Keep a model connected: dial, read, write, wait, dial again. The model decides.

    run() -- TaskGroup --+-- dialling: connect, read until the connection ends, wait, next address
                         +-- ticking: tell the model the time

Call `flush` after every intent: it sends the model's lines, handles the effects for the connection,
and passes the others to `on_effect`. `on_change` is called whenever the model may have changed,
once for all lines that arrived together.
"""

import asyncio
import dataclasses
import ssl
from collections.abc import Callable
from random import Random

from roost.client.addresses import Address, AddressError, parse_address
from roost.client.dialling import Dialler, Policy
from roost.client.model import Model, Moment, Phase, Problem
from roost.client.model.effects import (
    Abandon,
    Disconnect,
    Effect,
    InterfaceEffect,
    KeepTls,
    Reconnect,
    Toast,
    UpgradeToTls,
)
from roost.client.transport import READ_BYTES, DialError, Streams, Trust, describe_loss, dial
from roost.irc.framing import LineBuffer
from roost.ops import clock

LINE_BYTES_MAX = 8191 + 1024
"""The longest tags that a server may send (Message Tags, "Size limit"), and two lines."""
TICK_S = 0.25
"""Short enough for a countdown and for typing notices; nothing else waits for it."""
FIRST_BYTES = 64
"""How much of an answer is kept to recognise a server that does not speak IRC."""
FAREWELL_S = 1.0
"""How long sending QUIT may take."""


def now() -> Moment:
    """Read the clocks for the model."""
    instant = clock.now()
    return Moment(instant.monotonic, instant.wall_ms)


class ClientConnection:
    """The connection of one model."""

    def __init__(
        self,
        model: Model,
        addresses: tuple[Address, ...],
        trust: Trust,
        *,
        random: Random,
        on_change: Callable[[], None] = lambda: None,
        on_effect: Callable[[InterfaceEffect], None] = lambda _: None,
    ) -> None:
        """Connect to `addresses` in turn; `random` spreads the waits of many clients."""
        self.model = model
        self.dialler = Dialler(addresses)
        self._trust = trust
        self._random = random
        self._on_change = on_change
        self._on_effect = on_effect
        self._writer: asyncio.StreamWriter | None = None
        self._current: Address | None = None
        self._problem: Problem | None = None
        """Why the model abandons the connection."""
        self._is_wanted = True
        self._is_restarting = False
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Keep the model connected until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_ticking())
            tasks.create_task(self._keep_connected())

    def flush(self) -> None:
        """Send the model's lines and handle its effects; call this after each intent."""
        model = self.model
        for effect in model.take_effects():
            self._handle(effect)
        lines = model.take_lines()
        if lines and self._writer is not None and not self._writer.is_closing():
            self._writer.write(b"".join(lines))
        self._on_change()

    async def close(self) -> None:
        """Send QUIT if there is a connection, and wait until it has left."""
        self.model.quit()
        writer = self._writer
        self.flush()
        if writer is not None:
            try:
                async with asyncio.timeout(FAREWELL_S):
                    await writer.drain()
            except (OSError, TimeoutError):
                writer.transport.abort()

    def _handle(self, effect: Effect) -> None:
        match effect:
            case Abandon():
                self._problem = effect.problem
                self._break_off()
            case Disconnect():
                self._is_wanted = False
                self._hang_up()
            case Reconnect():
                self._restart(effect.addresses)
            case UpgradeToTls():
                if self._current is not None:
                    self.dialler.upgrade(self._current.host, effect.port)
                self._is_restarting = True
                self._break_off()
            case KeepTls():
                self._keep_policy(effect.duration_s)
            case _:
                self._on_effect(effect)

    def _keep_policy(self, duration_s: int) -> None:
        address = self._current
        if address is None:
            return
        if duration_s == 0:
            self.dialler.policies.pop(address.host, None)
        else:
            until_ms = self.model.moment.time_ms + duration_s * 1000
            self.dialler.policies[address.host] = Policy(address.port, until_ms)

    def _restart(self, texts: tuple[str, ...]) -> None:
        if texts:
            try:
                self.dialler.replace(tuple(parse_address(text) for text in texts))
            except AddressError as error:
                self._on_effect(Toast(str(error), True))
                return
        self.dialler.restart()
        self._is_wanted = True
        self._is_restarting = True
        self._break_off()

    def _break_off(self) -> None:
        """Close at once, whatever is still to be sent."""
        self._wake.set()
        if self._writer is not None:
            self._writer.transport.abort()

    def _hang_up(self) -> None:
        """Close once everything is sent."""
        self._wake.set()
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(b"".join(self.model.take_lines()))
            self._writer.close()

    async def _keep_ticking(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.model.tick(now())
            self.flush()

    async def _keep_connected(self) -> None:
        while True:
            while not self._is_wanted:
                await self._wait(None)
            address = self._current = self.dialler.address(now().time_ms)
            self._is_restarting = False
            self._problem = None
            self._wake.clear()
            self.model.connecting(str(address), now())
            self.flush()
            since: float | None = None
            try:
                streams = await dial(address, self._trust)
            except DialError as error:
                problem = error.problem
            else:
                if self._is_restarting or not self._is_wanted:
                    streams[1].transport.abort()
                    continue
                since = clock.monotonic()
                problem = await self._use(streams, is_secure=address.is_secure)
            await self._settle(problem, since)

    async def _settle(self, problem: Problem, since: float | None) -> None:
        """Tell the model that the connection is gone, then wait for the next try or the user."""
        model = self.model
        problem = self._problem or problem
        if model.farewell is not None:
            problem = model.farewell
        was_online = model.connection.phase is Phase.ONLINE
        if not self._is_wanted:
            model.disconnected(now(), None, None)
            self.flush()
            return
        if self._is_restarting:
            model.disconnected(now(), problem, now().monotonic_s)
            self.flush()
            return
        if problem.is_final:
            self._is_wanted = False
            model.disconnected(now(), problem, None)
            self.flush()
            return
        jitter = self._random.random()
        if was_online and since is not None:
            wait_s = self.dialler.lost(clock.monotonic() - since, jitter)
        else:
            wait_s = self.dialler.failed(jitter)
        moment = now()
        model.disconnected(moment, problem, moment.monotonic_s + wait_s)
        self.flush()
        await self._wait(wait_s)

    async def _wait(self, seconds: float | None) -> None:
        """Wait, but no longer than until the user wants something else."""
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _use(self, streams: Streams, *, is_secure: bool) -> Problem:
        """Use a connection until it ends; return why it did."""
        reader, self._writer = streams
        try:
            self.model.connected(now(), is_secure=is_secure)
            self.flush()
            return await self._read(reader)
        finally:
            writer, self._writer = self._writer, None
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Problem:
        model = self.model
        buffer = LineBuffer(LINE_BYTES_MAX)
        first = b""
        problem: Problem | None = None
        while problem is None:
            try:
                data = await reader.read(READ_BYTES)
            except (OSError, ssl.SSLError) as error:
                problem = describe_loss(error)
                break
            if not data:
                problem = describe_loss(None)
                break
            if len(first) < FIRST_BYTES:
                first += data[: FIRST_BYTES - len(first)]
            moment = now()
            for line in buffer.feed(data):
                if line is not None:
                    model.receive(line, moment)
            self.flush()
        if not model.registration.has_heard and self._problem is None:
            if first:
                model.receive(first, now())
                self.flush()
            elif not model.connection.is_secure:
                advice = "It said nothing. It may expect TLS: write ircs:// before the address."
                problem = dataclasses.replace(problem, advice=advice)
        return problem
