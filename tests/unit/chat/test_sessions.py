import pytest

from roost.chat.apply import apply_entry
from roost.chat.changes import (
    AwayChanged,
    CapabilitiesChanged,
    MetadataChanged,
    MonitorChanged,
    NickChanged,
    Quitted,
    RealnameChanged,
    SessionAttached,
    SessionClosed,
    SessionOpened,
    UserModesChanged,
    WentOffline,
    WentOnline,
)
from roost.chat.commands import Act
from roost.chat.commands.cluster import Configure
from roost.chat.commands.modes import ModeChange, SetUserModes
from roost.chat.commands.rooms import Join
from roost.chat.commands.sessions import (
    AttachSessions,
    BalancerLost,
    BalancerStarted,
    CloseSession,
    OpenSession,
)
from roost.chat.commands.users import (
    ChangeNick,
    Monitor,
    Quit,
    SetAway,
    SetCapabilities,
    SetRealname,
)
from roost.chat.ids import FoldedNick, Position, SessionId, UserId
from roost.chat.refusals import Reason, Refusal
from roost.chat.settings import Settings
from roost.chat.state import Whowas
from support.chat_world import INCARNATION, ChatWorld


@pytest.fixture
def world() -> ChatWorld:
    return ChatWorld()


def test_registering_brings_a_user_online(world: ChatWorld) -> None:
    applied = world.open("alice")
    opened, online, metadata = applied.results
    assert isinstance(opened, SessionOpened)
    assert isinstance(online, WentOnline)
    assert isinstance(metadata, MetadataChanged)
    assert (metadata.folded, metadata.entries) == ("alice", ())
    assert opened.source.user == UserId(applied.position)
    assert online.folded == FoldedNick("alice")


def test_the_log_decides_who_gets_a_nickname(world: ChatWorld) -> None:
    world.open("alice")
    session = SessionId((INCARNATION << 27) | 900)
    applied = world.command(OpenSession(session, 1, 4, "ALICE", "a", "A", "h", 0, False, "b1"))
    assert applied.results == (Refusal(Reason.NICK_IN_USE, "ALICE"),)
    assert session not in world.state.sessions


def test_a_bad_nickname_and_a_full_server_are_refused(world: ChatWorld) -> None:
    assert world.open("1bad").results == (Refusal(Reason.NICK_INVALID, "1bad"),)
    world.command(Configure(Settings(users_max=1)))
    world.open("alice")
    assert world.open("bob").results == (Refusal(Reason.SERVER_FULL),)


def test_a_line_takes_effect_once(world: ChatWorld) -> None:
    world.open("alice")
    line = Act(world.sessions["alice"], 1, 9, (Join("#a"),))
    assert not world.command(line).is_duplicate
    again = world.command(line)
    assert again.is_duplicate
    assert again.results == ()
    earlier = world.command(Act(world.sessions["alice"], 1, 8, (Join("#b"),)))
    assert earlier.is_duplicate
    assert [room.name for room in world.state.rooms.values()] == ["#a"]


def test_a_registration_takes_effect_once(world: ChatWorld) -> None:
    world.open("alice")
    again = OpenSession(world.sessions["alice"], 1, 4, "alice", "a", "A", "h", 0, False, "b1")
    assert world.command(again).is_duplicate


def test_sessions_are_attached_together_each_by_its_own_generation(world: ChatWorld) -> None:
    for nick in ("alice", "bob", "carol"):
        world.open(nick)
    alice, bob, carol = (world.sessions[nick] for nick in ("alice", "bob", "carol"))
    world.command(AttachSessions(((bob, 5),)))
    world.command(CloseSession(carol, "gone"))
    applied = world.command(AttachSessions(((alice, 2), (bob, 5), (carol, 2), (bob, 6))))
    attached = [
        (r.session, r.generation) for r in applied.results if isinstance(r, SessionAttached)
    ]
    assert attached == [(alice, 2), (bob, 6)]
    assert applied.fenced == ((bob, 5), (carol, 2))
    parts = [r.part for r in applied.results if isinstance(r, SessionAttached)]
    assert parts == [0, 1]


def test_earlier_generations_are_fenced_off(world: ChatWorld) -> None:
    world.open("alice")
    session = world.sessions["alice"]
    (attached,) = world.command(AttachSessions(((session, 2),))).results
    assert isinstance(attached, SessionAttached)
    assert world.command(Act(session, 1, 9, (Join("#a"),))).is_fenced
    assert world.command(Act(session, 3, 9, (Join("#a"),))).is_fenced
    assert world.command(AttachSessions(((session, 2),))).fenced == ((session, 2),)
    assert not world.state.rooms
    assert not world.command(Act(session, 2, 9, (Join("#a"),))).is_fenced


