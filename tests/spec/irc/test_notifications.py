"""What clients are told unasked: MONITOR, away-notify, invite-notify, extended-join, setname,
account-tag, multi-prefix, userhost-in-names (ircv3.net)."""

from roost.chat.settings import Settings
from support.dialogue import Client, World

LIMITED = Settings(monitor_max=2)


def in_room(world: World, nick: str, *capabilities: str) -> Client:
    client = world.register(nick, *capabilities)
    client.send("JOIN #a")
    client.lines()
    return client


# MONITOR


def test_monitor_says_who_is_online_and_who_is_not() -> None:
    """If any of the targets being added are online, the server will generate `RPL_MONONLINE`
    [...] If any of the targets being added are offline, the server will generate
    `RPL_MONOFFLINE`."""
    world = World()
    alice = world.register("alice")
    world.register("Bob")
    alice.send("MONITOR + bob,carol,not!valid")
    alice.expect(":roost.local 730 alice Bob!Bob@host", ":roost.local 731 alice carol")


def test_monitor_tells_of_coming_and_going() -> None:
    world = World(nodes=2)
    alice = world.register("alice")
    alice.send("MONITOR + bob")
    alice.lines()
    bob = world.register("bob", node=1)
    alice.expect(":roost.local 730 * bob!bob@host")
    bob.send("NICK BOB")
    alice.expect_nothing()
    bob.send("NICK rob")
    alice.expect(":roost.local 731 * BOB")
    bob.send("NICK bob", "QUIT")
    alice.expect(":roost.local 730 * bob!bob@host", ":roost.local 731 * bob")


def test_monitor_lists_shows_and_clears() -> None:
    """All output will use `RPL_MONLIST`, and the output will be terminated with
    `RPL_ENDOFMONLIST`. [...] MONITOR C: no output will be returned for use of this command."""
    world = World()
    alice = world.register("alice")
    alice.send("MONITOR + bob,Carol", "MONITOR - bob")
    alice.expect(":roost.local 731 alice bob,Carol")
    alice.send("MONITOR L", "MONITOR S", "MONITOR C", "MONITOR L", "MONITOR s")
    alice.expect(
        ":roost.local 732 alice Carol",
        ":roost.local 733 alice :End of MONITOR list",
        ":roost.local 731 alice Carol",
        ":roost.local 733 alice :End of MONITOR list",
    )
    world.register("bob")
    world.register("carol")
    alice.expect_nothing()


def test_monitor_list_has_a_limit() -> None:
    """The `<targets>` parameter is the list of targets, as the client sent them, that cannot be
    added."""
    alice = World(settings=LIMITED).register("alice")
    alice.send("MONITOR + a,b,C,D")
    alice.expect(":roost.local 731 alice a,b", ":roost.local 734 alice 2 C,D :Monitor list is full")


def test_long_monitor_answers_take_several_lines() -> None:
    alice = World().register("alice")
    nicks = [f"somebody-with-a-long-name-{number:02}" for number in range(40)]
    for nick in nicks:
        alice.send(f"MONITOR + {nick}")
    alice.lines()
    alice.send("MONITOR S")
    lines = alice.messages()
    assert len(lines) > 1
    assert ",".join(line.parameters[-1] for line in lines).split(",") == nicks


def test_monitor_ends_with_the_session() -> None:
    world = World()
    alice = world.register("alice")
    alice.send("MONITOR + bob")
    alice.disconnect()
    alice.lines()
    world.register("bob")
    alice.expect_nothing()


# away-notify


def test_away_is_told_to_those_who_asked_and_share_a_room() -> None:
    """Clients will be sent an AWAY message when a user sharing a channel with them sets, changes
    or removes their away state."""
    world = World()
    alice = in_room(world, "alice", "away-notify")
    bob = in_room(world, "bob")
    stranger = world.register("eve", "away-notify")
    alice.lines()
    carol = in_room(world, "carol")
    for client in (alice, bob):
        client.lines()
    carol.send("AWAY :for tea", "AWAY")
    alice.expect(":carol!carol@host AWAY :for tea", ":carol!carol@host AWAY")
    bob.expect_nothing()
    stranger.expect_nothing()


def test_away_is_told_when_somebody_joins() -> None:
    """As well as when a user joins and has an away message set."""
    world = World()
    alice = in_room(world, "alice", "away-notify")
    bob = world.register("bob")
    bob.send("AWAY :for tea", "JOIN #a")
    alice.expect(":bob!bob@host JOIN #a", ":bob!bob@host AWAY :for tea")


