import pytest

from roost.chat.changes import OPERATOR, VOICE, Said
from roost.chat.commands.messages import Say
from roost.chat.commands.modes import ModeChange, SetRoomModes
from roost.chat.commands.users import SetAway
from roost.chat.refusals import Reason, Refusal
from support.chat_world import ChatWorld


@pytest.fixture
def world() -> ChatWorld:
    world = ChatWorld()
    world.room_with("#a", "alice", "bob")
    return world


def modes(world: ChatWorld, *changes: ModeChange) -> None:
    world.act("alice", SetRoomModes("#a", changes))


def said(world: ChatWorld, nick: str, target: str, verb: str = "PRIVMSG") -> Said:
    (change,) = world.act(nick, Say(verb, target, "hi", (("+x", "y"),))).results
    assert isinstance(change, Said)
    return change


def test_a_message_to_a_room_carries_all_that_is_shown(world: ChatWorld) -> None:
    change = said(world, "bob", "#A")
    assert change.source.nick == "bob"
    assert (change.target, change.room, change.recipient) == ("#a", world.room("#a").id, 0)
    assert change.tags == (("+x", "y"),)
    assert change.recipient_identity == ""


@pytest.mark.parametrize(
    ("target", "shown", "status"),
    [("@#a", "@#a", OPERATOR), ("+#a", "+#a", VOICE), ("@+#a", "+#a", VOICE)],
)
def test_a_message_can_be_for_some_of_a_room(
    world: ChatWorld, target: str, shown: str, status: int
) -> None:
    change = said(world, "alice", target)
    assert (change.target, change.minimum_status) == (shown, status)


def test_a_private_message_tells_the_sender_of_absence(world: ChatWorld) -> None:
    world.act("bob", SetAway("lunch"))
    change = said(world, "alice", "BOB")
    assert (change.target, change.recipient, change.away) == ("bob", world.user("bob").id, "lunch")
    assert change.recipient_identity == f"u:{world.user('bob').id}"
    assert said(world, "alice", "bob", "NOTICE").away == ""


def test_nobody_is_not_there(world: ChatWorld) -> None:
    assert world.act("alice", Say("PRIVMSG", "nobody", "x")).results == (
        Refusal(Reason.NO_SUCH_NICK, "nobody"),
    )
    assert world.act("alice", Say("TAGMSG", "#nowhere", "")).results == (
        Refusal(Reason.NO_SUCH_ROOM, "#nowhere"),
    )


def test_outsiders_speak_only_where_they_may(world: ChatWorld) -> None:
    world.open("carol")
    assert world.act("carol", Say("PRIVMSG", "#a", "x")).results == (
        Refusal(Reason.CANNOT_SEND, "#a", "n"),
    )
    modes(world, ModeChange(False, "n"))
    assert said(world, "carol", "#a").source.nick == "carol"
    modes(world, ModeChange(True, "m"))
    assert world.act("carol", Say("PRIVMSG", "#a", "x")).results == (
        Refusal(Reason.CANNOT_SEND, "#a", "m"),
    )


def test_moderation_and_bans_silence_whoever_has_no_status(world: ChatWorld) -> None:
    modes(world, ModeChange(True, "m"))
    assert world.act("bob", Say("PRIVMSG", "#a", "x")).results == (
        Refusal(Reason.CANNOT_SEND, "#a", "m"),
    )
    modes(world, ModeChange(True, "v", "bob"), ModeChange(True, "b", "bob"))
    assert said(world, "bob", "#a").text == "hi"
    modes(world, ModeChange(False, "m"), ModeChange(False, "v", "bob"))
    assert world.act("bob", Say("PRIVMSG", "#a", "x")).results == (
        Refusal(Reason.CANNOT_SEND, "#a", "b"),
    )
    modes(world, ModeChange(True, "e", "*!*@host"))
    assert said(world, "bob", "#a").text == "hi"


def test_a_notice_is_never_answered(world: ChatWorld) -> None:
    world.open("carol")
    for target in ("nobody", "#nowhere", "#a"):
        assert world.act("carol", Say("NOTICE", target, "x")).results == ()


def test_several_targets_are_numbered_parts_of_one_entry(world: ChatWorld) -> None:
    results = world.act(
        "alice", Say("PRIVMSG", "#a", "x"), Say("PRIVMSG", "no", "x"), Say("PRIVMSG", "bob", "x")
    ).results
    assert [getattr(result, "part", None) for result in results] == [0, None, 1]


def test_speaking_is_what_idle_time_is_counted_from(world: ChatWorld) -> None:
    applied = world.act("bob", Say("PRIVMSG", "#a", "x"))
    assert world.user("bob").active_ms == applied.time_ms
