"""account-notify (ircv3.net/specs/extensions/account-notify)."""

import pytest

from roost.chat.commands import Act
from roost.chat.commands.accounts import LogIn, LogOut
from roost.chat.ids import AccountId, FoldedAccount, SessionId
from support.dialogue import Client, World
from unit.ircd.serving.test_takeover import cut_off, move


def account(world: World, name: str) -> AccountId:
    world.own(world.connect(), name)
    return world.state.accounts[FoldedAccount(name.lower())].id


def in_room(world: World, nick: str, *capabilities: str, node: int = 0) -> Client:
    client = world.register(nick, *capabilities, node=node)
    client.send("JOIN #a")
    client.lines()
    return client


def test_common_rooms_are_told_of_logging_in_and_out() -> None:
    """When enabled, clients will get the ACCOUNT message to designate the account name changes
    for clients on common channels with them [...] :nick!user@host ACCOUNT accountname [...]
    :nick!user@host ACCOUNT *"""
    world = World(nodes=2)
    alice = in_room(world, "alice")
    bob = in_room(world, "bob", "account-notify", node=1)
    plain = in_room(world, "carol")
    stranger = world.register("dave", "account-notify")
    for client in (alice, bob, plain):
        client.lines()
    world.act(alice, LogIn(account(world, "Eve")))
    world.act(alice, LogOut())
    bob.expect(":alice!alice@host ACCOUNT Eve", ":alice!alice@host ACCOUNT *")
    plain.expect_nothing()
    stranger.expect_nothing()


def test_nothing_is_told_when_nothing_changed() -> None:
    world = World()
    alice, bob = in_room(world, "alice"), in_room(world, "bob", "account-notify")
    eve = account(world, "Eve")
    world.act(alice, LogIn(eve))
    bob.lines()
    world.act(alice, LogIn(eve))
    bob.expect_nothing()


@pytest.mark.parametrize("has_it", [True, False])
def test_client_is_told_of_its_own_account(has_it: bool) -> None:
    """[...] for clients on common channels with them, including themselves."""
    world = World(nodes=2)
    alice = world.register("alice", *(["account-notify"] if has_it else []))
    served = cut_off(world, alice)
    # A line of hers, which is answered by the next node.
    alice.sent.append(b"PONG roost")
    session, log_in = SessionId(alice.session), LogIn(account(world, "Eve"))
    world.order(Act(session, alice.generation, len(alice.sent), (log_in,)))
    move(world, alice, 1, served)
    told = [line for line in alice.lines() if " ACCOUNT " in line]
    assert told == ([":alice!alice@host ACCOUNT Eve"] if has_it else [])


def test_session_that_moved_is_told_what_it_missed() -> None:
    world = World(nodes=2)
    alice = in_room(world, "alice", node=1)
    bob = in_room(world, "bob", "account-notify")
    served = cut_off(world, bob)
    world.act(alice, LogIn(account(world, "Eve")))
    move(world, bob, 1, served)
    bob.expect(":alice!alice@host ACCOUNT Eve")
