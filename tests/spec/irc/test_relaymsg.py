"""draft/relaymsg (ircv3.net/specs/extensions/relaymsg)."""

import pytest

from support.dialogue import Client, World, parse


def town(nodes: int = 1) -> tuple[World, Client, Client, Client]:
    """A bridge that runs #a, Alice who knows of it, and Bob who does not."""
    world = World(nodes=nodes)
    bridge = world.register("bridge", "draft/relaymsg", "message-tags", "standard-replies")
    alice = world.register("alice", "draft/relaymsg", "message-tags")
    bob = world.register("bob", "message-tags", "account-tag")
    for client in (bridge, alice, bob):
        client.send("JOIN #a")
    for client in (bridge, alice, bob):
        client.lines()
    return world, bridge, alice, bob


def test_the_capability_names_the_separator() -> None:
    """If this capability has a value, the given characters are 'nickname separators'."""
    client = World().connect()
    client.send("CAP LS 302")
    assert any("draft/relaymsg=/" in line for line in client.lines())


def test_it_becomes_a_message_of_whom_it_is_for() -> None:
    """Upon receiving this command, the IRCd will translate the message to a PRIVMSG. The capability
    also lets clients receive the `relaymsg` message tag, which is set to the nick of the sender."""
    _, bridge, alice, bob = town()
    bridge.send("@+draft/reply=x RELAYMSG #A smith/discord :Hello there")
    (seen,) = alice.messages()
    assert seen.source == "smith/discord!bridge@host"
    assert (seen.command, seen.parameters) == ("PRIVMSG", ("#a", "Hello there"))
    assert dict(seen.tags)["draft/relaymsg"] == "bridge"
    assert dict(seen.tags)["+draft/reply"] == "x"
    (seen,) = bob.messages()
    assert "draft/relaymsg" not in dict(seen.tags)
    assert seen.source == "smith/discord!bridge@host"
    bridge.expect_nothing()


def test_the_bridge_tells_its_echo_by_the_tag() -> None:
    """This allows the sender to distinguish relayed messages from those sent by other clients."""
    world = World()
    bridge = world.register("bridge", "draft/relaymsg", "message-tags", "echo-message")
    bridge.send("JOIN #a")
    bridge.lines()
    bridge.send("RELAYMSG #a smith/x hi")
    (echo,) = bridge.messages()
    assert dict(echo.tags)["draft/relaymsg"] == "bridge"


def test_history_shows_it_alike() -> None:
    world, bridge, alice, _ = town()
    bridge.send("RELAYMSG #a smith/discord :Hello there")
    (live,) = alice.lines()
    late = world.register("late", "draft/relaymsg", "message-tags", "draft/chathistory", "batch")
    late.send("JOIN #a")
    late.lines()
    late.send("CHATHISTORY LATEST #a * 1")
    (told,) = [line for line in late.messages() if line.command == "PRIVMSG"]
    assert told.source == parse(live).source
    assert dict(told.tags)["draft/relaymsg"] == "bridge"


def test_clients_without_the_capability_cannot() -> None:
    """Clients MUST request the `draft/relaymsg` capability before using this command."""
    world = World()
    (alice,) = world.join("#a", "alice")
    alice.send("RELAYMSG #a smith/x :hi")
    text = "*** RELAYMSG failed: Request the capability draft/relaymsg first"
    alice.expect(f":roost.local NOTICE alice :{text}")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("RELAYMSG #none smith/x :hi", "403"),
        ("RELAYMSG #a smith/x :", "412"),
        ("RELAYMSG #a smith/x", "461"),
        ("RELAYMSG #a smith/x :hi", "482"),
    ],
)
def test_only_operators_of_the_room_can(line: str, answer: str) -> None:
    """Restricting RELAYMSG to IRC operators, channel operators, or other approved users."""
    _, _, alice, bob = town()
    alice.send(line)
    assert alice.commands() == [answer]
    bob.expect_nothing()


def test_only_members_can() -> None:
    """Checking that the sender is in the target channel."""
    _, bridge, _, bob = town()
    bridge.send("PART #a")
    bridge.lines()
    bob.lines()
    bridge.send("RELAYMSG #a smith/x :hi")
    assert bridge.commands() == ["442"]


@pytest.mark.parametrize(
    "nick",
    ["smith", "a!b/c", "a@b/c", "~a/b", "+a/b", "a:/b", "#a/b", "a.b/c", "a\x02/b", "a\u202e/b",
     "a\u200b/b", "x" * 63 + "/x", "é" * 32 + "/"],
)  # fmt: skip
def test_what_could_be_mistaken_is_refused(nick: str) -> None:
    """Servers MUST also sanitize or reject nicks that contain reserved IRC characters, including
    `!+%@&#$:'"?*,.` and whitespace."""
    _, bridge, alice, _ = town()
    bridge.send(f"RELAYMSG #a {nick} :hi")
    (failure,) = bridge.messages()
    assert failure.parameters[:2] == ("RELAYMSG", "INVALID_NICK")
    alice.expect_nothing()


@pytest.mark.parametrize("nick", ["Ünal/matrix", "王/d", "a/b/c", "[x]-1/irc", "x" * 62 + "/x"])
def test_other_names_are_taken(nick: str) -> None:
    """Implementations may choose to accept UTF-8 text."""
    _, bridge, alice, _ = town()
    bridge.send(f"RELAYMSG #a {nick} :hi")
    (seen,) = alice.messages()
    assert seen.source == f"{nick}!bridge@host"


def test_modes_of_the_room_hold() -> None:
    _, bridge, alice, _ = town()
    bridge.send("MODE #a +C")
    bridge.lines(), alice.lines()
    bridge.send("RELAYMSG #a smith/x :\x01VERSION\x01")
    assert bridge.commands() == ["404"]
    alice.expect_nothing()
