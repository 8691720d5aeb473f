"""Proposals that come together under load share an append; a lone one never waits."""

import pytest

from roost.raft.gathering import (
    EXPECTED_SCORE,
    FORGOTTEN_S,
    MISSED_SCORE,
    ROUND_S,
    SCORE_MAX,
    Gathering,
)
from roost.raft.messages import AppendRequest, ProposeRequest, VoteResponse
from support.raft_replica import Bench

WAIT_S = 0.002
FLUSH_S = 0.01


class Proposers:
    """Nodes that propose to a leader at chosen times."""

    def __init__(self, wait_s: float = WAIT_S) -> None:
        self.gathering = Gathering(wait_s)
        self.time = 100.0
        self.taken: list[list[bytes]] = []

    def propose(self, name: str) -> None:
        self.gathering.add(name, [name.encode()], self.time)
        self.look()

    def look(self) -> None:
        if self.gathering.is_due(self.time):
            self.taken.append(self.gathering.take())

    def pass_time(self, seconds: float) -> None:
        end = self.time + seconds
        if self.gathering.deadline <= end:
            self.time = max(self.time, self.gathering.deadline)
            self.look()
        self.time = end

    def flush(self, *names: str, interval_s: float = FLUSH_S) -> int:
        """Have nodes propose 0.3 ms after each other; return into how many appends that goes."""
        self.taken.clear()
        for name in names:
            self.propose(name)
            self.pass_time(0.0003)
        self.pass_time(interval_s - 0.0003 * len(names))
        return len(self.taken)

    def train(self, *names: str) -> None:
        for _ in range(SCORE_MAX + 1):
            self.flush(*names)
        assert self.flush(*names) == 1


def test_nodes_that_propose_together_again_and_again_share_an_append() -> None:
    nodes = Proposers()
    appends = [nodes.flush("a", "b", "c") for _ in range(EXPECTED_SCORE + 2)]
    assert appends == [3] * EXPECTED_SCORE + [1, 1]
    assert nodes.taken == [[b"a", b"b", b"c"]]


def test_commands_are_taken_when_the_last_node_is_heard_and_not_later() -> None:
    nodes = Proposers()
    nodes.train("a", "b", "c")
    nodes.propose("b")
    nodes.propose("a")
    assert nodes.gathering.deadline == pytest.approx(nodes.time + WAIT_S)
    nodes.taken.clear()
    nodes.propose("c")
    assert nodes.taken == [[b"b", b"a", b"c"]]
    assert nodes.gathering.bytes_total == 0


def test_nobody_is_waited_for_longer_than_said() -> None:
    nodes = Proposers()
    nodes.train("a", "b", "c")
    begun = nodes.time
    nodes.propose("a")
    nodes.propose("b")
    nodes.taken.clear()
    nodes.time = begun + WAIT_S - 0.0001
    nodes.look()
    assert nodes.taken == []
    assert nodes.gathering.bytes_total > 0
    nodes.time = begun + WAIT_S
    nodes.look()
    assert nodes.taken == [[b"a", b"b"]]
    nodes.time += 0.0002
    nodes.propose("c")
    assert nodes.taken == [[b"a", b"b"], [b"c"]], "what is late waits for nobody"


def test_a_node_that_stays_away_is_not_waited_for() -> None:
    nodes = Proposers()
    nodes.train("a", "b", "c")
    for _ in range(SCORE_MAX):
        nodes.flush("a", "b")
    nodes.propose("a")
    nodes.taken.clear()
    nodes.propose("b")
    assert nodes.taken == [[b"a", b"b"]]


def test_one_missed_round_changes_nothing() -> None:
    nodes = Proposers()
    nodes.train("a", "b", "c")
    nodes.flush("a", "b")
    assert nodes.flush("a", "b", "c") == 1


def test_a_node_that_often_stays_away_is_never_waited_for() -> None:
    nodes = Proposers()
    for number in range(60):
        names = ("a", "b", "c") if number % MISSED_SCORE else ("a", "b")
        nodes.taken.clear()
        nodes.flush(*names)
    nodes.propose("a")
    nodes.taken.clear()
    nodes.propose("b")
    assert nodes.taken == [[b"a", b"b"]]


def test_a_node_that_proposes_alone_waits_for_nobody() -> None:
    nodes = Proposers()
    for _ in range(30):
        for name in ("a", "a", "b"):
            nodes.taken.clear()
            nodes.propose(name)
            assert nodes.taken == [[name.encode()]]
            nodes.pass_time(ROUND_S * 1.01)


def test_after_a_silence_nobody_is_waited_for() -> None:
    nodes = Proposers()
    nodes.train("a", "b", "c")
    nodes.pass_time(FORGOTTEN_S)
    assert nodes.flush("a", "b", "c") == 3


def test_flushes_that_follow_each_other_closely_are_told_apart() -> None:
    nodes = Proposers()
    for _ in range(20):
        nodes.flush("a", "b", "c", interval_s=0.0025)
    assert nodes.flush("a", "b", "c", interval_s=0.0025) == 1


def test_without_a_time_to_wait_nobody_waits() -> None:
    nodes = Proposers(0.0)
    for _ in range(20):
        assert nodes.flush("a", "b", "c") == 3


# In a leader


def flush(bench: Bench, *others: str) -> list[AppendRequest]:
    """Have the leader and others propose, 0.3 ms apart; return what is sent to a follower."""
    bench.propose(b"own")
    for name in others:
        bench.wait(0.0003)
        bench.receive(name, ProposeRequest((name.encode(),)))
    bench.wait(0.002)
    sent = [message for message in bench.take("b", AppendRequest) if message.entries]
    for peer in bench.peers:
        bench.acknowledge(peer)
    bench.wait(FLUSH_S - 0.0023)
    bench.sent.clear()
    return sent


def leader() -> Bench:
    """Return a leader that has learnt with whom it is flushed."""
    bench = Bench()
    bench.lead()
    for _ in range(SCORE_MAX):
        flush(bench, "b", "c")
    return bench


def data_of(messages: list[AppendRequest]) -> list[list[bytes]]:
    return [[entry.data for entry in message.entries] for message in messages]


def test_a_flush_becomes_one_append_and_one_write() -> None:
    bench = leader()
    written = len(bench.persists)
    assert data_of(flush(bench, "b", "c")) == [[b"own", b"b", b"c"]]
    assert len(bench.persists) == written + 1


def test_what_waits_is_appended_when_its_time_has_come() -> None:
    bench = leader()
    assert data_of(flush(bench, "b")) == [[b"own", b"b"]]


def test_what_waits_goes_before_a_transfer_of_leadership() -> None:
    bench = leader()
    bench.propose(b"own")
    last = bench.replica.last_index
    bench.transfer("b")
    assert bench.replica.last_index == last + 1
    assert not bench.propose(b"later")


def test_what_waits_is_dropped_with_the_leadership() -> None:
    bench = leader()
    bench.propose(b"own")
    last = bench.replica.last_index
    bench.receive("b", VoteResponse(bench.replica.term + 1, False, False))
    bench.append("b", bench.replica.term + 1, bench.log[-1])
    bench.wait(0.1)
    assert not bench.replica.is_leader
    assert bench.replica.last_index == last


def test_what_waits_counts_for_the_limit_of_what_is_not_committed() -> None:
    bench = Bench(uncommitted_bytes_max=500)
    bench.lead()
    for _ in range(SCORE_MAX):
        flush(bench, "b", "c")
    assert bench.replica.propose([b"x" * 400], bench.now())
    assert not bench.replica.propose([b"x" * 400], bench.now())
