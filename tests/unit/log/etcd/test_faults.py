"""People are told what is wrong with the log in etcd, and what to do."""

from roost.log import ENTRY_NOOP
from roost.log.etcd.calls import SLOW_MS, TOUCH_S_MAX
from roost.log.etcd.duty import TTL_S
from roost.log.etcd.records import Keys
from roost.log.requests import CompactHistory, Delete, Operation, Put, Range, Txn
from support.etcd_bench import Bench, End

KEYS = Keys("/roost/")


def fill(end: End, count: int, *, first: int = 0) -> list[bytes]:
    """Write so many batches of one command."""
    commands = [b"%d" % number for number in range(first, first + count)]
    for command in commands:
        assert end.propose(command)
    return commands


def test_etcd_that_does_not_answer_is_a_fault_at_the_start_and_later() -> None:
    bench = Bench()
    bench.refuses = lambda _operation: "unavailable"
    end = bench.open()
    assert end.fault == "log-unavailable"
    bench.refuses = lambda _operation: ""
    bench.wait(1.0)
    assert end.fault == ""
    bench.is_held = True
    bench.wait(TTL_S)
    assert end.fault == "log-unavailable"
    assert not end.log.is_in_charge


def test_a_node_is_out_of_touch_soon() -> None:
    assert TOUCH_S_MAX < 2.0, "clients are moved within 2 s"


def test_etcd_without_space_is_a_fault_until_it_has_some() -> None:
    bench = Bench()
    end = bench.open()
    bench.store.is_full = True
    assert end.propose(b"a")
    assert end.fault == "log-full"
    assert end.commands == []
    bench.wait(3.0)
    assert end.fault == "log-full"
    bench.store.is_full = False
    bench.wait(1.0)
    assert end.fault == ""
    assert end.commands == [b"a"]


def test_a_node_that_has_nothing_to_write_is_not_without_space_for_ever() -> None:
    bench = Bench()
    bench.store.is_full = True
    end = bench.open()
    assert end.fault == "log-full"
    # What it wanted to write is of no use any more: its lease has ended meanwhile.
    bench.refuses = lambda operation: "invalid" if isinstance(operation, Txn) else ""
    bench.wait(1.0)
    assert end.fault == ""


def test_etcd_that_refuses_the_node_is_a_fault_until_it_does_not() -> None:
    bench = Bench()
    bench.refuses = lambda _operation: "denied"
    end = bench.open()
    assert end.fault == "log-denied"
    bench.refuses = lambda _operation: ""
    bench.wait(1.0)
    assert end.fault == ""


def test_another_clusters_keys_are_left_alone() -> None:
    bench = Bench()
    bench.open("n1", cluster="other")
    before = dict(bench.store.pairs)
    end = bench.open("n2", cluster="test")
    assert end.fault == "log-foreign"
    assert {key for key in bench.store.pairs if b"n2" in key} == set()
    assert set(bench.store.pairs) == set(before)
    assert not end.propose(b"a")


def test_a_node_that_does_not_speak_the_clusters_version_keeps_away() -> None:
    bench = Bench()
    first = bench.open("n1")
    first.log.note_version(2)
    bench.wait(0.5)
    end = bench.open("n2")
    assert end.fault == ""
    first.log.note_version(3)
    bench.wait(0.5)
    outdated = bench.open("n3")
    assert outdated.fault == "outdated"
    fault = outdated.log.status().fault
    assert fault is not None
    assert "the cluster is at version 3, and this node speaks 1 to 2" in fault[1]
    assert {key for key in bench.store.pairs if b"n3" in key} == set()


def test_an_etcd_cluster_that_is_not_the_same_is_noticed() -> None:
    bench = Bench()
    end = bench.open()
    bench.store.cluster += 1
    bench.wait(0.5)
    assert end.fault == "log-foreign"


def test_a_store_that_was_set_back_is_noticed_at_once() -> None:
    bench = Bench()
    end = bench.open()
    fill(end, 5)
    bench.wait(0.5)
    bench.store.revision -= 3
    bench.wait(0.5)
    assert end.fault == "log-set-back"
    assert not end.propose(b"x")


def test_a_store_that_was_emptied_is_noticed_with_the_next_batch() -> None:
    bench = Bench()
    end = bench.open()
    bench.store.apply(Txn((), (Delete(b"/roost/", b"/roost0"),)), bench.time)
    end.propose(b"a")
    assert end.fault == "log-set-back"
    assert end.commands == []


def test_a_node_that_knows_more_than_an_older_backup_says_so_until_that_is_accepted() -> None:
    bench = Bench()
    fill(bench.open("n1"), 3)
    end = bench.open("n2", known=(7, 1))
    assert end.fault == "log-set-back"
    fault = end.log.status().fault
    assert fault is not None
    assert "etcdctl put /roost/epoch 2" in fault[1]
    bench.store.apply(Txn((), (Put(KEYS.epoch, b"2\n"),)), bench.time)
    accepted = bench.open("n2", known=(7, 1))
    assert accepted.fault == ""
    accepted.propose(b"new")
    assert [entry.term for entry in accepted.committed][-1] == 2


def test_a_new_epoch_begins_with_an_entry_of_its_own() -> None:
    bench = Bench()
    fill(bench.open(), 1)
    bench.store.apply(Txn((), (Put(KEYS.epoch, b"4"),)), bench.time)
    bench.ends.clear()
    bench.wait(TTL_S)
    end = bench.open()
    bench.wait(2 * TTL_S)
    first, second = end.committed
    assert (first.data, first.term) == (b"0", 1)
    assert (second.kind, second.term) == (ENTRY_NOOP, 4)


def test_a_slow_etcd_is_worth_a_note() -> None:
    bench = Bench()
    end = bench.open()
    assert end.log.note == ""
    bench.is_held = True
    for _ in range(20):
        bench.wait(0.6)
        for effect in end.asked:
            end.answer(effect)
        end.asked.clear()
    assert "slow" in end.log.note
    assert SLOW_MS < 500


def test_nothing_is_written_into_an_etcd_that_reads_only() -> None:
    bench = Bench()
    end = bench.open()

    def refuse(operation: Operation) -> str:
        return "" if isinstance(operation, Range | CompactHistory) else "unavailable"

    bench.refuses = refuse
    assert end.propose(b"a")
    bench.wait(3.0)
    assert end.commands == []
