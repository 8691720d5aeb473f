"""Registered rooms and the rights of their owners."""

import pytest

from roost.chat.changes import (
    OPERATOR,
    VOICE,
    Joined,
    Kicked,
    OwnershipChanged,
    RoomModesChanged,
    RoomRenamed,
)
from roost.chat.commands import Operation
from roost.chat.commands.cluster import Configure
from roost.chat.commands.metadata import SetMetadata
from roost.chat.commands.modes import ModeChange, SetRoomModes
from roost.chat.commands.ownership import (
    AcceptRoom,
    ClearRoom,
    DropRoom,
    GiveStatus,
    RegisterRoom,
    SetAccess,
    TransferRoom,
)
from roost.chat.commands.rooms import Invite, Join, Kick, Part, RenameRoom, SetTopic
from roost.chat.entitlements import grant_everywhere
from roost.chat.ids import FoldedAccount, Position
from roost.chat.ownership import release_account
from roost.chat.refusals import Reason, Refusal
from roost.chat.settings import Settings
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import Room
from roost.chat.step import Step
from support.chat_invariants import check_invariants
from support.chat_world import ChatWorld

CHANSERV = "ChanServ!ChanServ@services.roost.local"


def modes(*changes: tuple[str, str, str]) -> SetRoomModes:
    made = (ModeChange(sign == "+", letter, parameter) for sign, letter, parameter in changes)
    return SetRoomModes("#a", tuple(made))


@pytest.fixture
def world() -> ChatWorld:
    """Alice owns #a; bob and carol have accounts, dora has none."""
    world = ChatWorld()
    for nick in ("alice", "bob", "carol"):
        world.open(nick, account=nick.title())
    world.open("dora")
    world.act("alice", Join("#a"))
    world.act("alice", RegisterRoom("#a"))
    return world


def room_of(world: ChatWorld) -> Room:
    return world.room("#a")


def status(world: ChatWorld, nick: str) -> int:
    return room_of(world).members[world.user(nick).id].status


def by_chanserv(world: ChatWorld, nick: str, operation: Operation) -> tuple[ModeChange, ...]:
    """Return the modes that ChanServ changes in an entry."""
    found: tuple[ModeChange, ...] = ()
    for result in world.act(nick, operation).results:
        if isinstance(result, RoomModesChanged):
            source = result.source
            assert f"{source.nick}!{source.username}@{source.host}" == CHANSERV
            found += result.changes
    return found


def test_an_operator_who_is_logged_in_can_register_a_room_once(world: ChatWorld) -> None:
    assert room_of(world).founder == "alice"
    assert world.act("alice", RegisterRoom("#a")).results == (
        Refusal(Reason.ALREADY_REGISTERED, "#a"),
    )
    world.act("dora", Join("#d"))
    assert world.act("dora", RegisterRoom("#d")).results == (Refusal(Reason.NOT_LOGGED_IN, "#d"),)
    assert world.act("bob", RegisterRoom("#d")).results == (Refusal(Reason.NOT_OPERATOR, "#d"),)
    assert world.act("bob", RegisterRoom("#no")).results == (Refusal(Reason.NO_SUCH_ROOM, "#no"),)


def test_rooms_per_founder_are_limited(world: ChatWorld) -> None:
    world.command(Configure(Settings(rooms_per_founder_max=1)))
    world.act("alice", Join("#b"))
    refusal = Refusal(Reason.TOO_MANY_FOUNDED, "#b", "1")
    assert world.act("alice", RegisterRoom("#b")).results == (refusal,)


def test_a_registered_room_keeps_everything_while_nobody_is_in_it(world: ChatWorld) -> None:
    world.act(
        "alice",
        SetTopic("#a", "tea"),
        modes(("+", "b", "mallory"), ("+", "k", "key"), ("+", "i", ""), ("+", "l", "5")),
        SetMetadata("#a", "url", "x"),
        Part("#a"),
    )
    world.state = decode_state(encode_state(world.state))
    room = room_of(world)
    assert room.topic is not None
    assert (room.modes, room.key, room.limit) == ("int", "key", 5)
    assert (list(room.bans), room.metadata) == (["mallory!*@*"], {"url": "x"})
    assert room.history_from == 0