# invite-notify


def test_invitations_are_told_to_members_who_asked() -> None:
    """When another client does an /INVITE."""
    world = World()
    alice = in_room(world, "alice", "invite-notify")
    bob = in_room(world, "bob", "invite-notify")
    carol = in_room(world, "carol")
    eve = world.register("eve")
    for client in (alice, bob, carol):
        client.lines()
    alice.send("INVITE eve #a")
    bob.expect(":alice!alice@host INVITE eve #a")
    eve.expect(":alice!alice@host INVITE eve #a")
    alice.expect(":roost.local 341 alice eve #a")
    carol.expect_nothing()


# extended-join, account-tag


def test_extended_join_carries_account_and_realname() -> None:
    """:nick!user@host JOIN #channelname * :Real Name"""
    world = World()
    alice = in_room(world, "alice", "extended-join")
    bob = in_room(world, "bob")
    alice.expect(":bob!bob@host JOIN #a * :Bob")
    carol = world.register("carol", "extended-join")
    carol.send("JOIN #a")
    assert carol.lines()[0] == ":carol!carol@host JOIN #a * :Carol"
    bob.expect(":carol!carol@host JOIN #a")


def test_account_is_told_to_those_who_asked() -> None:
    """The tag MUST be added by the server to all commands sent by a user [...] identified to an
    account."""
    world = World()
    alice = in_room(world, "alice", "account-tag", "extended-join")
    bob = in_room(world, "bob")
    alice.lines()
    world.state.users[world.state.nicks["bob"]].account = "bobby;x"  # type: ignore[index]
    bob.send("PRIVMSG #a :hi", "PART #a", "JOIN #a")
    said, parted, joined = alice.lines()
    assert said == r"@account=bobby\:x :bob!bob@host PRIVMSG #a :hi"
    assert parted.startswith(r"@account=bobby\:x ")
    assert joined.endswith(" JOIN #a bobby;x :Bob")


# setname


def test_setname_is_told_to_oneself_and_those_who_asked() -> None:
    """They MUST send the server-to-client version of the `SETNAME` message to all clients in
    common channels, as well as to the client from which it originated. The `SETNAME` message
    MUST NOT be sent to clients which do not have the capability negotiated."""
    world = World()
    alice = in_room(world, "alice", "setname")
    bob = in_room(world, "bob", "setname")
    carol = in_room(world, "carol")
    for client in (alice, bob):
        client.lines()
    alice.send("SETNAME :Alice the First")
    for client in (alice, bob):
        client.expect(":alice!alice@host SETNAME :Alice the First")
    carol.expect_nothing()
    carol.send("SETNAME :C", "WHOIS carol")
    assert carol.messages()[0].parameters[-1] == "C"


def test_realname_that_is_too_long_is_refused() -> None:
    """If the server rejects the realname due to invalidity, it MUST send a FAIL message of the
    following format: FAIL SETNAME INVALID_REALNAME :Realname is not valid"""
    alice = World().register("alice")
    alice.send(f"SETNAME :{'x' * 151}", "SETNAME :")
    alice.expect(*[":roost.local FAIL SETNAME INVALID_REALNAME :Realname is not valid"] * 2)


# multi-prefix, userhost-in-names


def test_all_prefixes_are_shown_to_those_who_asked() -> None:
    world = World()
    alice = in_room(world, "alice")
    alice.send("MODE #a +v alice")
    bob = world.register("bob", "multi-prefix", "userhost-in-names")
    bob.send("JOIN #a")
    bob.expect_some(":roost.local 353 bob = #a :@+alice!alice@host bob!bob@host")
    carol = world.register("carol")
    carol.send("JOIN #a")
    carol.expect_some(":roost.local 353 carol = #a :@alice bob carol")


def test_secret_room_is_marked_in_names() -> None:
    world = World()
    alice = in_room(world, "alice")
    alice.send("MODE #a +s", "NAMES #a")
    alice.expect_some(":roost.local 353 alice @ #a @alice")


def test_monitored_twice_is_told_once() -> None:
    """Targets already in the list MUST NOT be added again."""
    alice = World().register("alice")
    alice.send("MONITOR + bob,bob,BOB")
    alice.expect(":roost.local 731 alice bob")
