"""An event loop on a thread of its own, for what other people's services do or fail to do.

Nothing that waits there, however long, delays a client's message. The thread starts with the first
task, and `close` gives up all of them.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

CLOSE_S = 2.0
"""How long the node waits for the thread when it stops."""


class OutsideLoop:
    """Tasks on another thread, and a client for HTTP."""

    def __init__(
        self, name: str, connector: Callable[[], aiohttp.BaseConnector] = aiohttp.TCPConnector
    ) -> None:
        """`connector` makes the client's way to servers."""
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._connector = connector
        self._end = asyncio.Event()
        self._tasks: asyncio.TaskGroup
        self._client: aiohttp.ClientSession | None = None
        self.is_closed = False

    def start(self, make: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine on the thread; it raises nothing."""
        self.call(lambda: self.spawn(make()))

    def call(self, function: Callable[[], None]) -> None:
        """Call a function on the thread."""
        if self.is_closed:
            return
        if not self._thread.is_alive():
            self._thread.start()
        self._loop.call_soon_threadsafe(function)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine; only from the thread itself."""
        if self._end.is_set():
            coroutine.close()
        else:
            self._tasks.create_task(coroutine)

    def close(self) -> None:
        """Give up what is under way, and end the thread."""
        self.is_closed = True
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            # A name that is being looked up cannot be given up; nobody waits for it longer.
            self._thread.join(CLOSE_S)
        else:
            self._loop.close()

    @property
    def client(self) -> aiohttp.ClientSession:
        """The client, without cookies; only for the thread itself."""
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=self._connector(), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._client

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            await self._end.wait()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        if self._client is not None:
            await self._client.close()


async def read_body(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """Read a body, or its beginning if it has more than `bytes_max`."""
    body = bytearray()
    while len(body) <= bytes_max and (piece := await response.content.read(bytes_max)):
        body += piece
    return bytes(body)