def test_sessions_that_never_were_or_are_no_more_are_fenced_off(world: ChatWorld) -> None:
    unknown = SessionId(1 << 27 | 1)
    assert world.command(Act(unknown, 1, 1, (Join("#a"),))).is_fenced
    assert world.command(OpenSession(unknown, 1, 4, "x", "x", "x", "h", 0, False, "b1")).is_fenced
    world.open("alice")
    world.close("alice")
    assert world.act("alice", Join("#a")).is_fenced
    assert world.close("alice").results == ()


def test_quitting_leaves_every_room_and_is_remembered(world: ChatWorld) -> None:
    world.room_with("#a", "alice")
    world.act("alice", Join("#b"))
    quitted, offline, closed = world.act("alice", Quit("bye"), Join("#c")).results
    assert isinstance(quitted, Quitted)
    assert isinstance(offline, WentOffline)
    assert isinstance(closed, SessionClosed)
    assert [name for _, name in quitted.rooms] == ["#a", "#b"]
    assert quitted.reason == closed.reason == "bye"
    assert [entry.nick for entry in world.state.whowas["alice"]] == ["alice"]  # type: ignore[index]
    assert not world.state.users


def test_whowas_is_bounded(world: ChatWorld) -> None:
    world.command(Configure(Settings(whowas_entries_max=3, whowas_per_nick_max=2)))
    for nick in ("a", "a", "a", "b", "c"):
        world.open(nick)
        world.close(nick)
    assert {nick: len(entries) for nick, entries in world.state.whowas.items()} == {
        "a": 1,
        "b": 1,
        "c": 1,
    }


def test_a_new_incarnation_of_a_balancer_ends_the_sessions_of_the_old_one(
    world: ChatWorld,
) -> None:
    world.room_with("#a", "alice", "bob")
    results = world.command(BalancerStarted("b1", INCARNATION + 1)).results
    assert [type(result) for result in results] == [Quitted, WentOffline, SessionClosed] * 2
    assert not world.state.sessions
    assert world.command(BalancerStarted("b1", INCARNATION)).results == ()
    assert world.state.balancers == {"b1": INCARNATION + 1}


def test_another_balancer_ends_nobodys_session(world: ChatWorld) -> None:
    world.open("alice")
    assert world.command(BalancerStarted("b2", INCARNATION + 1)).results == ()


def test_a_lost_balancer_may_come_back(world: ChatWorld) -> None:
    world.open("alice")
    assert world.command(BalancerLost("b1", INCARNATION - 1)).results == ()
    assert len(world.command(BalancerLost("b1", INCARNATION)).results) == 3
    world.command(BalancerStarted("b1", INCARNATION))
    assert isinstance(world.open("bob").results[0], SessionOpened)


def test_the_sessions_of_a_lost_balancer_can_end_one_after_the_other(world: ChatWorld) -> None:
    world.room_with("#a", "alice", "bob", "carol")
    lost = BalancerLost("b1", INCARNATION, 2)
    assert [type(result) for result in world.command(lost).results].count(SessionClosed) == 2
    assert [user.nick for user in world.state.users.values()] == ["carol"]
    assert world.state.balancers == {}
    assert world.state.incarnations == {INCARNATION: 1}
    orphan = BalancerLost("", INCARNATION, 2)
    assert [type(result) for result in world.command(orphan).results].count(SessionClosed) == 1
    assert not world.state.sessions


def test_a_nickname_changes_hands(world: ChatWorld) -> None:
    world.room_with("#a", "alice")
    changed, offline, online, metadata = world.act("alice", ChangeNick("carol")).results
    assert isinstance(changed, NickChanged)
    assert isinstance(offline, WentOffline)
    assert isinstance(online, WentOnline)
    assert isinstance(metadata, MetadataChanged)
    assert (changed.source.nick, changed.nick, offline.folded) == ("alice", "carol", "alice")
    assert online.source.nick == "carol"
    assert isinstance(world.open("alice").results[0], SessionOpened)


def test_only_the_case_of_a_nickname_can_change_too(world: ChatWorld) -> None:
    world.open("alice")
    (changed,) = world.act("alice", ChangeNick("Alice")).results
    assert isinstance(changed, NickChanged)
    assert world.act("alice", ChangeNick("Alice")).results == ()


def test_nicknames_that_cannot_be_are_refused(world: ChatWorld) -> None:
    world.open("alice")
    world.open("bob")
    assert world.act("bob", ChangeNick("ALICE")).results == (Refusal(Reason.NICK_IN_USE, "ALICE"),)
    assert world.act("bob", ChangeNick("a b")).results == (Refusal(Reason.NICK_INVALID, "a b"),)


def test_what_users_say_of_themselves(world: ChatWorld) -> None:
    world.room_with("#a", "alice")
    away, realname, modes, capabilities = world.act(
        "alice",
        SetAway("tea"),
        SetRealname("Alice A."),
        SetUserModes("ALICE", (ModeChange(True, "i"),)),
        SetCapabilities(5),
    ).results
    assert isinstance(away, AwayChanged)
    assert isinstance(realname, RealnameChanged)
    assert isinstance(modes, UserModesChanged)
    assert isinstance(capabilities, CapabilitiesChanged)
    assert (away.message, [name for _, name in away.rooms]) == ("tea", ["#a"])
    assert (capabilities.before, capabilities.after) == (0, 5)
    user = world.user("alice")
    assert (user.away, user.realname, user.modes) == ("tea", "Alice A.", "i")


