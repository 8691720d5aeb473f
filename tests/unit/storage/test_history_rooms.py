"""A room's old rows are found and dropped without touching others'."""

import pytest

from roost.chat.history import KIND_EVENT, KINDS, Page
from roost.chat.ids import Position
from roost.storage import HistoryStore, history_rooms
from support.stores import row

ROWS = [
    *(row(at) for at in range(1, 7)),
    row(7, kind=KIND_EVENT),
    row(8),
    *(row(at, "r:2") for at in (9, 10)),
]


@pytest.fixture
def store(history: HistoryStore) -> HistoryStore:
    history.write(sorted([*ROWS, row(3, "r:2")], key=lambda one: one.position), Position(10))
    return history


def kept(store: HistoryStore, conversation: str = "r:1") -> list[int]:
    rows = store.answer(Page(conversation, 50, is_newest=True, kinds=KINDS))
    return [row.position for row in rows]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("older_ms", "messages", "first"),
    [
        (0, 0, 0),
        (0, 7, 0),
        (0, 100, 0),
        (0, 2, 6),
        (0, 1, 8),
        (10_040, 0, 4),
        (10_010, 0, 0),
        (10_040, 2, 6),
        (10_060, 4, 6),
        (99_999, 0, 11),
    ],
)
def test_where_what_is_kept_begins(
    store: HistoryStore, older_ms: int, messages: int, first: int
) -> None:
    assert store.find_kept("r:1", older_ms, messages) == first


@pytest.mark.parametrize("rows_per_step", [1, 2, 500])
def test_only_this_rooms_rows_are_dropped_in_steps(
    store: HistoryStore, rows_per_step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_rooms, "ROWS_PER_STEP", rows_per_step)
    while store.trim_room("r:1", Position(8)):
        pass
    assert kept(store) == [8]
    assert kept(store, "r:2") == [3, 9, 10]
    assert store.find_kept("r:1", 0, 1) == 0


def test_while_the_file_is_too_large_the_oldest_go_however_old_they_are(
    history: HistoryStore,
) -> None:
    history.write([row(at) for at in range(1, 6001)], Position(6000))
    assert not history.trim(Position(6001), 0)
    assert not history.trim(Position(6001), 0, 10**9)
    while history.trim(Position(6001), 0, 200_000):
        pass
    assert 1 < history.held.position < 6000
    left = history.held.position
    assert kept(history)[-1] == 6000
    assert not history.trim(Position(6001), 0, 200_000)
    assert history.held.position == left
