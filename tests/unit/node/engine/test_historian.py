import pytest
from msgspec.structs import replace

from roost.chat.applied import Applied
from roost.chat.changes import Said, Source
from roost.chat.history import EVERYTHING, Held, Page, Row, Span
from roost.chat.holes import Hole
from roost.chat.ids import Position, RoomId, UserId
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    ExportRows,
    ForgetHistory,
    HistoryState,
    HoldFrom,
    ImportRows,
    LogEvent,
    NoteHole,
)
from roost.node.engine.hearing import NOT_HERE
from roost.node.engine.historian import (
    REPAIRED_LATER,
    ROWS_MAX,
    TRIES_MAX,
    WRITE_INTERVAL_S,
    Historian,
)
from roost.node.engine.holding import Holding
from roost.node.engine.incidents import history_corrupt, history_gone
from roost.node.engine.inputs import (
    AnswerCorrupt,
    Answered,
    Exported,
    HistoryForgotten,
    Imported,
)
from roost.node.engine.inquiries import Outcome
from roost.node.engine.spread import GONE_TEXT
from roost.node.local import COPY_TICKET
from roost.protocol.mesh import HistoryAnswer, HistoryAsk, HistoryChunk, HistoryHeld, HistoryWant

P = Position
FETCHING = HistoryHeld(P(1), 0, is_fetching=True)
QUERY = Page(conversation="r:1", limit=10, is_newest=True)


def said(position: int) -> Applied:
    source = Source(UserId(1), "alice", "a", "h")
    change = Said(0, source, "PRIVMSG", RoomId(1), UserId(0), "#a", 0, "hi", (), "", "")
    return Applied(P(position), 0, results=(change,))


def historian(applied: int = 0, position: int = 0) -> Historian:
    return Historian(HistoryState(applied=P(applied)), P(position), 9)


def apply(mind: Historian, position: int) -> None:
    mind.verify(P(position), 1)
    mind.record(said(position))


def test_one_write_is_under_way_at_a_time() -> None:
    mind = historian()
    apply(mind, 1)
    write = mind.take_write(P(1), 0.0, wants_sync=False)
    assert write is not None
    assert [row.position for row in write.rows] == [1]
    apply(mind, 2)
    apply(mind, 3)
    assert mind.take_write(P(3), 0.0, wants_sync=False) is None
    mind.written(P(1))
    write = mind.take_write(P(3), WRITE_INTERVAL_S, wants_sync=False)
    assert write is not None
    assert ([row.position for row in write.rows], write.applied) == ([2, 3], 3)


def test_rows_wait_for_others_but_not_for_long() -> None:
    mind = historian()
    apply(mind, 1)
    assert mind.take_write(P(1), 0.0, wants_sync=False)
    mind.written(P(1))
    apply(mind, 2)
    assert mind.take_write(P(2), WRITE_INTERVAL_S / 2, wants_sync=False) is None
    assert mind.next_deadline() == WRITE_INTERVAL_S
    assert mind.take_write(P(2), WRITE_INTERVAL_S, wants_sync=False)
    assert mind.next_deadline() == float("inf")


def test_many_rows_do_not_wait() -> None:
    mind = historian()
    apply(mind, 1)
    mind.take_write(P(1), 0.0, wants_sync=False)
    mind.written(P(1))
    for position in range(2, ROWS_MAX + 2):
        assert mind.take_write(P(position), 0.0, wants_sync=False) is None
        apply(mind, position)
    assert mind.take_write(P(ROWS_MAX + 1), 0.0, wants_sync=False)


def test_few_rows_wait_unless_somebody_asks() -> None:
    mind = historian()
    apply(mind, 1)
    assert mind.take_write(P(1), 0.0, wants_sync=False)
    mind.written(P(1))
    apply(mind, 2)
    early = WRITE_INTERVAL_S / 2
    assert mind.take_write(P(2), early, wants_sync=False) is None
    mind.ask(7, QUERY)
    write = mind.take_write(P(2), early, wants_sync=False)
    assert write is not None
    assert len(write.rows) == 1


def test_entries_whose_rows_are_stored_are_not_written_again() -> None:
    mind = historian(applied=5)
    apply(mind, 5)
    assert mind.take_write(P(5), 0.0, wants_sync=False) is None
    write = mind.take_write(P(5), 0.0, wants_sync=True)
    assert write is not None
    assert write.is_synced
    assert write.rows == ()


def test_a_question_waits_for_the_rows_of_what_was_shown_before() -> None:
    mind = historian()
    apply(mind, 1)
    mind.take_write(P(1), 0.0, wants_sync=False)
    apply(mind, 2)
    mind.ask(7, QUERY)
    assert mind.take_write(P(2), 0.0, wants_sync=False) is None
    assert mind.take_output([], 0.0) == ([], [])
    mind.written(P(1))
    assert mind.take_write(P(2), 0.0, wants_sync=False)
    assert mind.take_output([], 0.0) == ([AnswerQuery(7, QUERY)], [])