def test_a_registered_room_is_never_forgotten(world: ChatWorld) -> None:
    world.act("alice", Part("#a"))
    world.command(Configure(Settings(rooms_max=1)))
    assert world.act("bob", Join("#b")).results == (Refusal(Reason.TOO_MANY_ROOMS_EXIST, "#b"),)
    assert room_of(world).founder == "alice"


def test_the_first_one_in_is_no_operator_but_the_founder_always_is(world: ChatWorld) -> None:
    world.act("alice", Part("#a"))
    (joined,) = world.act("bob", Join("#a")).results
    assert isinstance(joined, Joined)
    assert (joined.status, status(world, "bob")) == (0, 0)
    assert by_chanserv(world, "alice", Join("#a")) == (ModeChange(True, "o", "alice"),)
    assert status(world, "alice") == OPERATOR


def test_nothing_keeps_the_founder_out(world: ChatWorld) -> None:
    world.act("bob", Join("#a"))
    world.act(
        "alice",
        modes(("+", "b", "*"), ("+", "k", "x"), ("+", "i", ""), ("+", "l", "1"), ("+", "R", "")),
        Part("#a"),
    )
    assert isinstance(world.act("alice", Join("#a")).results[0], Joined)
    assert world.act("dora", Join("#a", "x")).results == (Refusal(Reason.BANNED, "#a"),)


def test_access_gives_a_status_at_once_and_on_entering(world: ChatWorld) -> None:
    world.act("bob", Join("#a"))
    given = by_chanserv(world, "alice", SetAccess("#a", "BOB", "o"))
    assert given == (ModeChange(True, "o", "bob"),)
    world.act("alice", SetAccess("#a", "carol", "v"))
    assert by_chanserv(world, "carol", Join("#a")) == (ModeChange(True, "v", "carol"),)
    assert status(world, "carol") == VOICE
    taken = by_chanserv(world, "alice", SetAccess("#a", "bob", ""))
    assert taken == (ModeChange(False, "o", "bob"),)
    world.act("bob", Part("#a"))
    assert by_chanserv(world, "bob", Join("#a")) == ()


def test_only_the_founder_gives_access_and_only_to_accounts(world: ChatWorld) -> None:
    refusal = Refusal(Reason.NOT_FOUNDER, "#a")
    for operation in (SetAccess("#a", "bob", "o"), DropRoom("#a"), TransferRoom("#a", "bob")):
        assert world.act("bob", operation).results == (refusal,)
    for account in ("dora", ""):
        assert world.act("alice", SetAccess("#a", account, "o")).results == (
            Refusal(Reason.NO_SUCH_ACCOUNT, account),
        )
    world.command(Configure(Settings(access_entries_max=1)))
    world.act("alice", SetAccess("#a", "bob", "v"))
    assert world.act("alice", SetAccess("#a", "carol", "v")).results == (
        Refusal(Reason.LIST_FULL, "#a", "access"),
    )


def test_a_room_changes_hands_when_it_is_offered_and_accepted(world: ChatWorld) -> None:
    world.act("bob", Join("#a"))
    assert world.act("bob", AcceptRoom("#a")).results == (Refusal(Reason.NOT_FOUNDER, "#a"),)
    world.act("alice", TransferRoom("#a", "bob"))
    assert room_of(world).founder == "alice"
    assert by_chanserv(world, "bob", AcceptRoom("#a")) == (ModeChange(True, "o", "bob"),)
    assert room_of(world).founder == "bob"
    assert world.state.founded == {"bob": {room_of(world).id: None}}
    assert world.act("alice", DropRoom("#a")).results == (Refusal(Reason.NOT_FOUNDER, "#a"),)


