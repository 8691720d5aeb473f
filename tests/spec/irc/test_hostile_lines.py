"""Bad lines: UTF8ONLY, NUL, too long (ircv3.net/specs/extensions/utf8-only)."""

import pytest

from support.dialogue import World


@pytest.mark.parametrize("capabilities", [(), ("standard-replies",)])
def test_line_that_is_not_utf8_is_refused(capabilities: tuple[str, ...]) -> None:
    """When sent with the `FAIL` command, it indicates that the client's message was rejected
    because it contained invalid UTF-8 data."""
    alice = World().register("alice", *capabilities)
    alice.send(b"PRIVMSG alice :caf\xe9", b"\xff\xfe")
    text = "Message rejected, your IRC software MUST use UTF-8 encoding on this network"
    alice.expect(
        f":roost.local FAIL PRIVMSG INVALID_UTF8 :{text}",
        f":roost.local FAIL * INVALID_UTF8 :{text}",
    )


def test_line_with_nul_is_refused() -> None:
    world = World()
    alice = world.register("alice")
    alice.send(b"PRIVMSG alice :a\0b")
    alice.expect(
        ":roost.local NOTICE alice :*** Line failed: A line must not contain NUL, CR or LF"
    )
    bob = world.register("bob", "standard-replies")
    bob.send(b"PRIVMSG alice :a\0b")
    bob.expect(
        ":roost.local FAIL * FORBIDDEN_BYTE :A line must not contain NUL, CR or LF",
    )


@pytest.mark.parametrize(
    "line",
    [
        None,
        "PRIVMSG alice :" + "x" * 496,
        "@+a=" + "x" * 4092 + " PRIVMSG alice :hi",
    ],
)
def test_line_that_is_too_long_is_refused(line: str | None) -> None:
    """Servers MUST reply with the `ERR_INPUTTOOLONG` (`417`) error numeric if a client sends a
    message with more tag data than the allowed limit."""
    alice = World().register("alice")
    alice.send(line, "PING x")
    alice.expect(
        ":roost.local 417 alice :Input line was too long", ":roost.local PONG roost.local x"
    )


def test_empty_lines_are_ignored() -> None:
    """Servers and clients MUST ignore empty lines."""
    alice = World().register("alice")
    alice.send("", "   ", "PING x")
    alice.expect(":roost.local PONG roost.local x")


def test_relayed_text_is_cut_between_characters_alike_for_all() -> None:
    world = World()
    alice, bob, carol = world.join("#a", "alice", "bob", "carol")
    carol.send("CAP REQ :message-tags server-time")
    alice.send("CAP REQ echo-message")
    for client in (alice, carol):
        client.lines()
    alice.send("PRIVMSG #a :" + "\u20ac" * 166)
    seen = bob.lines()[0]
    assert len(seen.encode()) <= 510
    assert len(seen.encode()) > 506
    assert seen.endswith("\u20ac")
    assert carol.lines()[0].endswith(seen)
    assert alice.lines() == [seen]
