"""REDACT (ircv3.net/specs/extensions/message-redaction)."""

import pytest

from roost.chat.settings import Settings
from roost.irc.message import Message
from support.dialogue import Client, World
from unit.ircd.serving.test_takeover import cut_off, move

CAPABILITIES = ("draft/message-redaction", "message-tags", "echo-message", "batch")
HISTORY = ("draft/chathistory", "draft/event-playback")


def town(nodes: int = 1, settings: Settings | None = None) -> tuple[World, Client, Client]:
    """Let Ann create #a, so that she is its operator, and let Bob join."""
    world = World(nodes=nodes, settings=settings)
    ann = world.register("ann", *CAPABILITIES)
    bob = world.register("bob", *CAPABILITIES, node=nodes - 1)
    for client in (ann, bob):
        client.send("JOIN #channel")
    for client in (ann, bob):
        client.lines()
    return world, ann, bob


def say(client: Client, target: str, text: str = "an example") -> str:
    """Send a message; return its id, and drop what everybody saw of it."""
    client.lines()
    client.send(f"PRIVMSG {target} :{text}")
    echo = client.messages()[0]
    for other in client.world.clients.values():
        other.lines()
    return dict(echo.tags)["msgid"]


def history(client: Client, target: str) -> list[Message]:
    client.send(f"CHATHISTORY LATEST {target} * 50")
    return [m for m in client.messages() if m.command not in ("BATCH", "JOIN", "MODE")]


def test_ones_own_message_is_taken_back_for_everybody() -> None:
    """SHOULD forward this `REDACT`, with an appropriate prefix, to the target recipients that have
    negotiated the `draft/message-redaction` capability, in the same way as PRIVMSG messages. MUST
    not forward this `REDACT` to target recipients that have not negotiated this capability."""
    world, ann, bob = town()
    plain = world.register("carl", "message-tags")
    plain.send("JOIN #channel")
    identity = say(bob, "#channel")
    bob.send(f"REDACT #channel {identity} :bad example")
    for client in (ann, bob):
        (shown,) = client.messages()
        assert (shown.source, shown.command) == ("bob!bob@host", "REDACT")
        assert shown.parameters == ("#channel", identity, "bad example")
        assert dict(shown.tags)["msgid"] != identity
    plain.expect_nothing()


def test_a_room_operator_takes_back_what_others_said() -> None:
    """Deleting someone else's PRIVMSG"""
    _, ann, bob = town()
    identity = say(bob, "#channel")
    ann.send(f"REDACT #channel {identity} spam")
    (shown,) = bob.messages()
    assert shown.parameters == ("#channel", identity, "spam")


def test_others_may_not() -> None:
    """`FAIL REDACT REDACT_FORBIDDEN <target> <target-msgid> :You are not authorised to delete this
    message`"""
    _, ann, bob = town()
    identity = say(ann, "#channel")
    bob.send(f"REDACT #channel {identity}")
    text = "You are not authorised to delete this message"
    bob.expect(f":roost.local FAIL REDACT REDACT_FORBIDDEN #channel {identity} :{text}")
    ann.expect_nothing()


def test_the_time_for_ones_own_is_limited_but_not_an_operators() -> None:
    """`FAIL REDACT REDACT_WINDOW_EXPIRED <target> <target-msgid> <window> :You can no longer edit
    this message`"""
    world, ann, bob = town(settings=Settings(redaction_window_s=60.0))
    identity = say(bob, "#channel")
    world.time_ms += 61_000
    bob.send(f"REDACT #channel {identity}")
    bob.expect(f":roost.local FAIL REDACT REDACT_WINDOW_EXPIRED #channel {identity} 60 ...")
    ann.send(f"REDACT #channel {identity}")
    assert [message.command for message in bob.messages()] == ["REDACT"]