def test_an_offer_can_be_taken_back(world: ChatWorld) -> None:
    world.act("alice", TransferRoom("#a", "bob"))
    (withdrawn,) = world.act("alice", TransferRoom("#a", "alice")).results
    assert isinstance(withdrawn, OwnershipChanged)
    assert withdrawn.what == "withdrawn"
    assert world.act("bob", AcceptRoom("#a")).results == (Refusal(Reason.NOT_FOUNDER, "#a"),)


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_dropped_room_is_nobodys(world: ChatWorld, *, is_empty: bool) -> None:
    world.act("alice", SetAccess("#a", "bob", "o"), modes(("+", "k", "key")))
    if is_empty:
        world.act("alice", Part("#a"))
    world.act("alice", DropRoom("#a"))
    room = room_of(world)
    assert (room.founder, room.access) == ("", {})
    # A key that nobody could lift any more would shut everybody out.
    assert room.key == ("" if is_empty else "key")
    assert (room.id in world.state.empty_rooms) == is_empty


def test_the_rooms_of_an_account_that_is_dropped_are_nobodys(world: ChatWorld) -> None:
    world.act("bob", Join("#b"), RegisterRoom("#b"), SetAccess("#b", "alice", "o"))
    world.act("bob", TransferRoom("#b", "alice"))
    state = world.state
    step = Step(state, Position(state.position + 1), state.time_ms)
    release_account(step, FoldedAccount("alice"))
    for account in ("alice",):
        del state.accounts[FoldedAccount(account)]
    assert room_of(world).founder == ""
    other = world.room("#b")
    assert (other.founder, other.access, other.offered_to) == ("bob", {}, "")
    assert list(state.founded) == ["bob"]


def test_logging_in_inside_gives_the_status(world: ChatWorld) -> None:
    world.open("late")
    world.act("late", Join("#a"))
    world.act("alice", SetAccess("#a", "bob", "v"))
    state = world.state
    world.user("late").account = "Bob"
    step = Step(state, Position(state.position + 1), state.time_ms)
    grant_everywhere(step, world.user("late"))
    (changed,) = step.results
    assert isinstance(changed, RoomModesChanged)
    assert changed.changes == (ModeChange(True, "v", "late"),)


def test_op_and_voice_by_right_of_access(world: ChatWorld) -> None:
    for nick in ("bob", "carol", "dora"):
        world.act(nick, Join("#a"))
    world.act("alice", SetAccess("#a", "bob", "o"), SetAccess("#a", "carol", "v"))
    world.act("alice", modes(("-", "o", "bob"), ("-", "v", "carol")))
    given = by_chanserv(world, "bob", GiveStatus("#a", "bob", "o", True))
    assert given == (ModeChange(True, "o", "bob"),)
    assert by_chanserv(world, "carol", GiveStatus("#a", "carol", "v", True))
    refusal = Refusal(Reason.NOT_FOUNDER, "#a")
    assert world.act("carol", GiveStatus("#a", "dora", "v", True)).results == (refusal,)
    assert world.act("carol", GiveStatus("#a", "carol", "o", True)).results == (refusal,)
    assert world.act("bob", GiveStatus("#a", "alice", "o", False)).results == (refusal,)
    assert by_chanserv(world, "bob", GiveStatus("#a", "dora", "v", True))
    assert by_chanserv(world, "alice", GiveStatus("#a", "bob", "o", False))
    assert world.act("bob", GiveStatus("#a", "nobody", "o", True)).results == (
        Refusal(Reason.USER_NOT_IN_ROOM, "nobody", "#a"),
    )


