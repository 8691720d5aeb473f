"""A client that asks one thing at a time."""

import socket
from types import TracebackType
from typing import Self

ANSWER_S_MAX = 10.0


class Client:
    """A connection to a server; used as a context."""

    def __init__(self, port: int, nick: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_S_MAX)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("r", errors="replace", newline="\n")
        self.say(f"NICK {nick}", f"USER {nick} 0 * :{nick}")

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._lines.close()
        self._socket.close()

    def say(self, *lines: str) -> None:
        """Send lines."""
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def wait_for(self, part: str) -> list[str]:
        """Read until a line has `part` in it; gives all lines up to it, or none if it never comes.

        Pings are answered.
        """
        seen = []
        for line in self._lines:
            seen.append(line)
            if line.startswith("PING"):
                self.say(line.strip().replace("PING", "PONG", 1))
            if part in line:
                return seen
        return []
