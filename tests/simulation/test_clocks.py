"""A clock that is set wrong is one node's own affair."""

import pytest

from support.simulation.cluster import DAY_MS, HOUR_MS, SimulatedCluster


@pytest.mark.parametrize("offset_ms", [HOUR_MS, -HOUR_MS, 120 * DAY_MS])
def test_a_leader_whose_clock_goes_wrong_gives_up_the_lead_and_says_by_how_much(
    offset_ms: int,
) -> None:
    cluster = SimulatedCluster(1)
    cluster.wait_ready()
    alice = cluster.register("alice")
    alice.send("JOIN", "#room0")
    cluster.wait_answered()
    leader = cluster.leader()
    node = cluster.nodes[leader]
    before = node.skew_ms
    node.skew_ms += offset_ms
    others = [cluster.nodes[name] for name in cluster.names if name != leader]
    cluster.world.run_until(
        lambda: any(other.replica.is_leader for other in others), 5.0, "somebody else leads"
    )
    cluster.world.run(1.0)
    status = node.mind.status()
    direction = "ahead of" if offset_ms > 0 else "behind"
    assert status.state == "clock"
    assert f"s {direction} the other nodes' clocks" in status.reason
    assert abs(status.clock_offset_ms - offset_ms) < 1000
    # No stamp is ahead, then or later (`Archive.check_time` looks at each entry).
    for number in range(5):
        alice.send("PRIVMSG", "#room0", f"message {number}")
    cluster.wait_answered()
    alice.send("CHATHISTORY", "LATEST", "#room0", "*", "5")
    cluster.wait_answered()
    node.skew_ms = before
    cluster.wait_ready()
    cluster.settle()
