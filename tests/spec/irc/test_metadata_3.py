"""METADATA by the newer text, draft/metadata-3 (still open), beside draft/metadata-2."""

import pytest

from roost.chat.settings import Settings
from support.dialogue import Client, World
from unit.ircd.serving.test_takeover import cut_off, move

METADATA = ("draft/metadata-3", "batch")


def register(world: World, *nicks: str) -> list[Client]:
    return [world.register(nick, *METADATA) for nick in nicks]


def enter(room: str, *clients: Client) -> None:
    for client in clients:
        client.send(f"JOIN {room}")
    for client in clients:
        client.lines()


def shown(client: Client) -> list[str]:
    """Return what came; a batch as its type and target, and "end"."""
    lines = []
    for message in client.messages():
        if message.command == "BATCH":
            is_end = message.parameters[0].startswith("-")
            lines.append("end" if is_end else " ".join(message.parameters[1:]))
        else:
            lines.append(" ".join([message.command, *message.parameters]))
    return lines


def test_the_capability_tells_the_limits() -> None:
    """`max-key-bytes`: The maximum size of keys a client is allowed to set."""
    client = World().connect()
    client.send("CAP LS 302")
    tokens = "before-connect,max-subs=50,max-keys=20,max-value-bytes=256,max-key-bytes=40"
    assert f"draft/metadata-3={tokens}" in " ".join(client.lines()).split()


def test_setting_and_removing() -> None:
    """If the Value parameter is omitted or is an empty string, the key is removed. If the request
    is successful, the server carries out the requested change and responds with one `761
    RPL_KEYVALUE` event, representing the new value if any, or `766 RPL_KEYNOTSET` if no value is
    set. It is not an error if a client attempts to set a key to its current value or remove a
    nonexistent key."""
    (alice,) = register(World(), "alice")
    alice.send("METADATA * SET url :x", "METADATA * SET url :x", "METADATA * SET url :")
    alice.send("METADATA * SET url", "METADATA alice SET other")
    assert shown(alice) == [
        "761 alice * url * x",
        "761 alice * url * x",
        "766 alice alice url key not set",
        "766 alice alice url key not set",
        "766 alice alice other key not set",
    ]


def test_getting_warns_of_invalid_keys_in_order() -> None:
    """`WARN METADATA INVALID_KEY` indicating the key contains invalid characters. The ordering of
    responses within the batch MUST match the order keys were specified by the client. If the target
    is not valid, the server MUST reply with `FAIL METADATA INVALID_TARGET` instead of a batch."""
    alice, bob = register(World(), "alice", "bob")
    alice.send("METADATA * SET url :x")
    bob.send("METADATA alice GET none $url$ url", "METADATA nobody GET url")
    assert shown(bob) == [
        "metadata alice",
        "766 bob alice none key not set",
        "WARN METADATA INVALID_KEY $url$ Invalid key",
        "761 bob alice url * x",
        "end",
        "FAIL METADATA INVALID_TARGET nobody Invalid metadata target",
    ]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("METADATA", "INVALID_PARAMS * Not enough parameters"),
        ("METADATA #a GET", "INVALID_PARAMS GET Not enough parameters"),
        ("METADATA * SUB", "INVALID_PARAMS SUB Not enough parameters"),
        ("METADATA * SET", "INVALID_PARAMS SET Not enough parameters"),
        ("METADATA #a SNEEZE", "INVALID_PARAMS SNEEZE Invalid subcommand"),
        ("METADATA #a :: hi!", "INVALID_PARAMS * Invalid subcommand"),
        ("METADATA * SET Url :x", "INVALID_KEY Url Invalid key"),
        (f"METADATA * SET a :{'x' * 257}", "INVALID_VALUE a Value is too long or not UTF8"),
        ("METADATA bob SET a :x", "KEY_NO_PERMISSION bob a You do not have permission to do that"),
        ("METADATA bob CLEAR", "KEY_NO_PERMISSION bob * You do not have permission to do that"),
        ("METADATA bob SUB a", "INVALID_TARGET bob Invalid metadata target"),
        ("METADATA bob UNSUB a", "INVALID_TARGET bob Invalid metadata target"),
        ("METADATA bob SUBS", "INVALID_TARGET bob Invalid metadata target"),
        ("METADATA #none LIST", "INVALID_TARGET #none Invalid metadata target"),
    ],
)
def test_failures(line: str, reply: str) -> None:
    """If the server receives a syntactically invalid `METADATA` command, e.g., an unknown
    subcommand, missing parameters, or excess parameters, the server SHOULD reply with `FAIL
    METADATA INVALID_PARAMS`. [...] `INVALID_VALUE`: `<Key> :Invalid value`"""
    alice, bob = register(World(), "alice", "bob")
    enter("#a", bob, alice)
    alice.send(line)
    assert shown(alice) == [f"FAIL METADATA {reply}"]


