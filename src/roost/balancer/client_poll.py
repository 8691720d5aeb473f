"""Which clients' sockets can be read: the event loop watches all of them as one file.

    sockets --> an epoll of their own --> the event loop       at low load: a line is read at once
                                      --> a batch's timer      while lines are held: all at once

While lines are held anyway, reading them would only wake the process for each. They wait in the
sockets instead, and one look finds all of them when the batch is due. Where the system has no epoll
(macOS), the event loop watches each socket, and lines that are read wait in their sessions.
"""

import asyncio
import select
from typing import Protocol

READS_PER_TURN = 256
"""Sockets read in one turn of the event loop, which takes one or two milliseconds."""


class Readable(Protocol):
    """A client's transport."""

    def readable(self) -> None:
        """Read from the socket, once."""

    def abort(self) -> None:
        """Drop the connection."""


class ClientPoll:
    """Reads the sockets of clients that have sent something."""

    def __init__(self) -> None:
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._clients: list[Readable | None] = []
        """By file descriptor: the system gives the smallest ones that are free."""
        self._count = 0
        """How many sockets are watched."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_held = True
        """Whether the event loop does not watch."""
        self._left = 0
        """How many more sockets may be read until lines are sent."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have a loop watch the sockets."""
        self._loop = loop
        self.resume()

    def close(self) -> None:
        """Watch nothing any more."""
        self.hold()
        if self._epoll is not None:
            self._epoll.close()
        elif self._loop is not None:
            for file, client in enumerate(self._clients):
                if client is not None:
                    self._loop.remove_reader(file)
        self._clients.clear()
        self._count = 0
        self._loop = None

    def watch(self, file: int, client: Readable) -> None:
        """Have a client read whenever its socket, given by its file descriptor, is readable."""
        if self._loop is None:
            return
        clients = self._clients
        if file >= len(clients):
            clients.extend([None] * (file + 1 - len(clients)))
        self._count += clients[file] is None
        clients[file] = client
        if self._epoll is not None:
            self._epoll.register(file, select.EPOLLIN)
        else:
            self._loop.add_reader(file, self._read_one, client)

    def unwatch(self, file: int) -> None:
        """Leave a socket alone; call it before the socket is closed."""
        if not 0 <= file < len(self._clients) or self._clients[file] is None:
            return
        self._clients[file] = None
        self._count -= 1
        if self._epoll is not None:
            self._epoll.unregister(file)
        elif self._loop is not None:
            self._loop.remove_reader(file)

    def hold(self) -> None:
        """Read nothing until `read_some` or `resume` is called."""
        if not self._is_held and self._loop is not None and self._epoll is not None:
            self._is_held = True
            self._loop.remove_reader(self._epoll.fileno())

    def resume(self) -> None:
        """Read what comes, when it comes."""
        if self._is_held and self._loop is not None and self._epoll is not None:
            self._is_held = False
            self._loop.add_reader(self._epoll.fileno(), self._read)

    def begin(self) -> None:
        """Prepare to read what has come meanwhile, and not for ever what comes while it is read."""
        self._left = self._count + READS_PER_TURN

    def read_some(self) -> bool:
        """Read as many sockets as a turn may; return whether more may be readable.

        One that has been read may be readable still: TLS is read by the record, and many clients
        send each line in one. Lines that were pasted must not wait for as many batches.
        """
        count = self._read()
        self._left -= count
        return count > 0 and self._left > 0

    def _read(self) -> int:
        """Read sockets, those that have waited longest first; return how many."""
        if self._epoll is None:
            return 0
        clients = self._clients
        found = self._epoll.poll(0, READS_PER_TURN)
        for file, _ in found:
            # Another one's line may have closed it.
            client = clients[file] if file < len(clients) else None
            if client is not None:
                self._read_one(client)
        return len(found)

    def _read_one(self, client: Readable) -> None:
        try:
            client.readable()
        except Exception as error:  # noqa: BLE001 - it costs this client its connection, and no other
            client.abort()
            if self._loop is not None:
                context = {"message": "a client's input was not expected", "exception": error}
                self._loop.call_exception_handler(context)
