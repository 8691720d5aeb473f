import pytest

from roost.chat.changes import OPERATOR, VOICE, Joined, Kicked, Parted, TopicChanged
from roost.chat.commands.cluster import Configure
from roost.chat.commands.modes import ModeChange, SetRoomModes
from roost.chat.commands.rooms import Invite, Join, Kick, Part, PartAll, SetTopic
from roost.chat.refusals import Reason, Refusal
from roost.chat.settings import Settings
from support.chat_world import ChatWorld


def plus(letters: str, *parameters: str) -> SetRoomModes:
    remaining = list(parameters)
    changes = tuple(
        ModeChange(True, letter, remaining.pop(0) if letter in "bekIlov" else "")
        for letter in letters
    )
    return SetRoomModes("#a", changes)


@pytest.fixture
def world() -> ChatWorld:
    return ChatWorld()


def test_the_first_one_in_a_room_becomes_its_operator(world: ChatWorld) -> None:
    world.open("alice")
    (joined,) = world.act("alice", Join("#a")).results
    assert isinstance(joined, Joined)
    assert joined.status == OPERATOR
    world.open("bob")
    (joined,) = world.act("bob", Join("#A")).results
    assert isinstance(joined, Joined)
    assert (joined.status, joined.name) == (0, "#a")


def test_entering_a_room_twice_does_nothing(world: ChatWorld) -> None:
    world.room_with("#a", "alice")
    assert world.act("alice", Join("#a")).results == ()


@pytest.mark.parametrize("name", ["a", "#", "#a b", "#" + "x" * 64])
def test_a_bad_room_name_is_refused(world: ChatWorld, name: str) -> None:
    world.open("alice")
    assert world.act("alice", Join(name)).results == (Refusal(Reason.BAD_ROOM_NAME, name),)


def test_rooms_per_user_are_limited(world: ChatWorld) -> None:
    world.command(Configure(Settings(rooms_per_user_max=2)))
    world.open("alice")
    for room in ("#a", "#b"):
        world.act("alice", Join(room))
    assert world.act("alice", Join("#c")).results == (Refusal(Reason.TOO_MANY_ROOMS, "#c"),)


def test_the_room_that_was_empty_longest_gives_way(world: ChatWorld) -> None:
    world.command(Configure(Settings(rooms_max=2)))
    world.open("alice")
    for room in ("#a", "#b"):
        world.act("alice", Join(room))
    refused = world.act("alice", Join("#c")).results
    assert refused == (Refusal(Reason.TOO_MANY_ROOMS_EXIST, "#c"),)
    world.act("alice", Part("#b"), Part("#a"))
    world.act("alice", Join("#c"))
    assert [room.name for room in world.state.rooms.values()] == ["#a", "#c"]


@pytest.mark.parametrize(
    ("modes", "key", "reason"),
    [
        (plus("k", "secret"), "wrong", Reason.BAD_KEY),
        (plus("l", "1"), "", Reason.ROOM_FULL),
        (plus("i"), "", Reason.INVITE_ONLY),
        (plus("b", "bob"), "", Reason.BANNED),
        (plus("b", "*!*@HOST"), "", Reason.BANNED),
    ],
)
def test_a_room_can_be_closed(
    world: ChatWorld, modes: SetRoomModes, key: str, reason: Reason
) -> None:
    world.room_with("#a", "alice")
    world.act("alice", modes)
    world.open("bob")
    assert world.act("bob", Join("#a", key)).results == (Refusal(reason, "#a"),)


@pytest.mark.parametrize(
    "modes",
    [plus("be", "bob", "*!*@host"), plus("iI", "b?b"), plus("k", "right"), plus("l", "2")],
)
def test_a_closed_room_lets_the_right_ones_in(world: ChatWorld, modes: SetRoomModes) -> None:
    world.room_with("#a", "alice")
    world.act("alice", modes)
    world.open("bob")
    (joined,) = world.act("bob", Join("#a", "right")).results
    assert isinstance(joined, Joined)


def test_an_invitation_opens_an_invite_only_room_once(world: ChatWorld) -> None:
    world.room_with("#a", "alice")
    world.open("bob")
    world.act("alice", plus("i"), Invite("#a", "bob"))
    assert isinstance(world.act("bob", Join("#a")).results[0], Joined)
    world.act("bob", Part("#a"))
    assert world.act("bob", Join("#a")).results == (Refusal(Reason.INVITE_ONLY, "#a"),)


