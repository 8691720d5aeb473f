"""A node follows the nodes that belong, as long as what it knows of them can be relied on."""

from typing import cast

from roost.chat.ids import Position
from roost.chat.state import ClusterNode, State
from roost.log import Log, LogStatus
from roost.node.engine.belonging import OUT_OF_TOUCH_S, Belonging
from roost.node.engine.effects import FollowNodes

NO_LEADER = ("no-majority", "no leader")


class FakeLog:
    """A log that is as the test says."""

    def __init__(self) -> None:
        self.members: tuple[str, ...] = ("n1", "n2")
        self.voters: tuple[str, ...] = ("n1", "n2")
        self.fault: tuple[str, str] | None = None
        self.lack = ""
        self.commit = 0
        self.is_in_charge = False

    def status(self) -> LogStatus:
        return LogStatus("n1", 1, 9, self.commit, self.fault, self.lack)


class Node:
    """What node n1 knows."""

    def __init__(self, *names: str) -> None:
        self.log = FakeLog()
        self.state = State()
        self.belonging = Belonging("n1", ("n1", "n2"))
        self.name(*names)

    def name(self, *names: str) -> None:
        self.state.position = Position(self.state.position + 1)
        self.state.nodes = {name: ClusterNode(Position(1), 0) for name in names}
        self.state.nodes_changed = self.state.position

    def follows(self, now: float = 0.0) -> tuple[str, ...] | None:
        for effect in self.belonging.look(self.state, cast("Log", self.log), now):
            if isinstance(effect, FollowNodes):
                return effect.nodes
        return None


def test_changes_are_followed_once() -> None:
    node = Node("n1", "n2")
    assert node.follows() == ("n1", "n2")
    assert node.follows() is None
    node.name("n1", "n2", "n4")
    assert node.follows() == ("n1", "n2", "n4")


def test_a_removed_node_keeps_its_links_until_the_log_does_without_it() -> None:
    node = Node("n1", "n2")
    node.follows()
    node.name("n1")
    node.follows()
    assert not node.belonging.removal([])
    node.log.members = ("n1",)
    assert node.follows() == ("n1",)


def test_a_node_that_starts_refuses_nobody_before_it_has_caught_up() -> None:
    node = Node("n1", "n2")
    node.log.fault = NO_LEADER
    assert node.follows() is None
    node.log.fault, node.log.lack = None, "no commit of this term"
    assert node.follows() is None
    node.log.lack, node.log.commit = "", node.state.position + 1
    assert node.follows() is None, "what it knows is of before"
    node.name("n1", "n7")
    assert node.follows() == ("n1", "n7", "n2")


def test_a_node_that_was_alone_for_long_refuses_nobody() -> None:
    node = Node("n1", "n2")
    assert node.follows(10.0) == ("n1", "n2")
    node.log.fault = NO_LEADER
    assert node.follows(10.0 + OUT_OF_TOUCH_S / 2) is None
    assert node.follows(10.0 + OUT_OF_TOUCH_S) == ()
    assert node.follows(10.1 + OUT_OF_TOUCH_S) is None
    node.log.fault = None
    assert node.follows(20.0) == ("n1", "n2")


def test_a_node_knows_that_it_was_removed() -> None:
    node = Node("n1", "n2")
    node.follows()
    node.name("n2")
    node.follows()
    assert "it was removed" in node.belonging.removal(["n2"])
    node.log.fault = NO_LEADER
    node.follows(99.0)
    assert "it was removed" in node.belonging.removal([])


def test_the_last_node_of_a_cluster_was_not_removed_although_a_former_one_refused_it() -> None:
    node = Node("n1", "n2")
    node.belonging.refused("n2")
    node.follows()
    assert "it was removed" in node.belonging.removal([])
    node.log.members = node.log.voters = ("n1",)
    node.log.is_in_charge = True
    node.name("n1")
    node.follows()
    assert not node.belonging.removal([])


def test_a_cluster_without_a_registry_is_followed_by_certificates() -> None:
    node = Node()
    assert node.follows() is None


def test_a_node_that_joined_must_have_the_key_that_it_joined_with() -> None:
    node = Node("n1", "n2")
    node.state.nodes["n2"] = ClusterNode(Position(1), 0, "host", "ab12")
    (follow, _) = node.belonging.look(node.state, cast("Log", node.log), 0.0)
    assert follow == FollowNodes(("n1", "n2"), (("n2", "ab12"),))


def test_the_last_node_is_not_removed_because_a_former_one_refused_it() -> None:
    node = Node("n1", "n2")
    node.log.members = ()
    node.follows()
    node.belonging.refused("n2")
    assert node.belonging.removal([]), "n2 belongs, and may know better"
    node.name("n1")
    node.follows()
    assert not node.belonging.removal([])
    node.log.fault = NO_LEADER
    node.follows(1.0)
    assert not node.belonging.removal([])
    node.follows(2.0 + OUT_OF_TOUCH_S)
    assert node.belonging.removal([]), "what this node knows may be old"
