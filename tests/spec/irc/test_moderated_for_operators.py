"""+U: the operators of a room see what +m holds back, as in Ergo and InspIRCd."""

import pytest

from support.dialogue import Client, World


def town(modes: str) -> tuple[World, Client, Client, Client]:
    """Alice runs #a; Vera has voice; Bob has no status."""
    world = World()
    alice, vera, bob = world.join("#a", "alice", "vera", "bob")
    alice.send("MODE #a +v vera", f"MODE #a {modes}")
    for client in (alice, vera, bob):
        client.lines()
    return world, alice, vera, bob


@pytest.mark.parametrize("modes", ["+mU", "+MU"])
@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE"])
def test_operators_alone_see_it(modes: str, verb: str) -> None:
    """STATUSMSG: the message is sent to members with the given status or a higher one."""
    _, alice, vera, bob = town(modes)
    bob.send(f"{verb} #a :may I?")
    alice.expect(f":bob!bob@host {verb} @#a :may I?")
    vera.expect_nothing()
    bob.expect_nothing()


def test_the_echo_tells_who_saw_it() -> None:
    world, alice, _, _ = town("+mU")
    eve = world.register("eve", "echo-message")
    eve.send("JOIN #a")
    eve.lines()
    eve.send("PRIVMSG #a :hello", "PRIVMSG +#a :again")
    eve.expect(":eve!eve@host PRIVMSG @#a hello", ":eve!eve@host PRIVMSG @#a again")
    assert alice.commands() == ["JOIN", "PRIVMSG", "PRIVMSG"]


def test_it_is_in_no_history() -> None:
    world, _, _, bob = town("+mU")
    bob.send("PRIVMSG #a :secret")
    late = world.register("late", "draft/chathistory", "batch")
    late.send("JOIN #a", "CHATHISTORY LATEST #a * 10")
    assert not any("secret" in line for line in late.lines())


def test_who_may_speak_is_heard_by_all() -> None:
    _, alice, vera, bob = town("+mU")
    vera.send("PRIVMSG #a :hello")
    alice.expect(":vera!vera@host PRIVMSG #a hello")
    bob.expect(":vera!vera@host PRIVMSG #a hello")


@pytest.mark.parametrize("modes", ["+m", "+U-m+b ~m:bob!*@*", "+mU-n"])
def test_others_are_refused(modes: str) -> None:
    """Without the mode, when muted by a ban, and from outside."""
    _, alice, _, bob = town(modes)
    if "-n" in modes:
        bob.send("PART #a")
        alice.lines(), bob.lines()
    bob.send("PRIVMSG #a :hello")
    assert bob.commands() == ["404"]
    alice.expect_nothing()
