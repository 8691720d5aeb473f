"""The log in etcd keeps its promises, against a model of etcd."""

import pytest

from roost.log import Request, Snapshot
from roost.log.etcd.archive import PIECE_BYTES
from roost.log.etcd.duty import REST_S, TTL_S
from roost.log.etcd.records import Keys
from roost.log.etcd.writing import BATCH_BYTES_MAX, COMMANDS_MAX, QUEUED_BYTES_MAX
from roost.log.requests import Put, Txn, WatchEnded
from support.etcd_bench import Bench, End
from support.etcd_model import REQUEST_BYTES_MAX

KEYS = Keys("/roost/")


def batches(bench: Bench) -> list[bytes]:
    return [key for key in bench.store.pairs if KEYS.parse_batch(key) is not None]


def snapshot_of(end: End, size: int = 10) -> Snapshot:
    """Return a snapshot behind the last entry that came out."""
    last = end.committed[-1]
    return Snapshot(last.index, last.term, last.time_ms, bytes(size))


def fill(end: End, count: int, *, first: int = 0) -> list[bytes]:
    """Write so many batches of one command."""
    commands = [b"%d" % number for number in range(first, first + count)]
    for command in commands:
        assert end.propose(command)
    return commands


def leads(end: End) -> bool:
    return end.log.is_in_charge


# Order and positions


def test_all_nodes_see_the_same_commands_at_the_same_dense_positions() -> None:
    bench = Bench()
    one, two = bench.open("n1"), bench.open("n2")
    one.propose(b"a", b"b")
    two.propose(b"c")
    one.propose(b"d")
    bench.wait(0.1)
    assert one.commands == two.commands == [b"a", b"b", b"c", b"d"]
    assert [entry.index for entry in one.committed] == [1, 2, 3, 4]
    assert one.committed == two.committed


def test_what_comes_while_a_batch_is_under_way_becomes_the_next_batch() -> None:
    bench = Bench()
    end = bench.open()
    bench.is_held = True
    for command in (b"a", b"b", b"c"):
        assert end.propose(command)
    bench.is_held = False
    end.answer(end.asked.pop(0))
    end.settle()
    assert end.commands == [b"a", b"b", b"c"]
    assert len(batches(bench)) == 2


def test_a_batch_has_a_limit_in_bytes_and_in_commands() -> None:
    bench = Bench()
    end = bench.open()
    end.propose(*(bytes([number]) * 20_000 for number in range(60)))
    assert len(end.commands) == 60
    assert len(batches(bench)) == 3
    end.propose(*(b"%d" % number for number in range(COMMANDS_MAX + 1)))
    assert len(batches(bench)) == 5
    assert BATCH_BYTES_MAX < REQUEST_BYTES_MAX / 2


def test_time_never_goes_back_whatever_a_proposer_believes() -> None:
    bench = Bench()
    end = bench.open()
    end.propose(b"a")
    bench.wall_ms -= 5000
    end.propose(b"b")
    times = [entry.time_ms for entry in end.committed]
    assert times == [times[0], times[0]]


