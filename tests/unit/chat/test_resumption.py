"""Sessions that outlive their connections."""

import pytest

from roost.chat.applied import Applied
from roost.chat.changes import Quitted, SessionResumed
from roost.chat.commands.cluster import SetSecret
from roost.chat.commands.rooms import Join
from roost.chat.commands.sessions import (
    AttachSessions,
    BalancerLost,
    BalancerStarted,
    CloseSession,
    OpenSession,
    ResumeSession,
)
from roost.chat.commands.users import Monitor, SetAway
from roost.chat.ids import SessionId, UserId
from roost.chat.refusals import Reason, Refusal
from roost.irc.capabilities import Capability
from support.chat_world import INCARNATION, ChatWorld

RESUME = Capability.RESUME.value
NEW = SessionId(INCARNATION << 27 | 500)


@pytest.fixture
def world() -> ChatWorld:
    return ChatWorld()


def resume(
    world: ChatWorld,
    nick: str,
    session: SessionId = NEW,
    *,
    previous: SessionId | None = None,
    is_secure: bool = False,
    balancer: str = "b1",
    user: UserId | None = None,
) -> Applied:
    return world.command(
        ResumeSession(
            session,
            3,
            9 + world.state.position,
            previous or world.sessions[nick],
            user or world.user(nick).id,
            RESUME | 1,
            is_secure,
            balancer,
        )
    )


def test_a_resumed_session_takes_the_place_of_the_one_before(world: ChatWorld) -> None:
    world.open("alice", capabilities=RESUME)
    world.act("alice", Join("#a"), SetAway("tea"), Monitor(False, ("bob",), ()))
    before, members = world.user("alice"), dict(world.room("#a").members)
    applied = resume(world, "alice")
    (change,) = applied.results
    assert isinstance(change, SessionResumed)
    assert (change.session, change.previous) == (NEW, world.sessions["alice"])
    assert world.user("alice") is before
    assert (before.away, before.sessions) == ("tea", (NEW,))
    assert world.room("#a").members == members
    session = world.state.sessions[NEW]
    assert (session.generation, session.capabilities) == (3, RESUME | 1)
    assert session.last_line == applied.line
    assert list(session.monitored.values()) == ["bob"]


def test_the_session_before_is_closed_for_good(world: ChatWorld) -> None:
    world.open("alice", capabilities=RESUME)
    old = world.sessions["alice"]
    resume(world, "alice")
    assert world.act("alice", Join("#late")).is_fenced
    assert world.command(AttachSessions(((old, 7),))).fenced == ((old, 7),)
    world.command(CloseSession(old, "gone"))
    assert world.state.nicks
    again = OpenSession(old, 1, 4, "al", "a", "A", "h", 0, False, "b1")
    assert world.command(again).is_fenced


def test_asking_twice_resumes_once(world: ChatWorld) -> None:
    world.open("alice", capabilities=RESUME)
    resume(world, "alice")
    again = resume(world, "alice")
    assert again.is_duplicate
    assert again.results == ()


def test_only_a_session_that_is_there_and_negotiated_it_is_resumed(world: ChatWorld) -> None:
    world.open("plain")
    refused = (Refusal(Reason.NOTHING_TO_RESUME),)
    assert resume(world, "plain").results == refused
    world.open("alice", capabilities=RESUME)
    user = world.user("alice").id
    assert resume(world, "alice", previous=SessionId(1)).results == refused
    assert resume(world, "alice", user=world.user("plain").id).results == refused
    world.close("alice")
    assert resume(world, "alice", user=user).results == refused


def test_a_session_can_be_resumed_by_its_last_two_tokens(world: ChatWorld) -> None:
    world.open("alice", capabilities=RESUME)
    first = world.sessions["alice"]
    resume(world, "alice", previous=first)
    second = SessionId(INCARNATION << 27 | 501)
    (change,) = resume(world, "alice", second, previous=first).results
    assert isinstance(change, SessionResumed)
    assert change.previous == NEW
    later = resume(world, "alice", SessionId(INCARNATION << 27 | 502), previous=first)
    assert later.results == (Refusal(Reason.NOTHING_TO_RESUME),)


def test_a_secure_session_is_not_resumed_in_the_open(world: ChatWorld) -> None:
    world.open("alice", capabilities=RESUME, is_secure=True)
    assert resume(world, "alice").results == (Refusal(Reason.RESUME_INSECURE),)
    (change,) = resume(world, "alice", is_secure=True).results
    assert isinstance(change, SessionResumed)


def test_a_connection_that_is_gone_already_resumes_nothing(world: ChatWorld) -> None:
    world.open("alice", capabilities=RESUME)
    world.command(CloseSession(NEW, "gone"))
    assert resume(world, "alice").is_fenced
    assert world.user("alice").sessions == (world.sessions["alice"],)


def test_a_balancer_that_starts_again_keeps_what_can_be_resumed(world: ChatWorld) -> None:
    world.open("plain")
    world.open("alice", capabilities=RESUME)
    applied = world.command(BalancerStarted("b1", INCARNATION + 1))
    gone = [result.source.nick for result in applied.results if isinstance(result, Quitted)]
    assert gone == ["plain"]
    new = SessionId(INCARNATION + 1 << 27 | 1)
    assert isinstance(resume(world, "alice", new).results[0], SessionResumed)
    world.command(BalancerLost("", INCARNATION))
    assert list(world.state.nicks) == ["alice"]


@pytest.mark.parametrize("name", ["", "b1"])
def test_an_orphaned_session_ends_with_the_grace_period(world: ChatWorld, name: str) -> None:
    world.open("alice", capabilities=RESUME)
    world.command(BalancerStarted("b1", INCARNATION + 1))
    world.command(BalancerLost(name, INCARNATION))
    assert not world.state.nicks
    assert world.state.balancers == {"b1": INCARNATION + 1}


def test_present_incarnation_is_no_orphan(world: ChatWorld) -> None:
    world.open("alice", capabilities=RESUME)
    world.command(BalancerLost("", INCARNATION))
    assert list(world.state.nicks) == ["alice"]


@pytest.mark.parametrize("is_orphan", [False, True])
def test_an_incarnation_belongs_to_one_balancer(world: ChatWorld, is_orphan: bool) -> None:
    world.open("alice", capabilities=RESUME)
    if is_orphan:
        world.command(BalancerStarted("b1", INCARNATION + 1))
    assert not world.command(BalancerStarted("b2", INCARNATION)).results
    assert "b2" not in world.state.balancers
    # Its clients have the ids of the other's, and must not be taken for them.
    same = OpenSession(world.sessions["alice"], 1, 4, "eve", "e", "E", "h", 0, False, "b2")
    other = OpenSession(NEW, 1, 4, "eve", "e", "E", "h", 0, False, "b2")
    assert world.command(same).is_fenced
    assert world.command(other).is_fenced
    assert resume(world, "alice", balancer="b2").is_fenced
    assert world.command(BalancerStarted("b2", INCARNATION + 2)).results == ()


def test_the_first_secret_counts(world: ChatWorld) -> None:
    world.command(SetSecret(b"first"))
    world.command(SetSecret(b"second"))
    assert world.state.secret == b"first"
