"""RENAME (ircv3.net/specs/extensions/channel-rename)."""

import pytest

from support.dialogue import Client, World

RENAME = "draft/channel-rename"


def in_room(world: World, room: str, *clients: Client) -> None:
    for client in clients:
        client.send(f"JOIN {room}")
    for client in clients:
        client.lines()


def test_clients_that_know_of_it_are_told_of_the_new_name() -> None:
    """This command allows a client to instruct the server to change the name of a channel, and in
    turn allows a server to inform a client that a channel name has been changed. [...] The server
    to client command MUST always include the third parameter, an empty string MAY be used if no
    reason is provided."""
    world = World()
    alice, bob = world.register("alice", RENAME), world.register("bob", RENAME)
    in_room(world, "#boaring", alice, bob)
    alice.send("RENAME #boaring #boring :Typo fix")
    for client in (alice, bob):
        client.expect(":alice!alice@host RENAME #boaring #boring :Typo fix")
    world.tick(100)
    alice.send("RENAME #boring #fun")
    bob.expect(":alice!alice@host RENAME #boring #fun :")


def test_a_rename_preserves_all_channel_state() -> None:
    """A channel rename preserves all channel state, such as membership, mode and topic."""
    world = World()
    alice, bob = world.register("alice", RENAME), world.register("bob", RENAME)
    in_room(world, "#a", alice, bob)
    alice.send("MODE #a +kb key mallory", "TOPIC #a :tea", "RENAME #a #b", "MODE #b", "MODE #b b")
    alice.expect_some(
        ":roost.local 324 alice #b +ntk key", ":roost.local 367 alice #b mallory!*@*..."
    )
    bob.lines()
    alice.send("PRIVMSG #b :hello", "TOPIC #b", "NAMES #b")
    bob.expect(":alice!alice@host PRIVMSG #b hello")
    alice.expect(
        ":roost.local 332 alice #b tea",
        ":roost.local 333 alice #b alice!alice@host 1700000000",
        ":roost.local 353 alice = #b :@alice bob",
        ":roost.local 366 alice #b :End of /NAMES list",
    )


@pytest.mark.parametrize("is_asking", [True, False])
def test_others_see_one_room_left_and_another_entered(*, is_asking: bool) -> None:
    """Send the client a `PART` message for the old channel name, with part message matching the
    rename reason if given. Send the client a `JOIN` message followed by the usual messages that
    would be sent if the client had joined the new channel normally."""
    world = World()
    bob = world.register("bob")
    alice = world.register("alice", RENAME)
    first, second = (bob, alice) if is_asking else (alice, bob)
    in_room(world, "#foo", first, second)
    first.send("TOPIC #foo :tea")
    bob.lines()
    alice.lines()
    first.send("RENAME #foo #bar :Changing the channel name")
    names = "@bob alice" if is_asking else "@alice bob"
    setter = "bob!bob@host" if is_asking else "alice!alice@host"
    bob.expect(
        ":bob!bob@host PART #foo :Changing the channel name",
        ":bob!bob@host JOIN #bar",
        ":roost.local 332 bob #bar tea",
        f":roost.local 333 bob #bar {setter} 1700000000",
        f":roost.local 353 bob = #bar :{names}",
        ":roost.local 366 bob #bar :End of /NAMES list",
    )
    alice.expect(f":{setter} RENAME #foo #bar :Changing the channel name")


def test_the_case_alone_may_change_and_is_not_shown_as_another_room() -> None:
    """Implementations MUST allow channels to be renamed while only changing the casing of a
    channel name. [...] This fallback SHOULD NOT be used if the rename only changes the case of
    the channel name."""
    world = World()
    alice, bob = world.register("alice", RENAME), world.register("bob")
    in_room(world, "#tea", alice, bob)
    alice.send("RENAME #tea #Tea")
    alice.expect(":alice!alice@host RENAME #tea #Tea :")
    bob.expect_nothing()


def test_errors() -> None:
    """If existing error numerics (such as `ERR_CHANOPRIVSNEEDED`, `ERR_NOTONCHANNEL`,
    `ERR_NEEDMOREPARAMS`) are more appropriate, they SHOULD be used instead."""
    world = World()
    alice, bob, eve = (world.register(nick, RENAME) for nick in ("alice", "bob", "eve"))
    in_room(world, "#a", alice, bob)
    in_room(world, "#good", eve)
    bob.send("RENAME #a #b", "RENAME #a", "RENAME #good #b", "RENAME #none #b")
    assert bob.commands() == ["482", "461", "442", "403"]
    alice.send("RENAME #a #GOOD", "RENAME #a %local", "RENAME #a #a")
    alice.expect(
        ":roost.local FAIL RENAME CHANNEL_NAME_IN_USE #a #GOOD :The channel name is already taken",
        ":roost.local FAIL RENAME CANNOT_RENAME #a %local :The channel cannot be renamed...",
        ":roost.local FAIL RENAME CANNOT_RENAME #a #a :The channel cannot be renamed...",
    )


def test_a_room_is_not_renamed_twice_within_a_minute() -> None:
    """Server implementations might choose to implement a per-channel cooldown system using
    appropriate error responses, to prevent abuse."""
    world = World()
    alice = world.register("alice", RENAME)
    in_room(world, "#a", alice)
    alice.send("RENAME #a #b", "RENAME #b #c")
    assert alice.commands() == ["RENAME", "FAIL"]
    world.tick(60)
    alice.send("RENAME #b #c")
    assert alice.commands() == ["RENAME"]


def test_the_old_name_is_free_again_and_history_follows_the_room() -> None:
    world = World()
    alice = world.register("alice", RENAME, "draft/chathistory", "draft/event-playback", "batch")
    in_room(world, "#a", alice)
    alice.send("PRIVMSG #a :before", "RENAME #a #b", "JOIN #a", "PRIVMSG #b :after")
    alice.lines()
    alice.send("CHATHISTORY LATEST #b * 10")
    shown = [line.partition(" :")[2] for line in alice.lines()[1:-1]]
    assert shown == [
        "alice!alice@host JOIN #b",
        "alice!alice@host PRIVMSG #b :before",
        "alice!alice@host RENAME #a #b :",
        "alice!alice@host PRIVMSG #b :after",
    ]
    alice.send("CHATHISTORY LATEST #a * 10")
    assert "before" not in str(alice.lines())


@pytest.mark.parametrize("capabilities", [(RENAME,), ()])
def test_a_session_that_moved_is_shown_the_same(capabilities: tuple[str, ...]) -> None:
    world = World(nodes=2)
    alice = world.register("alice", RENAME)
    bob, carol = world.register("bob", *capabilities), world.register("carol", *capabilities)
    in_room(world, "#a", alice, bob, carol)
    position = world.log[-1].position
    alice.send("TOPIC #a :tea", "RENAME #a #b :why", "PRIVMSG #b :hello")
    live = carol.lines()
    bob.lines()
    bob.node, bob.generation = 1, bob.generation + 1
    world.attach(bob, position)
    assert bob.lines() == [
        line.replace("carol", "bob", 1) if "PART" in line else line
        for line in (
            one.replace(" carol ", " bob ").replace(":carol!carol@", ":bob!bob@") for one in live
        )
    ]