def test_a_node_takes_no_more_commands_than_fit_into_its_memory() -> None:
    bench = Bench()
    end = bench.open()
    bench.is_held = True
    end.propose(b"first")
    assert end.log.propose(
        [bytes([number]) * (QUEUED_BYTES_MAX // 2) for number in (1, 2, 3)], bench.now()
    )
    assert not end.log.propose([b"more"], bench.now())


# Exactly once


def test_a_repeated_batch_has_no_effect() -> None:
    bench = Bench()
    end = bench.open()
    bench.is_held = True
    end.propose(b"a")
    (request,) = end.asked
    assert isinstance(request, Request)
    for _ in range(3):
        bench.do(request)
    bench.is_held = False
    bench.wait(0.5)
    assert end.commands == [b"a"]


def test_an_unanswered_batch_is_repeated_at_another_endpoint() -> None:
    bench = Bench()
    end = bench.open()
    bench.is_held = True
    end.propose(b"a")
    bench.wait(0.3)
    requests = [e for e in end.asked if isinstance(e, Request) and isinstance(e.operation, Txn)]
    assert [request.endpoint for request in requests[:4]] == [0, 1, 2, 0]
    assert requests[0].operation == requests[1].operation


def test_a_batch_that_arrives_after_it_was_trimmed_takes_no_position() -> None:
    bench = Bench()
    end = bench.open()
    bench.is_held = True
    end.propose(b"early")
    late = next(e for e in end.asked if isinstance(e, Request) and isinstance(e.operation, Txn))
    bench.is_held = False
    end.answer(late)
    end.settle()
    for number in (1, 2, 3):
        fill(end, 2, first=10 * number)
        end.log.compact(snapshot_of(end), 1)
        end.settle()
    assert isinstance(late.operation, Txn)
    key = late.operation.compares[1].key
    assert key not in bench.store.pairs, "it was not trimmed"
    bench.do(late)
    assert key in bench.store.pairs
    other = bench.open("n2")
    end.propose(b"last")
    bench.wait(0.1)
    assert end.commands.count(b"early") == 1
    assert end.committed[-1] == other.committed[-1]


def test_a_command_that_is_on_its_way_is_not_written_again() -> None:
    bench = Bench()
    end = bench.open()
    bench.is_held = True
    end.propose(b"a")
    end.propose(b"a", b"b")
    end.propose(b"b")
    bench.is_held = False
    for effect in end.asked:
        end.answer(effect)
    bench.wait(0.5)
    assert end.commands == [b"a", b"b"]
    end.propose(b"a")
    assert end.commands == [b"a", b"b", b"a"], "what came out can be said again"


def test_a_run_of_a_node_ends_the_earlier_one() -> None:
    bench = Bench()
    old = bench.open()
    new = bench.open()
    old.propose(b"old")
    new.propose(b"new")
    assert new.commands == [b"new"]
    assert old.fault == "log-superseded"
    status = old.log.status().fault
    assert status is not None
    assert "another process runs as 'n1'" in status[1]


def test_a_registration_that_arrives_again_ends_no_run() -> None:
    bench = Bench()
    bench.is_held = True
    end = bench.open()
    bench.is_held = False
    claim = end.asked.pop(0)
    end.answer(claim)
    (register,) = (e for e in end.log.take_output().effects if isinstance(e, Request))
    for _ in range(3):
        end.answer(register)
    bench.wait(0.5)
    assert end.propose(b"a")
    assert end.commands == [b"a"]
    assert end.log.status().fault is None


def test_nothing_comes_out_before_it_is_written() -> None:
    bench = Bench()
    end = bench.open()
    bench.is_held = True
    end.propose(b"a")
    bench.wait(0.1)
    assert end.commands == []


# Reading


def test_a_node_that_starts_reads_what_is_there_and_then_watches() -> None:
    bench = Bench()
    one = bench.open("n1")
    commands = fill(one, 5)
    two = bench.open("n2")
    assert two.commands == commands
    assert two.log.status().lack == ""
    one.propose(b"more")
    bench.wait(0.1)
    assert two.commands == [*commands, b"more"]


def test_a_node_lacks_something_until_it_has_read_what_came_before_it() -> None:
    bench = Bench()
    bench.is_held = True
    end = bench.open()
    assert end.log.status().lack != ""
    assert not end.propose(b"a")


def test_the_log_is_read_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roost.log.etcd.reading.PAGE_BATCHES_MIN", 3)
    monkeypatch.setattr("roost.log.etcd.reading.PAGE_BYTES", 1)
    bench = Bench()
    commands = fill(bench.open("n1"), 8)
    assert bench.open("n2").commands == commands


def test_a_compaction_by_somebody_else_costs_nothing() -> None:
    bench = Bench()
    one, two = bench.open("n1"), bench.open("n2")
    fill(one, 3)
    bench.store.compacted = bench.store.revision
    bench.wait(0.5)
    fill(one, 3, first=3)
    bench.wait(0.5)
    assert one.commands == two.commands
    assert len(two.commands) == 6
    assert not two.installed


def test_a_watch_that_ends_goes_on_elsewhere() -> None:
    bench = Bench()
    one, two = bench.open("n1"), bench.open("n2")
    assert two.watch is not None
    two.tell(WatchEnded(two.watch.ticket, is_compacted=False, reason="reset"))
    two.watch = None
    fill(one, 2)
    bench.wait(0.5)
    assert two.commands == one.commands


def test_a_watch_that_hangs_is_begun_again() -> None:
    bench = Bench()
    end = bench.open()
    end.watch = None
    fill(end, 1)
    assert end.commands == []
    bench.wait(2.0)
    assert end.commands == [b"0"]


# Snapshots


def test_a_snapshot_is_stored_in_pieces_and_read_again() -> None:
    bench = Bench()
    one = bench.open("n1")
    fill(one, 4)
    snapshot = snapshot_of(one, 2 * PIECE_BYTES + 5)
    one.log.compact(snapshot, 1)
    one.settle()
    pieces = [pair for key, pair in bench.store.pairs.items() if key.startswith(KEYS.snapshots)]
    assert [len(pair.value) for pair in pieces] == [PIECE_BYTES, PIECE_BYTES, 5]
    fill(one, 1, first=4)
    two = bench.open("n2")
    assert two.installed == [snapshot]
    assert [entry.index for entry in two.committed] == [5]


def test_a_snapshot_can_end_within_a_batch() -> None:
    bench = Bench()
    one = bench.open("n1")
    one.propose(b"a")
    bench.is_held = True
    one.propose(b"b")
    one.propose(b"c", b"d", b"e")
    bench.is_held = False
    for effect in one.asked:
        one.answer(effect)
    one.settle()
    assert one.commands == [b"a", b"b", b"c", b"d", b"e"]
    cut = one.committed[3]
    one.log.compact(Snapshot(cut.index, cut.term, cut.time_ms, b"state"), 1)
    one.settle()
    two = bench.open("n2")
    assert [snapshot.index for snapshot in two.installed] == [4]
    assert two.committed == one.committed[4:]


def test_only_the_holder_of_the_duty_stores_snapshots() -> None:
    bench = Bench()
    one, two = bench.open("n1"), bench.open("n2")
    fill(one, 3)
    bench.wait(0.1)
    two.log.compact(snapshot_of(two), 1)
    two.settle()
    assert not [key for key in bench.store.pairs if key.startswith(KEYS.infos)]


def test_what_is_behind_the_older_of_two_snapshots_is_deleted() -> None:
    bench = Bench()
    end = bench.open()
    for number in range(6):
        fill(end, 10, first=10 * number)
        end.log.compact(snapshot_of(end), 1)
        end.settle()
    assert len(batches(bench)) == 10
    assert len([key for key in bench.store.pairs if key.startswith(KEYS.infos)]) == 2
    assert len([key for key in bench.store.pairs if key.startswith(KEYS.snapshots)]) == 2
    assert 0 < bench.store.compacted < bench.store.revision
    assert bench.open("n2").installed[-1].index == 50, "the older one, and then what follows"
    assert bench.open("n3", known=(60, 1)).installed[-1].index == 60


def test_a_node_that_was_away_for_long_gets_a_snapshot() -> None:
    bench = Bench()
    one, two = bench.open("n1"), bench.open("n2")
    fill(one, 3)
    bench.wait(0.1)
    bench.ends.remove(two)
    for number in range(4):
        fill(one, 10, first=10 * number)
        one.log.compact(snapshot_of(one), 1)
        one.settle()
    bench.ends.append(two)
    bench.wait(0.5)
    assert [snapshot.index for snapshot in two.installed] == [33]
    assert two.committed == one.committed[33:]
    assert two.fault == ""


def test_deleted_batches_without_a_snapshot_are_noticed() -> None:
    bench = Bench()
    end = bench.open("n1")
    fill(end, 3)
    bench.store.apply(Txn((), (Put(KEYS.trimmed, b"%d" % bench.store.revision),)), bench.time)
    assert bench.open("n2").fault == "log-damaged"


# Duties


def test_one_node_has_the_duties_and_another_one_after_its_death() -> None:
    bench = Bench()
    one, two = bench.open("n1"), bench.open("n2")
    assert leads(one)
    assert not leads(two)
    assert one.log.leader == two.log.leader == "n1"
    bench.ends.remove(one)
    bench.wait(TTL_S + 1.0)
    assert leads(two)
    one.log.tick(bench.now())
    assert not leads(one), "its lease ended first here, and then there"


def test_a_node_hands_the_duties_over_and_leaves_them_to_others() -> None:
    bench = Bench()
    one, two = bench.open("n1"), bench.open("n2")
    one.log.hand_over(bench.now())
    assert leads(one), "until etcd has said that it is not"
    one.settle()
    assert not leads(one)
    bench.wait(1.0)
    assert leads(two)
    assert one.log.leader == "n2"


def test_a_lone_node_takes_the_duties_again_after_a_rest() -> None:
    bench = Bench()
    end = bench.open()
    end.log.hand_over(bench.now())
    bench.wait(1.0)
    assert not leads(end)
    bench.wait(REST_S + 1.0)
    assert leads(end)


def test_a_lost_lease_is_noticed() -> None:
    bench = Bench()
    end = bench.open()
    bench.store.revoke_all()
    bench.refuses = lambda operation: "unavailable" if isinstance(operation, Txn) else ""
    bench.wait(0.5)
    assert not leads(end)
