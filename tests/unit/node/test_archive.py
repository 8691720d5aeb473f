"""The link to an archive answers everything, whatever the archive does."""

import asyncio
from collections.abc import Callable

import pytest

from roost.archive import (
    Archive,
    ArchiveError,
    ArchiveState,
    Batch,
    BehindError,
    DamagedError,
    RefusedError,
    SlowSearchError,
)
from roost.chat.history import Answer, Page, Query, Row, Span
from roost.chat.ids import Position
from roost.node import archive as link_module
from roost.node.archive import TOO_SLOW, UNREACHABLE, ArchiveLink
from roost.node.engine.effects import AskArchive, RepairArchive, WriteArchive
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
from support.loops import pass_turns, run, wait_until

P = Position
ASK = AskArchive(4, Page("r:1", 10, is_newest=True), Span(P(1), P(5)))
WRITE = WriteArchive(Batch(P(0), (), P(1), P(5), 1))
STATE = ArchiveState(P(5), 1, 50)


class FakeArchive:
    """An archive that does what a test says."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.hangs = False
        self.hanging = 0
        self.is_closed = False

    async def _do(self) -> None:
        if self.hangs:
            self.hanging += 1
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure

    async def state(self) -> ArchiveState:
        return STATE

    async def write(self, batch: Batch) -> ArchiveState:
        await self._do()
        return STATE

    async def repair(self, position: Position, rows: tuple[Row, ...]) -> ArchiveState:
        await self._do()
        return STATE

    async def answer(self, query: Query, span: Span) -> Answer:
        await self._do()
        return ()

    async def export(
        self, first: Position, last: Position, rows_max: int
    ) -> tuple[tuple[Row, ...], Position]:
        return (), last

    async def retain(self, older_ms: int) -> ArchiveState:
        return STATE

    async def close(self) -> None:
        self.is_closed = True


def use(
    scenario: Callable[[ArchiveLink, list[ArchiveInput], FakeArchive], object],
    archives: list[FakeArchive | ArchiveError],
) -> None:
    async def act() -> None:
        told: list[ArchiveInput] = []
        first = next(one for one in archives if isinstance(one, FakeArchive))

        async def open_() -> Archive:
            found = archives.pop(0) if archives else ArchiveError("gone")
            if isinstance(found, ArchiveError):
                raise found
            return found

        link = ArchiveLink(open_)
        link.begin(told.append)
        try:
            await scenario(link, told, first)  # type: ignore[misc]
        finally:
            await asyncio.to_thread(link.close)

    run(act())


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "RETRY_S", 0.01)


def test_questions_and_batches_are_answered() -> None:
    async def scenario(link: ArchiveLink, told: list[ArchiveInput], _: FakeArchive) -> None:
        await wait_until(lambda: ArchiveSeen(STATE) in told)
        link.obey(ASK)
        link.obey(WRITE)
        await wait_until(lambda: Answered(4, ()) in told and ArchiveWrote(STATE) in told)

    use(scenario, [FakeArchive()])


def test_it_is_opened_again_until_it_can_be() -> None:
    async def scenario(link: ArchiveLink, told: list[ArchiveInput], _: FakeArchive) -> None:
        await wait_until(lambda: ArchiveSeen(STATE) in told)
        assert told[:2] == [ArchiveFailed("no"), ArchiveFailed("not yet")]

    use(scenario, [ArchiveError("no"), ArchiveError("not yet"), FakeArchive()])


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (SlowSearchError("slow"), TOO_SLOW),
        (BehindError("old"), UNREACHABLE),
        (DamagedError((P(4),)), UNREACHABLE),
    ],
)
def test_a_question_may_fail_alone(failure: ArchiveError, text: str) -> None:
    async def scenario(link: ArchiveLink, told: list[ArchiveInput], archive: FakeArchive) -> None:
        await wait_until(lambda: told)
        archive.failure = failure
        link.obey(ASK)
        await wait_until(lambda: AnswerFailed(4, text) in told)
        archive.failure = None
        link.obey(ASK)
        await wait_until(lambda: Answered(4, ()) in told)
        assert not archive.is_closed

    use(scenario, [FakeArchive()])


def test_what_hangs_is_given_up_when_the_archive_fails() -> None:
    async def scenario(link: ArchiveLink, told: list[ArchiveInput], archive: FakeArchive) -> None:
        await wait_until(lambda: told)
        archive.hangs = True
        link.obey(ASK)
        link.obey(ASK)
        link.obey(WRITE)
        await wait_until(lambda: archive.hanging == 2)
        archive.hangs, archive.failure = False, ArchiveError("it broke")
        link.obey(WRITE)
        await pass_turns()
        link.close()
        await wait_until(lambda: told.count(AnswerFailed(4, UNREACHABLE)) == 2)
        assert sum(isinstance(one, ArchiveFailed) and one.was_writing for one in told) == 2
        assert archive.is_closed

    use(scenario, [FakeArchive()])


def test_while_it_cannot_be_reached_everything_is_refused_at_once() -> None:
    async def scenario(link: ArchiveLink, told: list[ArchiveInput], archive: FakeArchive) -> None:
        await wait_until(lambda: ArchiveSeen(STATE) in told)
        archive.failure = ArchiveError("it broke")
        link.obey(WRITE)
        await wait_until(lambda: ArchiveFailed("it broke") in told)
        assert ArchiveFailed("it broke", was_writing=True) in told
        link.obey(ASK)
        link.obey(WRITE)
        await wait_until(lambda: AnswerFailed(4, UNREACHABLE) in told)
        await wait_until(lambda: ArchiveFailed("", was_writing=True) in told)

    use(scenario, [FakeArchive()])


def test_a_server_that_refuses_changes_still_answers() -> None:
    async def scenario(link: ArchiveLink, told: list[ArchiveInput], archive: FakeArchive) -> None:
        await wait_until(lambda: told)
        archive.failure = RefusedError("full")
        link.obey(WRITE)
        link.obey(RepairArchive(P(4), ()))
        await wait_until(lambda: ArchiveRepaired(P(4), is_done=False) in told)
        assert ArchiveRefused("full") in told
        archive.failure = None
        link.obey(ASK)
        link.obey(RepairArchive(P(5), ()))
        await wait_until(lambda: Answered(4, ()) in told)
        await wait_until(lambda: ArchiveRepaired(P(5), is_done=True) in told)
        assert not archive.is_closed

    use(scenario, [FakeArchive()])


def test_damage_is_told() -> None:
    async def scenario(link: ArchiveLink, told: list[ArchiveInput], archive: FakeArchive) -> None:
        await wait_until(lambda: told)
        archive.failure = DamagedError((P(4), P(5)))
        link.obey(ASK)
        await wait_until(lambda: ArchiveDamaged((P(4), P(5))) in told)

    use(scenario, [FakeArchive()])
