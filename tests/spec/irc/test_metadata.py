"""METADATA (ircv3.net/specs/extensions/metadata)."""

import pytest

from roost.chat.settings import Settings
from support.dialogue import Client, World

METADATA = ("draft/metadata-2", "batch")


def register(world: World, *nicks: str) -> list[Client]:
    return [world.register(nick, *METADATA) for nick in nicks]


def enter(room: str, *clients: Client) -> None:
    for client in clients:
        client.send(f"JOIN {room}")
    for client in clients:
        client.lines()


def shown(client: Client) -> list[str]:
    """Return what came, without the batches around it."""
    return [
        " ".join([message.command, *message.parameters])
        for message in client.messages()
        if message.command != "BATCH"
    ]


def test_the_capability_tells_the_limits() -> None:
    """`before-connect` [...] `max-subs`: the maximum number of keys a client is allowed in its
    subscription list. [...] `max-keys` [...] `max-value-bytes`."""
    client = World().connect()
    client.send("CAP LS 302")
    tokens = "before-connect,max-subs=50,max-keys=20,max-value-bytes=256"
    assert f"draft/metadata-2={tokens}" in client.lines()[0].split()


def test_the_older_notifications_cannot_be_requested_beside_it() -> None:
    """Clients MUST NOT request both `metadata-notify` and `draft/metadata-2`. Servers MUST NOT
    accept these requests either."""
    client = World().connect()
    client.send("CAP REQ :metadata-notify draft/metadata-2")
    client.expect(":roost.local CAP * NAK :metadata-notify draft/metadata-2")


def test_setting_getting_and_removing() -> None:
    """If the request is successful, the server carries out the requested change and responds with
    one `RPL_KEYVALUE` event, representing the new value if any, or `RPL_KEYNOTSET` if no value is
    set."""
    (alice,) = register(World(), "alice")
    alice.send("METADATA * SET url :http://www.example.com", "METADATA * SET empty :")
    alice.expect(
        ":roost.local 761 alice * url * :http://www.example.com",
        ":roost.local 761 alice * empty * :",
    )
    alice.send("METADATA alice GET url blargh $url$")
    alice.expect(
        ":roost.local BATCH +7-1 metadata alice",
        "@batch=7-1 :roost.local 761 alice alice url * :http://www.example.com",
        "@batch=7-1 :roost.local 766 alice alice blargh :key not set",
        "@batch=7-1 :roost.local FAIL METADATA KEY_INVALID $url$ :Invalid key",
        ":roost.local BATCH -7-1",
    )
    alice.send("METADATA * SET url", "METADATA * SET url")
    alice.expect(
        ":roost.local 766 alice * url :key not set",
        ":roost.local FAIL METADATA KEY_NOT_SET * url :Key not set",
    )


def test_listing_and_clearing() -> None:
    """If the request is successful, the server responds with a `metadata` batch containing one
    `RPL_KEYNOTSET` event per cleared key."""
    alice, bob = register(World(), "alice", "bob")
    alice.send("METADATA * SET a :1", "METADATA * SET b :2")
    alice.lines()
    bob.send("METADATA alice LIST", "METADATA nobody LIST", "METADATA alice CLEAR")
    assert shown(bob) == [
        "761 bob alice a * 1",
        "761 bob alice b * 2",
        "FAIL METADATA INVALID_TARGET nobody Invalid metadata target",
        "FAIL METADATA KEY_NO_PERMISSION alice * You do not have permission to do that",
    ]
    alice.send("METADATA * CLEAR")
    batch, *lines, end = alice.messages()
    assert (batch.command, batch.parameters[1:]) == ("BATCH", ("metadata", "*"))
    assert [line.parameters[2] for line in lines] == ["a", "b"]
    assert [line.command for line in lines] == ["766", "766"]
    assert end.command == "BATCH"
    alice.send("METADATA * LIST")
    assert shown(alice) == []


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("* SET Url :x", "KEY_INVALID Url Invalid key"),
        ("* SET : x", "KEY_INVALID * Invalid key"),
        (f"* SET a :{'x' * 257}", "VALUE_INVALID Value is too long or not UTF8"),
        ("bob SET a :x", "KEY_NO_PERMISSION bob a You do not have permission to do that"),
        ("$a:user SET a :x", "INVALID_TARGET $a:user Invalid metadata target"),
        ("#none SET a :x", "INVALID_TARGET #none Invalid metadata target"),
        ("#a SET a :x", "KEY_NO_PERMISSION #a a You do not have permission to do that"),
        ("* destr0y", "SUBCOMMAND_INVALID destr0y Invalid subcommand"),
    ],
)
def test_failures(line: str, reply: str) -> None:
    """Servers MUST reply to erroneous requests using Standard Replies."""
    alice, bob = register(World(), "alice", "bob")
    enter("#a", bob, alice)
    alice.send(f"METADATA {line}")
    assert shown(alice) == [f"FAIL METADATA {reply}"]
    bob.expect_nothing()


