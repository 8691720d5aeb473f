"""Serves commands on the node's own machine, such as `roost backup`, through a socket.

    the state at one position --> a forked child encodes it --> CopyState
    history up to there --> the disk thread reads some, and rests as long --> CopyRows

Nothing waits for a copy: the state is encoded as for a snapshot, and history is read in small steps
between which the disk thread does what others want. The reader's speed is the writer's.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Protocol

import structlog

from roost.chat.history import Held, Row
from roost.chat.holes import Hole, holes_until
from roost.chat.ids import Position
from roost.chat.state import State
from roost.node.config import NodeConfig
from roost.node.engine.effects import MakeSnapshot
from roost.node.engine.inputs import Exported, SnapshotFailed, SnapshotMade
from roost.node.snapshotting import SnapshotMaker
from roost.node.store import DiskStore
from roost.ops import clock
from roost.ops.local_sockets import listen_locally
from roost.protocol.codec import FrameError
from roost.protocol.framing import HEADER_BYTES, encode_frames
from roost.protocol.local import (
    PROTOCOL_VERSION,
    SOCKET_FILE,
    CopyAsk,
    CopyDone,
    CopyHead,
    CopyRows,
    CopyState,
    LocalAnswer,
    LocalRefusal,
    decode_ask,
    encode,
)
from roost.storage import History

_logger = structlog.get_logger()

ASK_BYTES_MAX = 64 * 1024
ASK_S = 10.0
"""How long a command may take to say what it wants."""
ROWS_BYTES = 256 * 1024
"""Rows that are read at once, in some milliseconds."""
STATE_BYTES = 1024 * 1024
"""One part of the state."""
COPY_TICKET = -1
"""No neighbour's request has it."""
PATIENCE_S = 15.0
"""How long to wait for rows that are being written, fetched or repaired."""
POLL_S = 0.05


class CopiedHistory(Protocol):
    """What a copy needs to know of an engine's history."""

    @property
    def terms(self) -> tuple[tuple[Position, int], ...]: ...

    def has_all(self, first: Position, last: Position) -> bool: ...


class Copied(Protocol):
    """The part of an engine that is copied."""

    @property
    def state(self) -> State: ...

    @property
    def history(self) -> CopiedHistory: ...


class Told(Protocol):
    """What takes an engine's inputs."""

    def receive(self, event: Exported, /) -> None: ...


class RefusedError(Exception):
    """The node cannot do what is asked; the text is for the command's user."""


