"""Requests that arrive twice, or seconds later: etcd may do what nobody waits for any more."""

from roost.log.etcd.records import Keys
from roost.log.requests import Request, Watch, WatchEnded
from roost.raft.messages import Snapshot
from support.etcd_bench import Bench, End

KEYS = Keys("/roost/")


def write_and_store(end: End, rounds: int) -> None:
    """Write batches, and store a snapshot after every few."""
    for number in range(rounds):
        for command in range(3):
            end.propose(b"%d-%d" % (number, command))
        last = end.committed[-1]
        end.log.compact(Snapshot(last.index, last.term, last.time_ms, b"state"), 1)
        end.settle()


def kept(bench: Bench) -> dict[bytes, bytes]:
    """Return all keys but batches, which nodes drop themselves if they have read them before."""
    pairs = bench.store.pairs.items()
    return {key: pair.value for key, pair in pairs if KEYS.parse_batch(key) is None}


def cut_off(end: End, *, is_compacted: bool) -> None:
    """End a node's watch."""
    assert end.watch is not None
    ticket, end.watch = end.watch.ticket, None
    end.tell(WatchEnded(ticket, is_compacted, "simulated"))


def test_nothing_that_arrives_once_more_changes_anything() -> None:
    bench = Bench()
    end = bench.open()
    for version in (2, 3):
        end.log.note_version(version)
        end.settle()
    write_and_store(end, 6)
    before, requests = kept(bench), list(bench.done)
    assert KEYS.trimmed in before
    for request in requests:
        bench.do(request)
        assert kept(bench) == before, f"{request} did something"


def test_a_node_notices_what_it_missed_although_an_earlier_deletion_arrives_again() -> None:
    bench = Bench()
    one, two = bench.open("n1"), bench.open("n2")
    write_and_store(one, 3)
    bench.wait(0.3)
    two.installed.clear()
    early = list(bench.done)
    bench.ends.remove(two)
    write_and_store(one, 4)
    for request in early:
        bench.do(request)
    bench.ends.append(two)
    cut_off(two, is_compacted=True)
    two.settle()
    assert [snapshot.index for snapshot in two.installed] == [18]
    assert two.committed == one.committed[18:]


def test_a_deletion_whose_answer_is_lost_is_compacted_away_like_others() -> None:
    bench = Bench()
    end = bench.open()
    write_and_store(end, 2)
    do, compacted = bench.do, bench.store.compacted

    def do_twice(request: Request) -> object:
        do(request)
        return do(request)

    bench.do = do_twice  # type: ignore[method-assign, assignment]
    write_and_store(end, 3)
    assert bench.store.compacted > compacted
    assert end.log.stored_snapshots == 5


def test_a_watch_that_etcd_never_heard_of_is_asked_for_again() -> None:
    bench = Bench()
    one, two = bench.open("n1"), bench.open("n2")
    answer, lost = two.answer, list[Watch]()
    two.answer = lambda effect: (  # type: ignore[method-assign]
        lost.append(effect) if isinstance(effect, Watch) else answer(effect)
    )
    cut_off(two, is_compacted=False)
    bench.wait(0.2)
    assert len(lost) == 1
    two.answer = answer  # type: ignore[method-assign]
    one.propose(b"a")
    bench.wait(1.0)
    assert two.commands == [b"a"]


def test_a_watch_that_is_never_begun_is_asked_for_ever_more_seldom() -> None:
    bench = Bench()
    bench.open("n1")
    two = bench.open("n2")
    answer, lost = two.answer, list[Watch]()
    two.answer = lambda effect: (  # type: ignore[method-assign]
        lost.append(effect) if isinstance(effect, Watch) else answer(effect)
    )
    cut_off(two, is_compacted=False)
    bench.wait(60.0)
    assert 15 < len(lost) < 25