def test_who_may_invite(world: ChatWorld) -> None:
    world.room_with("#a", "alice", "bob")
    world.open("carol")
    world.act("alice", plus("i"))
    assert world.act("bob", Invite("#a", "carol")).results == (Refusal(Reason.NOT_OPERATOR, "#a"),)
    assert world.act("carol", Invite("#a", "carol")).results == (Refusal(Reason.NOT_IN_ROOM, "#a"),)
    assert world.act("alice", Invite("#a", "nobody")).results == (
        Refusal(Reason.NO_SUCH_NICK, "nobody"),
    )
    assert world.act("alice", Invite("#a", "BOB")).results == (
        Refusal(Reason.ALREADY_IN_ROOM, "bob", "#a"),
    )
    assert world.act("alice", Invite("#no", "carol")).results == (
        Refusal(Reason.NO_SUCH_ROOM, "#no"),
    )


def test_pending_invitations_are_limited(world: ChatWorld) -> None:
    world.command(Configure(Settings(invitations_per_room_max=1)))
    room = world.room_with("#a", "alice")
    for nick in ("bob", "carol"):
        world.open(nick)
        world.act("alice", Invite("#a", nick))
    assert list(room.invited) == [world.user("carol").id]


def test_leaving_says_where_and_why(world: ChatWorld) -> None:
    world.room_with("#a", "alice", "bob")
    (parted,) = world.act("bob", Part("#a", "x" * 500)).results
    assert isinstance(parted, Parted)
    assert len(parted.reason) == world.state.settings.reason_bytes_max
    assert world.act("bob", Part("#a")).results == (Refusal(Reason.NOT_IN_ROOM, "#a"),)
    assert world.act("bob", Part("#b")).results == (Refusal(Reason.NO_SUCH_ROOM, "#b"),)


def test_join_0_leaves_every_room(world: ChatWorld) -> None:
    for room in ("#a", "#b"):
        world.room_with(room, "alice")
    results = world.act("alice", PartAll()).results
    assert [result.name for result in results if isinstance(result, Parted)] == ["#a", "#b"]
    assert [result.part for result in results if isinstance(result, Parted)] == [0, 1]


