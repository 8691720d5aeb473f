"""How far the members are known to have been, and a disk that was set back."""

import pytest

from roost.raft.messages import AppendRequest, HardState, Position, Stored, VoteRequest
from roost.raft.replica import Replica
from support.raft_replica import Bench, entries


def learn(bench: Bench, *reported: Position) -> Position | None:
    forgotten = bench.replica.learn_positions(reported, bench.now())
    bench.settle()
    return forgotten


def test_a_replica_tells_what_it_has_on_disk_and_what_it_heard() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1, 1))
    assert bench.replica.positions() == (Position("a", 1, 2),)
    assert learn(bench, Position("b", 1, 3), Position("c", 1, 1), Position("x", 1, 9)) is None
    assert learn(bench, Position("b", 1, 2), Position("c", 2, 1)) is None
    assert bench.replica.positions() == (
        Position("a", 1, 2),
        Position("b", 1, 3),
        Position("c", 2, 1),
    )


def test_what_is_not_on_disk_is_not_told() -> None:
    bench = Bench()
    bench.append("b", 1, (0, 0), *entries(1, 1))
    bench.is_disk_held = True
    bench.append("b", 1, (2, 1), *entries(1, first=3))
    assert bench.replica.positions() == (Position("a", 1, 2),)


def test_a_leader_also_tells_what_followers_acknowledged() -> None:
    bench = Bench()
    bench.lead()
    bench.propose(b"x", b"y")
    term, last = bench.replica.term, bench.replica.last_index
    bench.acknowledge("b")
    assert Position("b", term, last) in bench.replica.positions()
    assert Position("c", term, last) not in bench.replica.positions()


def test_positions_are_stored_with_the_next_batch_if_they_changed() -> None:
    bench = Bench()
    learn(bench, Position("b", 1, 3))
    bench.append("b", 1, (0, 0), *entries(1))
    stored = bench.persists[-1].positions
    assert stored is not None
    assert Position("b", 1, 3) in stored
    bench.append("b", 1, (1, 1), *entries(1, first=2))
    assert bench.persists[-1].positions is None
    again = Replica(bench.config, Stored(HardState(1), None, (), stored), lambda: 0.5, bench.now())
    assert Position("b", 1, 3) in again.positions()


def test_a_replica_with_nothing_else_to_write_stores_positions_when_it_tells_them() -> None:
    bench = Bench(log=entries(1), hard_state=HardState(1))
    learn(bench, Position("b", 1, 3))
    assert not bench.persists
    bench.replica.positions()
    bench.settle()
    (persist,) = bench.persists
    assert persist.positions == (Position("b", 1, 3),)
    assert (persist.hard_state, persist.entries) == (None, ())
    bench.replica.positions()
    bench.settle()
    assert len(bench.persists) == 1


@pytest.mark.parametrize("had", [Position("a", 1, 3), Position("a", 2, 1)])
def test_a_replica_that_once_had_more_neither_votes_nor_stands(had: Position) -> None:
    bench = Bench(log=entries(1, 1), hard_state=HardState(1, "b"))
    assert learn(bench, Position("b", 9, 9), had) == had
    assert (bench.hard_state.floor_term, bench.hard_state.floor_index) == (had.term, had.index)
    assert bench.hard_state.is_amnesiac
    assert not bench.request_vote("b", 5, (9, 9))
    bench.sent.clear()
    bench.wait(5.0)
    requests = [message for _, message in bench.sent if isinstance(message, VoteRequest)]
    assert all(request.is_pre_vote for request in requests)
    assert learn(bench, had) is None, "said once"


def test_a_leader_that_once_had_more_steps_down() -> None:
    bench = Bench(log=entries(1, 1), hard_state=HardState(1))
    bench.lead()
    term = bench.replica.term
    assert learn(bench, Position("a", term, 9))
    assert not bench.replica.is_leader
    bench.sent.clear()
    bench.wait(3.0)
    assert not [message for _, message in bench.sent if isinstance(message, AppendRequest)]


@pytest.mark.parametrize("had", [Position("a", 1, 2), Position("a", 1, 1), Position("b", 9, 9)])
def test_a_replica_that_has_what_it_had_stays_sound(had: Position) -> None:
    bench = Bench(log=entries(1, 1), hard_state=HardState(1))
    assert learn(bench, had) is None
    assert bench.replica.is_sound


def test_an_end_that_a_leader_replaced_in_this_life_is_not_missed() -> None:
    bench = Bench(log=entries(1, 1, 3, 3), hard_state=HardState(3))
    assert Position("a", 3, 4) in bench.replica.positions()
    bench.append("b", 4, (2, 1), *entries(2, first=3))
    assert bench.terms == [1, 1, 2]
    assert learn(bench, Position("a", 3, 4)) is None
    assert bench.replica.is_sound


def test_a_loss_that_was_found_at_the_start_is_no_news() -> None:
    floor = HardState(3, "", floor_term=3, floor_index=5)
    bench = Bench(log=entries(1, 1), hard_state=floor)
    assert learn(bench, Position("a", 3, 5)) is None
    assert bench.replica.statistics().is_barred
    assert not bench.hard_state.is_amnesiac


def test_a_replica_that_lost_its_disk_learns_its_floor_without_another_word() -> None:
    bench = Bench(hard_state=HardState(is_amnesiac=True))
    assert learn(bench, Position("a", 3, 5)) is None
    assert bench.hard_state.floor_index == 5