def test_bans_are_lifted_by_chanserv(world: ChatWorld) -> None:
    world.act("alice", SetAccess("#a", "bob", "o"))
    world.act("alice", modes(("+", "b", "bob"), ("+", "b", "~a:b*"), ("+", "b", "eve")))
    lifted = by_chanserv(world, "bob", ClearRoom("#a", "own-bans"))
    assert [change.parameter for change in lifted] == ["bob!*@*", "~a:b*"]
    assert world.act("bob", ClearRoom("#a", "bans")).results == (Refusal(Reason.NOT_FOUNDER, "#a"),)
    assert by_chanserv(world, "alice", ClearRoom("#a", "bans"))
    assert not room_of(world).bans


def test_clearing_users_leaves_the_founders_own(world: ChatWorld) -> None:
    for nick in ("bob", "dora"):
        world.act(nick, Join("#a"))
    kicked = [
        result.nick
        for result in world.act("alice", ClearRoom("#a", "users")).results
        if isinstance(result, Kicked)
    ]
    assert kicked == ["bob", "dora"]
    world.act("alice", SetAccess("#a", "bob", "o"), ClearRoom("#a", "access"))
    assert not room_of(world).access


def test_only_the_founder_renames_a_registered_room(world: ChatWorld) -> None:
    world.act("bob", Join("#a"))
    world.act("alice", modes(("+", "o", "bob")))
    assert world.act("bob", RenameRoom("#a", "#b")).results == (Refusal(Reason.NOT_OPERATOR, "#a"),)
    (renamed,) = world.act("alice", RenameRoom("#a", "#b")).results
    assert isinstance(renamed, RoomRenamed)
    assert world.room("#b").founder == "alice"
    assert isinstance(world.act("dora", Join("#a")).results[0], Joined)


@pytest.mark.parametrize(
    ("entry", "banned"),
    [
        ("~a:bob", ["bob"]),
        ("~account:BOB", ["bob"]),
        ("~A:c*", ["carol"]),
        ("~a:*", ["bob", "carol"]),
        ("~a:dora", []),
    ],
)
def test_bans_on_accounts(world: ChatWorld, entry: str, banned: list[str]) -> None:
    world.act("alice", modes(("+", "b", entry)))
    assert list(room_of(world).bans) == [entry.lower()]
    refused = [
        nick
        for nick in ("bob", "carol", "dora")
        if world.act(nick, Join("#a")).results == (Refusal(Reason.BANNED, "#a"),)
    ]
    assert refused == banned


def test_exceptions_and_invitations_by_account(world: ChatWorld) -> None:
    world.act("alice", modes(("+", "b", "*"), ("+", "e", "~a:bob"), ("+", "i", "")))
    assert world.act("bob", Join("#a")).results == (Refusal(Reason.INVITE_ONLY, "#a"),)
    world.act("alice", modes(("+", "I", "~a:b?b")))
    assert isinstance(world.act("bob", Join("#a")).results[0], Joined)
    assert world.act("carol", Join("#a")).results == (Refusal(Reason.BANNED, "#a"),)


@pytest.mark.parametrize("entry", ["~x:bob", "~a:", "~a", "~"])
def test_an_extended_ban_that_is_none_is_ignored(world: ChatWorld, entry: str) -> None:
    assert world.act("alice", modes(("+", "b", entry))).results == ()


def test_rooms_for_those_who_are_logged_in(world: ChatWorld) -> None:
    world.act("alice", modes(("+", "R", "")), Invite("#a", "dora"))
    assert world.act("dora", Join("#a")).results == (Refusal(Reason.NEEDS_ACCOUNT, "#a"),)
    assert isinstance(world.act("bob", Join("#a")).results[0], Joined)


def test_a_kicked_founder_can_come_back(world: ChatWorld) -> None:
    world.act("bob", Join("#a"))
    world.act("alice", modes(("+", "o", "bob")))
    world.act("bob", modes(("+", "b", "alice")), Kick("#a", "alice"))
    assert isinstance(world.act("alice", Join("#a")).results[0], Joined)
    check_invariants(world.state)
