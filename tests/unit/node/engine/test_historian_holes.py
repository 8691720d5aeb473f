"""What no node has any more is a hole, until a neighbour has it after all."""

from msgspec.structs import replace

from roost.chat.history import EVERYTHING, Held, Page, Row, Span
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.node.engine.effects import (
    AnswerQuery,
    ExportRows,
    HistoryState,
    HoldFrom,
    ImportRows,
    NoteHole,
)
from roost.node.engine.healing import FIRST_TICKET
from roost.node.engine.hearing import NOT_HERE
from roost.node.engine.historian import (
    Historian,
)
from roost.node.engine.holding import Holding
from roost.node.engine.incidents import history_gone, history_returned
from roost.node.engine.inputs import (
    Answered,
    Exported,
    Imported,
)
from roost.node.engine.inquiries import Outcome
from roost.node.engine.spread import GONE_TEXT
from roost.protocol.mesh import HistoryAnswer, HistoryAsk, HistoryChunk, HistoryHeld, HistoryWant

P = Position
FETCHING = HistoryHeld(P(1), 0, is_fetching=True)
QUERY = Page(conversation="r:1", limit=10, is_newest=True)


def make_lonely(gaps: tuple[tuple[Position, Position], ...]) -> Historian:
    """A node that keeps everything, and was away for longer than the days of the others."""
    state = HistoryState(applied=P(100), gaps=gaps)
    holding = Holding(Held(), 0, ("n2", "n3"))
    mind = Historian(state, P(100), 100, holding=holding)
    for peer in ("n2", "n3"):
        mind.peer_connected(peer)
    return mind


def test_what_no_node_keeps_any_more_is_a_hole_and_older_rows_are_still_served() -> None:
    mind = make_lonely(((P(41), P(80)),))
    mind.receive_frame("n2", HistoryHeld(P(61), 610))
    effects, frames = mind.take_output(["n2", "n3"], 0.0)
    assert not effects, "n3 may hold everything"
    assert [frame for _, frame in frames] == [FETCHING, FETCHING, HistoryWant(1, P(41), P(80))]
    mind.receive_frame("n3", HistoryHeld(P(71), 710))
    hole = Hole(P(41), P(60), 610, 610)
    effects, frames = mind.take_output(["n2", "n3"], 0.0)
    assert effects == [history_gone(P(41), P(60)), NoteHole(hole)]
    assert frames == [
        ("n2", HistoryHeld(P(1), 0, (hole,), is_fetching=True)),
        ("n3", HistoryHeld(P(1), 0, (hole,), is_fetching=True)),
        ("n2", HistoryWant(2, P(61), P(80))),
    ]
    assert mind.missing == 20


def test_a_question_that_reaches_over_a_hole_is_answered_from_both_sides() -> None:
    mind = make_lonely(())
    mind._holding.note_hole(Hole(P(41), P(60), 610, 610))
    mind.ask(1, QUERY)
    (newer,), _ = mind.take_output([], 0.0)
    assert newer == AnswerQuery(1, QUERY, Span(P(61), EVERYTHING.last))
    rows = tuple(Row("r:1", P(position), 0, 0, 0, "", b"") for position in (40, 61))
    mind.receive(Answered(1, rows[1:]))
    (older,), _ = mind.take_output([], 0.0)
    assert older == AnswerQuery(1, replace(QUERY, limit=9), Span(P(0), P(40)))
    mind.receive(Answered(1, rows[:1]))
    assert mind.take_outcomes() == [Outcome(1, rows, GONE_TEXT)]


def test_a_neighbour_is_given_rows_around_a_hole_but_no_answer_over_it() -> None:
    mind = make_lonely(())
    mind._holding.note_hole(Hole(P(41), P(60), 610, 610))
    mind._stored = mind._verified = P(100)
    mind.receive_frame("n2", HistoryHeld(P(1), 0, (Hole(P(41), P(60), 610, 610),)))
    mind.receive_frame("n2", HistoryAsk(5, P(1), P(100), page=QUERY))
    mind.receive_frame("n2", HistoryWant(6, P(1), P(100)))
    effects, frames = mind.take_output(["n2"], 0.0)
    assert effects == [ExportRows(1, P(1), P(100))]
    assert frames[-1] == ("n2", HistoryAnswer(5, refusal=NOT_HERE))
    assert frames[0] == ("n2", HistoryHeld(P(1), 0, (Hole(P(41), P(60), 610, 610),)))


