from roost.chat.applied import Applied
from roost.chat.changes import Said, Source
from roost.chat.history import Page
from roost.chat.ids import Position, RoomId, UserId
from roost.node.engine.effects import AddGap, AnswerQuery, ExportRows, HistoryState, ImportRows
from roost.node.engine.historian import ROWS_MAX, TRIES_MAX, WRITE_INTERVAL_S, Historian
from roost.protocol.mesh import HistoryChunk, HistoryWant

P = Position
QUERY = Page(conversation="r:1", limit=10, is_newest=True)


def said(position: int) -> Applied:
    source = Source(UserId(1), "alice", "a", "h")
    change = Said(0, source, "PRIVMSG", RoomId(1), UserId(0), "#a", 0, "hi", (), "", "")
    return Applied(P(position), 0, results=(change,))


def historian(applied: int = 0, position: int = 0) -> Historian:
    return Historian(HistoryState(applied=P(applied)), P(position))


def test_one_write_is_under_way_at_a_time() -> None:
    mind = historian()
    mind.record(said(1))
    write = mind.take_write(P(1), 0.0, wants_sync=False)
    assert write is not None
    assert [row.position for row in write.rows] == [1]
    mind.record(said(2))
    mind.record(said(3))
    assert mind.take_write(P(3), 0.0, wants_sync=False) is None
    mind.written(P(1))
    write = mind.take_write(P(3), WRITE_INTERVAL_S, wants_sync=False)
    assert write is not None
    assert ([row.position for row in write.rows], write.applied) == ([2, 3], 3)


def test_rows_wait_for_others_but_not_for_long() -> None:
    mind = historian()
    mind.record(said(1))
    assert mind.take_write(P(1), 0.0, wants_sync=False)
    mind.written(P(1))
    mind.record(said(2))
    assert mind.take_write(P(2), WRITE_INTERVAL_S / 2, wants_sync=False) is None
    assert mind.next_deadline() == WRITE_INTERVAL_S
    assert mind.take_write(P(2), WRITE_INTERVAL_S, wants_sync=False)
    assert mind.next_deadline() == float("inf")


def test_many_rows_do_not_wait() -> None:
    mind = historian()
    mind.record(said(1))
    mind.take_write(P(1), 0.0, wants_sync=False)
    mind.written(P(1))
    for position in range(2, ROWS_MAX + 2):
        assert mind.take_write(P(position), 0.0, wants_sync=False) is None
        mind.record(said(position))
    assert mind.take_write(P(ROWS_MAX + 1), 0.0, wants_sync=False)


def test_entries_whose_rows_are_stored_are_not_written_again() -> None:
    mind = historian(applied=5)
    mind.record(said(5))
    assert mind.take_write(P(5), 0.0, wants_sync=False) is None
    write = mind.take_write(P(5), 0.0, wants_sync=True)
    assert write is not None
    assert write.is_synced
    assert write.rows == ()


def test_a_question_waits_for_the_rows_of_what_was_shown_before() -> None:
    mind = historian()
    mind.record(said(1))
    mind.take_write(P(1), 0.0, wants_sync=False)
    mind.record(said(2))
    mind.ask(7, QUERY)
    assert mind.take_write(P(2), 0.0, wants_sync=False) is None
    assert mind.take_output([], 0.0) == ([], [])
    mind.written(P(1))
    assert mind.take_write(P(2), 0.0, wants_sync=False)
    assert mind.take_output([], 0.0) == ([AnswerQuery(7, QUERY)], [])


def test_a_question_after_everything_is_handed_over_waits_for_nothing() -> None:
    mind = historian()
    mind.record(said(1))
    mind.take_write(P(1), 0.0, wants_sync=False)
    mind.ask(7, QUERY)
    assert mind.take_output([], 0.0) == ([AnswerQuery(7, QUERY)], [])


def test_what_a_store_lacks_behind_the_state_is_a_gap_and_asked_for() -> None:
    mind = historian(applied=3, position=9)
    effects, frames = mind.take_output(["n2"], 0.0)
    assert effects == [AddGap(P(4), P(9))]
    assert frames == [("n2", HistoryWant(1, P(4), P(9)))]
    assert mind.missing == 6
    mind.receive_chunk("n2", HistoryChunk(1, P(9), (), ()))
    assert mind.take_output(["n2"], 0.1) == ([ImportRows(1, (), P(4), P(9), True)], [])
    mind.imported(1, P(9))
    assert mind.missing == 0


def test_a_snapshot_makes_a_gap_of_what_was_not_handed_over() -> None:
    mind = historian(applied=3)
    mind.record(said(4))
    mind.ask(7, QUERY)
    mind.skip_to(P(8))
    effects, _ = mind.take_output([], 0.0)
    assert effects == [AddGap(P(4), P(8))]
    assert mind.take_write(P(8), 0.0, wants_sync=False) is None


def test_a_question_waits_until_a_gap_is_filled() -> None:
    mind = historian(applied=3)
    mind.ask(7, QUERY)
    mind.skip_to(P(8))
    mind.ask(8, QUERY)
    effects, _ = mind.take_output(["n2"], 0.0)
    assert effects == [AddGap(P(4), P(8))]
    mind.receive_chunk("n2", HistoryChunk(1, P(8), (), ()))
    mind.take_output(["n2"], 0.1)
    mind.imported(1, P(8))
    assert mind.take_output(["n2"], 0.2) == ([AnswerQuery(7, QUERY), AnswerQuery(8, QUERY)], [])


def test_a_question_that_met_corrupt_rows_is_asked_again_after_the_repair() -> None:
    mind = historian(applied=9)
    mind.ask(7, QUERY)
    mind.take_output(["n2"], 0.0)
    assert mind.repair(7, (P(5),))
    assert mind.take_output(["n2"], 0.0) == ([], [("n2", HistoryWant(1, P(5), P(5)))])
    mind.receive_chunk("n2", HistoryChunk(1, P(5), (), ()))
    assert mind.take_output(["n2"], 0.1) == ([ImportRows(1, (), P(5), P(5), False)], [])
    mind.imported(1, P(5))
    assert mind.take_output(["n2"], 0.1) == ([AnswerQuery(7, QUERY)], [])
    assert mind.missing == 0


def test_repairs_are_not_tried_for_ever() -> None:
    mind = historian(applied=9)
    mind.ask(7, QUERY)
    assert [mind.repair(7, (P(5),)) for _ in range(TRIES_MAX + 1)] == [True] * TRIES_MAX + [False]
    mind.answered(7)
    assert not mind.repair(7, (P(5),))


def test_only_what_is_stored_and_whole_is_given_to_neighbours() -> None:
    mind = historian(applied=5)
    mind.receive_want("n2", HistoryWant(3, P(1), P(6)))
    mind.receive_want("n2", HistoryWant(4, P(1), P(5)))
    (export,), frames = mind.take_output([], 0.0)
    assert frames == [("n2", HistoryChunk(3, P(0), (), ()))]
    assert isinstance(export, ExportRows)
    assert (export.first, export.last) == (1, 5)
    mind.exported(export.ticket, (), P(5), (P(2),))
    assert mind.take_output(["n3"], 0.0) == (
        [],
        [
            ("n2", HistoryChunk(4, P(5), (), (P(2),))),
            ("n3", HistoryWant(1, P(2), P(2))),
        ],
    )