def test_limits_of_keys_and_of_changes() -> None:
    """`FAIL METADATA LIMIT_REACHED`, [...] If the `FAIL METADATA RATE_LIMITED` event contains the
    `<RetryAfter>` parameter, the parameter value MUST be a positive integer indicating the minimum
    number of seconds the client should wait before retrying the request."""
    settings = Settings(metadata_keys_max=2, metadata_changes_per_minute_max=3)
    world = World(settings=settings)
    (alice,) = register(world, "alice")
    alice.send(*(f"METADATA * SET {key} :x" for key in ("a", "b", "c", "a", "b")))
    *done, limited = shown(alice)
    assert done[2] == "FAIL METADATA LIMIT_REACHED * Metadata limit reached"
    code, target, key, seconds = limited.split()[2:6]
    assert (code, target, key) == ("RATE_LIMITED", "*", "b")
    world.tick(float(seconds))
    alice.send("METADATA * SET b :y")
    assert shown(alice) == ["761 alice * b * y"]


def test_those_who_share_a_room_or_watch_are_told_of_what_they_subscribed_to() -> None:
    """For user metadata, this applies only to subscribers who either share a channel with the
    updated user or are monitoring them. [...] Clients automatically receive metadata updates for
    themselves (excluding changes they make themselves)."""
    world = World()
    alice, bob, watcher, stranger, silent = register(
        world, "alice", "bob", "watcher", "stranger", "silent"
    )
    plain = world.register("plain")
    for client in (alice, bob, watcher, stranger):
        client.send("METADATA * SUB url")
    plain.send("METADATA * SUB url")
    watcher.send("MONITOR + alice")
    enter("#a", alice, bob, silent, plain)
    for client in (watcher, stranger):
        client.lines()
    alice.send("METADATA * SET url :x", "METADATA * SET other :x", "METADATA * SET url")
    told = [
        ":alice!alice@host METADATA alice url * x",
        ":alice!alice@host METADATA alice url *",
    ]
    bob.expect(*told)
    watcher.expect(*told)
    for client in (stranger, silent, plain):
        client.expect_nothing()
    assert alice.commands() == ["761", "761", "766"]


def test_the_same_value_again_is_no_news() -> None:
    alice, bob = register(World(), "alice", "bob")
    bob.send("METADATA * SUB url")
    enter("#a", alice, bob)
    alice.send("METADATA * SET url :x", "METADATA * SET url :x")
    assert bob.commands() == ["METADATA"]
    assert alice.commands() == ["761", "761"]


def test_a_rooms_metadata_is_its_operators_to_set_and_its_members_to_hear_of() -> None:
    """Clients can set/delete metadata on themselves, and on channels they administer. [...] For
    channel metadata, this applies only to subscribers who are members of the updated channel."""
    alice, bob, eve = register(World(), "alice", "bob", "eve")
    for client in (bob, eve):
        client.send("METADATA * SUB url")
        client.lines()
    enter("#a", alice, bob)
    alice.send("METADATA #a SET url :x")
    alice.expect(":roost.local 761 alice #a url * :x")
    bob.expect(":alice!alice@host METADATA #a url * x")
    eve.expect_nothing()
    alice.send("MODE #a +s")
    eve.send("METADATA #a LIST")
    assert shown(eve) == ["FAIL METADATA INVALID_TARGET #a Invalid metadata target"]


