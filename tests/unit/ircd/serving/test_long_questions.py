"""Questions about many people are answered in steps, and say the same as at once."""

import pytest

from roost.ircd.commands import lusers, who
from roost.ircd.rendering import name_lists, renaming
from roost.ircd.replies import names_reply
from roost.ircd.serving import serving
from support.dialogue import BALANCER, Client, World, parse

PEOPLE = 60
OUTPUT_BYTES_MAX = 1 << 20
NAMES = tuple(f"member{number:03}{'x' * 20}" for number in range(PEOPLE))


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (name_lists, names_reply, renaming):
        monkeypatch.setattr(module, "CROWD_MIN", 20)
    monkeypatch.setattr(names_reply, "LINES_PER_STEP", 1)
    monkeypatch.setattr(who, "MEMBERS_PER_STEP", 10)
    monkeypatch.setattr(who, "USERS_PER_STEP", 10)
    monkeypatch.setattr(serving, "STEPS_PER_TURN", 1)


def hold_back(world: World, *, is_held: bool) -> None:
    """Let the balancer read nothing, or everything that it was sent."""
    for server in world.servers:
        server.congested({BALANCER} if is_held else ())
    world.run()


def people(client: Client) -> list[str]:
    return [one.parameters[5] for one in client.messages() if one.command == "352"]


def names_in(lines: list[str]) -> list[str]:
    texts = [parse(line).parameters[-1] for line in lines if parse(line).command == "353"]
    return [word.lstrip("@+") for text in texts for word in text.split()]


@pytest.mark.parametrize("mask", ["#a", "member*", "member*!*@*"])
def test_who_of_many_goes_on_while_others_are_served(mask: str) -> None:
    world = World()
    asker, other = world.join("#a", *NAMES)[:2]
    hold_back(world, is_held=True)
    asker.send(f"WHO {mask}", "PING x")
    other.send("PING y")
    assert other.commands() == ["PONG"]
    asker.expect_nothing()
    hold_back(world, is_held=False)
    messages = asker.messages()
    assert [one.command for one in messages] == ["352"] * PEOPLE + ["315", "PONG"]
    assert {one.parameters[5] for one in messages[:PEOPLE]} == set(NAMES)


def test_a_step_of_who_is_short() -> None:
    world = World()
    asker = world.join("#a", *NAMES)[0]
    hold_back(world, is_held=True)
    asker.send("WHO #a")
    server = world.servers[0]
    server.congested(())
    server.work(OUTPUT_BYTES_MAX)
    server.work(OUTPUT_BYTES_MAX)
    items = server.take_output().items[BALANCER]
    lines = b"".join(item.payload for item in items).count(b" 352 ")  # type: ignore[union-attr]
    # A step ends with a text of the list, which has some fifteen names.
    assert 0 < lines < 40


def test_whoever_leaves_meanwhile_is_not_listed_and_whoever_stays_is() -> None:
    world = World()
    members = world.join("#a", *NAMES)
    hold_back(world, is_held=True)
    members[0].send("WHO #a", "NAMES #a")
    for member in members[1::2]:
        member.send("PART #a")
    hold_back(world, is_held=False)
    lines = members[0].lines()
    listed = [parse(line).parameters[5] for line in lines if parse(line).command == "352"]
    assert sorted(listed) == sorted(names_in(lines)) == sorted(NAMES[::2])


def test_outsiders_are_told_of_those_whom_they_may_see_in_steps() -> None:
    world = World()
    members = world.join("#a", *NAMES)
    for name, member in zip(NAMES[::2], members[::2], strict=True):
        member.send(f"MODE {name} +i")
    stranger = world.register("stranger")
    hold_back(world, is_held=True)
    stranger.send("NAMES #a", "WHO #a")
    stranger.expect_nothing()
    hold_back(world, is_held=False)
    lines = stranger.lines()
    listed = [parse(line).parameters[5] for line in lines if parse(line).command == "352"]
    assert sorted(listed) == sorted(names_in(lines)) == sorted(NAMES[1::2])


def test_a_room_that_becomes_secret_is_not_listed_any_further() -> None:
    world = World()
    first = world.join("#a", *NAMES)[0]
    stranger = world.register("stranger")
    hold_back(world, is_held=True)
    stranger.send("NAMES #a", "WHO #a")
    first.send("MODE #a +s")
    hold_back(world, is_held=False)
    assert stranger.commands() == ["366", "315"]