def test_what_is_not_there_cannot_be_taken_back() -> None:
    """`FAIL REDACT UNKNOWN_MSGID <target> <target-msgid> :This message does not exist or is too
    old`; `FAIL REDACT INVALID_TARGET <target> :You cannot delete messages from <target>`"""
    _, ann, bob = town()
    identity = say(bob, "#channel")
    unknown = ":roost.local FAIL REDACT UNKNOWN_MSGID {} {} ..."
    ann.send("REDACT #channel 00000000fff-00", "REDACT #channel nonsense", f"REDACT bob {identity}")
    ann.expect(
        unknown.format("#channel", "00000000fff-00"),
        unknown.format("#channel", "nonsense"),
        unknown.format("bob", identity),
    )
    ann.send("REDACT #elsewhere 00000000fff-00")
    ann.expect(":roost.local FAIL REDACT INVALID_TARGET #elsewhere ...")
    ann.send(f"REDACT #channel {identity}", f"REDACT #channel {identity}")
    assert [message.command for message in ann.messages()] == ["REDACT", "FAIL"]


def test_private_messages_are_taken_back_on_both_sides() -> None:
    world, ann, bob = town()
    identity = say(bob, "ann", "oops")
    ann.send(f"REDACT bob {identity}")
    ann.expect(f":roost.local FAIL REDACT REDACT_FORBIDDEN bob {identity} ...")
    bob.send(f"REDACT ann {identity}")
    for client in (ann, bob):
        (shown,) = client.messages()
        assert shown.parameters == ("ann", identity)
    assert all(b"oops" not in row.record for row in world.history.rows)
    assert not history(ann, "bob")
    assert not history(bob, "ann")


def test_history_has_it_as_taken_back() -> None:
    """After a message is redacted, `chathistory` responses SHOULD [...] replace its second
    parameter (if it is a `PRIVMSG` or `NOTICE`) and/or tags with a placeholder and add the `REDACT`
    message to the response"""
    world, _, bob = town()
    identity = say(bob, "#channel", "secret words")
    say(bob, "#channel", "something else")
    bob.send(f"REDACT #channel {identity}")
    bob.lines()
    assert [m.parameters[-1] for m in history(bob, "#channel")] == ["something else"]
    knowing = world.register("dora", *CAPABILITIES, *HISTORY)
    unknowing = world.register("emil", "message-tags", "batch", *HISTORY)
    for client in (knowing, unknowing):
        client.send("JOIN #channel")
        client.lines()
    shown = [(m.command, m.parameters[-1]) for m in history(knowing, "#channel")]
    assert shown == [
        ("PRIVMSG", "(taken back)"),
        ("PRIVMSG", "something else"),
        ("REDACT", identity),
    ]
    shown = [(m.command, m.parameters[-1]) for m in history(unknowing, "#channel")]
    assert shown == [("PRIVMSG", "something else")]
    assert all(b"secret words" not in row.record for row in world.history.rows)


def test_a_reaction_is_taken_back() -> None:
    """Deleting a TAGMSG"""
    _, ann, bob = town()
    bob.send("@+draft/react=x TAGMSG #channel")
    (echo,) = bob.messages()
    ann.lines()
    bob.send(f"REDACT #channel {dict(echo.tags)['msgid']}")
    assert [m.command for m in ann.messages()] == ["REDACT"]


@pytest.mark.parametrize("target", ["#channel", "ann"])
def test_who_moves_is_told_what_it_missed(target: str) -> None:
    _, ann, bob = town(nodes=2)
    identity = say(bob, target)
    served = cut_off(ann.world, ann)
    bob.send(f"REDACT {target} {identity}")
    move(ann.world, ann, 1, served)
    (shown,) = ann.messages()
    assert shown.parameters == (target, identity)


def test_a_node_that_takes_over_redacts_once() -> None:
    _, ann, bob = town(nodes=2)
    identity = say(bob, "#channel")
    served = cut_off(bob.world, bob)
    bob.sent.append(f"REDACT #channel {identity}".encode())
    move(bob.world, bob, 0, served)
    assert [m.command for m in bob.messages()] == ["REDACT"]
    assert [m.command for m in ann.messages()] == ["REDACT"]
