"""Ways for the load's clients to connect: plain text, TLS and WebSocket.

Each connects a protocol that reads and writes lines, as `create_connection` does.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import aiohttp

Dial: TypeAlias = Callable[[Callable[[], asyncio.Protocol]], Awaitable[asyncio.Protocol]]


def plain(host: str, port: int) -> Dial:
    """Connect by plain text."""

    async def connect(make: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(make, host, port))[1]

    return connect


def tls(host: str, port: int, context: Callable[[], ssl.SSLContext]) -> Dial:
    """Connect by TLS. `context` is called for each connection, so that trust can change."""

    async def connect(make: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        loop = asyncio.get_running_loop()
        found = await loop.create_connection(
            make, host, port, ssl=context(), server_hostname="localhost"
        )
        return found[1]

    return connect


def websocket(url: str) -> Dial:
    """Connect by WebSocket."""

    async def connect(make: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        session = aiohttp.ClientSession()
        try:
            socket = await session.ws_connect(url, protocols=("text.ircv3.net",))
        except BaseException:
            await session.close()
            raise
        protocol = make()
        transport = _Transport(session, socket, protocol)
        protocol.connection_made(transport)
        loop = asyncio.get_running_loop()
        transport.tasks = [
            loop.create_task(transport.read_on()),
            loop.create_task(transport.write_on()),
        ]
        return protocol

    return connect


class _Transport(asyncio.Transport):
    """The part of a transport that the load's clients use."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse,
        protocol: asyncio.Protocol,
    ) -> None:
        super().__init__()
        self._protocol = protocol
        self._session = session
        self._socket = socket
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self.tasks: list[asyncio.Task[None]] = []

    def write(self, data: Any) -> None:
        for line in bytes(data).decode().split("\r\n"):
            if line:
                self._lines.put_nowait(line)

    async def read_on(self) -> None:
        while True:
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                self.close()
                return
            self._protocol.data_received(message.data.encode() + b"\r\n")

    async def write_on(self) -> None:
        try:
            while (line := await self._lines.get()) is not None:
                await self._socket.send_str(line)
            await self._socket.close()
        finally:
            await self._session.close()
            self._protocol.connection_lost(None)

    def close(self) -> None:
        self._lines.put_nowait(None)
