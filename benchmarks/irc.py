"""A client that sends one request at a time."""

import socket
from types import TracebackType
from typing import Self

ANSWER_S_MAX = 10.0


class Client:
    """A connection to a server; a context manager."""

    def __init__(self, port: int, nick: str, answer_s_max: float = ANSWER_S_MAX) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), answer_s_max)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("r", errors="replace", newline="\n")
        self.say(f"NICK {nick}", f"USER {nick} 0 * :{nick}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()
        self._socket.close()

    def say(self, *lines: str) -> None:
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def wait_for(self, part: str) -> list[str]:
        """Read up to a line that contains `part`, and answer PINGs.

        Return all lines up to it; none if it never comes.
        """
        seen = []
        for line in self._lines:
            seen.append(line)
            if line.startswith("PING"):
                self.say(line.strip().replace("PING", "PONG", 1))
            if part in line:
                return seen
        return []
