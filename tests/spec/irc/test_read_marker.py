"""MARKREAD (ircv3.net/specs/extensions/read-marker)."""

import pytest

from roost.chat.commands.accounts import LogOut
from support.dialogue import Client, World
from unit.ircd.serving.test_takeover import cut_off, move

CAPABILITY = "draft/read-marker"
EARLY = "timestamp=1990-01-04T14:33:26.123Z"
LATER = "timestamp=1990-01-04T14:33:27.000Z"


def shown(client: Client) -> list[str]:
    return [
        " ".join(message.parameters)
        for message in client.messages()
        if message.command == "MARKREAD"
    ]


def two_clients(world: World, *capabilities: str) -> list[Client]:
    world.own(world.connect(), "Walter")
    clients = [
        world.register("walter", *capabilities, node=node, account="Walter") for node in (0, 1)
    ]
    for client in clients:
        client.lines()
    return clients


def test_setting_and_asking() -> None:
    """The server MUST reply to a successful `MARKREAD` client set command using a `MARKREAD` server
    command [...] The server MUST reply to a successful `MARKREAD` get command using a `MARKREAD`
    server command."""
    alice = World().register("alice", CAPABILITY)
    alice.send(f"MARKREAD bob {EARLY}", "MARKREAD BOB")
    alice.expect(
        f":roost.local MARKREAD bob {EARLY}",
        f":roost.local MARKREAD BOB {EARLY}",
    )


def test_what_is_not_known_is_an_asterisk() -> None:
    """If there is no known last message read timestamp, the `timestamp` parameter is a literal
    `*`."""
    alice = World().register("alice", CAPABILITY)
    alice.send("MARKREAD bob")
    alice.expect(":roost.local MARKREAD bob *")


def test_a_marker_never_goes_back() -> None:
    """If the provided timestamp is older than the server's stored value, the server MUST reply to
    the client with a `MARKREAD` command carrying the server's stored value."""
    one, other = two_clients(World(nodes=2), CAPABILITY)
    one.send(f"MARKREAD #a {LATER}")
    assert shown(one) == shown(other) == [f"#a {LATER}"]
    one.send(f"MARKREAD #a {EARLY}", f"MARKREAD #a {LATER}")
    assert shown(one) == [f"#a {LATER}", f"#a {LATER}"]
    assert shown(other) == []


def test_after_a_join_the_marker_comes_before_the_end_of_names() -> None:
    """after the server sends a server `JOIN` command to the client for a corresponding channel, the
    server MUST send a `MARKREAD` command for that channel. The command MUST be sent before the
    `RPL_ENDOFNAMES` reply for that channel following the `JOIN`."""
    world = World()
    alice, plain = world.register("alice", CAPABILITY), world.register("bob")
    for client in (alice, plain):
        client.lines()
        client.send("JOIN #a")
    commands = [message.command for message in alice.messages()]
    assert commands.index("JOIN") < commands.index("MARKREAD") < commands.index("366")
    assert shown(plain) == []
    alice.send(f"MARKREAD #a {EARLY}", "PART #a", "JOIN #a")
    assert shown(alice) == [f"#a {EARLY}", f"#a {EARLY}"]


def test_all_clients_of_the_user_are_told_and_nobody_else() -> None:
    """after the last read timestamp of a target changes, the server SHOULD send a `MARKREAD`
    command for that target to all the clients of the user. [...] Servers MUST NOT leak read markers
    sent by a user to other users."""
    world = World(nodes=2)
    one, other = two_clients(world, CAPABILITY)
    stranger = world.register("eve", CAPABILITY)
    for client in (one, stranger):
        client.send("JOIN #a")
    for client in (one, other, stranger):
        client.lines()
    one.send(f"MARKREAD #a {EARLY}")
    assert shown(other) == [f"#a {EARLY}"]
    stranger.send("MARKREAD #a")
    assert shown(stranger) == ["#a *"]


