"""Commands that talk to a node on their own machine, through the socket in its data directory."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from roost.chat.history import Row
from roost.chat.ids import Position
from roost.cli.cluster import CLUSTER_FILE, DATA_FOLDER, DEFAULT_DATA, ClusterFile, why
from roost.cli.configuration import read_config
from roost.cli.errors import CommandError, UnreachableError, UsageError
from roost.cli.flags import LocalNodeFlags
from roost.node.config import NodeConfig
from roost.ops.local_sockets import connect_locally
from roost.protocol.codec import FrameError
from roost.protocol.framing import FrameBuffer, FrameTooLongError, encode_frames
from roost.protocol.local import (
    PROTOCOL_VERSION,
    SOCKET_FILE,
    CopyAsk,
    CopyDone,
    CopyHead,
    CopyRows,
    CopyState,
    LocalAnswer,
    LocalAsk,
    LocalRefusal,
    decode_answer,
    encode,
)

ANSWER_S = 60.0
"""How long a node may be silent: several times what it waits for anything itself."""
READ_BYTES = 1024 * 1024


class LocalNode(NamedTuple):
    """A node whose data directory is on this machine."""

    name: str
    data: Path


class LocalLine:
    """A connection to a node; a context manager."""

    def __init__(self, node: LocalNode) -> None:
        """Connect.

        Raises:
            UnreachableError: the node does not run.
        """
        self._node = node
        try:
            self._socket = connect_locally(node.data / SOCKET_FILE, ANSWER_S)
        except OSError as error:
            raise UnreachableError(
                f"{node.name} does not run: nobody listens at {node.data / SOCKET_FILE}"
            ) from error
        self._buffer = FrameBuffer()
        self._bodies: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def ask(self, question: LocalAsk) -> Iterator[LocalAnswer]:
        """Ask, and yield the answers.

        Raises:
            UnreachableError: the node ended or does not answer.
            CommandError: it refuses.
        """
        try:
            with contextlib.suppress(
                BrokenPipeError
            ):  # It has refused, and closed: the reason can be read.
                self._socket.sendall(encode_frames([encode(question)]))
            while data := self._socket.recv(READ_BYTES):
                for body in self._buffer.feed(data):
                    answer = decode_answer(body)
                    if isinstance(answer, LocalRefusal):
                        raise CommandError(f"{self._node.name}: {answer.reason}")
                    yield answer
        except TimeoutError as error:
            raise UnreachableError(f"{self._node.name} has stopped answering") from error
        except OSError as error:
            raise UnreachableError(f"{self._node.name} is gone: {why(error)}") from error
        except (FrameError, FrameTooLongError) as error:
            raise UnreachableError(f"{self._node.name} cannot be understood: {error}") from error
        raise UnreachableError(f"{self._node.name} has ended before it had answered")


class Copy:
    """What a node sends: its state at once, and its rows as they come."""

    def __init__(self, node: LocalNode, answers: Iterator[LocalAnswer]) -> None:
        """Read the beginning."""
        self._node = node
        self._answers = answers
        head = next(answers)
        if not isinstance(head, CopyHead):
            raise self._broken()
        self.head = head
        parts = []
        self._next = next(answers)
        while isinstance(self._next, CopyState):
            parts.append(self._next.data)
            self._next = next(answers)
        self.state = b"".join(parts)
        self.covered = Position(0)
        """The last position whose rows were taken."""

    @property
    def rows(self) -> Iterator[tuple[Row, ...]]:
        """The rows, in order, once.

        Raises:
            CommandError: the copy was not completed.
        """
        while isinstance(self._next, CopyRows):
            self.covered = self._next.covered
            yield self._next.rows
            self._next = next(self._answers)
        if not isinstance(self._next, CopyDone):
            raise self._broken()

    def _broken(self) -> CommandError:
        return CommandError(f"{self._node.name} sent something else than a copy")


@contextlib.contextmanager
def copying(node: LocalNode, after: Position) -> Iterator[Copy]:
    """Have a node send its state, and its history after a position, while the context lasts.

    Raises:
        UnreachableError: the node does not run, or ends.
        CommandError: it refuses.
    """
    with LocalLine(node) as line:
        yield Copy(node, line.ask(CopyAsk(PROTOCOL_VERSION, after)))


def with_first_node(flags: LocalNodeFlags, work: Callable[[LocalNode], None]) -> None:
    """Work with the first node that the flags name and that can be read.

    Raises:
        UsageError: there is no such node, or the work would fail at any.
        CommandError: none can be read; says why the first one cannot.
    """
    problem: CommandError | None = None
    for node in find_nodes(flags):
        try:
            work(node)
        except UsageError:
            raise
        except CommandError as error:
            problem = problem or error
        else:
            return
    assert problem is not None, "there is at least one node"
    raise problem


def find_nodes(flags: LocalNodeFlags) -> tuple[LocalNode, ...]:
    """Return the nodes on this machine that the flags name, at least one.

    Raises:
        UsageError: there is none.
    """
    if flags.config is not None:
        if flags.data is not None:
            raise UsageError("give --config for one node or --data for a cluster, not both")
        config = read_config(NodeConfig, flags.config)
        return (LocalNode(config.name, config.data),)
    data = flags.data or DEFAULT_DATA
    if not (data / CLUSTER_FILE).exists():
        raise UsageError(
            f"{data} is not the directory of a cluster: give its --data, or the --config of a node"
        )
    names = read_config(ClusterFile, data / CLUSTER_FILE).local
    if flags.node and flags.node not in names:
        raise UsageError(f"--node: there is no node {flags.node} here, only {', '.join(names)}")
    return tuple(
        LocalNode(name, data / name / DATA_FOLDER) for name in names if flags.node in ("", name)
    )
