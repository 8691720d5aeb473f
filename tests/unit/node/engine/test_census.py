from roost.chat.ids import SessionId
from roost.ircd.sessions.newcomers import Newcomers
from roost.node.engine.census import Census
from roost.protocol.mesh import Gossip, TrunkReport
from roost.raft.messages import Position


def test_a_balancer_that_nobody_sees_is_lost_after_the_grace_period() -> None:
    census = Census(30.0)
    assert census.lost({"b1": 5}, (), 100.0) == []
    assert census.lost({"b1": 5}, (), 129.9) == []
    assert census.lost({"b1": 5}, (), 130.0) == [("b1", 5)]


def test_a_balancer_is_alive_while_any_node_has_a_trunk_to_it() -> None:
    census = Census(30.0)
    census.trunk_connected("b1", 5)
    census.reported("n2", Gossip((TrunkReport("b2", 6),)))
    known = {"b1": 5, "b2": 6}
    assert census.lost(known, (), 0.0) == []
    assert census.lost(known, (), 100.0) == []
    census.trunk_disconnected("b1")
    census.peer_disconnected("n2")
    assert census.lost(known, (), 101.0) == []
    assert census.lost(known, (), 131.0) == [("b1", 5), ("b2", 6)]


def test_being_seen_again_starts_the_count_anew() -> None:
    census = Census(30.0)
    census.lost({"b1": 5}, (), 0.0)
    census.trunk_connected("b1", 5)
    census.lost({"b1": 5}, (), 20.0)
    census.trunk_disconnected("b1")
    census.lost({"b1": 5}, (), 25.0)
    assert census.lost({"b1": 5}, (), 54.0) == []


def test_another_incarnation_does_not_count() -> None:
    census = Census(30.0)
    census.trunk_connected("b1", 6)
    census.lost({"b1": 5}, (), 0.0)
    assert census.lost({"b1": 5}, (), 30.0) == [("b1", 5)]


def test_a_new_leader_counts_from_its_own_beginning() -> None:
    census = Census(30.0)
    census.lost({"b1": 5}, (), 0.0)
    census.begin_leadership()
    assert census.lost({"b1": 5}, (), 40.0) == []
    assert census.lost({"b1": 5}, (), 70.0) == [("b1", 5)]


def test_an_orphan_is_lost_after_the_grace_period_from_when_it_was_seen_last() -> None:
    census = Census(30.0)
    census.trunk_connected("b1", 5)
    assert census.lost({"b1": 5}, (5,), 0.0) == []
    census.trunk_disconnected("b1")
    assert census.lost({"b1": 5}, (5,), 1.0) == []
    # The balancer restarts, and its earlier incarnation still has sessions.
    census.trunk_connected("b1", 6)
    assert census.lost({"b1": 6}, (5, 6), 10.0) == []
    assert census.lost({"b1": 6}, (5, 6), 31.0) == [("", 5)]
    assert census.lost({"b1": 6}, (6,), 32.0) == []


def test_the_neighbours_are_told_of_trunks_at_once_and_of_newcomers_soon() -> None:
    newcomers = Newcomers()
    census = Census(30.0, 1.0, newcomers)

    def is_news(now: float) -> bool:
        return census.news(tuple, now) is not None

    assert is_news(100.0)
    assert not is_news(100.5)
    newcomers.here[SessionId(1)] = None
    assert is_news(100.5)
    newcomers.here[SessionId(2)] = None
    assert not is_news(100.55)
    assert is_news(100.65)
    census.trunk_connected("b1", 5)
    assert is_news(100.66)
    assert census.gossip(()) == Gossip((TrunkReport("b1", 5),), (), 2)


def test_the_neighbours_are_told_of_positions_after_a_while_and_seldom_of_the_same() -> None:
    census = Census(30.0, 1.0)
    first, second = (Position("n2", 1, 7),), (Position("n2", 1, 8),)
    assert census.news(lambda: first, 100.0) == Gossip((), first, 0)
    assert census.news(lambda: second, 100.9) is None
    assert census.news(lambda: second, 101.0) == Gossip((), second, 0)
    assert census.news(lambda: second, 102.0) is None
    assert census.news(lambda: second, 110.9) is None
    assert census.news(lambda: second, 112.0) == Gossip((), second, 0)


def test_newcomers_elsewhere_are_those_of_connected_neighbours() -> None:
    newcomers = Newcomers()
    census = Census(30.0, newcomers=newcomers)
    census.reported("n2", Gossip((), newcomers=3))
    census.reported("n3", Gossip((), newcomers=1))
    census.reported("n2", Gossip((), newcomers=2))
    assert newcomers.elsewhere == 3
    census.peer_disconnected("n2")
    assert newcomers.elsewhere == 1
