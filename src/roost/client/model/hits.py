"""A search and the messages that it found."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field


class QueryError(Exception):
    """What was typed is no query; the text is for people."""


class SearchState(enum.Enum):
    """How far a search is."""

    NONE = "none"
    LOADING = "loading"
    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found."""

    key: str
    """Of its conversation, which need not be open."""
    target: str
    """The conversation's name on the wire."""
    sender: str
    """Safe to show."""
    text: str
    """Safe to show, without formatting codes."""
    msgid: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for; empty fields do not restrict."""

    words: str = ""
    sender: str = ""
    place: str = ""
    """A room or a nickname."""
    after_ms: int = 0
    before_ms: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.words.strip() or self.sender)


@dataclass(slots=True)
class HistorySearch:
    """The search of a model: one at a time."""

    query: Query = field(default_factory=Query)
    state: SearchState = SearchState.NONE
    hits: list[Hit] = field(default_factory=list)
    """The newest first."""
    is_more: bool = False
    """Whether there may be older ones."""
    is_loaded_only: bool = False
    """Whether only loaded messages were searched, because the server cannot search."""
    problem: str = ""
    revision: int = 0
    label: str = ""


def parse_query(typed: str, parse_time: Callable[[str], int | None]) -> Query:
    """Parse a query such as "tea from:bob in:#kitchen after:2026-01-31".

    `parse_time` turns a date as people write it into milliseconds.

    Raises:
        QueryError: a date is not understood.
    """
    words: list[str] = []
    given: dict[str, str] = {}
    times: dict[str, int] = {}
    for word in typed.split():
        name, colon, value = word.partition(":")
        if not colon or not value or name not in ("from", "in", "before", "after"):
            words.append(word)
        elif name in ("from", "in"):
            given[name] = value
        else:
            time_ms = parse_time(value)
            if time_ms is None:
                raise QueryError(f"{value} is no date; write it as 2026-01-31 or yesterday")
            times[name] = time_ms
    return Query(
        " ".join(words),
        given.get("from", ""),
        given.get("in", ""),
        times.get("after", 0),
        times.get("before", 0),
    )
