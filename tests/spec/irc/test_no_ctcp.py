"""+C: no CTCP in a room (modern.ircdocs.horse/ctcp)."""

import pytest

from support.dialogue import World

DELIMITER = "\x01"


def test_ctcp_is_refused_to_everybody() -> None:
    """CTCP messages sent to a channel make every client in it reply at once."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("MODE #a +C")
    alice.lines(), bob.lines()
    for client in (alice, bob):
        client.send(f"PRIVMSG #a :{DELIMITER}VERSION{DELIMITER}")
        nick = "alice" if client is alice else "bob"
        text = "Cannot send to channel: CTCP is not allowed here (+C)"
        client.expect(f":roost.local 404 {nick} #a :{text}")
    bob.send(f"NOTICE #a :{DELIMITER}PING 1{DELIMITER}", f"PRIVMSG @#a :{DELIMITER}PING")
    alice.expect_nothing()
    assert bob.commands() == ["404"]


@pytest.mark.parametrize(
    "text",
    [f"{DELIMITER}ACTION waves{DELIMITER}", f"{DELIMITER}action waves", "hello", f"a{DELIMITER}"],
)
def test_actions_and_texts_are_not(text: str) -> None:
    """ACTION: this extended formatting message shows that <text> should be displayed as a
    third-person action or emote."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("MODE #a +C")
    bob.lines()
    alice.send(f"PRIVMSG #a :{text}")
    bob.expect(f":alice!alice@host PRIVMSG #a :{text}")


@pytest.mark.parametrize("word", ["ACTIONS", "XACTION", "", "ACTIO"])
def test_what_only_begins_like_an_action_is_ctcp(word: str) -> None:
    """The command is the whole word after the delimiter."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("MODE #a +C")
    bob.lines()
    alice.send(f"PRIVMSG #a :{DELIMITER}{word} x{DELIMITER}")
    bob.expect_nothing()


def test_no_line_of_several_can_be_ctcp() -> None:
    world = World()
    alice = world.register("alice", "draft/multiline", "batch", "standard-replies")
    bob = world.register("bob")
    alice.send("JOIN #a", "MODE #a +C")
    bob.send("JOIN #a")
    bob.lines()
    alice.send("BATCH +1 draft/multiline #a", "@batch=1 PRIVMSG #a :hello")
    alice.send(f"@batch=1 PRIVMSG #a :{DELIMITER}VERSION{DELIMITER}", "BATCH -1")
    bob.expect_nothing()


def test_private_ctcp_and_other_rooms_are_not_concerned() -> None:
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    alice.send("MODE #a +C")
    bob.lines()
    alice.send(f"PRIVMSG bob :{DELIMITER}VERSION{DELIMITER}")
    assert bob.commands() == ["PRIVMSG"]