def test_limits_name_the_item_and_the_limit() -> None:
    """`LIMIT_REACHED`: `<Item> <Limit> :Limit reached`. The `<Item>` parameter will be the target
    if the metadata limit for a particular target was reached while performing `METADATA SET` or the
    key name unable to be subscribed to if the subscription limit was reached."""
    settings = Settings(metadata_keys_max=1, metadata_subscriptions_max=2)
    (alice,) = register(World(settings=settings), "alice")
    alice.send("METADATA * SET a :1", "METADATA * SET b :1")
    assert shown(alice)[1:] == ["FAIL METADATA LIMIT_REACHED * 1 Metadata limit reached"]
    alice.send("METADATA alice SUB a $ b c", "METADATA * SUBS", "METADATA * UNSUB a $ b")
    assert shown(alice) == [
        "WARN METADATA INVALID_KEY $ Invalid key",
        "FAIL METADATA LIMIT_REACHED c 2 Too many subscriptions",
        "770 alice a b",
        "metadata *ALL",
        "761 alice alice a * 1",
        "end",
        "metadata-subs",
        "772 alice a b",
        "end",
        "WARN METADATA INVALID_KEY $ Invalid key",
        "771 alice a b",
    ]


def test_changes_are_told_by_numerics_that_address_each_client() -> None:
    """These updates will be either a `761 RPL_KEYVALUE` indicating the key on the target was set to
    a particular value or a `766 RPL_KEYNOTSET` indicating that the key was removed from the
    target."""
    world = World()
    alice, bob, carol, stranger = register(world, "alice", "bob", "carol", "stranger")
    older = world.register("older", "draft/metadata-2", "batch")
    for client in (bob, carol, older, stranger):
        client.send("METADATA * SUB url")
    carol.send("MONITOR + alice")
    enter("#a", alice, bob, older)
    for client in (carol, stranger):
        client.lines()
    alice.send("METADATA * SET url :x", "METADATA * SET url", "METADATA #a SET url :room")
    assert shown(bob) == [
        "761 bob alice url * x",
        "766 bob alice url key not set",
        "761 bob #a url * room",
    ]
    assert shown(carol) == ["761 carol alice url * x", "766 carol alice url key not set"]
    assert shown(older) == [
        "METADATA alice url * x",
        "METADATA alice url *",
        "METADATA #a url * room",
    ]
    stranger.expect_nothing()
    assert shown(alice) == [
        "761 alice * url * x",
        "766 alice alice url key not set",
        "761 alice #a url * room",
    ]


def test_what_a_moved_client_missed_addresses_it_as_live_lines_do() -> None:
    world = World(nodes=2)
    (alice,) = register(world, "alice")
    bob = world.register("bob", *METADATA, node=1)
    enter("#a", alice, bob)
    bob.send("METADATA * SUB url")
    bob.lines()
    served = cut_off(world, bob)
    alice.send("METADATA * SET url :x", "METADATA * SET url")
    move(world, bob, 0, served)
    assert shown(bob) == ["761 bob alice url * x", "766 bob alice url key not set"]


def test_subscribing_sends_the_present_values_of_all_visible_targets_in_one_batch() -> None:
    """The server MUST then either send a `metadata` batch with `*ALL` as its parameter containing
    the current values of all newly-subscribed keys visible to the user for all visible targets. In
    the event that the client has also negotiated `labeled-response`, the `metadata` batch MUST be
    nested within the `labeled-response` batch."""
    world = World()
    alice, carol = register(world, "alice", "carol")
    bob = world.register("bob", *METADATA, "labeled-response", "message-tags")
    for room in ("#a", "#b"):
        enter(room, alice, bob)
    for client in (alice, carol):
        client.send("METADATA * SET url :x", "METADATA * SET other :y")
    alice.send("METADATA #a SET url :room")
    bob.send("METADATA * SET url :own", "MONITOR + carol")
    bob.lines()
    bob.send("METADATA * SUB url")
    assert shown(bob) == [
        "770 bob url",
        "metadata *ALL",
        "761 bob bob url * own",
        "761 bob #a url * room",
        "761 bob alice url * x",
        "761 bob carol url * x",
        "end",
    ]
    bob.send("METADATA * SUB url")
    assert shown(bob) == ["770 bob url"]
    bob.send("@label=L METADATA * SUB other")
    outer, confirmed, inner, *values, end, last = bob.messages()
    assert outer.parameters[1] == "labeled-response"
    reference = outer.parameters[0][1:]
    assert dict(outer.tags)["label"] == "L"
    assert all(dict(one.tags)["batch"] == reference for one in (confirmed, inner, end))
    assert all(dict(one.tags)["batch"] == inner.parameters[0][1:] for one in values)
    assert [one.parameters[1] for one in values] == ["alice", "carol"]
    assert last.parameters == (f"-{reference}",)
    bob.send("METADATA *ALL SYNC")
    assert sorted(shown(bob)) == sorted(
        [
            "metadata *ALL",
            "761 bob #a url * room",
            "761 bob bob url * own",
            *(
                f"761 bob {nick} {key}"
                for nick in ("alice", "carol")
                for key in ("url * x", "other * y")
            ),
            "end",
        ]
    )