def test_a_question_after_everything_is_handed_over_waits_for_nothing() -> None:
    mind = historian()
    apply(mind, 1)
    mind.take_write(P(1), 0.0, wants_sync=False)
    mind.ask(7, QUERY)
    assert mind.take_output([], 0.0) == ([AnswerQuery(7, QUERY)], [])


def test_what_a_store_lacks_behind_the_state_is_a_gap_and_asked_for() -> None:
    mind = historian(applied=3, position=9)
    effects, frames = mind.take_output(["n2"], 0.0)
    assert effects == [AddGap(P(4), P(9))]
    assert frames == [("n2", FETCHING), ("n2", HistoryWant(1, P(4), P(9)))]
    assert mind.missing == 6
    mind.receive_chunk("n2", HistoryChunk(1, P(9), (), ()))
    assert mind.take_output(["n2"], 0.1) == ([ImportRows(1, (), P(4), P(9), True)], [])
    mind.receive(Imported(1, P(9)))
    assert mind.missing == 0
    assert mind.take_output(["n2"], 0.2) == ([], [("n2", HistoryHeld(P(1), 0))])


def test_a_snapshot_makes_a_gap_of_what_was_not_handed_over() -> None:
    mind = historian(applied=3)
    apply(mind, 4)
    mind.ask(7, QUERY)
    mind.skip_to(P(8), 3)
    effects, _ = mind.take_output([], 0.0)
    assert effects == [AddGap(P(4), P(8), 3)]
    assert mind.take_write(P(8), 0.0, wants_sync=False) is None


def test_a_question_waits_until_a_gap_is_filled() -> None:
    mind = historian(applied=3, position=3)
    mind.ask(7, QUERY)
    mind.skip_to(P(8), 3)
    mind.ask(8, QUERY)
    effects, _ = mind.take_output(["n2"], 0.0)
    assert effects == [AddGap(P(4), P(8), 3)]
    mind.receive_chunk("n2", HistoryChunk(1, P(8), (), ()))
    mind.take_output(["n2"], 0.1)
    mind.receive(Imported(1, P(8)))
    questions, _ = mind.take_output(["n2"], 0.2)
    assert questions == [AnswerQuery(7, QUERY), AnswerQuery(8, QUERY)]


def test_a_question_that_met_corrupt_rows_is_asked_again_after_the_repair() -> None:
    mind = historian(applied=9)
    mind.ask(7, QUERY)
    mind.take_output(["n2"], 0.0)
    mind.receive(AnswerCorrupt(7, (P(5),)))
    assert mind.take_output(["n2"], 0.0) == (
        [history_corrupt((P(5),))],
        [("n2", HistoryWant(1, P(5), P(5)))],
    )
    mind.receive_chunk("n2", HistoryChunk(1, P(5), (), ()))
    assert mind.take_output(["n2"], 0.1) == ([ImportRows(1, (), P(5), P(5), False)], [])
    mind.receive(Imported(1, P(5)))
    assert mind.take_output(["n2"], 0.1) == ([AnswerQuery(7, QUERY)], [])
    assert mind.missing == 0


def test_repairs_are_not_tried_for_ever() -> None:
    mind = historian(applied=9)
    mind.ask(7, QUERY)
    for _ in range(TRIES_MAX):
        mind.take_output(["n2"], 0.0)
        mind.receive(AnswerCorrupt(7, (P(5),)))
        assert mind.take_outcomes() == []
    mind.receive(AnswerCorrupt(7, (P(5),)))
    assert mind.take_outcomes() == [Outcome(7, None, REPAIRED_LATER)]
    mind.receive(AnswerCorrupt(7, (P(5),)))
    assert mind.take_outcomes() == []


def test_only_what_is_stored_and_whole_is_given_to_neighbours() -> None:
    mind = historian(applied=5, position=5)
    mind.receive_want("n2", HistoryWant(3, P(1), P(6)))
    mind.receive_want("n2", HistoryWant(4, P(1), P(5)))
    (export,), frames = mind.take_output([], 0.0)
    assert frames == [("n2", HistoryChunk(3, P(0), (), ()))]
    assert isinstance(export, ExportRows)
    assert (export.first, export.last) == (1, 5)
    mind.receive(Exported(export.ticket, (), P(5), (P(2),)))
    assert mind.take_output(["n3"], 0.0) == (
        [],
        [
            ("n2", HistoryChunk(4, P(5), (), (P(2),))),
            ("n3", HistoryWant(1, P(2), P(2))),
        ],
    )