def test_an_empty_room_keeps_its_topic_and_makes_the_next_one_operator(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice")
    world.act("alice", SetTopic("#a", "tea"), plus("b", "mallory"), Part("#a"))
    world.open("bob")
    (joined,) = world.act("bob", Join("#a")).results
    assert isinstance(joined, Joined)
    assert joined.status == OPERATOR
    assert room.topic is not None
    assert room.topic.text == "tea"
    assert room.history_from == 0


def test_a_room_that_nobody_owns_shuts_nobody_out_once_it_was_empty(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice")
    world.act("alice", plus("beIikmRs", "*!*@*", "carol", "carol", "key"), Part("#a"))
    assert (room.modes, room.key, room.bans) == ("mnst", "", {})
    assert (room.exceptions, room.invitation_masks) == ({}, {})
    world.open("bob")
    assert isinstance(world.act("bob", Join("#a")).results[0], Joined)


@pytest.mark.parametrize("modes", [plus("i"), plus("k", "x"), plus("s")])
def test_a_private_rooms_history_is_closed_when_it_is_emptied(
    world: ChatWorld, modes: SetRoomModes
) -> None:
    room = world.room_with("#a", "alice")
    world.act("alice", modes)
    emptied = world.act("alice", Part("#a")).position
    assert room.history_from == emptied + 1
    assert "i" not in room.modes


def test_a_topic_is_set_cleared_and_guarded(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice", "bob")
    (changed,) = world.act("alice", SetTopic("#a", "tea")).results
    assert isinstance(changed, TopicChanged)
    assert world.act("alice", SetTopic("#a", "tea")).results == ()
    assert world.act("bob", SetTopic("#a", "x")).results == (Refusal(Reason.NOT_OPERATOR, "#a"),)
    world.act("alice", SetRoomModes("#a", (ModeChange(False, "t"),)))
    world.act("bob", SetTopic("#a", ""))
    assert room.topic is None
    world.open("carol")
    assert world.act("carol", SetTopic("#a", "x")).results == (Refusal(Reason.NOT_IN_ROOM, "#a"),)
    assert world.act("carol", SetTopic("#b", "x")).results == (Refusal(Reason.NO_SUCH_ROOM, "#b"),)


def test_a_topic_is_cut_between_characters(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice")
    world.act("alice", SetTopic("#a", "\u20ac" * 200))
    assert room.topic is not None
    assert room.topic.text == "\u20ac" * 130


def test_kicking_needs_an_operator_and_a_member(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice", "bob")
    world.open("carol")
    assert world.act("bob", Kick("#a", "alice")).results == (Refusal(Reason.NOT_OPERATOR, "#a"),)
    assert world.act("alice", Kick("#a", "carol")).results == (
        Refusal(Reason.USER_NOT_IN_ROOM, "carol", "#a"),
    )
    assert world.act("carol", Kick("#a", "bob")).results == (Refusal(Reason.NOT_IN_ROOM, "#a"),)
    (kicked,) = world.act("alice", Kick("#a", "BOB", "out")).results
    assert isinstance(kicked, Kicked)
    assert (kicked.nick, kicked.reason) == ("bob", "out")
    assert list(room.members) == [world.user("alice").id]


def test_voice_and_operator_status_are_given_and_taken(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice", "bob")
    (changed,) = world.act("alice", plus("ov", "BOB", "bob")).results
    assert changed.changes == (ModeChange(True, "o", "bob"), ModeChange(True, "v", "bob"))  # type: ignore[union-attr]
    assert room.members[world.user("bob").id].status == OPERATOR | VOICE
    assert world.act("alice", plus("o", "bob")).results == ()
    world.open("carol")
    assert world.act("alice", plus("ov", "carol", "nobody")).results == (
        Refusal(Reason.USER_NOT_IN_ROOM, "carol", "#a"),
        Refusal(Reason.NO_SUCH_NICK, "nobody"),
    )


def test_only_operators_change_modes(world: ChatWorld) -> None:
    world.room_with("#a", "alice", "bob")
    refusal = (Refusal(Reason.NOT_OPERATOR, "#a"),)
    assert world.act("bob", plus("im")).results == refusal
    world.open("carol")
    assert world.act("carol", plus("m")).results == refusal
    assert world.act("alice", SetRoomModes("#x", ())).results == (
        Refusal(Reason.NO_SUCH_ROOM, "#x"),
    )


def test_only_what_changed_is_shown(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice")
    (changed,) = world.act("alice", plus("nmt")).results
    assert changed.changes == (ModeChange(True, "m"),)  # type: ignore[union-attr]
    assert room.modes == "mnt"


def test_keys_and_limits(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice")
    for key in ("a b", "a,b", "x" * 33, ""):
        assert world.act("alice", plus("k", key)).results == (Refusal(Reason.BAD_KEY_FORMAT, "#a"),)
    world.act("alice", plus("kl", "sesame", "10"))
    assert (room.key, room.limit) == ("sesame", 10)
    for limit in ("0", "-1", "ten", "\u0663", "9" * 12):
        assert world.act("alice", plus("l", limit)).results == ()
    (changed,) = world.act(
        "alice", SetRoomModes("#a", (ModeChange(False, "k", "?"), ModeChange(False, "l")))
    ).results
    assert changed.changes == (ModeChange(False, "k", "sesame"), ModeChange(False, "l"))  # type: ignore[union-attr]
    assert (room.key, room.limit) == ("", 0)


def test_lists_hold_each_mask_once_and_not_too_many(world: ChatWorld) -> None:
    world.command(Configure(Settings(list_entries_max=2)))
    room = world.room_with("#a", "alice")
    world.act("alice", plus("b", "Bob"))
    assert world.act("alice", plus("b", "bOB!*@*")).results == ()
    world.act("alice", plus("e", "bob"))
    assert world.act("alice", plus("I", "bob")).results == (Refusal(Reason.LIST_FULL, "#a", "I"),)
    assert [entry.mask for entry in room.bans.values()] == ["Bob!*@*"]
    world.act("alice", SetRoomModes("#a", (ModeChange(False, "b", "bob"),)))
    assert not room.bans


@pytest.mark.parametrize("mask", ["", ":bob", "bob +o mallory", "b\tb", "x" * 300])
def test_a_mask_that_cannot_stand_in_a_line_is_ignored(world: ChatWorld, mask: str) -> None:
    room = world.room_with("#a", "alice")
    assert world.act("alice", plus("b", mask)).results == ()
    assert not room.bans


def test_a_room_without_members_cannot_be_invited_to(world: ChatWorld) -> None:
    world.room_with("#a", "alice")
    world.open("bob")
    results = world.act("alice", Part("#a"), Invite("#a", "bob")).results
    assert results[1:] == (Refusal(Reason.NO_SUCH_ROOM, "#a"),)


def test_only_an_operators_invitation_opens_an_invite_only_room(world: ChatWorld) -> None:
    world.room_with("#a", "alice", "bob")
    world.open("carol")
    assert world.act("bob", Invite("#a", "carol")).results
    world.act("alice", plus("i"))
    assert world.act("carol", Join("#a")).results == (Refusal(Reason.INVITE_ONLY, "#a"),)


def test_no_two_rooms_have_the_same_id_however_much_a_line_does(world: ChatWorld) -> None:
    world.open("alice")
    for number in range(70):
        world.act("alice", Join(f"#{number}"))
    world.act("alice", PartAll(), Join("#new"))
    for number in range(10):
        world.act("alice", PartAll(), *(Join(f"#{number}.{again}") for again in range(7)))
    assert len({room.id for room in world.state.rooms.values()}) == 141


def test_a_full_room_that_is_emptied_takes_any_number_again(world: ChatWorld) -> None:
    room = world.room_with("#a", "alice")
    world.act("alice", plus("l", "1"), Part("#a"))
    assert room.limit == 0
    world.room_with("#a", "alice", "bob")
    assert len(room.members) == 2
