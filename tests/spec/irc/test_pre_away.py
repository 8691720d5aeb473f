"""draft/pre-away (ircv3.net/specs/extensions/pre-away)."""

from support.dialogue import Client, World

AWAY = ":roost.local 306 {} :You have been marked as being away"
BACK = ":roost.local 305 {} :You are no longer marked as being away"


def register(world: World, nick: str, *said: str, account: str = "", node: int = 0) -> Client:
    client = world.connect(node=node)
    if account:
        world.own(client, account)
    client.send("CAP REQ :draft/pre-away away-notify", f"NICK {nick}", f"USER {nick} 0 * :x")
    client.lines()
    client.send(*said)
    client.send("CAP END")
    return client


def away_of(world: World, nick: str) -> str:
    return next(user.away for user in world.state.users.values() if user.nick == nick)


def test_away_is_accepted_before_registration() -> None:
    """If the capability has been negotiated, servers MUST accept the `AWAY` command before
    connection registration has completed. [...] the `AWAY` command MAY be used pre-registration to
    set a human-readable away message associated with the connection as usual."""
    world = World()
    alice = register(world, "alice", "AWAY :Gone to lunch")
    lines = alice.lines()
    assert lines[0] == AWAY.format("alice")
    assert " 001 " in lines[1]
    bob = world.register("bob")
    bob.send("PRIVMSG alice :hi")
    bob.expect(":roost.local 301 bob alice :Gone to lunch")
    alice.send("AWAY")
    assert away_of(world, "alice") == ""


def test_without_the_capability_it_is_not() -> None:
    world = World()
    client = world.connect()
    client.send("AWAY :tea")
    client.expect(":roost.local 451 * :You have not registered")


def test_the_last_word_before_registration_counts() -> None:
    """Similarly, `AWAY` with no parameters indicates that the user is present."""
    world = World()
    client = register(world, "alice", "AWAY :tea", "AWAY")
    client.expect_some(AWAY.format("alice"), BACK.format("alice"))
    assert away_of(world, "alice") == ""


def test_monitors_are_told_of_the_nickname_all_the_same() -> None:
    """If the client's nickname was not already present on the server, then `AWAY` pre-registration
    sets the away message but does not inhibit reporting of the change in nickname status, e.g. via
    monitor."""
    world = World()
    bob = world.register("bob", "extended-monitor", "away-notify")
    bob.send("MONITOR + alice")
    bob.lines()
    register(world, "alice", "AWAY :tea")
    bob.expect(":roost.local 730 * alice!alice@host", ":alice!alice@host AWAY tea")


def test_a_star_says_that_nobody_is_there() -> None:
    """[...] servers SHOULD treat the form: AWAY * [...] as indicating that the user is not present
    for an unspecified reason."""
    world = World()
    register(world, "alice", "AWAY *")
    assert away_of(world, "alice") == "*"


def test_an_unattended_client_does_not_change_who_is_there() -> None:
    """[...] an away message of `*` should be treated as though the connection did not exist at all
    (for example, it should not supersede a human-readable `AWAY` message set by another
    connection, even if it is more recent)."""
    world = World(nodes=2)
    desk = world.register("alice", account="Alice")
    desk.send("AWAY :Gone to lunch")
    desk.lines()
    phone = register(world, "alice", "AWAY *", account="Alice", node=1)
    assert away_of(world, "alice") == "Gone to lunch"
    desk.send("AWAY")
    phone.lines()
    phone.send("AWAY *")
    phone.expect(AWAY.format("alice"))
    desk.expect(BACK.format("alice"))
    assert away_of(world, "alice") == ""
    desk.send("QUIT")
    assert away_of(world, "alice") == "*"
    phone.send("AWAY")
    assert away_of(world, "alice") == ""


def test_somebody_who_comes_brings_the_user_back() -> None:
    world = World()
    bob = world.register("bob", "away-notify")
    bob.send("JOIN #a")
    phone = register(world, "alice", "AWAY *", account="Alice")
    phone.send("JOIN #a")
    bob.lines()
    world.register("alice", account="Alice")
    bob.expect(":alice!alice@host AWAY")
    assert away_of(world, "alice") == ""


def test_an_always_on_user_stays_away_when_a_client_connects_by_itself() -> None:
    world = World()
    desk = world.register("alice", account="Alice")
    desk.send("NS SET ALWAYS-ON ON", "QUIT")
    assert away_of(world, "alice") == "Auto-away"
    phone = register(world, "alice", "AWAY *", account="Alice")
    assert away_of(world, "alice") == "Auto-away"
    phone.send("AWAY")
    assert away_of(world, "alice") == ""


def test_another_node_finishes_the_registration_with_it() -> None:
    world = World(nodes=2)
    client = world.connect()
    client.send("CAP REQ :draft/pre-away", "NICK alice", "USER alice 0 * :x", "AWAY :tea")
    client.node = 1
    client.generation += 1
    world.attach(client, 0)
    client.send("CAP END")
    assert away_of(world, "alice") == "tea"
    assert client.commands().count("306") == 1


def test_without_the_capability_a_star_is_a_message() -> None:
    world = World()
    desk = world.register("alice", account="Alice")
    world.register("alice", account="Alice")
    desk.send("AWAY *")
    assert away_of(world, "alice") == "*"