def test_who_enters_is_told_what_is_so_and_the_others_what_comes_with_them() -> None:
    """On joining a channel, users will get the channel's current metadata sent to them with
    `METADATA` messages, and get the same information for all users who are in the channel.
    Specifically, they get that information for the keys they are subscribed to."""
    alice, bob = register(World(), "alice", "bob")
    for client in (alice, bob):
        client.send("METADATA * SUB url", f"METADATA * SET url :{client.session}")
    enter("#a", alice)
    alice.send("METADATA #a SET url :room", "METADATA #a SET other :room")
    alice.lines()
    bob.lines()
    bob.send("JOIN #a")
    assert shown(bob)[-3:] == [
        "METADATA #a url * room",
        f"METADATA alice url * {alice.session}",
        f"METADATA bob url * {bob.session}",
    ]
    assert shown(alice) == ["JOIN #a", f"METADATA bob url * {bob.session}"]


def test_subscribing() -> None:
    """The server MUST process each key in order [...] If the client has subscribed to too many
    keys, the server does not process any further keys in the subcommand. [...] If the key's name
    is invalid, the server sends a `FAIL METADATA KEY_INVALID` reply to the client and continues
    processing keys."""
    (alice,) = register(World(settings=Settings(metadata_subscriptions_max=3)), "alice")
    alice.send("METADATA * SUB avatar $url website", "METADATA * SUB foo website avatar")
    assert shown(alice) == [
        "FAIL METADATA KEY_INVALID $url Invalid key",
        "770 alice avatar website",
        "FAIL METADATA TOO_MANY_SUBS website Too many subscriptions",
        "770 alice foo",
    ]
    alice.send("METADATA * SUBS")
    batch, keys, end = alice.messages()
    assert (batch.command, batch.parameters[1:]) == ("BATCH", ("metadata-subs",))
    assert (keys.command, keys.parameters[1:]) == ("772", ("avatar", "website", "foo"))
    alice.lines()
    alice.send("METADATA * UNSUB website nothing", "METADATA * SUBS")
    assert shown(alice) == ["771 alice website nothing", "772 alice avatar foo"]
    assert end.command == "BATCH"


def test_subscribing_tells_the_present_values() -> None:
    """When subscribing to a key, clients SHOULD receive the current value of that key for
    channels/users they are receiving updates for."""
    world = World()
    alice, bob, carol = register(world, "alice", "bob", "carol")
    enter("#a", alice, bob)
    for client in (alice, carol):
        client.send("METADATA * SET url :x", "METADATA * SET other :y")
    alice.send("METADATA #a SET url :room")
    bob.send("MONITOR + carol")
    bob.lines()
    bob.send("METADATA * SUB url")
    assert shown(bob) == [
        "770 bob url",
        "METADATA #a url * room",
        "METADATA alice url * x",
        "METADATA carol url * x",
    ]


def test_watching_and_coming_online_tell_the_present_values() -> None:
    """Clients SHOULD receive the current values of keys they are subscribed to when they
    `MONITOR` a user, or when one of their monitored users comes online."""
    world = World()
    alice, bob = register(world, "alice", "bob")
    alice.send("METADATA * SET url :x")
    bob.send("METADATA * SUB url", "MONITOR + alice,carol")
    assert shown(bob)[-2:] == ["731 bob carol", "METADATA alice url * x"]
    carol = world.connect()
    carol.send("CAP REQ batch", "METADATA * SET url :c", "NICK carol", "USER c 0 * :C", "CAP END")
    assert shown(bob) == ["730 * carol!c@host", "METADATA carol url * c"]
    alice.send("NICK carola")
    bob.lines()
    alice.send("NICK alice")
    assert shown(bob) == ["730 * alice!alice@host", "METADATA alice url * x"]


def test_before_registration() -> None:
    """Clients that have not completed connection registration MUST use `*` to target themselves.
    [...] clients receive their current metadata (any metadata stored by the server or by services,
    plus any metadata set by the client during connection registration via `before-connect`) in a
    `metadata` batch with their own nick as target as part of the registration burst, i.e. before
    `RPL_ENDOFMOTD` or `ERR_NOMOTD`."""
    client = World().connect()
    client.send("CAP REQ :draft/metadata-2 batch", "NICK alice")
    client.lines()
    client.send(
        "METADATA alice SET url :x",
        "METADATA * SET url :x",
        "METADATA * SET gone :x",
        "METADATA * SET gone",
        "METADATA * SET gone",
        "METADATA * SUB url $ other",
        "METADATA * UNSUB other",
        "METADATA * SUBS",
        "METADATA * GET url gone",
    )
    assert shown(client) == [
        "FAIL METADATA INVALID_TARGET alice Invalid metadata target",
        "761 alice * url * x",
        "761 alice * gone * x",
        "766 alice * gone key not set",
        "FAIL METADATA KEY_NOT_SET * gone Key not set",
        "FAIL METADATA KEY_INVALID $ Invalid key",
        "770 alice url other",
        "771 alice other",
        "772 alice url",
        "761 alice * url * x",
        "766 alice * gone key not set",
    ]
    client.send("USER a 0 * :Alice", "CAP END")
    burst = client.messages()
    commands = [message.command for message in burst]
    start = commands.index("BATCH")
    assert burst[start].parameters[1:] == ("metadata", "alice")
    assert burst[start + 1].command == "METADATA"
    assert burst[start + 1].parameters == ("alice", "url", "*", "x")
    assert start < commands.index("376")
    client.send("METADATA * SUBS")
    assert shown(client) == ["772 alice url"]


