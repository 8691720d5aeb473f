"""How an engine treats balancers."""

import pytest

from roost.chat.commands.sessions import StartBalancer
from roost.chat.ids import Position
from roost.chat.state import State
from roost.node.engine import upkeep
from roost.node.engine.balancers import OVER
from roost.protocol.trunk import REFUSED, Incarnation, Status
from support.lone_node import LoneNode

RESUMABLE = ("CAP REQ roost.chat/resume", "NICK alice", "USER a 0 * :A", "CAP END")


def test_the_leader_sets_a_secret_before_anybody_registers() -> None:
    node = LoneNode()
    assert node.engine.state.secret == b"r" * 32
    assert not any("r" * 8 in str(note) for note in node.logged)
    node.say("b1", node.connect("b1"), 1, *RESUMABLE)
    assert b" RESUME TOKEN " in node.replies()


def test_without_random_bytes_there_are_no_tokens() -> None:
    node = LoneNode(has_random_bytes=False)
    assert node.engine.state.secret == b""
    node.say("b1", node.connect("b1"), 1, *RESUMABLE)
    assert b" 001 alice " in node.replies()
    assert b" RESUME " not in node.replies()


def test_sessions_of_a_lost_balancer_end_after_the_grace_period() -> None:
    node = LoneNode()
    node.say("b1", node.connect("b1"), 1, *RESUMABLE)
    node.disconnect("b1")
    node.pass_time(4.5)
    assert list(node.engine.state.nicks) == ["alice"]
    node.pass_time(1.5)
    assert not node.engine.state.nicks


def test_many_sessions_of_a_lost_balancer_end_one_tick_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upkeep, "SESSIONS_ENDED", 2)
    node = LoneNode()
    incarnation = node.connect("b1")
    for number in range(1, 6):
        node.say("b1", incarnation, number, f"NICK u{number}", "USER a 0 * :A")
    node.disconnect("b1")
    left = []
    for _ in range(200):
        node.pass_time(0.05)
        left.append(len(node.engine.state.users))
    assert list(dict.fromkeys(left)) == [5, 3, 1, 0]


def test_a_restart_of_the_balancer_does_not_prolong_the_grace_period() -> None:
    node = LoneNode()
    node.say("b1", node.connect("b1"), 1, *RESUMABLE)
    node.disconnect("b1")
    node.pass_time(3.0)
    assert node.connect("b1", "later") == 2
    node.pass_time(1.5)
    assert list(node.engine.state.nicks) == ["alice"]
    node.pass_time(1.5)
    assert not node.engine.state.nicks
    assert node.engine.state.balancers == {"b1": 2}


def served(node: LoneNode, name: str) -> list[int]:
    """Return the incarnations that the node has told a balancer."""
    return [f.number for to, f in node.sent if to == name and isinstance(f, Incarnation)]


def test_the_log_gives_each_run_of_a_balancer_a_higher_incarnation() -> None:
    node = LoneNode()
    runs = [("b1", "zzz"), ("b2", "same"), ("b1", "aaa"), ("b2", "other")]
    given = []
    for name, run in runs:
        node.disconnect(name)
        given.append(node.connect(name, run))
        assert served(node, name)[-1] == given[-1]
    assert given == [1, 2, 3, 4]


def test_a_run_keeps_its_incarnation_when_its_trunk_breaks_or_it_was_given_up() -> None:
    node = LoneNode()
    assert node.connect("b1") == 1
    node.disconnect("b1")
    node.pass_time(10.0)
    assert not node.engine.state.balancers
    assert node.connect("b1") == 1
    assert served(node, "b1") == [1, 1]


def test_a_balancer_is_served_after_a_restart_whatever_its_clock_says() -> None:
    """Once an incarnation was the moment of the start, and a clock set back made it useless."""
    node = LoneNode(state=State(balancers={"b1": 1 << 34}, position=Position(3), time_ms=1))
    incarnation = node.connect("b1")
    assert incarnation == (1 << 34) + 1
    node.say("b1", incarnation, 1, "NICK alice", "USER a 0 * :A")
    assert list(node.engine.state.nicks) == ["alice"]
    node.disconnect("b1")
    node.say("b1", node.connect("b1", "again"), 1, "NICK eve", "USER e 0 * :E")
    assert list(node.engine.state.nicks) == ["eve"]


def test_a_run_that_is_over_is_told_so_and_not_served() -> None:
    node = LoneNode()
    early = node.connect("b1", "early")
    node.propose(StartBalancer("b1", "late", early))
    (refused,) = [f for _, f in node.sent if isinstance(f, Status) and f.state == REFUSED]
    assert refused.reason == OVER
    (note,) = [note for note in node.logged if note.event == "balancer-refused"]
    assert (note.level, note.fields["balancer"]) == ("error", "b1")
    node.sent.clear()
    node.say("b1", early, 1, "NICK alice", "USER a 0 * :A")
    node.pass_time(1.5)
    assert not node.engine.state.nicks
    assert not node.sent
    node.disconnect("b1")
    node.connect("b1", "early")
    assert node.engine.state.balancers == {"b1": early + 1}


def test_a_proposal_that_came_too_late_is_made_again() -> None:
    node = LoneNode()
    node.propose(StartBalancer("b1", "another", 0))
    node.propose(StartBalancer("b1", "mine", 0))
    assert node.engine.state.balancers == {"b1": 1}
    assert node.connect("b1", "mine") == 2
