"""History remembers in which terms its entries were written, and can be dropped from one on."""

from roost.chat.history import KINDS, Page, Row, Target, Targets
from roost.chat.ids import Position
from roost.storage import DataDirectory, HistoryStore
from support.stores import execute, row

ALL = Page("r:1", 1000, is_newest=True, kinds=KINDS)


def at(position: int) -> Position:
    return Position(position)


def rows_of(first: int, last: int) -> list[Row]:
    return [row(position) for position in range(first, last + 1)]


def reopen(store: HistoryStore, directory: DataDirectory) -> HistoryStore:
    store.close()
    return HistoryStore(directory)


def test_the_terms_of_the_entries_are_kept(directory: DataDirectory, history: HistoryStore) -> None:
    assert history.terms() == ()
    history.write(rows_of(1, 5), at(5), ((at(1), 1), (at(4), 3)))
    history.write(rows_of(6, 7), at(7))
    history.skip_terms(at(8), at(20), 5)
    history.reset_applied(at(20))
    history.write(rows_of(21, 22), at(22), ((at(22), 6),))
    again = reopen(history, directory)
    assert again.terms() == ((1, 1), (4, 3), (8, 0), (20, 5), (22, 6))
    again.close()


def test_a_history_without_terms_or_with_damaged_ones_knows_none(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write(rows_of(1, 5), at(5), ((at(1), 1),))
    history.close()
    assert execute(directory.path / "history.db", "DELETE FROM records WHERE name = 'terms'")
    store = HistoryStore(directory)
    assert (store.terms(), store.findings) == ((), ())
    assert store.answer(ALL) == tuple(rows_of(1, 5))
    store.close()


def test_rows_can_be_dropped_from_a_position_on(
    directory: DataDirectory, history: HistoryStore
) -> None:
    history.write([*rows_of(1, 9), row(9, "r:2")], at(9), ((at(1), 1), (at(7), 2)))
    history.add_gap(at(3), at(5))
    history.add_gap(at(6), at(8))
    assert history.forget(at(6)) == ()
    again = reopen(history, directory)
    assert again.applied == 6
    assert again.terms() == ((1, 1),)
    assert again.gaps() == ((3, 5), (6, 6))
    assert again.answer(ALL) == tuple(rows_of(1, 6))
    assert again.answer(
        Targets((), (("r:1", "#a", at(0)), ("r:2", "#b", at(0))), 0, 99_999, 9)
    ) == (Target("#a", row(6).time_ms),)
    other = [row(7, part=1), row(8, "r:2")]
    again.write(other, at(8), ((at(7), 3),))
    assert again.export(at(7), at(9), 10_000)[0] == tuple(other)
    again.close()
