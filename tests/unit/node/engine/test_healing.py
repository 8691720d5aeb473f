"""Holes are filled by neighbours that have the rows, and by nobody else."""

import pytest

from roost.chat.history import Held, Row
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.node.engine.backfill import ANSWER_S_MAX
from roost.node.engine.effects import ImportRows
from roost.node.engine.elsewhere import Share
from roost.node.engine.healing import FIRST_TICKET, PAUSE_S, TRIES_MAX, Healing
from roost.node.engine.holding import Holding
from roost.node.engine.terms import Terms
from roost.protocol.mesh import HistoryChunk, HistoryWant

P = Position
HOLE = Hole(P(41), P(60), 610, 620)
LACKS = Share(Held(), (HOLE,))
PEERS = ["n2", "n3"]


def make() -> tuple[Healing, Holding]:
    holding = Holding(Held(), 0, ("n2", "n3"), holes=(HOLE,))
    return Healing(holding, Terms(((P(1), 3),))), holding


def chunk(ticket: int, covered: int, *rows: int, term: int = 3) -> HistoryChunk:
    sent = tuple(Row("r:1", P(position), 0, 0, 0, "", b"") for position in rows)
    return HistoryChunk(FIRST_TICKET + ticket, P(covered), sent, (), term)


def test_only_a_neighbour_that_has_the_rows_is_asked() -> None:
    mind, holding = make()
    for peer in PEERS:
        holding.learn(peer, LACKS)
    assert mind.ask(PEERS, P(100), 0.0) is None
    assert mind.next_deadline() == float("inf")
    holding.learn("n3", Share(Held(P(51), 510)))
    assert mind.ask(PEERS, P(59), 0.0) is None, "rows that the log has are stored first"
    assert mind.ask(PEERS, P(60), 0.0) == ("n3", HistoryWant(FIRST_TICKET + 1, P(51), P(60)))


def test_a_hole_is_filled_as_far_as_a_neighbour_sends() -> None:
    mind, holding = make()
    holding.learn("n3", LACKS)
    assert mind.ask(PEERS, P(100), 0.0) == ("n2", HistoryWant(FIRST_TICKET + 1, P(41), P(60)))
    assert mind.receive("n3", chunk(1, 60)) is None, "it was not asked"
    effect = mind.receive("n2", chunk(1, 50, 41, 50, 51))
    assert isinstance(effect, ImportRows)
    assert [row.position for row in effect.rows] == [41, 50]
    assert (effect.first, effect.last, effect.is_gap) == (41, 50, False)
    assert mind.ask(PEERS, P(100), 0.1) is None, "one after the other"
    assert mind.imported(effect.ticket, P(50)) == (41, 50)
    assert holding.holes == (Hole(P(51), P(60), 610, 620),)
    assert mind.ask(PEERS, P(100), 0.2) == ("n2", HistoryWant(FIRST_TICKET + 2, P(51), P(60)))


@pytest.mark.parametrize("answer", [chunk(1, 40), chunk(1, 60, term=2), None])
def test_an_answer_that_does_not_help_makes_it_ask_the_next(answer: HistoryChunk | None) -> None:
    mind, _ = make()
    assert mind.ask(PEERS, P(100), 0.0) is not None
    now = ANSWER_S_MAX if answer is None else 0.0
    if answer is not None:
        assert mind.receive("n2", answer) is None
    assert mind.ask(PEERS, P(100), now) is None
    assert mind.next_deadline() == now + PAUSE_S
    asked = mind.ask(PEERS, P(100), now + PAUSE_S)
    assert asked == ("n3", HistoryWant(FIRST_TICKET + 2, P(41), P(60)))


def test_an_answer_that_began_before_the_neighbour_had_the_rows_is_not_taken() -> None:
    """It has no rows where there were none."""
    mind, holding = make()
    assert mind.ask(PEERS, P(100), 0.0) is not None
    for share in (LACKS, Share()):
        holding.learn("n2", share)
        mind.learned("n2")
    assert mind.receive("n2", chunk(1, 60)) is None
    assert holding.holes == (HOLE,)


def test_a_neighbour_is_not_asked_in_vain_for_ever() -> None:
    mind, holding = make()
    now = 0.0
    for number in range(1, TRIES_MAX + 1):
        assert mind.ask(["n2"], P(100), now) is not None
        mind.receive("n2", chunk(number, 40))
        assert mind.ask(["n2"], P(100), now) is None
        now += PAUSE_S
    assert mind.ask(["n2"], P(100), now) is None
    assert mind.next_deadline() == float("inf")
    holding.learn("n2", Share(Held(P(2), 20)))
    assert mind.ask(["n2"], P(100), now) is not None
    mind.peer_disconnected("n2")
    assert mind.ask([], P(100), now) is None
    mind.peer_connected("n2")
    assert mind.ask(["n2"], P(100), now) is not None


def test_rows_that_are_too_old_by_now_are_not_stored() -> None:
    mind, holding = make()
    assert mind.ask(PEERS, P(100), 0.0) is not None
    holding.hold_from(Held(P(50), 500))
    assert mind.receive("n2", chunk(1, 60)) is None
    assert mind.imported(FIRST_TICKET + 1, P(60)) is None
