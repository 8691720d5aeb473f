"""How an engine treats balancers."""

import pytest

from roost.node.engine import inputs
from support.lone_node import LoneNode, welcome

RESUMABLE = ("CAP REQ roost.chat/resume", "NICK alice", "USER a 0 * :A", "CAP END")


def test_the_leader_sets_a_secret_before_anybody_registers() -> None:
    node = LoneNode()
    assert node.engine.state.secret == b"r" * 32
    assert not any("r" * 8 in str(note) for note in node.logged)
    node.connect("b1", 7)
    node.say("b1", 7, 1, *RESUMABLE)
    assert b" RESUME TOKEN " in node.replies()


def test_without_random_bytes_there_are_no_tokens() -> None:
    node = LoneNode(has_random_bytes=False)
    assert node.engine.state.secret == b""
    node.connect("b1", 7)
    node.say("b1", 7, 1, *RESUMABLE)
    assert b" 001 alice " in node.replies()
    assert b" RESUME " not in node.replies()


def test_sessions_of_a_lost_balancer_end_after_the_grace_period() -> None:
    node = LoneNode()
    node.connect("b1", 7)
    node.say("b1", 7, 1, *RESUMABLE)
    node.disconnect("b1")
    node.pass_time(4.5)
    assert list(node.engine.state.nicks) == ["alice"]
    node.pass_time(1.0)
    assert not node.engine.state.nicks


def test_a_restart_of_the_balancer_does_not_prolong_the_grace_period() -> None:
    node = LoneNode()
    node.connect("b1", 7)
    node.say("b1", 7, 1, *RESUMABLE)
    node.disconnect("b1")
    node.pass_time(3.0)
    node.connect("b1", 8)
    node.pass_time(1.5)
    assert list(node.engine.state.nicks) == ["alice"]
    node.pass_time(1.0)
    assert not node.engine.state.nicks
    assert node.engine.state.balancers == {"b1": 8}


@pytest.mark.parametrize("is_known_before", [True, False])
def test_a_balancer_with_anothers_incarnation_is_not_served(is_known_before: bool) -> None:
    node = LoneNode()
    if is_known_before:
        node.connect("b1", 7)
        node.connect("b2", 7)
    else:
        # Both are announced before the first entry is applied.
        first, second = (inputs.TrunkConnected(welcome(name, 7)) for name in ("b1", "b2"))
        node.take(first, second)
    node.say("b1", 7, 1, "NICK alice", "USER a 0 * :A")
    node.say("b2", 7, 1, "NICK eve", "USER e 0 * :E")
    assert list(node.engine.state.nicks) == ["alice"]
    (note,) = [note for note in node.logged if note.event == "balancer-refused"]
    assert note.fields["balancer"] == "b2"
    node.sent.clear()
    node.pass_time(1.0)
    assert {name for name, _ in node.sent} == {"b1"}
    # After a restart it is served.
    node.disconnect("b2")
    node.connect("b2", 9)
    node.say("b2", 9, 1, "NICK eve", "USER e 0 * :E")
    assert list(node.engine.state.nicks) == ["alice", "eve"]
