"""What one flush of a balancer wakes: counted exactly, so every further turn is noticed here."""

from collections import Counter

import pytest

from support.flushed_cluster import FSYNC_S, LINK_S, FlushedCluster

FLUSHES = 100
FLUSH_S = 0.016
"""Not a part of any regular interval."""


def counted(size: int, **raft: float) -> FlushedCluster:
    """Flush to all nodes, again and again; count after the beginning."""
    cluster = FlushedCluster(size, **raft)
    for number in range(FLUSHES + 20):
        if number == 20:
            cluster.forget()
        cluster.flush()
        cluster.run(FLUSH_S)
    return cluster


def each(counts: Counter[str], *names: str) -> list[int]:
    """Return how often something happened in a flush; what is regular hardly counts."""
    return [round(counts[name] / FLUSHES) for name in names]


@pytest.mark.parametrize("size", [3, 5])
def test_a_flush_is_one_round_of_the_log_and_three_turns_of_each_voter(size: int) -> None:
    cluster = counted(size)
    for name, node in cluster.nodes.items():
        assert each(node.counts, "turns", "fsyncs", "Output") == [3, 1, 1], node.counts
        frames = each(node.counts, "ProposeRequest", "AppendRequest", "AppendResponse")
        assert frames == ([0, 2 * (size - 1), 0] if name == cluster.leader else [1, 0, 1])


def test_without_gathering_it_was_two_rounds() -> None:
    cluster = counted(3, gather_s=0.0)
    for node in cluster.nodes.values():
        assert each(node.counts, "fsyncs", "Output") == [2, 2]


def test_learners_cost_a_flush_no_round_and_their_source_one_turn() -> None:
    cluster = counted(7)
    voters = cluster.nodes["n1"].engine.log.voters
    assert len(voters) == 5
    for name, node in cluster.nodes.items():
        is_fed = node.counts["FeedRequest"] > 0
        assert is_fed == (name not in voters)
        fsyncs = each(node.counts, "fsyncs")
        assert fsyncs == [0 if is_fed else 1], node.counts
        if is_fed:
            assert each(node.counts, "turns", "Output", "FeedRequest") == [2, 1, 1]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_lone_message_after_a_flush_waits_for_nobody(place: int) -> None:
    cluster = counted(3)
    cluster.run(1.0)
    cluster.forget()
    name = list(cluster.nodes)[place]
    cluster.flush(name)
    links = 2 if name == cluster.leader else 3
    cluster.run(links * LINK_S + FSYNC_S + 0.0001)
    assert cluster.nodes[cluster.leader].counts["Output"] == 1
    assert cluster.nodes[cluster.leader].counts["timers"] == 0
