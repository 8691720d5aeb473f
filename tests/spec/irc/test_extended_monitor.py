"""extended-monitor (ircv3.net/specs/extensions/extended-monitor)."""

import pytest

from roost.chat.commands.accounts import LogIn
from roost.chat.ids import FoldedAccount
from support.dialogue import Client, World
from unit.ircd.serving.test_takeover import cut_off, move

MASK = ":alice!alice@host"
TOLD = [
    ("away-notify", "AWAY :tea", f"{MASK} AWAY tea"),
    ("setname", "SETNAME :Al", f"{MASK} SETNAME Al"),
    ("account-notify", "log in", f"{MASK} ACCOUNT Eve"),
    ("chghost", "log in", f"{MASK} CHGHOST alice of.eve"),
]


def do(world: World, alice: Client, line: str, host: str = "of.eve") -> None:
    if line != "log in":
        alice.send(line)
        return
    world.own(world.connect(), "Eve")
    known = world.state.accounts[FoldedAccount("eve")]
    known.virtual_host = host
    world.act(alice, LogIn(known.id))


@pytest.mark.parametrize(("capability", "line", "told"), TOLD)
def test_watchers_are_told_what_they_asked_for(capability: str, line: str, told: str) -> None:
    """When enabled by the client: - If `away-notify` is also enabled, the client will get AWAY
    notifications for monitored nicks. - If `account-notify` [...] ACCOUNT [...] `chghost` [...]
    CHGHOST [...] `setname` [...] SETNAME notifications for monitored nicks."""
    world = World(nodes=2)
    alice = world.register("alice")
    watcher = world.register("bob", "extended-monitor", capability, node=1)
    without = world.register("carol", "extended-monitor")
    plain = world.register("dave", capability)
    for client in (watcher, without, plain):
        client.send("MONITOR + ALICE")
        client.lines()
    do(world, alice, line)
    watcher.expect(told)
    without.expect_nothing()
    plain.expect_nothing()
    watcher.send("MONITOR - alice")
    alice.send("AWAY :more", "SETNAME :Other", "AWAY")
    watcher.expect_nothing()


@pytest.mark.parametrize(("capability", "line", "told"), TOLD)
def test_who_also_shares_a_room_is_told_once(capability: str, line: str, told: str) -> None:
    world = World()
    alice = world.register("alice")
    watcher = world.register("bob", "extended-monitor", capability)
    for client in (alice, watcher):
        client.send("JOIN #a")
    watcher.send("MONITOR + alice")
    watcher.lines()
    do(world, alice, line, "of.eve" if capability == "chghost" else "")
    watcher.expect(told)


@pytest.mark.parametrize(("capability", "line", "told"), TOLD)
def test_a_watcher_that_moved_is_told_what_it_missed(capability: str, line: str, told: str) -> None:
    world = World(nodes=3)
    alice = world.register("alice")
    watcher = world.register("bob", "extended-monitor", capability, node=1)
    without = world.register("carol", capability, node=1)
    for client in (watcher, without):
        client.send("MONITOR + alice")
        client.lines()
    served = [cut_off(world, client) for client in (watcher, without)]
    do(world, alice, line)
    for client, position in zip((watcher, without), served, strict=True):
        move(world, client, 2, position)
    watcher.expect(told)
    without.expect_nothing()


def test_saying_the_same_again_is_no_news() -> None:
    world = World()
    alice = world.register("alice")
    watcher = world.register("bob", "extended-monitor", "away-notify", "setname")
    watcher.send("MONITOR + alice")
    alice.send("AWAY :tea")
    watcher.lines()
    alice.send("AWAY :tea", "SETNAME :Alice")
    watcher.expect_nothing()
