"""A refused registration has no effect later, however often it is proposed."""

import pytest

from roost.chat.applied import Applied
from roost.chat.commands.sessions import OpenSession, ResumeSession
from roost.chat.ids import SessionId, UserId
from roost.chat.refusals import Reason, Refusal
from support.chat_world import INCARNATION, ChatWorld

SESSION = SessionId(INCARNATION << 27 | 700)


@pytest.fixture
def world() -> ChatWorld:
    world = ChatWorld()
    world.open("alice")
    return world


def attempt(world: ChatWorld, nick: str, line: int, generation: int = 1) -> Applied:
    return world.command(
        OpenSession(SESSION, generation, line, nick, "u", "r", "host", 0, False, "b1")
    )


def test_the_copy_of_a_refused_attempt_is_fenced_off(world: ChatWorld) -> None:
    assert attempt(world, "alice", 2).results == (Refusal(Reason.NICK_IN_USE, "alice"),)
    world.close("alice")
    copy = attempt(world, "alice", 2)
    assert copy.is_fenced
    assert not copy.results
    assert not world.state.sessions


def test_an_attempt_of_an_earlier_generation_is_fenced_off(world: ChatWorld) -> None:
    attempt(world, "alice", 2, generation=2)
    world.close("alice")
    assert attempt(world, "bob", 9, generation=1).is_fenced


def test_the_next_line_may_try_again(world: ChatWorld) -> None:
    attempt(world, "alice", 2)
    assert not attempt(world, "bob", 3).is_fenced
    assert "bob" in world.state.nicks
    assert not world.state.refused_openings


def test_another_node_may_try_the_same_line_again(world: ChatWorld) -> None:
    attempt(world, "alice", 2)
    world.close("alice")
    assert attempt(world, "alice", 2, generation=2).results


def test_who_cannot_resume_may_register_by_the_same_line(world: ChatWorld) -> None:
    resume = ResumeSession(SESSION, 1, 2, SessionId(1), UserId(99), 0, False, "b1")
    assert world.command(resume).results == (Refusal(Reason.NOTHING_TO_RESUME),)
    attempt(world, "bob", 2)
    assert "bob" in world.state.nicks
    assert world.command(resume).is_duplicate


def test_refusals_are_forgotten_in_the_end(
    world: ChatWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.chat.openings.REFUSED_OPENINGS_MAX", 2)
    for number in range(4):
        session = SessionId(SESSION + number)
        world.command(OpenSession(session, 1, 2, "alice", "u", "r", "host", 0, False, "b1"))
    assert list(world.state.refused_openings) == [SESSION + 2, SESSION + 3]
