"""A question is put to one neighbour after the other, and the client gets one answer."""

import pytest

from roost.chat.history import EVERYTHING, Held, Page, Row, Span, Target, Targets
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.node.engine.effects import AnswerQuery
from roost.node.engine.elsewhere import Share
from roost.node.engine.inquiries import (
    ANSWER_S_MAX,
    HERE,
    NEIGHBOURS,
    NOBODY,
    Inquiries,
    Outcome,
)
from roost.node.engine.spread import Segment
from roost.protocol.mesh import HistoryAnswer, HistoryAsk

P = Position
PAGE = Page("r:1", 2, is_newest=True)
SEGMENTS = [
    Segment(NEIGHBOURS, Span(P(1), P(4)), 0),
    Segment(HERE, Span(P(5), EVERYTHING.last), 40),
]
SHORT = Share(Held(P(3), 20))
HOLDERS = {
    "n2": Share(),
    "n3": Share(),
    "n4": SHORT,
    "n5": Share(Held(), (Hole(P(4), P(6), 60, 60),)),
}


def row(position: int) -> Row:
    return Row("r:1", P(position), 0, 10 * position, 0, "", b"")


@pytest.fixture
def asking() -> Inquiries:
    """A question that has found one row here, and is to be put to a neighbour."""
    mind = Inquiries()
    mind.begin(7, PAGE, SEGMENTS)
    assert mind.take_output() == ([AnswerQuery(7, PAGE, SEGMENTS[1].span)], [])
    mind.answered(7, (row(6),))
    return mind


def ask(mind: Inquiries, holders: dict[str, Share], now: float) -> tuple[str, HistoryAsk]:
    mind.advance(holders, now)
    questions, ((peer, frame),) = mind.take_output()
    assert not questions
    return peer, frame


def test_a_neighbour_answers_what_is_not_here(asking: Inquiries) -> None:
    peer, frame = ask(asking, HOLDERS, 0.0)
    assert peer in ("n2", "n3"), "n4 and n5 do not hold all of it"
    assert (frame.first, frame.last, frame.page) == (1, 4, Page("r:1", 1, is_newest=True))
    asking.receive_answer(peer, HistoryAnswer(frame.ticket, (row(3),)))
    assert asking.take_outcomes() == [Outcome(7, (row(3), row(6)))]
    assert asking.take_outcomes() == []
    assert asking.next_deadline() == float("inf")


@pytest.mark.parametrize("end", ["refuses", "dies", "hangs"])
def test_another_neighbour_is_asked_when_one_fails(asking: Inquiries, end: str) -> None:
    first, frame = ask(asking, HOLDERS, 0.0)
    late = HistoryAnswer(frame.ticket, (row(2),))
    now = 0.1
    if end == "refuses":
        asking.receive_answer(first, HistoryAnswer(frame.ticket, refusal="busy"))
    elif end == "dies":
        asking.peer_disconnected(first)
    else:
        now = asking.next_deadline()
        assert now == ANSWER_S_MAX
    second, again = ask(asking, HOLDERS, now)
    assert {first, second} == {"n2", "n3"}
    asking.receive_answer(first, late)
    asking.receive_answer(second, HistoryAnswer(again.ticket, (row(3),)))
    asking.receive_answer(first, late)
    assert asking.take_outcomes() == [Outcome(7, (row(3), row(6)))]


def test_without_a_neighbour_that_holds_it_the_client_is_told(asking: Inquiries) -> None:
    asking.advance({"n4": SHORT}, 0.0)
    assert asking.take_outcomes() == [Outcome(7, (row(6),), NOBODY)]
    older = Page("r:1", 2, is_newest=False)
    asking.begin(8, older, SEGMENTS)
    asking.advance({}, 0.0)
    assert asking.take_outcomes() == [Outcome(8, None, NOBODY)]


def test_what_any_node_would_refuse_is_refused_once(asking: Inquiries) -> None:
    peer, frame = ask(asking, HOLDERS, 0.0)
    refusal = HistoryAnswer(frame.ticket, refusal="too long", is_final=True)
    asking.receive_answer(peer, refusal)
    assert asking.take_outcomes() == [Outcome(7, (row(6),), "too long")]


def test_targets_come_as_targets(asking: Inquiries) -> None:
    asking.begin(9, Targets((), (("r:1", "#a", P(0)),), 0, 30, 5), SEGMENTS)
    asking.take_output()
    asking.answered(9, ())
    _, frame = _ask_second(asking)
    asking.receive_answer("n2", HistoryAnswer(frame.ticket, targets=(Target("#a", 20),)))
    assert asking.take_outcomes() == [Outcome(9, (Target("#a", 20),))]


