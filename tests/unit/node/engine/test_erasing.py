"""A node erases each account once, step by step, also if it has missed the entry itself."""

from roost.chat.ids import AccountId, Position
from roost.chat.state import Erasure, State
from roost.log import Snapshot
from roost.node.engine.effects import EraseHistory
from roost.node.engine.erasing import Erasing
from roost.node.engine.inputs import HistoryErased
from roost.node.engine.snapshots import Snapshots

ONE, TWO = AccountId(5), AccountId(6)
FIRST, SECOND = Erasure((), Position(9)), Erasure((), Position(12))


def make_snapshots() -> Snapshots:
    return Snapshots(entries_max=1000, bytes_max=1000, retained_entries=4)


def test_one_account_after_the_other_until_all_are_done() -> None:
    erasing = Erasing((), make_snapshots(), None)
    state = State()
    assert list(erasing.look(state)) == []
    state.erasures = {ONE: FIRST, TWO: SECOND}
    assert list(erasing.look(state)) == [EraseHistory(ONE, FIRST)]
    assert list(erasing.look(state)) == []
    assert list(erasing.receive(HistoryErased(ONE, has_more=True))) == []
    assert list(erasing.look(state)) == [EraseHistory(ONE, FIRST)]
    assert len(list(erasing.receive(HistoryErased(ONE, has_more=False)))) == 1
    assert list(erasing.look(state)) == [EraseHistory(TWO, SECOND)]
    list(erasing.receive(HistoryErased(TWO, has_more=False)))
    assert list(erasing.look(state)) == []


def test_what_was_done_before_a_start_is_not_done_again() -> None:
    erasing = Erasing((ONE,), make_snapshots(), None)
    state = State(erasures={ONE: FIRST, TWO: SECOND})
    assert list(erasing.look(state)) == [EraseHistory(TWO, SECOND)]


def test_a_log_that_begins_later_is_left_alone() -> None:
    for index, is_due in ((13, False), (12, True)):
        snapshots = make_snapshots()
        erasing = Erasing((ONE,), snapshots, Snapshot(index, 1, 0, b""))
        state = State(position=Position(20), erasures={ONE: FIRST})
        list(erasing.look(state))
        assert snapshots.is_dropping is is_due
