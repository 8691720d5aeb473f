"""A node raises the cluster's version when all can speak it, and stops beyond its own."""

from roost.chat.commands.administration import AddNode, Administer, RaiseVersion
from roost.chat.settings import Settings
from roost.chat.state import State
from roost.chat.versions import VERSION
from roost.log import Log
from roost.node.engine.inputs import PeerRefused
from roost.node.engine.versions import Versions
from support.lone_node import LoneNode


class FakeLog:
    """A log that these nodes keep."""

    def __init__(self, *members: str) -> None:
        self.members = members


def raised(versions: Versions, state: State, *members: str) -> list[object]:
    log: Log = FakeLog(*members)  # type: ignore[assignment]
    return list(versions.to_raise(state, log, members))


def old_state(*names: str) -> State:
    node = LoneNode(version_max=1)
    for name in names[1:]:
        node.propose(Administer(f"add {name}", AddNode(name)))
    return node.engine.state


def test_a_new_cluster_speaks_the_newest_version_at_once() -> None:
    assert LoneNode().engine.state.version == VERSION


def test_a_cluster_of_the_version_before_goes_on_at_the_newest() -> None:
    node = LoneNode(state=old_state("n1"))
    assert node.engine.state.version == VERSION
    assert node.engine.status().version == VERSION
    assert node.engine.status().state == "ready"


def test_a_node_that_is_held_back_raises_nothing() -> None:
    assert LoneNode(state=old_state("n1"), version_max=1).engine.state.version == 1


def test_the_version_waits_for_every_node_that_belongs() -> None:
    state = old_state("n1", "n2", "n3")
    versions = Versions("n1", 2, Settings())
    versions.peer_connected("n2", 2)
    assert raised(versions, state, "n1", "n2", "n3") == []
    versions.peer_connected("n3", 1)
    assert raised(versions, state, "n1", "n2", "n3") == []
    versions.peer_connected("n3", 2)
    assert raised(versions, state, "n1", "n2", "n3") == [RaiseVersion(2, state.nodes_changed)]
    # One that keeps the log still counts, although it was removed.
    assert raised(versions, state, "n1", "n2", "n3", "n4") == []
    versions.peer_disconnected("n2")
    assert raised(versions, state, "n1", "n2", "n3") == []


def test_a_node_applies_nothing_beyond_the_version_that_it_speaks() -> None:
    node = LoneNode(version_max=1)
    node.propose(RaiseVersion(2, node.engine.state.nodes_changed))
    position = node.engine.state.position
    node.propose(Administer("add", AddNode("n2")))
    node.pass_time(1.0)
    status = node.engine.status()
    assert (node.engine.state.position, status.applied) == (position, position)
    assert status.state == "outdated"
    assert status.reason == (
        "the cluster is at version 2, and this node speaks up to 1: upgrade Roost on this node, "
        "as docs/upgrading.md says"
    )


def test_what_a_neighbour_says_counts_while_none_lets_the_node_in() -> None:
    versions, state = Versions("n1", 1, Settings()), State()
    versions.refused(2)
    assert "at version 2" in versions.fault(state, ())
    assert versions.fault(state, ("n2",)) == ""
    versions.peer_connected("n2", 1)
    assert versions.fault(state, ()) == ""


def test_a_refused_node_says_that_it_is_outdated() -> None:
    node = LoneNode(version_max=1)
    node.take(PeerRefused("n2", 2))
    assert node.engine.status().state == "outdated"


def test_new_settings_wait_for_the_version_and_disturb_nobody() -> None:
    settings = Settings(nick_bytes_max=20)
    state = old_state("n1")
    versions = Versions("n1", 2, settings)
    first = versions.to_configure(state)
    assert first is not None
    assert not versions.is_configured(state)
    state.configured["n1"] = first.written
    assert versions.is_configured(state)
    state.version = 2
    assert versions.is_configured(state)