def _ask_second(mind: Inquiries) -> tuple[str, HistoryAsk]:
    mind.advance({"n2": Share()}, 0.0)
    return mind.take_output()[1][1]


def test_a_question_is_asked_again_where_history_is_now(asking: Inquiries) -> None:
    _, frame = ask(asking, HOLDERS, 0.0)
    asking.start_again(7, [Segment(HERE, EVERYTHING, 0)])
    assert asking.take_output() == ([AnswerQuery(7, PAGE)], [])
    asking.receive_answer("n2", HistoryAnswer(frame.ticket, (row(1),)))
    asking.answered(7, (row(5), row(6)))
    assert asking.take_outcomes() == [Outcome(7, (row(5), row(6)))]


@pytest.fixture
def again(asking: Inquiries) -> tuple[Inquiries, str, HistoryAsk]:
    """A question about a conversation of which this node had too little before."""
    peer, frame = ask(asking, HOLDERS, 0.0)
    asking.receive_answer(peer, HistoryAnswer(frame.ticket, (row(3),)))
    asking.take_outcomes()
    asking.begin(8, PAGE, SEGMENTS)
    asking.advance(HOLDERS, 1.0)
    questions, ((peer, frame),) = asking.take_output()
    assert questions == [AnswerQuery(8, PAGE, SEGMENTS[1].span)]
    assert (frame.first, frame.last, frame.page) == (1, 4, PAGE)
    return asking, peer, frame


TWO = (row(2), row(3))


@pytest.mark.parametrize("is_neighbour_first", [True, False])
def test_a_neighbour_is_asked_early_if_the_last_question_needed_one(
    again: tuple[Inquiries, str, HistoryAsk], is_neighbour_first: bool
) -> None:
    mind, peer, frame = again
    answer = HistoryAnswer(frame.ticket, TWO)
    if is_neighbour_first:
        mind.receive_answer(peer, answer)
        assert mind.take_outcomes() == []
        mind.answered(8, (row(6),))
    else:
        mind.answered(8, (row(6),))
        assert mind.take_outcomes() == []
        mind.receive_answer(peer, answer)
    assert mind.take_outcomes() == [Outcome(8, (row(3), row(6)))]
    mind.advance(HOLDERS, 2.0)
    assert mind.take_output() == ([], [])


def test_an_early_answer_that_is_not_needed_is_dropped_and_nobody_is_asked_early_again(
    again: tuple[Inquiries, str, HistoryAsk],
) -> None:
    mind, peer, frame = again
    mind.answered(8, (row(6), row(7)))
    assert mind.take_outcomes() == [Outcome(8, (row(6), row(7)))]
    mind.receive_answer(peer, HistoryAnswer(frame.ticket, TWO))
    assert mind.take_outcomes() == []
    mind.begin(9, PAGE, SEGMENTS)
    mind.advance(HOLDERS, 2.0)
    assert not mind.take_output()[1]


@pytest.mark.parametrize("is_needed", [True, False])
@pytest.mark.parametrize("end", ["refuses", "dies", "hangs"])
def test_another_one_is_asked_when_it_fails_that_was_asked_early(
    again: tuple[Inquiries, str, HistoryAsk], end: str, is_needed: bool
) -> None:
    mind, first, frame = again
    now = 1.1
    if is_needed or end == "hangs":
        mind.answered(8, (row(6),))
    if end == "refuses":
        mind.receive_answer(first, HistoryAnswer(frame.ticket, refusal="busy"))
    elif end == "dies":
        mind.peer_disconnected(first)
    else:
        now = mind.next_deadline()
        assert now == 1.0 + ANSWER_S_MAX
    if not (is_needed or end == "hangs"):
        mind.answered(8, (row(6),))
    second, later = ask(mind, HOLDERS, now)
    mind.receive_answer(first, HistoryAnswer(frame.ticket, TWO))
    assert mind.take_outcomes() == []
    mind.receive_answer(second, HistoryAnswer(later.ticket, (row(3),)))
    assert mind.take_outcomes() == [Outcome(8, (row(3), row(6)))]


def test_a_question_that_begins_anew_forgets_whom_it_asked_early(
    again: tuple[Inquiries, str, HistoryAsk],
) -> None:
    mind, peer, frame = again
    mind.start_again(8, [SEGMENTS[1]._replace(span=EVERYTHING)])
    mind.receive_answer(peer, HistoryAnswer(frame.ticket, TWO))
    mind.answered(8, (row(6),))
    assert mind.take_outcomes() == [Outcome(8, (row(6),))]