def test_a_list_that_is_forgotten_meanwhile_is_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(name_lists, "LISTS_MAX", 1)
    world = World()
    members = world.join("#a", *NAMES)
    for member in members:
        member.send("JOIN #b")
        member.lines()
    hold_back(world, is_held=True)
    members[0].send("NAMES #a")
    members[1].send("NAMES #b")
    members[2].send("WHO #a")
    members[3].send("PART #a")
    hold_back(world, is_held=False)
    assert sorted(names_in(members[0].lines())) == sorted(set(NAMES) - {NAMES[3]})
    assert sorted(names_in(members[1].lines())) == sorted(NAMES)
    assert sorted(people(members[2])) == sorted(set(NAMES) - {NAMES[3]})


@pytest.mark.parametrize("steps", range(1, 12, 2))
@pytest.mark.parametrize("line", ["NAMES #a", "WHO #a", "JOIN #a", "@label=1 JOIN #a"])
def test_a_node_that_dies_in_the_middle_leaves_nobody_out(line: str, steps: int) -> None:
    world = World(nodes=2)
    members = world.join("#a", *NAMES)
    # The list of the first node is in another order than that of the second.
    members[0].send("NAMES #a")
    for number in range(0, PEOPLE, 7):
        members[number].send(f"NICK renamed{number:03}{'y' * 19}")
    members[0].lines()
    asker = world.register("asker", "batch", "labeled-response")
    if "JOIN" not in line:
        asker.send("JOIN #a")
        asker.lines()
    hold_back(world, is_held=True)
    asker.send(line)
    world.servers[0].congested(())
    for _ in range(steps):
        world.servers[0].work(OUTPUT_BYTES_MAX)
    hold_back(world, is_held=True)
    world.kill(0)
    hold_back(world, is_held=False)
    lines = asker.lines()
    listed = [parse(one).parameters[5] for one in lines if parse(one).command == "352"]
    wanted = {user.nick for user in world.state.users.values()}
    assert set(listed or names_in(lines)) == wanted
    assert sum(" JOIN " in one for one in lines) == ("JOIN" in line)
    assert sum(" BATCH " in one for one in lines) == (2 if "label" in line else 0)


def rename(world: World, members: list[Client], mover: Client) -> None:
    for member in members:
        member.lines()
    hold_back(world, is_held=True)
    mover.send("RENAME #a #b")


def check_renamed(client: Client) -> None:
    lines = client.lines()
    commands = [parse(line).command for line in lines]
    assert commands[:2] == ["PART", "JOIN"]
    assert set(commands[2:]) == {"353", "366"}
    # Some may be listed twice, which does no harm.
    assert set(names_in(lines)) == set(NAMES)


def test_a_crowd_in_a_renamed_room_is_told_who_is_there_in_steps() -> None:
    world = World()
    members = world.join("#a", *NAMES)
    rename(world, members, members[0])
    assert all(member.commands() == ["PART", "JOIN"] for member in members[1:5])
    members[1].send("PRIVMSG #b :hello")
    assert members[5].commands() == ["PART", "JOIN", "PRIVMSG"]
    assert members[0].commands() == ["PART", "JOIN", "PRIVMSG"]
    hold_back(world, is_held=False)
    for member in (members[0], members[5]):
        assert sorted(names_in(member.lines())) == sorted(NAMES)


def test_clients_without_names_or_with_rename_are_told_no_names() -> None:
    world = World()
    members = world.join("#a", *NAMES)
    plain = world.register("plain", "no-implicit-names")
    able = world.register("able", "draft/channel-rename")
    for client in (plain, able):
        client.send("JOIN #a")
    world.run()
    rename(world, [plain, able, *members], members[0])
    hold_back(world, is_held=False)
    assert plain.commands() == ["PART", "JOIN"]
    assert able.commands() == ["RENAME"]


@pytest.mark.parametrize("is_missed", [True, False])
def test_a_renamed_crowd_is_listed_by_another_node(*, is_missed: bool) -> None:
    world = World(nodes=2)
    members = world.join("#a", *NAMES)
    for member in members:
        member.lines()
    if is_missed:
        first = members[0]
        world.is_log_stopped = True
        first.send("RENAME #a #b")
        world.kill(0)
        world.is_log_stopped = False
        world.run()
    else:
        rename(world, members, members[0])
        world.kill(0)
        hold_back(world, is_held=False)
    for member in members:
        check_renamed(member)


def test_a_crowd_is_not_counted_for_everybody_who_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lusers, "COUNTED_AT_ONCE_MAX", 10)
    world = World()
    members = world.join("#a", *NAMES)
    asker = members[0]

    def invisible() -> str:
        asker.lines()
        asker.send("LUSERS")
        return asker.lines()[0].partition(" users and ")[2].partition(" ")[0]

    world.tick(2.0)
    assert invisible() == "0"
    members[1].send(f"MODE {NAMES[1]} +i")
    assert invisible() == "0"
    world.tick(2.0)
    assert invisible() == "1"