def test_a_client_without_the_capability_is_told_nothing_unasked() -> None:
    """The `draft/read-marker` capability MAY be negotiated, and affects which messages are sent by
    the server."""
    one, other = two_clients(World(nodes=2))
    one.send(f"MARKREAD #a {EARLY}")
    assert other.lines() == []


def test_a_time_to_come_is_the_present() -> None:
    """it can clamp it between the last read timestamp and the current time"""
    world = World()
    alice = world.register("alice", CAPABILITY)
    alice.send("MARKREAD #a timestamp=2999-01-01T00:00:00.000Z")
    (line,) = shown(alice)
    assert line < "#a timestamp=2999"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("MARKREAD", "NEED_MORE_PARAMS :Missing parameters"),
        ("MARKREAD #a *", "INVALID_PARAMS * :Invalid parameters"),
        ("MARKREAD #a yesterday", "INVALID_PARAMS yesterday :Invalid parameters"),
        ("MARKREAD #a 1990-01-04T14:33:27.000Z", None),
        ("MARKREAD a!b", "INVALID_PARAMS a!b :Invalid parameters"),
        (f"MARKREAD # {EARLY}", "INVALID_PARAMS # :Invalid parameters"),
    ],
)
def test_mistakes_are_told_as_standard_replies(line: str, answer: str | None) -> None:
    """If the selectors were invalid, the `INVALID_PARAMS` error code SHOULD be returned."""
    alice = World().register("alice", CAPABILITY)
    alice.send(line)
    answer = answer or "INVALID_PARAMS 1990-01-04T14:33:27.000Z :Invalid parameters"
    alice.expect(f":roost.local FAIL MARKREAD {answer}")


def test_a_client_that_moved_is_told_what_it_missed() -> None:
    """after the last read timestamp of a target changes, the server SHOULD send a `MARKREAD`
    command for that target to all the clients of the user."""
    world = World(nodes=3)
    one, other = two_clients(world, CAPABILITY)
    served = cut_off(world, other)
    one.send(f"MARKREAD #a {EARLY}", f"MARKREAD #a {LATER}", f"MARKREAD #a {EARLY}")
    assert other.lines() == []
    move(world, other, 2, served)
    assert shown(other) == [f"#a {EARLY}", f"#a {LATER}"]


def test_markers_of_an_account_outlive_its_clients_and_others_do_not() -> None:
    """It lets chat history providers know what messages a user has read, and provide that
    information to other clients that user has."""
    world = World(nodes=2)
    one, other = two_clients(world, CAPABILITY)
    one.send(f"MARKREAD #a {EARLY}", "QUIT")
    other.send("QUIT")
    back = world.register("walter", CAPABILITY, account="Walter")
    back.lines()
    back.send("MARKREAD #a")
    assert shown(back) == [f"#a {EARLY}"]
    guest = world.register("guest", CAPABILITY)
    guest.send(f"MARKREAD #a {EARLY}", "QUIT")
    assert world.state.read_markers == {}


def test_a_renamed_room_keeps_the_marker() -> None:
    """The `target` parameter specifies a single buffer (channel or nickname)."""
    alice = World().register("alice", CAPABILITY, "draft/channel-rename")
    alice.send("JOIN #a", f"MARKREAD #a {EARLY}", "RENAME #a #b")
    alice.lines()
    alice.send("MARKREAD #a", "MARKREAD #b")
    assert shown(alice) == ["#a *", f"#b {EARLY}"]


def test_who_has_logged_out_has_markers_of_their_own() -> None:
    """The read markers sent by a user MUST NOT be disclosed to other users."""
    world = World(nodes=1)
    world.own(world.connect(), "Walter")
    client = world.register("walter", CAPABILITY, account="Walter")
    client.send(f"MARKREAD #a {EARLY}")
    world.act(client, LogOut())
    client.lines()
    client.send("MARKREAD #a")
    assert shown(client) == ["#a *"]
