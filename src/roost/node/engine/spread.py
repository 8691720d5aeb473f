"""Answers a query from history that is in several places: pure steps, one question each.

    segments, oldest first:   archive | a neighbour | this node's own store

The parts of an answer are asked for one after the other, from the end that the client wants, until
there are enough rows. So a question about what this node holds itself is never put to others. Where
nobody has anything any more, the answer goes on beyond that, and the client is told.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from msgspec.structs import replace

from roost.chat.history import Anchor, Answer, Page, Query, Row, Search, Span, Target, Targets
from roost.irc.casemapping import fold_nick

GONE = "gone"
"""The source of what nobody has any more."""
GONE_TEXT = "Messages are missing here: no node keeps them any more"
CONVERSATIONS_MAX = 10_000
"""Conversations of one person that are compared; whoever had more lately sees some twice."""
ROUNDS_MAX = 20
"""Questions for older conversations, if newer messages of most of them are elsewhere."""


class Segment(NamedTuple):
    """A part of history that is in one place."""

    source: str
    """Who is asked; the caller knows what it means."""
    span: Span
    since_ms: int
    """Rows before the span are not newer than this, and those from there on are not older.

    Where nobody has anything (`GONE`), this also holds for the rows that were there.
    """


class Part(NamedTuple):
    """One question to one place."""

    segment: Segment
    query: Query


class UnavailableError(Exception):
    """A part of history cannot be asked at the moment; the text is for the client."""


class Found(NamedTuple):
    """An answer."""

    answer: Answer
    lack: str = ""
    """Why there may be older rows that it does not have, for the client; empty if it is whole."""


Steps: TypeAlias = Generator[Part, Answer, Found]
"""Yields questions and is sent their answers, or has `UnavailableError` thrown into it."""

_Q = TypeVar("_Q", Page, Search)
_Rows: TypeAlias = Generator[Part, Answer, "_FoundRows"]


class _FoundRows(NamedTuple):
    rows: tuple[Row, ...]
    lack: str = ""


def spread(query: Query, segments: Sequence[Segment]) -> Steps:
    """Answer a query from segments that are next to each other, oldest first.

    Raises:
        UnavailableError: a part that is needed is not available, and nothing newer was found.
    """
    if isinstance(query, Targets):
        return (yield from _targets(query, _of_targets(query, segments)))
    if isinstance(query, Search):
        found = yield from _rows(query, _of_search(query, segments))
    elif query.around is None or len(segments) == 1:
        found = yield from _rows(query, _of_page(query, segments))
    else:
        found = yield from _around(query, query.around, segments)
    return Found(found.rows, found.lack)


def _around(page: Page, anchor: Anchor, segments: Sequence[Segment]) -> _Rows:
    before = replace(page, around=None, before=anchor, is_newest=True, limit=page.limit // 2)
    earlier = _FoundRows(())
    if before.limit:
        earlier = yield from _rows(before, _of_page(before, segments))
    here = (
        Anchor(time_ms=anchor.time_ms - 1)
        if anchor.time_ms > 0
        else Anchor(anchor.position, anchor.part - 1)
    )
    rest = page.limit - len(earlier.rows)
    after = replace(page, around=None, after=here, is_newest=False, limit=rest)
    later = yield from _rows(after, _of_page(after, segments))
    return _FoundRows(earlier.rows + later.rows, earlier.lack or later.lack)


def _rows(query: _Q, segments: Sequence[Segment]) -> _Rows:
    """Ask one segment after the other until there are enough rows."""
    found: tuple[Row, ...] = ()
    lack = ""
    for segment in reversed(segments) if query.is_newest else segments:
        rest = query.limit - len(found)
        if rest <= 0:
            break
        if segment.source == GONE:
            lack = GONE_TEXT
            continue
        try:
            answer = yield Part(segment, replace(query, limit=rest))
        except UnavailableError as error:
            if found and query.is_newest:
                return _FoundRows(found, str(error))
            raise
        rows = tuple(row for row in answer if isinstance(row, Row))
        found = rows + found if query.is_newest else found + rows
    return _FoundRows(found, lack)


def _targets(query: Targets, segments: Sequence[Segment]) -> Steps:
    if len(segments) == 1:
        answer = yield Part(segments[0], query)
        return Found(answer)
    low, high = sorted((query.after_ms, query.before_ms))
    latest: dict[str, Target] = {}
    everything = replace(query, after_ms=-1, before_ms=2**62, limit=CONVERSATIONS_MAX)
    for segment in segments[:0:-1]:
        answer = yield Part(segment, everything)
        for target in _only_targets(answer):
            latest.setdefault(_key(target), target)
    found = [target for target in latest.values() if low < target.time_ms < high]
    lack = ""
    try:
        found += yield from _older_targets(query, segments[0], latest)
    except UnavailableError as error:
        if not found:
            raise
        lack = str(error)
    is_newest_first = query.after_ms > query.before_ms
    found.sort(key=lambda target: target.time_ms, reverse=is_newest_first)
    return Found(tuple(found[: query.limit]), lack)


def _older_targets(
    query: Targets, segment: Segment, newer: dict[str, Target]
) -> Generator[Part, Answer, list[Target]]:
    """Return conversations of the oldest segment that have no newer message elsewhere."""
    is_newest_first = query.after_ms > query.before_ms
    found: dict[str, Target] = {}
    for _ in range(ROUNDS_MAX):
        answer = yield Part(segment, query)
        targets = _only_targets(answer)
        found |= {_key(target): target for target in targets if _key(target) not in newer}
        if len(targets) < query.limit or len(found) >= query.limit:
            break
        # The bounds are excluded, and others may have the same time as the last one.
        last_ms = targets[-1].time_ms + (1 if is_newest_first else -1)
        if last_ms == query.after_ms:
            last_ms = targets[-1].time_ms
        query = replace(query, after_ms=last_ms)
    return list(found.values())


def _only_targets(answer: Answer) -> list[Target]:
    return [target for target in answer if isinstance(target, Target)]


def _key(target: Target) -> str:
    """Return what identifies a conversation among those of one person."""
    return target.name if target.name.startswith("#") else fold_nick(target.name)


# Which segments can have something to find


def _of_page(page: Page, segments: Sequence[Segment]) -> Sequence[Segment]:
    first = min(excerpt.from_position for excerpt in page.excerpts())

    def can_have(segment: Segment, until_ms: int) -> bool:
        after, before = page.after, page.before
        return (
            segment.span.last >= first
            and (after is None or _is_after(segment, until_ms, after))
            and (before is None or _is_before(segment, before))
        )

    return _those(can_have, segments)


def _is_after(segment: Segment, until_ms: int, anchor: Anchor) -> bool:
    if anchor.time_ms >= 0:
        return until_ms > anchor.time_ms
    return segment.span.last >= anchor.position


def _is_before(segment: Segment, anchor: Anchor) -> bool:
    if anchor.time_ms >= 0:
        return segment.since_ms < anchor.time_ms
    return segment.span.first <= anchor.position


def _of_search(search: Search, segments: Sequence[Segment]) -> Sequence[Segment]:
    def can_have(segment: Segment, until_ms: int) -> bool:
        return until_ms >= search.after_ms and (
            search.before_ms < 0 or segment.since_ms <= search.before_ms
        )

    first = min(
        [excerpt.from_position for excerpt in search.conversations]
        + [owner.from_position for owner in search.owners],
        default=0,
    )
    return _those(can_have, [segment for segment in segments if segment.span.last >= first])


def _of_targets(targets: Targets, segments: Sequence[Segment]) -> Sequence[Segment]:
    """Return also newer segments: there may be newer messages of the same conversations."""
    low = min(targets.after_ms, targets.before_ms)
    asked = [segment for segment in segments if segment.source != GONE]
    return _those(lambda _, until_ms: until_ms > low, asked)


def _those(
    can_have: Callable[[Segment, int], bool], segments: Iterable[Segment]
) -> Sequence[Segment]:
    """Return the segments that can have rows; all but the last end before a known time."""
    ordered = list(segments)
    ends = [segment.since_ms for segment in ordered[1:]] + [2**63]
    # How old what comes after a hole may be is not always known.
    ends = [max(end, segment.since_ms) for segment, end in zip(ordered, ends, strict=True)]
    chosen = [segment for segment, end in zip(ordered, ends, strict=True) if can_have(segment, end)]
    # Somebody has to say that there is nothing.
    if any(segment.source != GONE for segment in chosen):
        return chosen
    return [*chosen, *[segment for segment in ordered if segment.source != GONE][-1:]]
