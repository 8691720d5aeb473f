"""Dialling one address for ever: connect, wait until the link is gone, pause, again.

The pause grows with each failure and is jittered, so that nodes that lost the same peer do not
come back in step; it starts small again after a link that worked.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from roost.wire import (
    Admission,
    FramedConnection,
    Handler,
    RefusalLog,
    WireError,
    connect,
    parse_address,
)
from roost.wire.tls import describe_failure

_logger = structlog.get_logger()

CONNECT_S_MAX = 2.0
"""For TCP and TLS together; a peer that takes longer could not serve anybody anyway."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a lost peer is dialled again."""

    first_s: float
    most_s: float


MESH_PACE = Pace(first_s=0.05, most_s=1.0)
"""A neighbour that restarts is back within a second, and votes are waiting for it."""
TRUNK_PACE = Pace(first_s=0.1, most_s=1.0)


class DialledLink(Handler, Protocol):
    """A connection's handler, as far as its dialler cares."""

    closed: asyncio.Event
    """Set when the connection is gone."""
    was_up: bool
    """The handshake above TLS was completed once."""


class Backoff:
    """The pauses between attempts, each between half and all of a time that doubles."""

    def __init__(self, pace: Pace, random: Callable[[], float]) -> None:
        self._pace = pace
        self._random = random
        self._next_s = pace.first_s

    def next_s(self) -> float:
        """Give the next pause in seconds."""
        pause = self._next_s
        self._next_s = min(self._next_s * 2, self._pace.most_s)
        return pause * (0.5 + self._random() / 2)

    def reset(self) -> None:
        """Start small again."""
        self._next_s = self._pace.first_s


class Dialler:
    """Keeps one link to one address alive."""

    def __init__(
        self,
        address: str,
        context: ssl.SSLContext,
        factory: Callable[[FramedConnection], DialledLink],
        admission: Admission,
        backoff: Backoff,
        refusals: RefusalLog,
    ) -> None:
        self._address = address
        self._context = context
        self._factory = factory
        self._admission = admission
        self._backoff = backoff
        self._refusals = refusals
        self._changed = asyncio.Event()
        self._link: DialledLink | None = None
        self._last_failure: tuple[str, str] | None = None

    @property
    def address(self) -> str:
        """Where the next attempt goes."""
        return self._address

    def redirect(self, address: str) -> None:
        """Use another address from the next attempt on, which is made at once."""
        self._address = address
        self._backoff.reset()
        self._changed.set()

    async def run(self) -> None:
        """Dial for ever."""
        while True:
            self._changed.clear()
            link = await self._attempt()
            if link is not None:
                await link.closed.wait()
                if link.was_up:
                    self._backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._backoff.next_s()):
                    await self._changed.wait()

    async def _attempt(self) -> DialledLink | None:
        address = self._address
        self._link = None
        try:
            host, port = parse_address(address)
            async with asyncio.timeout(CONNECT_S_MAX):
                await connect(host, port, self._context, self._open, self._admission)
        except WireError as error:
            self._refusals.refused(address, str(error))
        except (OSError, ValueError) as error:
            failure = describe_failure(error)
            if (address, failure) != self._last_failure:
                self._last_failure = (address, failure)
                _logger.info("unreachable", address=address, reason=failure)
        else:
            self._last_failure = None
        return self._link

    def _open(self, connection: FramedConnection) -> DialledLink:
        self._link = self._factory(connection)
        return self._link
