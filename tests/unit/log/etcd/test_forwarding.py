"""Under load the holder of the duty writes for all nodes, and nothing is lost or late by it."""

import pytest

from roost.log.etcd.calls import Calls
from roost.log.etcd.duty import TTL_S
from roost.log.etcd.forwarding import (
    DECAY_S,
    FORWARD_ABOVE,
    FORWARD_VERSION,
    PART_BYTES,
    SILENT_REST_S,
    SILENT_S_MAX,
    SILENT_S_MIN,
    Forwarding,
)
from roost.log.etcd.records import Keys
from roost.log.requests import Request, Txn
from roost.raft.messages import AppendResponse, ProposeRequest
from support.etcd_bench import Bench, End

KEYS = Keys("/roost/")


def two_nodes(*, above: float = 0.0, version: int = FORWARD_VERSION) -> tuple[Bench, End, End]:
    """Return a holder of the duty, and another node that is linked to it."""
    bench = Bench()
    holder = bench.open("n1", forward_above=above)
    other = bench.open("n2", forward_above=above)
    bench.link()
    for end in bench.ends:
        end.log.note_version(version)
        end.settle()
    bench.wait(0.3)
    assert holder.log.is_in_charge
    # Only a node that has proposed something knows what time it is.
    holder.propose(b"first")
    return bench, holder, other


def writers(bench: Bench) -> list[str]:
    """Return who wrote each batch, in order."""
    parsed = [KEYS.parse_batch(event.pair.key) for event in bench.store.history]
    return [batch[0] for batch in parsed if batch is not None]


def test_the_holder_of_the_duty_writes_for_all() -> None:
    bench, holder, other = two_nodes()
    other.propose(b"a", b"b")
    bench.wait(0.1)
    assert writers(bench) == ["n1", "n1"]
    assert holder.commands == other.commands == [b"first", b"a", b"b"]
    assert other.log.next_deadline() < bench.time + 0.5, "nothing is awaited but the next look"


def test_commands_of_several_nodes_share_a_batch() -> None:
    bench, holder, other = two_nodes()
    bench.is_held = True
    holder.propose(b"a")
    holder.propose(b"b")
    other.propose(b"c")
    bench.is_held = False
    for effect in holder.asked:
        holder.answer(effect)
    holder.settle()
    assert holder.commands == [b"first", b"a", b"b", b"c"]
    assert len(writers(bench)) == 3


def test_a_lone_command_goes_straight_to_etcd() -> None:
    bench, _, other = two_nodes(above=FORWARD_ABOVE)
    other.propose(b"a")
    assert writers(bench)[-1] == "n2"
    # Twice as many as come at the limit, in the time that counts.
    other.propose(*(b"%d" % number for number in range(int(2 * FORWARD_ABOVE * DECAY_S))))
    bench.wait(0.05)
    other.propose(b"b")
    assert writers(bench)[-1] == "n1"
    bench.wait(10 * DECAY_S)
    other.propose(b"c")
    assert writers(bench)[-1] == "n2"


def test_nothing_is_forwarded_while_the_cluster_may_have_older_nodes() -> None:
    bench, _, other = two_nodes(version=FORWARD_VERSION - 1)
    other.propose(b"a")
    assert writers(bench) == ["n1", "n2"]
    assert not bench.passed


def test_nothing_is_forwarded_to_a_node_without_a_link() -> None:
    bench, _, other = two_nodes()
    other.log.peer_disconnected("n1", bench.now())
    other.propose(b"a")
    assert writers(bench) == ["n1", "n2"]


def test_a_node_writes_itself_what_a_dead_one_was_given() -> None:
    bench, _, other = two_nodes()
    bench.are_links_held = True
    other.propose(b"a", b"b")
    assert other.commands == [b"first"]
    other.log.peer_disconnected("n1", bench.now())
    other.settle()
    assert other.commands == [b"first", b"a", b"b"]


def test_a_node_writes_itself_what_does_not_come_out_and_then_all_for_a_while() -> None:
    bench, _, other = two_nodes()
    bench.are_links_held = True
    other.propose(b"a")
    bench.wait(SILENT_S_MIN - 0.1)
    assert other.commands == [b"first"]
    bench.wait(0.2)
    assert other.commands == [b"first", b"a"]
    other.propose(b"b")
    assert other.commands == [b"first", b"a", b"b"]
    bench.wait(SILENT_REST_S)
    other.propose(b"c")
    assert b"c" not in other.commands, "it is forwarded again"


def test_a_node_that_was_cut_off_itself_waits_no_longer_for_another_one() -> None:
    calls = Calls(1, 0)
    calls.now = 100.0
    forwarding = Forwarding(calls, 0.0)
    calls.latency_ms = 2_600.0
    forwarding.give("n1", [b"a"])
    assert forwarding.next_deadline() == calls.now + SILENT_S_MAX
    calls.now = forwarding.next_deadline()
    assert forwarding.overdue() == [b"a"]