def test_too_much_is_postponed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a `774 RPL_METADATASYNCLATER` message with `*ALL` as its `<Target>` to indicate postponed
    synchronization. `774`: `<Target> <RetryAfter> :Try again later`"""
    monkeypatch.setattr("roost.ircd.replies.metadata_reply.SYNCED_AT_ONCE_MAX", 1)
    alice, bob = register(World(), "alice", "bob")
    enter("#a", alice)
    bob.send("JOIN #a", "METADATA * SUB url")
    assert shown(bob)[-3:] == [
        "774 bob #a 5 Try again later",
        "770 bob url",
        "774 bob *ALL 5 Try again later",
    ]


def test_too_much_is_synchronised_by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the target is an asterisk followed by uppercase "ALL" (`*ALL`), it synchronizes metadata
    for all visible targets."""
    monkeypatch.setattr("roost.ircd.replies.metadata_reply.SYNCED_AT_ONCE_MAX", 2)
    world = World()
    people = register(world, *(f"n{number}" for number in range(5)))
    asker = world.register("asker", *METADATA, "labeled-response")
    for client in people:
        client.send("METADATA * SET url :x")
    enter("#a", *people, asker)
    asker.send("METADATA * SUB url")
    asker.lines()
    values = [f"761 asker n{number} url * x" for number in range(5)]
    for target in ("#a", "*ALL"):
        asker.send(f"METADATA {target} SYNC", "PING x")
        for _ in range(5):
            world.tick()
        answer = shown(asker)
        assert answer[:-1] == [f"metadata {target}", *values, "end"]
        asker.send(f"@label=L METADATA {target} SYNC")
        for _ in range(5):
            world.tick()
        answer = shown(asker)
        assert answer == ["labeled-response", f"metadata {target}", *values, "end", "end"]


def test_who_enters_a_room_gets_a_batch_even_if_it_is_empty() -> None:
    """When a metadata-aware client joins a channel, the server MUST send either a `metadata` batch
    containing the channel's metadata as well as the metadata for all users on the channel or a
    `774`. If the server sends a batch, the batch MUST be identical to what would be returned if
    `METADATA SYNC` was issued against that channel."""
    alice, bob = register(World(), "alice", "bob")
    alice.send("JOIN #a", "METADATA * SET url :x", "METADATA #a SET url :room")
    assert shown(alice)[-4:-2] == ["metadata #a", "end"]
    bob.send("METADATA * SUB url")
    bob.lines()
    bob.send("JOIN #a", "METADATA #a SYNC")
    answer = shown(bob)
    assert answer[-4:] == ["metadata #a", "761 bob #a url * room", "761 bob alice url * x", "end"]
    assert answer[-8:-4] == answer[-4:]


def test_watching_sends_a_batch_and_so_does_coming_online() -> None:
    """When server sends `730 RPL_MONONLINE` to a metadata-aware client, the server MUST
    additionally send either a `metadata` batch containing the monitored user's metadata to the
    client or a `774`."""
    world = World()
    alice, bob = register(world, "alice", "bob")
    alice.send("METADATA * SET url :x")
    bob.send("METADATA * SUB url")
    bob.lines()
    bob.send("MONITOR + alice,carol")
    assert shown(bob) == [
        "730 bob alice!alice@host",
        "731 bob carol",
        "metadata alice",
        "761 bob alice url * x",
        "end",
    ]
    carol = world.connect()
    carol.send("CAP REQ batch", "METADATA * SET url :c", "NICK carol", "USER c 0 * :C", "CAP END")
    assert shown(bob) == ["730 * carol!c@host", "metadata carol", "761 bob carol url * c", "end"]
    bob.send("MONITOR S")
    assert shown(bob) == [
        "730 bob alice!alice@host,carol!c@host",
        "metadata alice",
        "761 bob alice url * x",
        "end",
        "metadata carol",
        "761 bob carol url * c",
        "end",
    ]


