"""A small IRC client that rejects everything that a server must not send.

It has a parser of its own, so that it finds mistakes in Roost's parser. Its calls block: a test is
a script that sends and expects lines in turn.
"""

import socket
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

from roost.ops import clock

PATIENCE_S = 20.0
LINE_BYTES_MAX = 512
TAG_BYTES_MAX = 8191
CAPABILITIES = (
    "batch",
    "draft/chathistory",
    "draft/event-playback",
    "echo-message",
    "labeled-response",
    "message-tags",
    "server-time",
)


class Line(NamedTuple):
    """One line from the server."""

    tags: dict[str, str]
    source: str
    command: str
    parameters: tuple[str, ...]

    @property
    def nick(self) -> str:
        return self.source.partition("!")[0]

    @property
    def text(self) -> str:
        return self.parameters[-1]


class ProtocolError(AssertionError):
    """The server sent what a server must not send."""


class ClosedError(AssertionError):
    """The server closed the connection before the expected line came."""


class IrcClient:
    """A connection; a context manager that closes it."""

    def __init__(
        self, address: tuple[str, int], nick: str, *, over: socket.socket | None = None
    ) -> None:
        """Connect, or use a socket that is already connected."""
        self.nick = nick
        self.received: list[Line] = []
        self._socket = over or socket.create_connection(address, timeout=PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._pings = 0
        self.is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def keep_little(self) -> None:
        """Make the socket's receive buffer as small as possible."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def close(self) -> None:
        """Close the connection without QUIT."""
        self._socket.close()

    def send(self, *lines: str) -> None:
        """Send lines, in one write."""
        self.send_bytes(b"".join(line.encode() + b"\r\n" for line in lines))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.settimeout(PATIENCE_S)
        self._socket.sendall(data)

    def register(self, *, capabilities: tuple[str, ...] = CAPABILITIES) -> Self:
        """Register, with capabilities, and wait for the end of the welcome."""
        if capabilities:
            self.send("CAP LS 302", f"NICK {self.nick}", f"USER {self.nick} 0 * :{self.nick}")
            self.expect("CAP", where=lambda line: line.parameters[1] == "LS")
            self.send(f"CAP REQ :{' '.join(capabilities)}")
            self.expect("CAP", where=lambda line: line.parameters[1] == "ACK")
            self.send("CAP END")
        else:
            self.send(f"NICK {self.nick}", f"USER {self.nick} 0 * :{self.nick}")
        self.expect_any("376", "422")
        return self

    def join(self, room: str) -> Line:
        """Join a room, and wait for the end of its names."""
        self.send(f"JOIN {room}")
        joined = self.expect("JOIN", room, source=self.nick)
        self.expect("366")
        return joined

    def say(self, target: str, text: str) -> Line:
        """Send a message and wait for its echo, which means that it is durable."""
        self.send(f"PRIVMSG {target} :{text}")
        return self.expect("PRIVMSG", target, text, source=self.nick)

    def history(self, subcommand: str) -> list[Line]:
        """Request history, such as "LATEST #room * 10"; return the lines of the batch."""
        self.send(f"CHATHISTORY {subcommand}")
        opened = self.expect(
            "BATCH",
            where=lambda line: (
                line.parameters[0].startswith("+") and line.parameters[1] == "chathistory"
            ),
        )
        reference = opened.parameters[0][1:]
        lines: list[Line] = []
        while True:
            line = self.read()
            if line.command == "BATCH" and line.parameters[0] == f"-{reference}":
                return lines
            if line.tags.get("batch") == reference:
                lines.append(line)

    def sync(self) -> list[Line]:
        """Return every line that the server has sent so far."""
        self._pings += 1
        token = f"sync-{self._pings}"
        start = len(self.received)
        self.send(f"PING {token}")
        self.expect("PONG", where=lambda line: line.text == token)
        return self.received[start:-1]

    def expect(
        self,
        command: str,
        *parameters: str,
        source: str = "",
        where: Callable[[Line], bool] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> Line:
        """Read up to a line with this command, beginning of parameters, nickname and property."""
        deadline = clock.monotonic() + patience_s
        while True:
            line = self.read(deadline - clock.monotonic())
            if line.command != command or line.parameters[: len(parameters)] != parameters:
                continue
            if (not source or line.nick == source) and (where is None or where(line)):
                return line

    def expect_any(self, *commands: str) -> Line:
        """Read up to a line with one of these commands."""
        while True:
            line = self.read()
            if line.command in commands:
                return line

    def wait_closed(self, patience_s: float = PATIENCE_S) -> list[Line]:
        """Read to the end of the connection; return the remaining lines."""
        start = len(self.received)
        deadline = clock.monotonic() + patience_s
        try:
            while True:
                self.read(deadline - clock.monotonic())
        except ClosedError:
            return self.received[start:]

    def read(self, patience_s: float = PATIENCE_S) -> Line:
        """Read one line, and answer it if it is a PING.

        Raises:
            ClosedError: the connection ended.
            TimeoutError: no line came.
            ProtocolError: the line is not well-formed.
        """
        deadline = clock.monotonic() + patience_s
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(0.001, deadline - clock.monotonic()))
            try:
                data = self._socket.recv(65536)
            except ConnectionResetError:
                data = b""
            except TimeoutError as error:
                last = self.received[-5:]
                raise TimeoutError(f"{self.nick}: nothing came; last lines: {last}") from error
            if not data:
                self.is_closed = True
                raise ClosedError(f"{self.nick}: closed; last lines: {self.received[-5:]}")
            self._buffer += data
        raw, _, self._buffer = self._buffer.partition(b"\n")
        line = parse(raw + b"\n")
        self.received.append(line)
        if line.command == "PING":
            self.send(f"PONG :{line.text}")
        return line


def parse(raw: bytes) -> Line:
    """Read one line with its CRLF.

    Raises:
        ProtocolError: it is not well-formed.
    """

    def must(is_true: bool, what: str) -> None:
        if not is_true:
            raise ProtocolError(f"{what}: {raw!r}")

    must(raw.endswith(b"\r\n"), "no CRLF")
    body = raw[:-2]
    must(not set(body) & {0, 10, 13}, "NUL, CR or LF inside")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError(f"not UTF-8: {raw!r}") from error
    tags: dict[str, str] = {}
    if text.startswith("@"):
        head, space, text = text.partition(" ")
        must(space == " " and len(head) > 1, "tags without a message")
        must(len(head.encode()) + 1 <= TAG_BYTES_MAX, "tags too long")
        for tag in head[1:].split(";"):
            name, _, value = tag.partition("=")
            must(name != "" and name not in tags, "tag empty or twice")
            tags[name] = _unescape(value)
    must(len(text.encode()) + 2 <= LINE_BYTES_MAX, "line too long")
    source = ""
    if text.startswith(":"):
        source, _, text = text[1:].partition(" ")
        must(source != "", "empty source")
    middle, has_trailing, trailing = text.partition(" :")
    words = middle.split(" ")
    must(all(words), "empty word")
    command = words[0]
    must(command.isupper() or (command.isdigit() and len(command) == 3), "not a command")
    parameters = (*words[1:], *((trailing,) if has_trailing else ()))
    return Line(tags, source, command, parameters)


def _unescape(value: str) -> str:
    out = []
    characters = iter(value)
    for character in characters:
        if character == "\\":
            follower = next(characters, "")
            out.append({":": ";", "s": " ", "r": "\r", "n": "\n"}.get(follower, follower))
        else:
            out.append(character)
    return "".join(out)