class LocalServer:
    """Answers commands, one at a time."""

    def __init__(
        self, config: NodeConfig, version: str, engine: Copied, driver: Told, store: DiskStore
    ) -> None:
        self._identity = (config.cluster, config.name, version)
        self._directory = config.data
        self._has_archive = config.history.has_archive
        self._engine = engine
        self._driver = driver
        self._store = store
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._is_busy = False

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen in the node's data directory while the context lasts.

        A node that cannot listen there works all the same, and says so in its log.
        """
        path = self._directory / SOCKET_FILE
        try:
            listener = listen_locally(path)
        except OSError as error:
            _logger.warning("no-local-socket", path=str(path), reason=str(error))
            yield
            return
        server = await asyncio.start_unix_server(self._serve, sock=listener)
        try:
            yield
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            with contextlib.suppress(OSError):
                path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks[task] = None
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The command or the node has ended.
        finally:
            writer.close()
            del self._tasks[task]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            ask = await asyncio.wait_for(_read_ask(reader), ASK_S)
            # Who has not asked keeps nobody off: commands also connect to see whether a node runs.
            if self._is_busy:
                raise RefusedError("it is being copied already: wait until that is done")
            self._is_busy = True
            try:
                await self._copy(ask, writer)
            finally:
                self._is_busy = False
        except (RefusedError, FrameError, TimeoutError) as error:
            await _send(writer, LocalRefusal(str(error) or "nothing was asked"))

    async def _copy(self, ask: CopyAsk, writer: asyncio.StreamWriter) -> None:
        if ask.protocol != PROTOCOL_VERSION:
            raise RefusedError(
                f"it speaks version {PROTOCOL_VERSION} with commands, not {ask.protocol}: use the "
                "`roost` that it runs"
            )
        held, holes = await self._store.read(_held)
        with _encoding(self._engine.state) as encoded:
            await self._send_copy(ask, (held, holes), encoded, writer)

    async def _send_copy(
        self,
        ask: CopyAsk,
        holding: tuple[Held, tuple[Hole, ...]],
        encoded: "asyncio.Future[bytes]",
        writer: asyncio.StreamWriter,
    ) -> None:
        """Send a copy of the state as it is now, which is `encoded` meanwhile."""
        start = clock.monotonic()
        held, holes = holding
        engine = self._engine
        position, time_ms = engine.state.position, engine.state.time_ms
        cluster, node, version = self._identity
        head = CopyHead(
            cluster=cluster,
            node=node,
            version=version,
            position=position,
            time_ms=time_ms,
            terms=tuple(begin for begin in engine.history.terms if begin[0] <= position),
            first=held.position,
            first_ms=held.time_ms,
            holes=holes_until(holes, position),
            has_archive=self._has_archive,
        )
        await _send(writer, head)
        data = await encoded
        for begin in range(0, len(data), STATE_BYTES):
            await _send(writer, CopyState(data[begin : begin + STATE_BYTES]))
        first = Position(max(ask.after + 1, held.position))
        count = await self._send_rows(writer, first, position)
        await _send(writer, CopyDone())
        seconds = round(clock.monotonic() - start, 3)
        _logger.info("copied", position=position, after=ask.after, rows=count, seconds=seconds)

    async def _send_rows(
        self, writer: asyncio.StreamWriter, first: Position, last: Position
    ) -> int:
        """Send the rows from `first` to `last`; return how many there are."""
        count = 0
        deadline = clock.monotonic() + PATIENCE_S
        while first <= last:
            begun = clock.monotonic()
            if not self._engine.history.has_all(first, last):
                if begun > deadline:
                    raise RefusedError(
                        "it does not have all of its history yet: copy another node, or wait until "
                        "`roost status` says that it is ready"
                    )
                await asyncio.sleep(POLL_S)
                continue
            rows, covered, damaged = await self._store.read(partial(_export, first, last))
            rest_s = clock.monotonic() - begun
            if damaged:
                self._driver.receive(Exported(COPY_TICKET, (), covered, damaged))
                if begun > deadline:
                    raise RefusedError(
                        f"rows of its history are damaged (position {damaged[0]} is the first), "
                        "and no other node has them: copy another node"
                    )
                await asyncio.sleep(POLL_S)
                continue
            deadline = clock.monotonic() + PATIENCE_S
            if covered < first:
                raise RefusedError("it dropped old history meanwhile: try again")
            await _send(writer, CopyRows(rows, covered))
            count += len(rows)
            first = Position(covered + 1)
            await asyncio.sleep(rest_s)
        return count


@contextlib.contextmanager
def _encoding(state: State) -> Iterator["asyncio.Future[bytes]"]:
    """Begin to encode the state as it is now, and stop at the end."""
    encoded: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def tell(event: SnapshotMade | SnapshotFailed) -> None:
        if isinstance(event, SnapshotMade):
            encoded.set_result(event.data)
        else:
            encoded.set_exception(RefusedError(f"the state was not copied: {event.reason}"))

    maker = SnapshotMaker(tell)
    try:
        maker.make(MakeSnapshot(state.position, state))
        yield encoded
    finally:
        maker.close()


def _held(history: History) -> tuple[Held, tuple[Hole, ...]]:
    return history.held, history.holes


def _export(
    first: Position, last: Position, history: History
) -> tuple[tuple[Row, ...], Position, tuple[Position, ...]]:
    if first < history.held.position:
        return (), Position(first - 1), ()
    return history.export(first, last, ROWS_BYTES)


async def _read_ask(reader: asyncio.StreamReader) -> CopyAsk:
    length = int.from_bytes(await reader.readexactly(HEADER_BYTES), "big")
    if length > ASK_BYTES_MAX:
        raise FrameError(f"a question of {length} bytes")
    return decode_ask(await reader.readexactly(length))


async def _send(writer: asyncio.StreamWriter, answer: LocalAnswer) -> None:
    """Send an answer, and wait until the command has read most of what was sent."""
    writer.write(encode_frames([encode(answer)]))
    await writer.drain()
