"""Damaged rows of the archive are replaced from wherever they are intact."""

from roost.chat.history import Held, Row
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.node.engine.effects import ExportRows, LogEvent, RepairArchive
from roost.node.engine.elsewhere import Share
from roost.node.engine.holding import Holding
from roost.node.engine.inputs import Exported
from roost.node.engine.mending import (
    CHUNK_S_MAX,
    EXPORT_TICKET,
    FIRST_TICKET,
    RETRY_S,
    Mending,
)
from roost.protocol.mesh import HistoryChunk, HistoryWant

P = Position
PEERS = ["n2", "n3", "n4"]


def row(position: int) -> Row:
    return Row("r:1", P(position), 0, 10 * position, 0, "", b"")


class Bench:
    """A node that holds what is from 50 on, with n4 that holds no more, and n5 not linked."""

    def __init__(self) -> None:
        self.holding = Holding(Held(P(50), 500), 7, ("n2", "n3", "n4", "n5"), has_archive=True)
        self.holding.learn("n4", Share(Held(P(50), 500)))
        self.mind = Mending(self.holding)

    def turn(self, now: float = 0.0) -> list[object]:
        """Return what is asked for, but what is for people."""
        self.mind.advance(PEERS, now, lambda first, last: first >= 50)
        effects, wants = self.mind.take_output()
        return [*(one for one in effects if not isinstance(one, LogEvent)), *wants]


def test_rows_that_this_node_holds_are_read_here() -> None:
    bench = Bench()
    bench.mind.damaged((P(60), P(70), P(60)))
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(60), P(60))]
    assert bench.turn() == [], "one at a time"
    bench.mind.exported(Exported(EXPORT_TICKET, (row(60),), P(60), ()))
    assert bench.turn() == [RepairArchive(P(60), (row(60),))]
    bench.mind.damaged((P(60),))
    bench.mind.repaired(P(60), is_done=True)
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(70), P(70))]


def test_others_are_asked_for_what_this_node_does_not_hold() -> None:
    bench = Bench()
    bench.mind.damaged((P(40),))
    assert bench.turn() == [("n2", HistoryWant(FIRST_TICKET - 1, P(40), P(40)))]
    late = HistoryChunk(FIRST_TICKET - 1, P(40), (row(40),), ())
    assert bench.mind.next_deadline() == CHUNK_S_MAX
    assert bench.turn(CHUNK_S_MAX) == [("n3", HistoryWant(FIRST_TICKET - 2, P(40), P(40)))]
    bench.mind.receive_chunk("n2", late)
    assert bench.turn(CHUNK_S_MAX) == []
    bench.mind.receive_chunk("n3", HistoryChunk(FIRST_TICKET - 2, P(40), (row(40),), ()))
    assert bench.turn(CHUNK_S_MAX) == [RepairArchive(P(40), (row(40),))]
    assert not bench.mind.problem


def test_what_no_linked_node_holds_is_reported_and_tried_again() -> None:
    bench = Bench()
    bench.holding.learn("n2", Share(Held(), (Hole(P(30), P(45), 450, 460),)))
    bench.mind.damaged((P(40),))
    assert bench.turn() == [("n3", HistoryWant(FIRST_TICKET - 1, P(40), P(40)))]
    bench.mind.receive_chunk("n3", HistoryChunk(FIRST_TICKET - 1, P(39), (), ()))
    assert bench.turn() == []
    assert "positions 40, which no linked node holds" in bench.mind.problem
    assert bench.mind.next_deadline() == RETRY_S
    bench.holding.learn("n2", Share(Held()))
    assert len(bench.turn(RETRY_S)) == 1
    bench.mind.receive_chunk("n2", HistoryChunk(FIRST_TICKET - 2, P(40), (row(40),), ()))
    bench.turn(RETRY_S)
    bench.mind.repaired(P(40), is_done=True)
    assert not bench.mind.problem
    assert bench.mind.next_deadline() == float("inf")


def test_rows_that_are_damaged_here_too_are_asked_for() -> None:
    bench = Bench()
    bench.mind.damaged((P(60),))
    bench.turn()
    bench.mind.exported(Exported(EXPORT_TICKET, (), P(60), (P(60),)))
    assert bench.turn() == [("n2", HistoryWant(FIRST_TICKET - 1, P(60), P(60)))]


def test_an_archive_that_refuses_is_asked_again_later() -> None:
    bench = Bench()
    bench.mind.damaged((P(60),))
    bench.turn()
    bench.mind.exported(Exported(EXPORT_TICKET, (row(60),), P(60), ()))
    bench.turn()
    bench.mind.repaired(P(60), is_done=False)
    assert bench.turn() == []
    assert bench.turn(RETRY_S) == [ExportRows(EXPORT_TICKET, P(60), P(60))]
