"""Which nodes belong to the cluster is decided by the log alone."""

import pytest

from roost.chat.commands.administration import (
    AddNode,
    Administer,
    Administration,
    FoundCluster,
    IssueToken,
    RedeemToken,
    RemoveNode,
)
from roost.chat.nodes import NODES_MAX, NODES_MAX_1
from roost.chat.outcome import DONE, Ending, Outcome
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import ClusterNode
from support.chat_world import ChatWorld


class World(ChatWorld):
    """A cluster of three."""

    def __init__(self) -> None:
        super().__init__()
        self._requests = 0
        self.command(FoundCluster(("n1", "n2", "n3")))

    def ask(self, operation: Administration) -> Outcome:
        self._requests += 1
        applied = self.command(Administer(f"r{self._requests}", operation))
        assert applied.administered is not None
        return applied.administered[1]


@pytest.fixture
def world() -> World:
    return World()


def test_the_first_founding_counts(world: World) -> None:
    before = world.state.nodes_changed
    world.command(FoundCluster(("x",)))
    assert list(world.state.nodes) == ["n1", "n2", "n3"]
    assert world.state.nodes_changed == before


def test_nodes_are_added_and_removed(world: World) -> None:
    assert world.ask(AddNode("n4", "host", "ab12")) == DONE
    position, time_ms = world.state.position, world.state.time_ms
    assert world.state.nodes["n4"] == ClusterNode(position, time_ms, "host", "ab12")
    assert world.state.nodes_changed == position
    assert world.ask(RemoveNode("n2")) == DONE
    assert list(world.state.nodes) == ["n1", "n3", "n4"]
    assert decode_state(encode_state(world.state)) == world.state


def test_a_name_that_exists_is_refused(world: World) -> None:
    exists = Outcome(Ending.NODE_EXISTS, "n2")
    assert world.ask(AddNode("n2")) == exists
    assert world.ask(IssueToken("t", "n2", "host", 1_000, b"")) == exists


def test_what_cannot_be_is_refused(world: World) -> None:
    assert world.ask(RemoveNode("n9")) == Outcome(Ending.NODE_UNKNOWN, "n9", "n1, n2, n3")
    for name in ("", "x" * 64):
        assert world.ask(AddNode(name)).ending is Ending.NODE_NAME_INVALID
    world.state.version = 1
    for number in range(4, NODES_MAX_1 + 1):
        assert world.ask(AddNode(f"n{number}")) == DONE
    full = Outcome(Ending.TOO_MANY_NODES, "n9", str(NODES_MAX_1))
    assert world.ask(AddNode("n9")) == full, "nodes of version 1 know no more"
    world.state.version = 2
    for number in range(9, NODES_MAX + 1):
        assert world.ask(AddNode(f"n{number}")) == DONE
    assert world.ask(AddNode("n")) == Outcome(Ending.TOO_MANY_NODES, "n", str(NODES_MAX))
    for name in list(world.state.nodes)[1:]:
        assert world.ask(RemoveNode(name)) == DONE
    assert world.ask(RemoveNode("n1")).ending is Ending.LAST_NODE


def test_a_redeemed_token_adds_its_node_at_once_and_only_once(world: World) -> None:
    world.ask(IssueToken("t", "n4", "host", 60_000, b"sealed", "ab12"))
    assert "n4" not in world.state.nodes
    world.ask(RedeemToken("t", "mine"))
    added = world.state.nodes["n4"]
    assert (added.host, added.key) == ("host", "ab12")
    world.ask(RedeemToken("t", "mine"))
    assert world.state.nodes["n4"] == added


def test_the_token_of_a_node_that_was_added_otherwise_opens_nothing(world: World) -> None:
    world.ask(IssueToken("t", "n4", "host", 60_000, b"sealed"))
    world.ask(AddNode("n4"))
    assert world.ask(RedeemToken("t", "mine")).ending is Ending.TOKEN_UNKNOWN


def test_the_token_of_a_removed_node_does_not_bring_it_back(world: World) -> None:
    world.ask(IssueToken("t", "n4", "host", 60_000, b"sealed"))
    world.ask(RedeemToken("t", "mine"))
    world.ask(RemoveNode("n4"))
    assert world.ask(RedeemToken("t", "mine")).ending is Ending.TOKEN_UNKNOWN
    assert "n4" not in world.state.nodes