def test_history_begins_after_what_no_node_keeps_if_nothing_is_before_it() -> None:
    mind = make_lonely(((P(1), P(80)),))
    for peer in ("n2", "n3"):
        mind.receive_frame(peer, HistoryHeld(P(61), 610))
    effects, frames = mind.take_output(["n2", "n3"], 0.0)
    assert effects == [history_gone(P(1), P(60)), HoldFrom(Held(P(61), 610))]
    assert frames[0] == ("n2", HistoryHeld(P(61), 610, is_fetching=True))


def seek_in_vain(mind: Historian, peers: list[str]) -> list[tuple[str, object]]:
    """Ask all neighbours for what is missing; none has it."""
    told: list[tuple[str, object]] = []
    for round_s in range(2 * len(peers) + 2):
        _, frames = mind.take_output(peers, float(round_s))
        told += frames
        for peer, frame in frames:
            if isinstance(frame, HistoryWant):
                mind.receive_chunk(peer, HistoryChunk(frame.ticket, P(frame.first - 1), (), ()))
    return [(peer, frame) for peer, frame in told if isinstance(frame, HistoryHeld)]


def test_what_only_a_removed_node_had_is_given_up_when_all_others_look_for_it() -> None:
    """Otherwise no node would ever be ready again."""
    gap, peers = (P(1), P(80)), ["n2", "n3"]
    mind = make_lonely((gap,))
    # n4, which has it, is removed by entry 100; n2 looks for all of it, and n3 for a part.
    mind.follow(("n2", "n3"), 100)
    assert seek_in_vain(mind, peers)[-1] == ("n3", HistoryHeld(P(1), 0, (), False, (gap,), 100))
    mind.receive_frame("n2", HistoryHeld(P(1), 0, unfound=(gap,), nodes_changed=100))
    mind.receive_frame("n3", HistoryHeld(P(1), 0, unfound=((P(11), P(99)),), nodes_changed=99))
    assert not mind.take_output(peers, 9.0)[0], "n3 may get it from n4"
    mind.receive_frame("n3", HistoryHeld(P(1), 0, unfound=((P(11), P(99)),), nodes_changed=101))
    effects, _ = mind.take_output(peers, 9.0)
    assert effects == [history_gone(P(11), P(80)), NoteHole(Hole(P(11), P(80), 0, 0))]
    assert mind.missing == 10


def test_a_node_that_is_linked_to_a_stranger_does_not_say_what_cannot_be_found() -> None:
    mind = make_lonely(((P(1), P(80)),))
    mind.follow(("n2", "n3"), 100)
    told = seek_in_vain(mind, ["n2", "n3", "n4"])
    assert all(not frame.nodes_changed for _, frame in told if isinstance(frame, HistoryHeld))


def test_the_only_node_gives_up_what_nobody_has() -> None:
    mind = make_lonely(((P(1), P(80)),))
    mind.follow((), 0)
    seek_in_vain(mind, [])
    assert mind.missing == 80, "whether others belong is not known"
    mind.follow((), 100)
    mind.take_output([], 9.0)
    assert mind.missing == 0


def test_a_gap_that_nobody_can_fill_does_not_keep_others_from_being_filled() -> None:
    mind = make_lonely(((P(1), P(80)), (P(90), P(95))))
    told = seek_in_vain(mind, ["n2"])
    unfound = [frame.unfound for _, frame in told if isinstance(frame, HistoryHeld)]
    assert unfound == [(), ((P(1), P(80)),), ((P(1), P(80)), (P(90), P(95)))]
    mind.peer_connected("n3")
    assert mind.take_output(["n2", "n3"], 20.0)[1][:2] == [("n2", FETCHING), ("n3", FETCHING)]


def test_a_node_stays_while_others_get_history_from_it_alone() -> None:
    mind = make_lonely(())
    assert not mind.why_needed("n1", "n2")
    mind.take_output(["n2", "n3"], 0.0)
    for peer in ("n2", "n3"):
        mind.receive_frame(peer, FETCHING)
    assert mind.why_needed("n1", "n1") == (
        "n2 still fetches history that only n1 has: wait until it is `ready`"
    )
    assert not mind.why_needed("n1", "n2")
    mind.receive_frame("n3", HistoryHeld(P(1), 0))
    assert not mind.why_needed("n1", "n1")


