"""User mode R and ACCEPT, which no specification has: as Solanum, Hybrid and Ergo do it."""

import pytest

from roost.chat.commands.operators import BecomeOperator
from roost.chat.settings import Settings
from support.dialogue import Client, World

REFUSAL = (
    ":roost.local 486 bob {} :"
    "They only accept messages from people who are logged in to an account (+R)"
)


def town(settings: Settings | None = None) -> tuple[World, Client, Client]:
    """Alice accepts only registered people; Bob is none."""
    world = World(settings=settings)
    alice = world.register("alice", "message-tags")
    bob = world.register("bob", "message-tags")
    alice.send("MODE alice +R")
    alice.expect(":alice!alice@host MODE alice +R")
    bob.lines()
    return world, alice, bob


@pytest.mark.parametrize(
    "line", ["PRIVMSG ALICE :hi", "@+x=y TAGMSG ALICE", "@+typing=active TAGMSG ALICE"]
)
def test_who_has_no_account_cannot_write(line: str) -> None:
    _, alice, bob = town()
    bob.send(line)
    bob.expect(REFUSAL.format("ALICE"))
    alice.expect_nothing()


def test_notices_are_dropped_in_silence() -> None:
    """Automatic replies must never be sent in response to a NOTICE message."""
    _, alice, bob = town()
    bob.send("NOTICE alice :hi")
    bob.expect_nothing()
    alice.expect_nothing()


def test_whoever_is_logged_in_or_an_operator_can() -> None:
    world, alice, bob = town()
    carol = world.register("carol", account="Carol")
    carol.send("PRIVMSG alice :hi")
    world.act(bob, BecomeOperator("admin"))
    bob.send("PRIVMSG alice :hello")
    alice.send("PRIVMSG alice :myself")
    assert alice.commands() == ["PRIVMSG", "PRIVMSG", "PRIVMSG"]


def test_rooms_are_not_concerned() -> None:
    _, alice, bob = town()
    alice.send("JOIN #a")
    bob.send("JOIN #a")
    alice.lines()
    bob.send("PRIVMSG #a :hi")
    assert alice.commands() == ["PRIVMSG"]


def test_accepting_and_no_longer() -> None:
    _, alice, bob = town()
    alice.send("ACCEPT bob", "ACCEPT *", "ACCEPT BOB")
    alice.expect(
        ":roost.local 281 alice bob",
        ":roost.local 282 alice :End of /ACCEPT list",
        ":roost.local 457 alice bob :is already on your accept list",
    )
    bob.send("PRIVMSG alice :hi")
    assert alice.commands() == ["PRIVMSG"]
    alice.send("ACCEPT -bob", "ACCEPT -bob", "ACCEPT nobody")
    alice.expect(
        ":roost.local 458 alice bob :is not on your accept list",
        ":roost.local 401 alice nobody :No such nick/channel",
    )
    bob.send("PRIVMSG alice :hi")
    assert bob.commands() == ["486"]


def test_a_new_nickname_stays_accepted_and_its_former_one_is_not() -> None:
    """What was somebody's stays theirs."""
    world, alice, bob = town()
    alice.send("ACCEPT bob")
    bob.send("NICK rob", "PRIVMSG alice :still me")
    assert alice.commands() == ["PRIVMSG"]
    other = world.register("bob")
    other.send("PRIVMSG alice :not me")
    assert other.commands()[-1] == "486"


def test_who_is_written_to_can_answer() -> None:
    _, alice, bob = town()
    alice.send("PRIVMSG bob :hello?")
    bob.send("PRIVMSG alice :hi")
    assert alice.commands() == ["PRIVMSG"]


def test_full_list_is_said() -> None:
    world, alice, bob = town(Settings(accept_entries_max=1))
    carol = world.register("carol")
    alice.send("ACCEPT bob,carol", "PRIVMSG carol :hi")
    alice.expect(":roost.local 456 alice carol :Accept list is full")
    carol.send("PRIVMSG alice :hi")
    assert carol.commands()[-1] == "486"
    # People who have left take no place.
    bob.send("QUIT")
    alice.send("ACCEPT carol")
    alice.expect_nothing()


def test_list_is_the_same_on_every_node() -> None:
    world = World(nodes=2)
    alice, bob = world.register("alice", node=0), world.register("bob", node=1)
    alice.send("MODE alice +R", "ACCEPT bob")
    alice.lines()
    bob.send("PRIVMSG alice :hi")
    assert alice.commands() == ["PRIVMSG"]