def test_damage_that_a_copy_met_is_repaired_once() -> None:
    mind = historian(applied=5, position=5)
    mind.receive(Exported(COPY_TICKET, (), P(5), (P(2),)))
    mind.receive(Exported(COPY_TICKET, (), P(5), (P(2),)))
    assert not mind.has_all(P(1), P(5))
    assert mind.has_all(P(3), P(5))
    assert mind.take_output(["n3"], 0.0) == ([], [("n3", HistoryWant(1, P(2), P(2)))])
    mind.receive_chunk("n3", HistoryChunk(1, P(2), (), ()))
    (repair,), _ = mind.take_output(["n3"], 0.0)
    assert isinstance(repair, ImportRows)
    mind.receive(Imported(repair.ticket, P(2)))
    assert mind.has_all(P(1), P(5))


def test_entries_without_rows_need_not_be_stored() -> None:
    mind = historian(applied=5, position=5)
    mind.verify(P(6), 1)
    mind.record(Applied(P(6), 60))
    assert mind.has_all(P(1), P(6))
    assert not mind.has_all(P(1), P(7))


# Terms


def replay(mind: Historian, *terms: int, first: int = 1) -> list[object]:
    """Apply entries with these terms, and return the effects."""
    for position, term in enumerate(terms, first):
        mind.verify(P(position), term)
        mind.record(said(position))
    return list(mind.take_output([], 0.0)[0])


def test_terms_are_stored_with_the_rows_where_they_begin() -> None:
    mind = historian()
    replay(mind, 1, 1, 2)
    write = mind.take_write(P(3), 0.0, wants_sync=False)
    assert write is not None
    assert write.terms == ((P(1), 1), (P(3), 2))
    mind.written(P(3))
    replay(mind, 2, 2, first=4)
    write = mind.take_write(P(5), WRITE_INTERVAL_S, wants_sync=False)
    assert write is not None
    assert write.terms == ()


@pytest.mark.parametrize("terms", [(), ((P(1), 1), (P(3), 2)), ((P(3), 2),)])
def test_rows_of_the_same_entries_or_of_unknown_ones_stay(
    terms: tuple[tuple[Position, int], ...],
) -> None:
    mind = Historian(HistoryState(applied=P(4), terms=terms), P(0), 9)
    assert replay(mind, 1, 1, 2, 2) == []
    assert mind.take_write(P(4), 0.0, wants_sync=False) is None


def test_rows_of_other_entries_are_dropped_loudly_and_made_anew() -> None:
    terms = ((P(1), 1), (P(3), 2))
    mind = Historian(HistoryState(applied=P(5), gaps=((P(2), P(4)),), terms=terms), P(0), 9)
    event, forget = replay(mind, 1, 1, 1, 3)
    assert isinstance(event, LogEvent)
    assert (event.level, event.event) == ("error", "history-diverged")
    assert (event.fields["dropped_from"], event.fields["dropped_until"]) == (3, 5)
    assert forget == ForgetHistory(P(2))
    write = mind.take_write(P(4), 0.0, wants_sync=False)
    assert write is not None
    assert [row.position for row in write.rows] == [3, 4]
    assert (write.applied, write.terms) == (4, ((P(3), 1), (P(4), 3)))
    assert mind.missing == 1, "what was missing before them still is"


def test_redacted_rows_whose_redaction_is_dropped_are_fetched_again() -> None:
    mind = Historian(HistoryState(applied=P(3), terms=((P(1), 1),)), P(0), 9)
    replay(mind, 1, 2)
    mind.receive(HistoryForgotten((P(1),)))
    frames = mind.take_output(["n2"], 0.0)[1]
    assert frames == [("n2", FETCHING), ("n2", HistoryWant(1, P(1), P(1)))]


def test_rows_that_could_not_be_compared_are_fetched_with_what_a_snapshot_skips() -> None:
    mind = Historian(HistoryState(applied=P(5), terms=((P(1), 1),)), P(2), 9)
    replay(mind, 1, first=3)
    mind.skip_to(P(9), 4)
    assert mind.take_output([], 0.0)[0] == [AddGap(P(4), P(9), 4)]
    lost = Historian(HistoryState(applied=P(5), terms=((P(1), 1),)), P(0), 0)
    lost.skip_to(P(9), 4)
    assert lost.take_output([], 0.0)[0] == [AddGap(P(6), P(9), 4)]


def test_rows_that_are_not_compared_yet_are_given_to_nobody() -> None:
    mind = Historian(HistoryState(applied=P(5), terms=((P(1), 1),)), P(2), 9)
    mind.receive_want("n2", HistoryWant(3, P(1), P(3)))
    assert mind.take_output([], 0.0)[1] == [("n2", HistoryChunk(3, P(0), (), ()))]
    replay(mind, 1, first=3)
    mind.receive_want("n2", HistoryWant(4, P(1), P(3)))
    (export,), _ = mind.take_output([], 0.0)
    assert isinstance(export, ExportRows)


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