def test_rows_come_from_a_neighbour_without_holes_or_else_with_them() -> None:
    mind, hole = make_lonely(((P(1), P(80)),)), Hole(P(11), P(30), 300, 310)
    mind.receive_frame("n2", HistoryHeld(P(1), 0, (hole,)))
    asked = mind.take_output(["n2", "n3"], 0.0)[1][-1]
    assert asked == ("n3", HistoryWant(1, P(1), P(80)))
    mind.peer_disconnected("n3")
    assert mind.take_output(["n2"], 0.1)[1][-1] == ("n2", HistoryWant(2, P(1), P(80)))
    mind.receive_frame("n2", HistoryChunk(2, P(20), (), ()))
    effects, _ = mind.take_output(["n2"], 0.2)
    assert effects == [
        ImportRows(2, (), P(1), P(20), True),
        NoteHole(Hole(P(11), P(20), 300, 0)),
    ], "n3 may have it, but is gone"


def test_rows_that_a_removed_node_has_sent_are_kept_although_no_member_has_them() -> None:
    holding = Holding(Held(P(81), 810), 7, ("n2",))
    mind = Historian(HistoryState(applied=P(100), held=holding.start), P(100), 100, holding=holding)
    for peer in ("n1", "n2"):
        mind.peer_connected(peer)
    mind.receive_frame("n2", HistoryHeld(P(81), 810))
    hole, rows = Hole(P(21), P(30), 300, 310), (Row("r:1", P(40), 0, 400, 0, "", b""),)
    mind.receive_frame("n1", HistoryHeld(P(1), 0, (hole,)))
    assert ("n1", HistoryWant(1, P(1), P(80))) in mind.take_output(["n1"], 0.0)[1]
    mind.receive_frame("n1", HistoryChunk(1, P(80), rows, ()))
    assert mind.take_output(["n1"], 0.1)[0] == [ImportRows(1, rows, P(1), P(80), False)]
    mind.receive(Imported(1, P(80)))
    effects, _ = mind.take_output(["n1"], 0.2)
    assert effects == [HoldFrom(Held(P(1), 400)), NoteHole(hole)]


def test_a_hole_is_filled_by_a_neighbour_that_has_the_rows_and_others_are_told() -> None:
    mind, hole = make_lonely(()), Hole(P(41), P(60), 610, 610)
    mind._holding.note_hole(hole)
    frames = mind.take_output(["n3"], 0.0)[1]
    want = HistoryWant(FIRST_TICKET + 1, P(41), P(60))
    assert frames == [("n3", HistoryHeld(P(1), 0, (hole,))), ("n3", want)]
    assert not mind.missing
    # A neighbour that asks now may be given rows without those that come meanwhile.
    mind.receive_frame("n2", HistoryWant(6, P(1), P(100)))
    mind.receive_frame("n3", HistoryChunk(want.ticket, P(60), (), ()))
    export, fill = mind.take_output(["n3"], 0.1)[0]
    assert isinstance(export, ExportRows)
    assert fill == ImportRows(want.ticket, (), P(41), P(60), False)
    assert mind._holding.holes == (hole,), "until the rows are stored"
    mind.receive(Imported(want.ticket, P(60)))
    effects, frames = mind.take_output(["n3"], 0.2)
    assert effects == [history_returned(P(41), P(60))]
    assert frames == [("n3", HistoryHeld(P(1), 0))]
    mind.receive(Exported(export.ticket, (), P(100), ()))
    assert mind.take_output(["n3"], 0.3)[1] == [("n2", HistoryChunk(6, P(0), (), ()))]


def test_what_is_made_anew_from_the_log_is_in_no_hole() -> None:
    state = HistoryState(applied=P(9), terms=((P(1), 1),))
    holding = Holding(Held(), 0, ("n2",), holes=(Hole(P(4), P(8), 80, 90),))
    mind = Historian(state, P(5), 9, holding=holding)
    mind.verify(P(6), 2)
    assert holding.holes == (Hole(P(4), P(5), 80, 0),)