@pytest.mark.parametrize("nodes", [1, 2])
def test_whoever_comes_online_without_metadata_has_an_empty_batch(nodes: int) -> None:
    """If the server sends a batch, the batch MUST be identical to what would be returned if
    `METADATA SYNC` was issued against that target."""
    world = World(nodes=nodes)
    bob, older, plain = (
        *register(world, "bob"),
        world.register("older", "draft/metadata-2", "batch"),
        world.register("plain"),
    )
    for client in (bob, older, plain):
        client.send("MONITOR + carol,dave")
    bob.send("METADATA * SUB url")
    for client in (bob, older, plain):
        client.lines()
    if nodes > 1:
        # What was missed looks the same.
        world.is_log_stopped = True
    carol = world.connect(node=nodes - 1)
    carol.send("NICK carol", "USER c 0 * :C")
    if nodes > 1:
        world.kill(0)
        world.is_log_stopped = False
        world.run()
    carol.send("NICK dave")
    assert shown(bob) == [
        "730 * carol!c@host",
        "metadata carol",
        "end",
        "731 * carol",
        "730 * dave!c@host",
        "metadata dave",
        "end",
    ]
    for client in (older, plain):
        assert shown(client) == ["730 * carol!c@host", "731 * carol", "730 * dave!c@host"]


def test_before_registration() -> None:
    """If the capability was negotiated during connection registration, servers MUST send clients a
    list of their current metadata (any metadata stored by the server or by services, plus any
    metadata set by the client during connection registration via `before-connect`) in a `metadata`
    batch with their own nick as target as part of the registration burst. This batch MUST include
    all visible keys set on the client, irrespective of whether the client has subscribed to that
    key."""
    world = World()
    client = world.connect()
    client.send("CAP REQ :draft/metadata-3 batch")
    client.lines()
    client.send(
        "METADATA * SET url :x",
        "METADATA * SET gone",
        "METADATA * GET url gone",
        "METADATA * SUB other",
        "METADATA alice LIST",
    )
    assert shown(client) == [
        "761 * * url * x",
        "766 * * gone key not set",
        "metadata *",
        "761 * * url * x",
        "766 * * gone key not set",
        "end",
        "770 * other",
        "FAIL METADATA INVALID_TARGET alice Invalid metadata target",
    ]
    client.send("NICK alice", "USER a 0 * :Alice", "CAP END")
    burst = shown(client)
    start = burst.index("metadata alice")
    assert burst[start : start + 3] == ["metadata alice", "761 alice alice url * x", "end"]
    assert start < burst.index("376 alice End of /MOTD command.")
    client.send("METADATA * SUBS")
    assert shown(client) == ["metadata-subs", "772 alice other", "end"]


@pytest.mark.parametrize("modes", ["+i", "+k key"])
@pytest.mark.parametrize("version", ["draft/metadata-2", "draft/metadata-3"])
def test_outsiders_do_not_read_what_a_private_room_says_of_itself(modes: str, version: str) -> None:
    """`766 RPL_KEYNOTSET` indicating the key is not set or the key is not visible to the requesting
    client. [LIST:] `761 RPL_KEYVALUE` for all visible keys."""
    world = World()
    alice = world.register("alice", version, "batch")
    eve = world.register("eve", version, "batch")
    alice.send("JOIN #a", "METADATA #a SET url :secret", f"MODE #a {modes}")
    alice.lines()
    eve.send("METADATA * SUB url")
    eve.lines()
    eve.send("METADATA #a GET url", "METADATA #a LIST", "METADATA #a SYNC")
    batch = ["metadata #a", "end"]
    assert shown(eve) == ["metadata #a", "766 eve #a url key not set", "end", *batch, *batch]
    alice.send("METADATA #a LIST")
    assert shown(alice) == ["metadata #a", "761 alice #a url * secret", "end"]


@pytest.mark.parametrize("is_early", [False, True])
def test_giving_up_the_capability_ends_the_subscriptions(is_early: bool) -> None:
    """If a client removes this capability from themselves, servers MUST clear that client's
    subscription list."""
    world = World()
    if is_early:
        alice = world.connect()
        alice.send("CAP REQ :draft/metadata-3 batch", "NICK alice", "USER a 0 * :A")
    else:
        (alice,) = register(world, "alice")
    alice.send("METADATA * SUB url", "CAP REQ -draft/metadata-3", "CAP REQ draft/metadata-3")
    alice.send("CAP END")
    alice.lines()
    alice.send("METADATA * SUBS")
    assert shown(alice) == ["metadata-subs", "end"]
