from roost.chat.history import Row
from roost.chat.ids import Position
from roost.node.engine.backfill import ANSWER_S_MAX, PAUSE_S, Backfill, Want
from roost.node.engine.effects import ImportRows
from roost.protocol.mesh import HistoryChunk, HistoryWant

P = Position


def row(position: int) -> Row:
    return Row("r:1", P(position), 0, 0, 0, "", b"x")


def test_nothing_is_asked_when_nothing_is_lacking() -> None:
    backfill = Backfill(())
    assert backfill.ask(["n2"], 0.0) is None
    assert not backfill.has_gaps
    assert backfill.next_deadline() == float("inf")


def test_a_gap_is_filled_chunk_by_chunk() -> None:
    backfill = Backfill(((P(5), P(9)),))
    assert backfill.ask(["n2"], 0.0) == ("n2", HistoryWant(1, P(5), P(9)))
    assert backfill.ask(["n2"], 0.1) is None
    effect = backfill.receive("n2", HistoryChunk(1, P(7), (row(5), row(7)), ()))
    assert effect == ImportRows(1, (row(5), row(7)), P(5), P(7), True)
    assert backfill.ask(["n2"], 0.2) is None, "one chunk is stored before the next is asked for"
    assert backfill.imported(1, P(7)) == 0
    assert backfill.missing() == 2
    assert backfill.ask(["n2"], 0.3) == ("n2", HistoryWant(2, P(8), P(9)))
    backfill.receive("n2", HistoryChunk(2, P(9), (), ()))
    backfill.imported(2, P(9))
    assert not backfill.has_gaps


def test_a_neighbour_that_cannot_help_gives_way_to_the_next() -> None:
    backfill = Backfill(((P(1), P(3)),))
    backfill.ask(["n2", "n3"], 0.0)
    assert backfill.receive("n2", HistoryChunk(1, P(0), (), ())) is None
    asked = backfill.ask(["n2", "n3"], 0.1)
    assert asked is not None
    assert asked[0] == "n3"


def test_a_silent_neighbour_gives_way_to_the_next() -> None:
    backfill = Backfill(((P(1), P(3)),))
    backfill.ask(["n2", "n3"], 0.0)
    asked = backfill.ask(["n2", "n3"], ANSWER_S_MAX)
    assert asked is not None
    assert asked[0] == "n3"


def test_a_late_answer_changes_nothing() -> None:
    backfill = Backfill(((P(1), P(3)),))
    backfill.ask(["n2", "n3"], 0.0)
    backfill.ask(["n2", "n3"], ANSWER_S_MAX)
    assert backfill.receive("n2", HistoryChunk(1, P(3), (), ())) is None


def test_when_nobody_can_help_there_is_a_pause_and_another_round() -> None:
    backfill = Backfill(((P(1), P(3)),))
    backfill.ask(["n2"], 0.0)
    backfill.receive("n2", HistoryChunk(1, P(0), (), ()))
    assert backfill.ask(["n2"], 0.1) is None
    assert backfill.next_deadline() == 0.1 + PAUSE_S
    assert backfill.ask(["n2"], 0.1 + PAUSE_S) is not None


def test_positions_that_a_neighbour_cannot_vouch_for_are_asked_of_another() -> None:
    backfill = Backfill(((P(1), P(9)),))
    backfill.ask(["n2", "n3"], 0.0)
    effect = backfill.receive("n2", HistoryChunk(1, P(9), (row(2), row(6)), (P(5),)))
    assert effect == ImportRows(1, (row(2),), P(1), P(4), True)


def test_a_repair_goes_first_and_gives_its_question_back() -> None:
    backfill = Backfill(((P(1), P(9)),))
    backfill.add(Want(P(20), P(20), is_gap=False, question=77))
    asked = backfill.ask(["n2"], 0.0)
    assert asked == ("n2", HistoryWant(1, P(20), P(20)))
    effect = backfill.receive("n2", HistoryChunk(1, P(20), (row(20),), ()))
    assert effect is not None
    assert not effect.is_gap
    assert backfill.imported(1, P(20)) == 77


def test_what_is_lacking_is_not_vouched_for() -> None:
    backfill = Backfill(((P(5), P(9)),))
    assert not backfill.covers(P(1), P(5))
    assert not backfill.covers(P(6), P(6))
    assert backfill.covers(P(1), P(4))
    assert backfill.covers(P(10), P(20))
