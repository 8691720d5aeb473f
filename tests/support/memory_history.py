"""A history store in a list: what `Page`, `Targets` and `Search` mean, in plain Python."""

import re
from collections.abc import Callable
from random import Random

from roost.chat.changes import Redacted, Said
from roost.chat.history import (
    KIND_REDACTION,
    KINDS,
    Anchor,
    Answer,
    Excerpt,
    Owner,
    Page,
    Query,
    Row,
    Search,
    Target,
    decode_change,
    is_shown,
    is_with,
)
from roost.chat.ids import Position
from roost.chat.record import redacted
from roost.irc.casemapping import fold_nick


class MemoryHistory:
    """Keeps rows and answers queries about them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.queries: list[Query] = []
        """The queries so far, in order."""

    def store(self, rows: list[Row]) -> None:
        """Add rows. A redaction removes the text of the message that it names."""
        for row in rows:
            if row.kind == KIND_REDACTION:
                change = decode_change(row.record)
                assert isinstance(change, Redacted)
                place = (change.position, change.number)
                self.rows = [
                    redacted(old) if (old.position, old.part) == place and old.kind < 2 else old
                    for old in self.rows
                ]
        self.rows.extend(rows)

    def answer(self, query: Query) -> Answer:
        """Answer a query as the documentation of `roost.chat.history` defines it."""
        self.queries.append(query)
        rows = sorted(self.rows, key=lambda row: (row.position, row.part))
        if isinstance(query, Page):
            return tuple(_page(rows, query))
        if isinstance(query, Search):
            return search(rows, query)
        latest: dict[str, Target] = {}
        names = {key: (name, position) for key, name, position in query.rooms}
        for row in rows:
            if row.kind != 0:
                continue
            if row.conversation in names and row.position >= names[row.conversation][1]:
                latest[row.conversation] = Target(names[row.conversation][0], row.time_ms)
            elif is_owned(row, query.owners):
                latest[row.conversation.rpartition(" ")[2]] = Target(row.peer, row.time_ms)
        low, high = sorted((query.after_ms, query.before_ms))
        found = sorted(
            (target for target in latest.values() if low < target.time_ms < high),
            key=lambda target: target.time_ms,
            reverse=query.after_ms > query.before_ms,
        )
        return tuple(found[: query.limit])


def is_owned(row: Row, owners: tuple[Owner, ...]) -> bool:
    return any(
        row.conversation.startswith(f"d:{owner.identity} ") and row.position >= owner.from_position
        for owner in owners
    )


def is_in(row: Row, excerpt: Excerpt) -> bool:
    return (
        row.conversation == excerpt.conversation
        and row.position >= excerpt.from_position
        and is_with(row, excerpt.peers)
    )


def _page(rows: list[Row], page: Page) -> list[Row]:
    taken = {
        (row.position, row.part): row
        for excerpt in page.excerpts()
        for row in rows
        if is_in(row, excerpt)
    }
    rows = [
        row
        for _, row in sorted(taken.items())
        if is_shown(row, page.kinds)
        and (page.after is None or _compare(row, page.after) > 0)
        and (page.before is None or _compare(row, page.before) < 0)
    ]
    if page.around is not None:
        anchor = page.around
        earlier = [row for row in rows if _compare(row, anchor) < 0]
        later = [row for row in rows if _compare(row, anchor) >= 0]
        half = page.limit // 2
        earlier = earlier[len(earlier) - half :] if half < len(earlier) else earlier
        return earlier + later[: page.limit - len(earlier)]
    if page.is_newest:
        return rows[max(0, len(rows) - page.limit) :]
    return rows[: page.limit]


def _compare(row: Row, anchor: Anchor) -> int:
    if anchor.time_ms >= 0:
        return row.time_ms - anchor.time_ms
    place, other = (row.position, row.part), (anchor.position, anchor.part)
    return (place > other) - (place < other)


def search(rows: list[Row], query: Search) -> tuple[Row, ...]:
    """Answer a search as its documentation defines it; `rows` are in order."""
    found = [row for row in rows if row.kind == 0 and _is_found(row, query)]
    if not query.limit:
        return ()
    # A message between two users of one account is found once.
    ordered = found if query.is_newest else found[::-1]
    found = sorted(
        {(row.position, row.part): row for row in ordered}.values(),
        key=lambda row: (row.position, row.part),
    )
    return tuple(found[-query.limit :] if query.is_newest else found[: query.limit])


def _is_found(row: Row, query: Search) -> bool:
    if not is_owned(row, query.owners) and not any(
        is_in(row, excerpt) for excerpt in query.conversations
    ):
        return False
    if query.after_ms >= 0 and row.time_ms < query.after_ms:
        return False
    if query.before_ms >= 0 and row.time_ms > query.before_ms:
        return False
    change = decode_change(row.record)
    assert isinstance(change, Said)
    if query.sender and fold_nick(change.source.nick) != query.sender:
        return False
    words = re.findall(r"[^\W_]+", change.text.lower())
    return all(
        any(word.startswith(one) if len(one) > 1 else word == one for word in words)
        for one in (wanted.lower() for wanted in query.words)
    )


def any_page(chance: Random, position: int, anchor: Callable[[], Anchor | None]) -> Page:
    """Return a random question about the rooms 1 to 3, whose history goes up to a position."""
    return Page(
        f"r:{chance.randint(1, 3)}",
        chance.randint(0, 30),
        chance.random() < 0.6,
        after=anchor(),
        before=anchor(),
        around=anchor() if chance.random() < 0.1 else None,
        kinds=tuple(chance.sample(KINDS, chance.randint(1, 4))),
        from_position=Position(chance.choice([0, 0, chance.randint(0, position)])),
        more=tuple(
            Excerpt(f"r:{chance.randint(1, 3)}", Position(chance.randint(0, position)))
            for _ in range(chance.choice([0, 0, 1, 2]))
        ),
    )