def test_an_empty_batch_says_that_there_is_none() -> None:
    """If none exists, the server MUST send an empty batch instead."""
    client = World().connect()
    client.send("CAP REQ :draft/metadata-2 batch", "NICK a", "USER a 0 * :A", "CAP END")
    commands = client.commands()
    start = commands.index("BATCH")
    assert commands[start : start + 2] == ["BATCH", "BATCH"]


def test_synchronising() -> None:
    """Clients use this subcommand to receive all subscribed metadata from the given target. If the
    target is a channel, it also syncs the metadata for all other users in that channel."""
    alice, bob, eve = register(World(), "alice", "bob", "eve")
    enter("#a", alice, bob)
    alice.send("METADATA * SET url :x", "METADATA #a SET url :room")
    bob.send("METADATA * SUB url")
    eve.send("METADATA * SUB url", "METADATA #a SYNC", "METADATA none SYNC")
    bob.lines()
    bob.send("METADATA #a SYNC", "METADATA alice SYNC")
    room = ["METADATA #a url * room"]
    assert shown(bob) == [*room, "METADATA alice url * x", "METADATA alice url * x"]
    assert shown(eve)[1:] == [*room, "FAIL METADATA INVALID_TARGET none Invalid metadata target"]


def test_in_a_large_room_it_is_postponed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this case, the server MUST respond with a `RPL_METADATASYNCLATER` numeric instead of
    propagating the current metadata of the targets."""
    monkeypatch.setattr("roost.ircd.replies.metadata_reply.SYNCED_AT_ONCE_MAX", 1)
    alice, bob = register(World(), "alice", "bob")
    alice.send("METADATA * SET url :x")
    enter("#a", alice)
    bob.send("METADATA * SUB url")
    bob.lines()
    bob.send("JOIN #a", "METADATA #a SYNC")
    assert shown(bob)[-2:] == ["774 bob #a 5", "METADATA alice url * x"]


def test_whois_shows_it_to_those_who_know_of_it() -> None:
    """When a user with the capability enabled runs `WHOIS` on a user with metadata set, a subset
    of that metadata MAY be sent with `RPL_WHOISKEYVALUE` numerics."""
    world = World()
    alice, bob = register(world, "alice", "bob")
    plain = world.register("plain")
    alice.send("METADATA * SET url :x")
    for client in (bob, plain):
        client.send("WHOIS alice")
    assert "760 bob alice url * x" in shown(bob)
    assert "760" not in plain.commands()


def test_what_a_session_missed_while_it_moved_is_what_it_had_subscribed_to() -> None:
    world = World(nodes=2)
    alice, bob = register(world, "alice", "bob")
    enter("#a", alice, bob)
    bob.send("METADATA * SUB url")
    bob.lines()
    position = world.log[-1].position
    alice.send("METADATA * SET url :x", "METADATA #a SET url :y", "METADATA * SET other :z")
    live = bob.lines()
    assert len(live) == 2
    bob.node, bob.generation = 1, bob.generation + 1
    world.attach(bob, position)
    assert bob.lines() == live


def test_a_registration_that_is_replayed_elsewhere_keeps_what_was_set() -> None:
    world = World(nodes=2)
    client = world.connect()
    client.send("CAP REQ :draft/metadata-2 batch", "METADATA * SET url :x", "NICK alice")
    client.lines()
    client.node, client.generation = 1, 2
    world.attach(client, 0)
    client.send("USER a 0 * :A", "CAP END", "METADATA * GET url")
    assert shown(client)[-1] == "761 alice * url * x"
