"""The node's way to the archive: obeys its effects on a thread and an event loop of their own.

    engine -- obey --> questions, batches --> PostgreSQL -- tell --> engine
                       every few seconds: how far it is

So nothing that PostgreSQL does, or does not do, delays a client's message. While it cannot be
reached everything is refused at once, and it is tried again. What a batch led to when the
connection broke is unknown; the watermark tells it afterwards. A server that refuses a batch, since
its disk is full for instance, still answers questions.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import TypeAlias, assert_never

import structlog

from roost.archive import (
    Archive,
    ArchiveError,
    BehindError,
    DamagedError,
    RefusedError,
    SlowSearchError,
)
from roost.node.config import NodeConfig
from roost.node.engine.effects import (
    ArchiveEffect,
    AskArchive,
    RepairArchive,
    RetainArchive,
    WriteArchive,
)
from roost.node.engine.inputs import (
    Answered,
    AnswerFailed,
    ArchiveDamaged,
    ArchiveFailed,
    ArchiveInput,
    ArchiveRefused,
    ArchiveRepaired,
    ArchiveSeen,
    ArchiveWrote,
)
from roost.node.errors import StartError

_logger = structlog.get_logger()

POLL_S = 2.0
"""How often to look how far the archive is, and whether it lives."""
RETRY_S = 0.5
RETRY_S_MAX = 2.0
"""The pause before it is tried again, which doubles up to the maximum."""
UNREACHABLE = "Earlier messages are in an archive that cannot be reached now; try again later"
TOO_SLOW = "The search takes too long; narrow it down"

Open: TypeAlias = Callable[[], Awaitable[Archive]]


@contextlib.asynccontextmanager
async def asking_archive(
    config: NodeConfig, tell: Callable[[ArchiveInput], None]
) -> AsyncIterator[Callable[[ArchiveEffect], None] | None]:
    """Have what a node asks its archive done while the context lasts; None if there is none.

    Raises:
        StartError: the library is missing.
    """
    if not config.history.has_archive:
        yield None
        return
    try:
        from roost.archive.postgresql import PostgresArchive
    except ImportError as error:
        raise StartError(
            f"history.engine postgresql needs a library ({error}): pip install 'roost[postgresql]'"
        ) from error
    link = ArchiveLink(partial(PostgresArchive.open, config.history.url, config.cluster))
    link.begin(tell)
    try:
        yield link.obey
    finally:
        await asyncio.to_thread(link.close)


class ArchiveLink:
    """Keeps an archive open while it can."""

    def __init__(self, open_: Open) -> None:
        """`open_` opens the archive, or raises `ArchiveError`."""
        self._open = open_
        self._tell: Callable[[ArchiveInput], None]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="archive", daemon=True)
        self._questions: asyncio.Queue[AskArchive] = asyncio.Queue()
        self._changes: asyncio.Queue[WriteArchive | RepairArchive | RetainArchive] = asyncio.Queue()
        self._is_open = False
        self._end = asyncio.Event()
        self._is_closed = False

    def begin(self, tell: Callable[[ArchiveInput], None]) -> None:
        """Start the thread; call `tell`, on the running loop's thread, with what has happened."""
        home = asyncio.get_running_loop()

        def deliver(event: ArchiveInput) -> None:
            # The node's loop may have ended while the server hung.
            with contextlib.suppress(RuntimeError):
                home.call_soon_threadsafe(tell, event)

        self._tell = deliver
        self._thread.start()

    def obey(self, effect: ArchiveEffect) -> None:
        """Begin to carry out an effect."""
        if not self._is_closed:
            self._loop.call_soon_threadsafe(self._take, effect)

    def close(self) -> None:
        """Give up what is under way, and end the thread."""
        self._is_closed = True
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    # On the thread

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._keep_open())

    def _take(self, effect: ArchiveEffect) -> None:
        if not self._is_open:
            self._refuse(effect, "")
        elif isinstance(effect, AskArchive):
            self._questions.put_nowait(effect)
        else:
            self._changes.put_nowait(effect)

    def _refuse(self, effect: ArchiveEffect, reason: str) -> None:
        match effect:
            case AskArchive(ticket):
                self._tell(AnswerFailed(ticket, UNREACHABLE))
            case WriteArchive():
                self._tell(ArchiveFailed(reason, was_writing=True))
            case RepairArchive(position):
                self._tell(ArchiveRepaired(position, is_done=False))
            case RetainArchive():
                pass
            case _:
                assert_never(effect)

    async def _keep_open(self) -> None:
        pause = RETRY_S
        while not self._end.is_set():
            try:
                archive = await self._open()
            except ArchiveError as error:
                self._tell(ArchiveFailed(str(error)))
            else:
                pause = RETRY_S
                await self._serve(archive)
            await self._sleep(pause)
            pause = min(2 * pause, RETRY_S_MAX)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._end.wait()

    async def _serve(self, archive: Archive) -> None:
        """Use an open archive until it fails or this ends."""
        reason = ""
        self._is_open = True
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in (self._poll, self._answer, self._change):
                    tasks.create_task(self._until_it_fails(part, archive))
                await self._end.wait()
                raise ArchiveError("the node stops")
        except* ArchiveError as errors:
            reason = str(errors.exceptions[0])
        finally:
            self._is_open = False
            await archive.close()
        self._tell(ArchiveFailed(reason))
        for queue in (self._questions, self._changes):
            while not queue.empty():
                self._refuse(queue.get_nowait(), reason)

    async def _until_it_fails(
        self, part: Callable[[Archive], Awaitable[None]], archive: Archive
    ) -> None:
        try:
            await part(archive)
        except ArchiveError:
            # What others do with it ends at once, and does not wait for a server that hangs.
            self._is_open = False
            await archive.close()
            raise

    async def _poll(self, archive: Archive) -> None:
        while True:
            self._tell(ArchiveSeen(await archive.state()))
            await asyncio.sleep(POLL_S)

    async def _answer(self, archive: Archive) -> None:
        while True:
            ask = await self._questions.get()
            try:
                answer = await archive.answer(ask.query, ask.span)
            except SlowSearchError:
                self._tell(AnswerFailed(ask.ticket, TOO_SLOW))
            except DamagedError as error:
                self._tell(AnswerFailed(ask.ticket, UNREACHABLE))
                self._tell(ArchiveDamaged(error.positions))
            except BehindError as error:
                self._tell(AnswerFailed(ask.ticket, UNREACHABLE))
                _logger.error("archive-incomplete", reason=str(error))
                self._tell(ArchiveSeen(await archive.state()))
            except BaseException:
                self._refuse(ask, "")
                raise
            else:
                self._tell(Answered(ask.ticket, answer))

    async def _change(self, archive: Archive) -> None:
        while True:
            change = await self._changes.get()
            try:
                match change:
                    case WriteArchive(batch):
                        self._tell(ArchiveWrote(await archive.write(batch)))
                    case RepairArchive(position, rows):
                        await archive.repair(position, rows)
                        self._tell(ArchiveRepaired(position, is_done=True))
                    case RetainArchive(older_ms):
                        self._tell(ArchiveSeen(await archive.retain(older_ms)))
                    case _:
                        assert_never(change)
            except RefusedError as error:
                if isinstance(change, WriteArchive):
                    self._tell(ArchiveRefused(str(error)))
                else:
                    _logger.error("archive-refuses", reason=str(error))
                    self._refuse(change, str(error))
            except ArchiveError as error:
                self._refuse(change, str(error))
                raise
            except asyncio.CancelledError:
                self._refuse(change, "the connection was lost")
                raise
