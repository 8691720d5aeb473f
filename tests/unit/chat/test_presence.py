"""Users of accounts with several clients, or with none."""

import pytest

from roost.chat.changes import (
    AlwaysOnChanged,
    AwayChanged,
    MetadataChanged,
    Quitted,
    SessionClosed,
    SessionOpened,
    WentOffline,
    WentOnline,
)
from roost.chat.commands.cluster import Configure
from roost.chat.commands.rooms import Join
from roost.chat.commands.sessions import BalancerLost, ExpireAbsent, OpenSession
from roost.chat.commands.users import Quit, SetAlwaysOn, SetAway
from roost.chat.ids import SessionId, UserId
from roost.chat.presence import AUTO_AWAY, is_expiry_due
from roost.chat.refusals import Reason, Refusal
from roost.chat.sessions import end_always_on
from roost.chat.settings import Settings
from roost.chat.step import Step
from support.chat_invariants import check_invariants
from support.chat_world import INCARNATION, ChatWorld

DAY_MS = 24 * 60 * 60 * 1000


@pytest.fixture
def world() -> ChatWorld:
    return ChatWorld()


def kinds(results: tuple[object, ...]) -> list[type]:
    return [type(result) for result in results]


def leave_alice_absent(world: ChatWorld) -> UserId:
    world.open("alice", account="alice")
    world.act("alice", Join("#a"))
    world.act("alice", SetAlwaysOn(True))
    world.close("alice")
    return world.user("alice").id


def test_client_of_the_same_account_joins_who_bears_the_nickname(world: ChatWorld) -> None:
    world.open("alice", account="alice", client="desk")
    (opened,) = world.open("ALICE", account="alice", client="phone").results
    assert isinstance(opened, SessionOpened)
    assert world.user("alice").sessions == (world.sessions["desk"], world.sessions["phone"])


def test_client_of_the_same_account_may_be_somebody_else(world: ChatWorld) -> None:
    world.open("alice", account="alice")
    (opened, online, metadata) = world.open("robot", account="alice").results
    assert isinstance(opened, SessionOpened)
    assert isinstance(online, WentOnline)
    assert isinstance(metadata, MetadataChanged)
    assert world.user("robot").account == "alice"


def test_clients_of_one_user_are_limited(world: ChatWorld) -> None:
    world.command(Configure(Settings(sessions_per_user_max=2)))
    world.open("alice", account="alice", client="desk")
    world.open("alice", account="alice", client="phone")
    (refusal,) = world.open("alice", account="alice", client="tablet").results
    assert refusal == Refusal(Reason.TOO_MANY_SESSIONS, "user", "2")


def test_user_goes_with_the_last_client(world: ChatWorld) -> None:
    world.open("alice", account="alice", client="desk")
    world.open("alice", account="alice", client="phone")
    assert kinds(world.act("desk", Quit("bye")).results) == [SessionClosed]
    assert kinds(world.close("phone").results) == [Quitted, WentOffline, SessionClosed]


def test_user_of_an_always_on_account_stays_and_is_away(world: ChatWorld) -> None:
    world.room_with("#a", "bob")
    alice = leave_alice_absent(world)
    assert alice in world.room("#a").members
    assert world.user("alice").away == AUTO_AWAY
    opened, back = world.open("alice", account="alice").results
    assert isinstance(opened, SessionOpened)
    assert opened.source.user == alice
    assert isinstance(back, AwayChanged)
    assert back.message == ""
    assert [name for _, name in back.rooms] == ["#a"]


def test_absence_does_not_touch_an_away_message_of_ones_own(world: ChatWorld) -> None:
    world.open("alice", account="alice")
    world.act("alice", SetAlwaysOn(True), SetAway("tea"))
    assert kinds(world.close("alice").results) == [SessionClosed]
    assert kinds(world.open("alice", account="alice").results) == [SessionOpened]
    assert world.user("alice").away == "tea"


def test_balancers_end_leaves_who_is_always_on(world: ChatWorld) -> None:
    world.open("alice", account="alice")
    world.act("alice", SetAlwaysOn(True))
    world.open("bob")
    world.command(BalancerLost("b1", INCARNATION))
    assert [user.nick for user in world.state.users.values()] == ["alice"]


def test_always_on_needs_an_account(world: ChatWorld) -> None:
    world.open("bob")
    assert world.act("bob", SetAlwaysOn(True)).results == (Refusal(Reason.ALWAYS_ON_NEEDS_ACCOUNT),)


def test_always_on_users_are_limited(world: ChatWorld) -> None:
    world.command(Configure(Settings(always_on_users_max=1)))
    leave_alice_absent(world)
    world.open("bob", account="bob")
    assert world.act("bob", SetAlwaysOn(True)).results == (Refusal(Reason.TOO_MANY_ALWAYS_ON),)
    assert not world.own("bob").is_always_on


def test_one_user_of_an_account_stays_and_others_come_and_go(world: ChatWorld) -> None:
    alice = leave_alice_absent(world)
    world.open("robot", account="robot")
    world.open("alice", account="alice", client="desk")
    assert world.user("alice").id == alice
    world.own("alice").is_always_on = True
    (opened,) = world.open("whatever", account="alice", client="phone").results
    assert isinstance(opened, SessionOpened)
    assert opened.source.user == alice


def test_switching_it_off_lets_go_whom_only_that_kept_here(world: ChatWorld) -> None:
    world.open("robot", account="alice")
    world.open("alice", account="alice")
    world.act("alice", SetAlwaysOn(True))
    world.close("alice")
    off, gone, _ = world.act("robot", SetAlwaysOn(False)).results
    assert isinstance(gone, Quitted)
    assert gone.source.nick == "alice"
    assert isinstance(off, AlwaysOnChanged)
    assert not off.is_on
    assert [user.nick for user in world.state.users.values()] == ["robot"]


def test_the_end_of_an_account_is_the_end_of_who_stayed_for_it(world: ChatWorld) -> None:
    leave_alice_absent(world)
    step = Step(world.state, world.state.position, world.state.time_ms)
    end_always_on(step, world.own("alice"), "Account dropped")
    assert kinds(tuple(step.results)) == [Quitted, WentOffline]
    assert not world.state.users
    check_invariants(world.state)


def test_who_has_no_client_for_too_long_leaves_and_is_always_on_again_on_return(
    world: ChatWorld,
) -> None:
    world.command(Configure(Settings(always_on_days_max=2)))
    leave_alice_absent(world)
    since = world.state.time_ms
    assert not is_expiry_due(world.state, since + 2 * DAY_MS - 1)
    assert is_expiry_due(world.state, since + 2 * DAY_MS)
    world.passed_ms = DAY_MS
    assert not world.command(ExpireAbsent()).results
    world.passed_ms = 2 * DAY_MS
    assert kinds(world.command(ExpireAbsent()).results) == [Quitted, WentOffline]
    assert not is_expiry_due(world.state, world.state.time_ms + 9 * DAY_MS)
    world.open("alice", account="alice")
    world.close("alice")
    assert world.user("alice").away == AUTO_AWAY


def test_late_opening_of_a_dropped_account_is_nobodys(world: ChatWorld) -> None:
    number = world.own("alice").id
    world.state.accounts.clear()
    world.state.account_names.clear()
    session = SessionId(INCARNATION << 27 | 50)
    command = OpenSession(session, 1, 4, "alice", "alice", "Alice", "host", 0, False, "b1", number)
    world.command(command)
    assert world.user("alice").account == ""
