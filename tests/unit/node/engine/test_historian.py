import pytest

from roost.chat.applied import Applied
from roost.chat.changes import Said, Source
from roost.chat.history import Page
from roost.chat.ids import Position, RoomId, UserId
from roost.node.engine.effects import (
    AddGap,
    AnswerQuery,
    ExportRows,
    ForgetHistory,
    HistoryState,
    ImportRows,
    LogEvent,
)
from roost.node.engine.historian import (
    REPAIRED_LATER,
    ROWS_MAX,
    TRIES_MAX,
    WRITE_INTERVAL_S,
    Historian,
)
from roost.node.engine.incidents import history_corrupt
from roost.node.engine.inputs import (
    AnswerCorrupt,
    Exported,
    HistoryForgotten,
    Imported,
)
from roost.node.engine.inquiries import Outcome
from roost.node.local import COPY_TICKET
from roost.protocol.mesh import HistoryChunk, HistoryHeld, HistoryWant

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
    assert mind.write_deadline() == WRITE_INTERVAL_S
    assert mind.take_write(P(2), WRITE_INTERVAL_S, wants_sync=False)
    assert mind.write_deadline() == float("inf")


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