def test_a_node_writes_itself_what_was_given_to_one_that_has_lost_the_duty() -> None:
    bench, holder, other = two_nodes()
    bench.are_links_held = True
    other.propose(b"a")
    bench.ends.remove(holder)
    bench.store.revoke_all()
    bench.wait(0.3)
    assert other.commands == [b"first", b"a"]


def test_a_holder_whose_batch_hangs_gives_back_what_waits_behind_it_when_the_lease_ends() -> None:
    bench, holder, other = two_nodes()
    bench.is_held = True
    holder.propose(b"a")
    bench.passed.clear()
    other.propose(b"b")
    bench.are_links_held = True
    bench.wait(TTL_S + 1.0)
    back = [message for node, _, message in bench.passed if node == "n1"]
    assert back == [ProposeRequest((b"b",), True)]


def test_what_was_forwarded_is_not_written_again_meanwhile() -> None:
    bench, _, other = two_nodes()
    bench.are_links_held = True
    other.propose(b"a")
    other.propose(b"a")
    assert len(bench.passed) == 1
    assert writers(bench) == ["n1"]


def test_a_node_without_the_duty_gives_commands_back() -> None:
    bench, holder, other = two_nodes()
    bench.are_links_held = True
    other.propose(b"a")
    holder.log.hand_over(bench.now())
    holder.settle()
    bench.are_links_held = False
    bench.bring(*bench.passed[0])
    assert writers(bench)[-1] == "n2"
    assert other.commands[-1] == b"a"


def test_a_node_that_has_written_nothing_yet_gives_commands_back() -> None:
    """It may not know what time it is."""
    bench = Bench()
    bench.open("n1", forward_above=0.0)
    other = bench.open("n2", forward_above=0.0)
    bench.link()
    other.log.note_version(FORWARD_VERSION)
    other.settle()
    bench.wait(0.3)
    other.propose(b"a")
    assert writers(bench) == ["n2"]


def test_a_batch_for_others_is_not_written_by_a_node_that_lost_the_duty() -> None:
    """A node that hung would write what others have written meanwhile, long ago."""
    bench, holder, other = two_nodes()
    bench.is_held = True
    holder.propose(b"mine")
    other.propose(b"a")
    (first,) = [one for one in holder.asked if is_write(one)]
    bench.is_held = False
    holder.answer(first)
    bench.is_held = True
    holder.asked.clear()
    holder.settle()
    (second,) = [one for one in holder.asked if is_write(one)]
    # The holder hangs. The lease ends, and the other node writes itself.
    bench.store.revoke_all()
    bench.is_held = False
    other.log.peer_disconnected("n1", bench.now())
    other.settle()
    assert other.commands == [b"first", b"mine", b"a"]
    holder.answer(second)
    holder.settle()
    bench.wait(0.1)
    assert holder.commands == other.commands == [b"first", b"mine", b"a"]
    assert holder.propose(b"later")
    assert holder.commands[-1] == b"later", "the next batch does not wait"


def test_what_a_node_writes_for_itself_needs_no_duty() -> None:
    bench, holder, _ = two_nodes()
    bench.store.revoke_all()
    holder.propose(b"a")
    assert holder.commands == [b"first", b"a"]


def test_commands_that_share_a_lost_batch_are_written_later_in_their_order() -> None:
    bench, holder, other = two_nodes()
    bench.is_held = True
    holder.propose(b"a")
    holder.propose(b"b")
    other.propose(b"c")
    holder.propose(b"d")
    bench.store.revoke_all()
    bench.is_held = False
    for effect in holder.asked:
        holder.answer(effect)
    holder.settle()
    bench.wait(0.1)
    assert [one for one in holder.commands if one != b"c"] == [b"first", b"a", b"b", b"d"]
    assert sorted(holder.commands) == [b"a", b"b", b"c", b"d", b"first"]
    assert other.commands == holder.commands


def test_many_commands_are_forwarded_in_parts() -> None:
    bench, _, other = two_nodes()
    other.propose(*(bytes([number]) * (PART_BYTES // 3) for number in range(7)))
    assert len(bench.passed) == 3
    assert len(other.commands) == 8


def test_messages_of_another_engine_are_ignored() -> None:
    bench, holder, _ = two_nodes()
    holder.log.receive_message("n2", AppendResponse(1, True, 3, 0), bench.now())
    holder.log.receive_message("n2", ProposeRequest((b"x",), is_returned=True), bench.now())
    holder.settle()
    assert holder.commands == [b"first"], "it was never given away"


@pytest.mark.parametrize("seconds", [TTL_S / 2, 3 * TTL_S])
def test_a_quiet_log_wants_nothing_between_its_deadlines(seconds: float) -> None:
    bench, holder, other = two_nodes()
    bench.wait(seconds)
    for end in (holder, other):
        assert not end.log.has_output
        assert not end.log.has_committed


def is_write(effect: object) -> bool:
    return isinstance(effect, Request) and isinstance(effect.operation, Txn)
