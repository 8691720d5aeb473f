"""+H: whoever may enter a room may read its history without entering."""

import pytest

from roost.irc.message import Message
from support.dialogue import Client, World

CAPABILITIES = ("draft/chathistory", "batch", "standard-replies", "soju.im/search")
ASK = ("CHATHISTORY LATEST #room * 10", "SEARCH text=hello;in=#room")


def town(*modes: str) -> tuple[World, Client, Client]:
    """Ann, who runs #room, said "hello there" in it; Bob is not in it."""
    world = World()
    ann, bob = world.register("ann"), world.register("bob", *CAPABILITIES)
    ann.send("JOIN #room", "PRIVMSG #room :hello there", *(f"MODE #room {mode}" for mode in modes))
    for client in (ann, bob):
        client.lines()
    return world, ann, bob


def ask(client: Client, line: str) -> list[Message]:
    client.send(line)
    return client.messages()


@pytest.mark.parametrize("line", ASK)
def test_without_it_only_members_read(line: str) -> None:
    """The server MUST verify the current user's identity matches that of the desired content."""
    _, ann, bob = town()
    (failure,) = ask(bob, line)
    assert failure.command == "FAIL"
    assert failure.parameters[1] in ("INVALID_TARGET", "INVALID_PARAMS")
    bob.send("JOIN #room")
    bob.lines()
    assert any("hello there" in message.parameters for message in ask(bob, line))
    ann.lines()


@pytest.mark.parametrize("line", ASK)
def test_with_it_whoever_may_enter_reads_and_is_not_seen(line: str) -> None:
    _, ann, bob = town("+H")
    assert any("hello there" in message.parameters for message in ask(bob, line))
    ann.expect_nothing()


@pytest.mark.parametrize("mode", ["+i", "+k key", "+s", "+R", "+b *!*@host", "+l 1"])
@pytest.mark.parametrize("line", ASK)
def test_a_room_that_is_closed_to_somebody_is_so_with_it_too(mode: str, line: str) -> None:
    _, _, bob = town("+H", mode)
    (failure,) = ask(bob, line)
    assert failure.command == "FAIL"


def test_outsiders_take_nothing_back() -> None:
    """`FAIL REDACT INVALID_TARGET`"""
    world, ann, _ = town("+H", "-n")
    bob = world.register("bert", *CAPABILITIES, "echo-message", "message-tags")
    bob.send("PRIVMSG #room :from outside")
    identity = dict(bob.messages()[0].tags)["msgid"]
    ann.lines()
    bob.send(f"REDACT #room {identity}")
    assert bob.messages()[0].parameters[:2] == ("REDACT", "INVALID_TARGET")
    ann.expect_nothing()


def test_a_room_that_nobody_is_in_can_be_read_until_it_was_private() -> None:
    _, ann, bob = town("+H")
    ann.send("PART #room")
    assert any("hello there" in message.parameters for message in ask(bob, ASK[0]))
    _, ann, bob = town("+H", "+i")
    ann.send("PART #room")
    assert [message.command for message in ask(bob, ASK[0])] == ["BATCH", "BATCH"]