def test_what_users_may_not_say_of_themselves(world: ChatWorld) -> None:
    world.open("alice")
    world.open("bob")
    assert world.act(
        "alice",
        SetRealname(""),
        SetRealname("x" * 151),
        SetUserModes("bob", ()),
        SetUserModes("carol", ()),
        SetUserModes("alice", (ModeChange(True, "x"),)),
    ).results == (
        Refusal(Reason.REALNAME_INVALID, ""),
        Refusal(Reason.REALNAME_INVALID, "x" * 151),
        Refusal(Reason.OTHER_USERS_MODES, "bob"),
        Refusal(Reason.NO_SUCH_NICK, "carol"),
        Refusal(Reason.UNKNOWN_USER_MODE, "", "x"),
    )


def test_watching_is_limited(world: ChatWorld) -> None:
    world.command(Configure(Settings(monitor_max=2)))
    world.open("alice")
    changed, refusal = world.act("alice", Monitor(False, ("a", "B", "A", "c"), ())).results
    assert isinstance(changed, MonitorChanged)
    assert changed.added == ("a", "B", "A")
    assert refusal == Refusal(Reason.MONITOR_FULL, "", "c")
    world.act("alice", Monitor(False, (), ("b",)))
    assert list(world.state.sessions[world.sessions["alice"]].monitored) == ["a"]
    world.act("alice", Monitor(True, ("d",), ()))
    assert list(world.state.sessions[world.sessions["alice"]].monitored) == ["d"]


def test_an_entry_that_is_no_command_is_noted_and_skipped(world: ChatWorld) -> None:
    position = Position(world.state.position + 1)
    applied = apply_entry(world.state, b"\xc1rubbish", position, 5)
    assert applied.failure
    assert world.state.failed_entries == [position]
    assert world.state.position == position


def test_an_entry_that_fails_is_noted_and_the_next_one_applied(world: ChatWorld) -> None:
    world.open("alice")
    # A state that contradicts itself, as only a bug could make it.
    del world.state.users[world.user("alice").id]
    position = Position(world.state.position + 1)
    line = Act(world.sessions["alice"], 1, 9, (Join("#a"),))
    from roost.chat.commands import encode_command

    applied = apply_entry(world.state, encode_command(line), position, 5)
    assert applied.failure.startswith("KeyError")
    assert world.state.failed_entries == [position]


def test_a_session_that_was_closed_never_opens_again(world: ChatWorld) -> None:
    world.open("alice")
    late = OpenSession(world.sessions["alice"], 1, 4, "alice", "a", "a", "h", 0, False, "b1")
    assert world.command(late).is_duplicate
    world.close("alice")
    assert world.command(late).is_fenced
    assert not world.state.users


def test_a_session_that_is_closed_before_it_opens_never_does(world: ChatWorld) -> None:
    session = SessionId(INCARNATION << 27 | 900)
    world.command(CloseSession(session, "gone"))
    assert world.command(OpenSession(session, 1, 4, "a", "a", "a", "h", 0, False, "b1")).is_fenced
    assert not world.state.nicks


def test_closed_sessions_are_forgotten_in_the_end(
    world: ChatWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roost.chat.sessions.CLOSED_SESSIONS_MAX", 2)
    for nick in "abc":
        world.open(nick)
        world.close(nick)
    assert list(world.state.closed_sessions) == [world.sessions["b"], world.sessions["c"]]


def test_what_is_no_change_is_told_to_nobody_else(world: ChatWorld) -> None:
    world.room_with("#a", "alice")
    operations = (SetAway("lunch"), SetAway("lunch"), SetRealname("Al"), SetRealname("Al"))
    results = world.act("alice", *operations).results
    assert all(isinstance(result, AwayChanged | RealnameChanged) for result in results)
    assert [len(result.rooms) for result in results] == [1, 0, 1, 0]  # type: ignore[union-attr]


@pytest.mark.parametrize("incarnation", [INCARNATION, INCARNATION - 1])
def test_a_balancer_that_is_announced_late_or_twice_changes_nothing(
    world: ChatWorld, incarnation: int
) -> None:
    world.open("alice")
    assert world.command(BalancerStarted("b1", incarnation)).results == ()
    assert world.state.balancers == {"b1": INCARNATION}
    assert world.state.users


def test_whowas_knows_former_nicknames_but_no_other_spellings(world: ChatWorld) -> None:
    world.open("alice")
    world.act("alice", ChangeNick("Alice"), ChangeNick("bob"))
    assert {nick: [entry.nick for entry in entries] for nick, entries in whowas(world)} == {
        "alice": ["Alice"]
    }


def whowas(world: ChatWorld) -> list[tuple[str, list[Whowas]]]:
    return list(world.state.whowas.items())
