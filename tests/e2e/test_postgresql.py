"""The archive in a real PostgreSQL: what is written is found again, once and whole."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, cast

import pytest
from msgspec.structs import replace

from roost.archive import ArchiveError, ArchiveState, Batch, DamagedError, RefusedError
from roost.archive import postgresql as engine
from roost.archive.postgresql import PostgresArchive
from roost.archive.schema import WEEK_MS
from roost.chat.changes import Redacted, Said, Source
from roost.chat.history import (
    KIND_EVENT,
    KIND_MESSAGE,
    KIND_REDACTED,
    KIND_REDACTION,
    Anchor,
    Answer,
    Excerpt,
    Owner,
    Page,
    Query,
    Row,
    Search,
    Span,
    Target,
    Targets,
    encode_change,
)
from roost.chat.ids import Position, RoomId, UserId
from support.loops import run
from support.memory_history import MemoryHistory
from support.postgres import PostgresServer

P = Position
ALL = Page("r:1", 10_000, is_newest=True, kinds=tuple(range(7)))
CONVERSATIONS = ("r:1", "r:2", "d:i:4 bob", "d:i:4 carl", "d:a:ann bob", "d:i:5 ann")
NICKS = ("Ann", "bob", "c[x]")
WORDS = ("Roses", "are", "red", "Violets", "blue", "re", "x", "Stra\u00dfe", "Caf\u00e9", "42")

Act = Callable[[PostgresArchive], Coroutine[Any, Any, None]]


@pytest.fixture
def url(postgres: PostgresServer, request: pytest.FixtureRequest) -> str:
    return postgres.create(f"db{abs(hash(request.node.name))}")


def use(url: str, act: Act, cluster: str = "ours") -> None:
    async def scenario() -> None:
        archive = await PostgresArchive.open(url, cluster)
        try:
            await act(archive)
        finally:
            await archive.close()

    run(scenario())


async def ask(archive: PostgresArchive, query: Query) -> Answer:
    """Put a query to all that there is."""
    state = await archive.state()
    return await archive.answer(query, Span(P(0), state.watermark))


def said(
    position: int, text: str = "hello", conversation: str = "r:1", nick: str = "Ann", **changes: Any
) -> Row:
    source = Source(UserId(1), nick, "u", "h")
    change = Said(0, source, "PRIVMSG", RoomId(1), UserId(0), "#r", 0, text, (), "", "")
    peer = "" if conversation.startswith("r:") else conversation.rpartition(" ")[2].upper()
    fields = {"time_ms": 10 * position, "kind": KIND_MESSAGE, **changes}
    return Row(
        conversation,
        P(position),
        0,
        fields["time_ms"],
        fields["kind"],
        peer,
        encode_change(change),
    )


def redaction(position: int, of: int) -> Row:
    source = Source(UserId(1), "Ann", "u", "h")
    change = Redacted(0, source, RoomId(1), UserId(0), "#r", "id", P(of), 0, "", "Ann", "")
    return Row("r:1", P(position), 0, 10 * position, KIND_REDACTION, "", encode_change(change))


def batch(rows: list[Row], expected: int, last: int, first: int = 0) -> Batch:
    return Batch(P(expected), tuple(rows), P(first or expected + 1), P(last), 1)


def make_rows(dice: random.Random, count: int) -> list[Row]:
    """Return rows of some weeks; times do not go back and may be equal."""
    rows, time_ms = [], WEEK_MS
    for position in range(1, count + 1):
        time_ms += dice.choice((0, 5, 7, WEEK_MS // 20))
        kind = dice.choice((KIND_MESSAGE, KIND_MESSAGE, KIND_EVENT))
        text = " ".join(dice.choices(WORDS, k=3))
        rows += [
            said(position, text, name, dice.choice(NICKS), kind=kind, time_ms=time_ms)
            for name in sorted(dice.sample(CONVERSATIONS, dice.choice((0, 1, 2))))
        ]
    return rows


def any_page(dice: random.Random, rows: list[Row]) -> Page:
    def anchor(chance: float) -> Anchor | None:
        if dice.random() > chance:
            return None
        row = dice.choice(rows)
        is_time = dice.random() < 0.5
        return Anchor(time_ms=row.time_ms + 1) if is_time else Anchor(row.position)

    around = anchor(0.2)
    return Page(
        dice.choice(CONVERSATIONS),
        dice.choice((1, 2, 10, 100)),
        is_newest=around is None and dice.random() < 0.5,
        after=None if around else anchor(0.5),
        before=None if around else anchor(0.5),
        around=around,
        kinds=dice.choice(((KIND_MESSAGE,), (KIND_MESSAGE, KIND_EVENT))),
        from_position=P(dice.choice((0, 0, 50))),
    )


def any_search(dice: random.Random, rows: list[Row]) -> Search:
    owners = ((), (Owner("i:4", P(40)),), (Owner("i:4"), Owner("a:ann", P(60))))
    return Search(
        words=tuple(dice.choices(("roses", "RE", "x", "42", "vio", "stra"), k=dice.randint(0, 2))),
        sender=dice.choice(("", "ann", "c{x}", "nobody")),
        conversations=(Excerpt("r:1", P(dice.choice((0, 40)))), Excerpt("r:2")),
        owners=dice.choice(owners),
        after_ms=dice.choice((-1, dice.choice(rows).time_ms)),
        before_ms=dice.choice((-1, dice.choice(rows).time_ms)),
        limit=dice.choice((1, 7, 1000)),
        is_newest=dice.random() < 0.5,
    )


def test_its_answers_are_those_of_the_definition(url: str) -> None:
    dice = random.Random(7)
    rows = make_rows(dice, 300)
    memory = MemoryHistory()
    memory.rows = rows
    rooms = (("r:1", "#one", P(0)), ("r:2", "#two", P(5)))
    owners = (Owner("i:4"), Owner("a:ann", P(20)))

    async def act(archive: PostgresArchive) -> None:
        done = 0
        while done < 300:
            last = min(done + dice.randint(1, 60), 300)
            some = [row for row in rows if done < row.position <= last]
            assert (await archive.write(batch(some, done, last))).watermark == last
            done = last
        for _ in range(150):
            page = any_page(dice, rows)
            assert await ask(archive, page) == memory.answer(page), page
            search = any_search(dice, rows)
            assert await ask(archive, search) == memory.answer(search), search
            times = dice.sample([row.time_ms for row in rows], 2)
            targets = Targets(owners, rooms, times[0], times[1], limit=10)
            found = cast("tuple[Target, ...]", await ask(archive, targets))
            expected = cast("tuple[Target, ...]", memory.answer(targets))
            assert sorted(found, key=repr) == sorted(expected, key=repr), targets
        span = Span(P(100), P(200))
        shown = await archive.answer(ALL, span)
        assert shown == tuple(
            r for r in rows if r.conversation == "r:1" and 100 <= r.position <= 200
        )

    use(url, act)


def test_a_batch_is_taken_once_and_in_its_turn(url: str) -> None:
    rows = [said(position) for position in range(1, 11)]

    async def act(archive: PostgresArchive) -> None:
        other = await PostgresArchive.open(url, "ours")
        first, second = batch(rows[:5], 0, 5), batch(rows[5:], 5, 10)
        assert (await archive.write(second)).watermark == 0
        # Two nodes that both believe that it is their turn.
        states = await asyncio.gather(archive.write(first), other.write(first))
        assert [state.watermark for state in states] == [5, 5]
        states = await asyncio.gather(other.write(second), archive.write(second))
        assert [state.watermark for state in states] == [10, 10]
        assert await ask(archive, ALL) == tuple(rows)
        assert await other.state() == ArchiveState(P(10), 1, 100)
        await other.close()

    use(url, act)


def test_what_no_node_has_is_noted_as_a_hole(url: str) -> None:
    async def act(archive: PostgresArchive) -> None:
        await archive.write(batch([said(1)], 0, 1))
        state = await archive.write(batch([said(9)], 1, 9, first=6))
        assert (state.watermark, state.holes) == (9, ((2, 5),))
        assert await archive.state() == state

    use(url, act)


def test_a_hole_can_be_filled_in_parts_and_each_part_once(url: str) -> None:
    async def act(archive: PostgresArchive) -> None:
        before = await archive.write(batch([said(7), said(9)], 0, 9, first=6))
        part = batch([said(2), said(3)], 9, 3, first=2)
        filled = await archive.write(part)
        assert filled == replace(before, holes=((1, 1), (4, 5)))
        assert await archive.write(part) == filled
        assert await archive.write(batch([said(1)], 8, 1, first=1)) == filled, "another watermark"
        await archive.write(batch([said(1)], 9, 1, first=1))
        await archive.write(batch([], 9, 5, first=4))
        assert await archive.state() == replace(before, holes=())
        shown = cast("tuple[Row, ...]", await ask(archive, ALL))
        assert [row.position for row in shown] == [1, 2, 3, 7, 9]
        state = await archive.write(batch([said(10)], 9, 10))
        assert (state.watermark, state.holes) == (10, ())

    use(url, act)


def test_a_redaction_deletes_the_text_whichever_comes_first(url: str) -> None:
    async def act(archive: PostgresArchive) -> None:
        await archive.write(batch([said(1, "secret one"), said(2)], 0, 2))
        rows = [redaction(3, 1), redaction(4, 5), said(5, "secret two"), said(6)]
        await archive.write(batch(rows, 2, 6))
        shown = cast("tuple[Row, ...]", await ask(archive, ALL))
        assert [row.kind for row in shown if row.position in (1, 5)] == [KIND_REDACTED] * 2
        assert b"secret" not in b"".join(row.record for row in shown)
        find = Search(("secret",), "", (Excerpt("r:1"),), (), -1, -1, 10, is_newest=True)
        assert await ask(archive, find) == ()

    use(url, act)


def test_a_damaged_row_is_never_served(postgres: PostgresServer, url: str) -> None:
    database = url.rpartition("/")[2]

    async def act(archive: PostgresArchive) -> None:
        rows = [said(1), said(2), said(3)]
        await archive.write(batch(rows, 0, 3))
        postgres.sql(database, "UPDATE roost.rows SET record = 'x' WHERE position = 2")
        with pytest.raises(DamagedError) as error:
            await ask(archive, ALL)
        assert error.value.positions == (2,)
        assert await archive.answer(ALL, Span(P(3), P(3))) == (rows[2],)

    use(url, act)


def test_damaged_rows_are_replaced_and_stay_redacted(postgres: PostgresServer, url: str) -> None:
    database = url.rpartition("/")[2]

    async def act(archive: PostgresArchive) -> None:
        rows = [said(1), said(2, "secret"), said(3)]
        await archive.write(batch([*rows, redaction(4, 2)], 0, 4))
        postgres.sql(database, "UPDATE roost.rows SET record = 'x' WHERE position <= 2")
        assert (await archive.repair(P(1), (rows[0],))).watermark == 4
        await archive.repair(P(2), (rows[1],))
        await archive.repair(P(9), (said(9),))
        shown = cast("tuple[Row, ...]", await ask(archive, ALL))
        assert [row.position for row in shown] == [1, 2, 3, 4]
        assert shown[1].kind == KIND_REDACTED
        assert b"secret" not in shown[1].record

    use(url, act)


@contextlib.contextmanager
def full_disk(postgres: PostgresServer, database: str) -> Iterator[None]:
    """Move a database to a small disk, and fill that while the context lasts."""
    directory = postgres.small_disk()
    postgres.sql("postgres", f"CREATE TABLESPACE small LOCATION '{directory}'")
    postgres.sql("postgres", f"ALTER DATABASE {database} SET TABLESPACE small")
    filler = directory / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536))
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def standby(postgres: PostgresServer, database: str) -> Iterator[None]:
    """Refuse all changes while the context lasts, as a standby does."""
    postgres.sql("postgres", f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    try:
        yield
    finally:
        postgres.sql("postgres", f"ALTER DATABASE {database} RESET default_transaction_read_only")


@contextlib.contextmanager
def no_permission(postgres: PostgresServer, database: str) -> Iterator[None]:
    """Let the user of the archive read only while the context lasts."""
    postgres.sql(database, "REVOKE INSERT, UPDATE ON ALL TABLES IN SCHEMA roost FROM writer")
    try:
        yield
    finally:
        postgres.sql(database, "GRANT ALL ON ALL TABLES IN SCHEMA roost TO writer")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (full_disk, "disk is full: make room there"),
        (standby, "read-only standby: give history.url the address of the primary"),
        (no_permission, "may not do that: make it the owner"),
    ],
)
def test_a_server_that_refuses_changes_answers_questions_and_takes_them_later(
    postgres: PostgresServer,
    url: str,
    fault: Callable[[PostgresServer, str], contextlib.AbstractContextManager[None]],
    words: str,
) -> None:
    database = url.rpartition("/")[2]
    rows = [said(n, "x" * 400) for n in range(1, 2001)]

    async def begin(archive: PostgresArchive) -> None:
        await archive.write(batch(rows[:10], 0, 10))

    use(url, begin)
    if fault is no_permission:
        postgres.sql("postgres", "CREATE ROLE writer LOGIN")
        for what in ("SCHEMA roost", "ALL TABLES IN SCHEMA roost"):
            postgres.sql(database, f"GRANT ALL ON {what} TO writer")
        url = url.replace("roost@", "writer@")

    async def scenario() -> None:
        with contextlib.ExitStack() as during:
            during.enter_context(fault(postgres, database))
            archive = await PostgresArchive.open(url, "ours")
            try:
                for _ in range(2):
                    with pytest.raises(RefusedError, match=words):
                        await archive.write(batch(rows[10:], 10, 2000))
                    assert (await archive.state()).watermark == 10
                    assert await ask(archive, ALL) == tuple(rows[:10])
                during.close()
                assert (await archive.write(batch(rows[10:], 10, 2000))).watermark == 2000
                assert await ask(archive, ALL) == tuple(rows)
            finally:
                await archive.close()

    run(scenario())


def test_the_last_words_of_a_server_that_stops_are_explained(
    postgres: PostgresServer, url: str
) -> None:
    database = url.rpartition("/")[2]

    async def act(archive: PostgresArchive) -> None:
        await archive.write(batch([said(1)], 0, 1))
        ends = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='{database}'"
        postgres.sql("postgres", ends)
        # What it said arrives now, before anybody has seen that the connection is closed.
        for use_it in (archive.write(batch([said(2)], 1, 2)), archive.state()):
            with pytest.raises(ArchiveError, match=r"stopping|connection"):
                await use_it

    use(url, act)


def test_old_weeks_are_dropped_and_the_rest_stays(postgres: PostgresServer, url: str) -> None:
    async def act(archive: PostgresArchive) -> None:
        rows = [said(n, time_ms=n * WEEK_MS // 2) for n in range(1, 11)]
        rows.append(said(11, conversation="r:2", time_ms=6 * WEEK_MS))
        await archive.write(batch(rows, 0, 11))
        state = await archive.retain(3 * WEEK_MS + 5)
        assert state.first == 6
        assert state.watermark == 11
        assert await ask(archive, ALL) == tuple(rows[5:10])
        assert await archive.retain(3 * WEEK_MS + 5) == state
        assert (await archive.export(P(1), P(11), 100)) == (tuple(rows[5:]), 11)
        assert (await archive.export(P(1), P(11), 2)) == (tuple(rows[5:7]), 7)

    use(url, act)
    assert postgres.sql(url.rpartition("/")[2], "SELECT count(*) FROM roost.weeks") == "4"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE roost.archive SET version = 9", "upgrade Roost"),
        ("UPDATE roost.archive SET version = 0", "too old"),
        ("UPDATE roost.archive SET cluster = 'theirs'", "a database of its own"),
        ("DELETE FROM roost.archive", "restore it from a backup"),
    ],
)
def test_another_schema_or_cluster_is_refused_with_the_reason(
    postgres: PostgresServer, url: str, damage: str, words: str
) -> None:
    async def act(archive: PostgresArchive) -> None:
        await archive.state()

    use(url, act)
    postgres.sql(url.rpartition("/")[2], damage)
    with pytest.raises(ArchiveError, match=words):
        use(url, act)


def test_addresses_that_do_not_work_are_explained(postgres: PostgresServer) -> None:
    async def act(_: PostgresArchive) -> None:
        raise AssertionError("it was opened")

    for url, words in (
        (postgres.url("missing"), "createdb"),
        ("postgresql://roost@127.0.0.1:1/x", "nothing listens there"),
        ("postgresql://127.0.0.1:bad/x", "connection failed"),
    ):
        with pytest.raises(ArchiveError, match=words):
            use(url, act)


def test_a_server_that_hangs_is_given_up_in_time(
    postgres: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hurry() -> None:
        """Give the server little time from now on: it was slow to start, perhaps."""
        monkeypatch.setattr(engine, "ANSWER_S", 0.2)
        monkeypatch.setattr(engine, "WRITE_S", 0.2)
        monkeypatch.setattr(engine, "SEARCH_S", 0.1)

    find = Search(("hello",), "", (Excerpt("r:1"),), (), -1, -1, 10, is_newest=True)

    async def act(archive: PostgresArchive) -> None:
        await archive.write(batch([said(1)], 0, 1))
        postgres.stop()
        hurry()
        try:
            with pytest.raises(ArchiveError, match="does not answer within"):
                await ask(archive, ALL)
            with pytest.raises(ArchiveError, match="does not write within"):
                await archive.write(batch([said(2)], 1, 2))
        finally:
            postgres.go_on()

    use(url, act)
    monkeypatch.undo()

    async def after(archive: PostgresArchive) -> None:
        assert (await archive.state()).watermark in (1, 2)
        postgres.stop()
        hurry()
        try:
            with pytest.raises(ArchiveError):
                await ask(archive, find)
        finally:
            postgres.go_on()

    use(url, after)


def test_words_are_found_as_in_a_nodes_own_index(url: str) -> None:
    texts = ("Caf\u00e9 \u00fcber alles", "\u6771\u4eac\u90fd", "snake_case e-mail:a@b.org", "x y")

    def find(*words: str) -> Search:
        return Search(words, "", (Excerpt("r:1"),), (), -1, -1, 10, is_newest=True)

    async def act(archive: PostgresArchive) -> None:
        await archive.write(batch([said(n, text) for n, text in enumerate(texts, 1)], 0, 4))
        for words, position in (
            (("cafe",), 1),
            (("UBER", "alles"), 1),
            (("\u6771\u4eac",), 2),
            (("case", "mail", "org"), 3),
            (("sn",), 3),
            (("x",), 4),
        ):
            found = await ask(archive, find(*words))
            assert [row.position for row in found if isinstance(row, Row)] == [position], words
        assert await ask(archive, find("c")) == ()

    use(url, act)
