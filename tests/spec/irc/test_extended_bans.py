"""Bans on accounts, and rooms for those who have one (IRCv3, extensions/account-extban)."""

import pytest

from support.dialogue import Client, World


def register(world: World, nick: str, account: str = "") -> Client:
    client = world.connect()
    if account:
        world.own(client, account)
    client.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}")
    assert "001" in client.commands()
    return client


def test_tokens_say_how_to_write_them() -> None:
    """Servers publishing the `ACCOUNTEXTBAN` token MUST also publish the `EXTBAN` token. The value
    of the `ACCOUNTEXTBAN` token is a comma-separated list of names for the extended ban type which
    matches account names."""
    client = World().connect()
    client.send("NICK alice", "USER alice 0 * :A")
    tokens = [
        word for line in client.messages() if line.command == "005" for word in line.parameters
    ]
    assert "EXTBAN=~,am" in tokens
    assert "ACCOUNTEXTBAN=a,account" in tokens


@pytest.mark.parametrize("entry", ["~a:bob", "~account:bob", "~account:b?b", "~a:*"])
def test_a_ban_on_an_account_counts_under_every_nickname(entry: str) -> None:
    """Servers MUST support matching exact account names. Servers MAY support matching account masks
    and other server-specific extensions."""
    world = World()
    alice = register(world, "alice")
    bob, other = register(world, "bob_", "Bob"), register(world, "bob2")
    alice.send("JOIN #a", f"MODE #a +b {entry}", "MODE #a b")
    shown = alice.lines()
    assert f":alice!alice@host MODE #a +b {entry}" in shown
    assert f":roost.local 367 alice #a {entry} alice!alice@host 1700000000" in shown
    bob.send("JOIN #a")
    bob.expect(":roost.local 474 bob_ #a :Cannot join channel (+b)")
    other.send("JOIN #a")
    assert "JOIN" in other.commands()
    alice.send(f"MODE #a -b {entry.upper() if entry[1] == 'a' else entry}")
    bob.send("JOIN #a")
    assert "JOIN" in bob.commands()


def test_who_is_banned_by_account_does_not_speak_and_an_exception_lets_them() -> None:
    world = World()
    alice, bob = register(world, "alice"), register(world, "bob", "bob")
    for client in (alice, bob):
        client.send("JOIN #a")
    alice.send("MODE #a +b ~a:b*")
    bob.lines()
    bob.send("PRIVMSG #a :x")
    bob.expect(":roost.local 404 bob #a :Cannot send to channel: you are banned (+b)")
    alice.send("MODE #a +e ~a:bob")
    bob.lines()
    alice.lines()
    bob.send("PRIVMSG #a :x")
    alice.expect(":bob!bob@host PRIVMSG #a x")


@pytest.mark.parametrize("entry", ["~m:bob", "~mute:*!*@host", "~M:~a:b?b"])
def test_who_is_muted_may_enter_and_be_voiced_but_not_speak(entry: str) -> None:
    """EXTBAN: "the types of extended bans that the server supports" (m: mute)."""
    world = World()
    alice, bob = register(world, "alice"), register(world, "bob", "bob")
    alice.send("JOIN #a", f"MODE #a +b {entry}")
    shown = {"~m:bob": "~m:bob!*@*", "~mute:*!*@host": "~m:*!*@host", "~M:~a:b?b": "~m:~a:b?b"}
    assert alice.lines()[-1] == f":alice!alice@host MODE #a +b {shown[entry]}"
    bob.send("JOIN #a")
    assert "JOIN" in bob.commands()
    alice.lines()
    bob.send("PRIVMSG #a :x")
    bob.expect(":roost.local 404 bob #a :Cannot send to channel: you are banned (+b)")
    alice.send("MODE #a +v bob")
    bob.lines()
    bob.send("PRIVMSG #a :voiced")
    alice.expect_some(":bob!bob@host PRIVMSG #a voiced")
    alice.send("MODE #a -v bob", "MODE #a +e ~m:~a:bob")
    bob.lines()
    bob.send("PRIVMSG #a :excepted")
    alice.expect_some(":bob!bob@host PRIVMSG #a excepted")
    alice.send("MODE #a -e ~m:~a:bob", f"MODE #a -b {entry}", "MODE #a b")
    alice.expect_some(f":alice!alice@host MODE #a -b {shown[entry]}", ":roost.local 368 alice ...")
    bob.send("PRIVMSG #a :free")
    alice.expect(":bob!bob@host PRIVMSG #a free")


@pytest.mark.parametrize("line", ["MODE #a +I ~m:*!*@x", "MODE #a +b ~m:", "MODE #a +b ~m:~x:y"])
def test_a_mute_that_mutes_nobody_is_refused(line: str) -> None:
    world = World()
    alice = register(world, "alice")
    alice.send("JOIN #a")
    alice.lines()
    alice.send(line)
    alice.expect(f":roost.local 696 alice #a {line[9]} {line[11:]} :Unknown extended ban")


def test_an_unknown_extended_ban_is_refused() -> None:
    world = World()
    alice = register(world, "alice")
    alice.send("JOIN #a")
    alice.lines()
    alice.send("MODE #a +b ~x:bob")
    alice.expect(":roost.local 696 alice #a b ~x:bob :Unknown extended ban")


def test_only_those_who_are_logged_in_may_enter_or_speak() -> None:
    world = World()
    alice, bob, eve = (
        register(world, "alice"),
        register(world, "bob", "bob"),
        register(world, "eve"),
    )
    for client in (alice, eve):
        client.send("JOIN #a")
    alice.send("MODE #a +M")
    eve.lines()
    eve.send("PRIVMSG #a :x", "PART #a")
    eve.expect(
        ":roost.local 404 eve #a :Cannot send to channel: log in to an account first (+M)",
        ":eve!eve@host PART #a",
    )
    alice.send("MODE #a +R")
    eve.send("JOIN #a")
    eve.expect(":roost.local 477 eve #a :Cannot join channel (+R), log in to an account first")
    bob.send("JOIN #a", "PRIVMSG #a :hello")
    assert bob.commands()[0] == "JOIN"
    assert ":bob!bob@host PRIVMSG #a :hello" in alice.lines()
