"""Who enters a big room is told in steps who is in it, and others are served meanwhile."""

import pytest

from roost.ircd.rendering import name_lists
from roost.ircd.replies import names_reply
from roost.ircd.serving import serving
from support.dialogue import Client, World, parse


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (name_lists, names_reply):
        monkeypatch.setattr(module, "CROWD_MIN", 20)
    monkeypatch.setattr(names_reply, "LINES_PER_STEP", 1)
    monkeypatch.setattr(serving, "STEPS_PER_TURN", 1)


def names_of(lines: list[str]) -> list[str]:
    """Return everybody whom RPL_NAMREPLY lists, without prefixes."""
    texts = [parse(line).parameters[-1] for line in lines if parse(line).command == "353"]
    return [word.lstrip("@+") for text in texts for word in text.split()]


def crowd(world: World, count: int) -> list[Client]:
    # Long names, so that there are several lines.
    return world.join("#a", *(f"member{number:03}{'x' * 20}" for number in range(count)))


def test_everybody_is_listed_once_in_several_parts_and_the_join_comes_first() -> None:
    world = World()
    crowd(world, 60)
    late = world.register("late")
    late.send("JOIN #a")
    lines = late.lines()
    assert parse(lines[0]).command == "JOIN"
    assert parse(lines[-1]).command == "366"
    assert len(lines) > 5
    names = names_of(lines)
    assert len(names) == 61
    assert len(dict.fromkeys(names)) == 61


def test_a_labelled_answer_is_one_batch() -> None:
    world = World()
    crowd(world, 60)
    late = world.register("late", "batch", "labeled-response", "message-tags")
    late.send("@label=x JOIN #a")
    lines = late.lines()
    assert lines[0].startswith("@label=x :roost.local BATCH +")
    assert parse(lines[-1]).command == "BATCH"
    assert all(line.startswith("@batch=") for line in lines[1:-1])
    assert len(names_of(lines)) == 61


def test_several_rooms_are_answered_in_order_and_the_next_line_waits() -> None:
    world = World()
    crowd(world, 40)
    late = world.register("late")
    late.send("JOIN #a,#b", "PING x")
    commands = [parse(line).command for line in late.lines()]
    rest = commands[commands.index("366") + 1 :]
    assert rest == ["JOIN", "353", "366", "PONG"]


def test_an_answer_goes_on_at_another_node() -> None:
    world = World(nodes=2)
    crowd(world, 60)
    late = world.register("late")
    world.is_log_stopped = True
    late.send("JOIN #a")
    world.kill(0)
    world.is_log_stopped = False
    world.run()
    lines = late.lines()
    assert [parse(line).command for line in lines if parse(line).command != "353"] == [
        "JOIN",
        "366",
    ]
    assert len(dict.fromkeys(names_of(lines))) == 61


def test_names_is_answered_in_steps_too() -> None:
    world = World()
    first = crowd(world, 60)[0]
    first.send("NAMES #a,#none")
    lines = first.lines()
    assert [parse(line).command for line in lines[-2:]] == ["366", "366"]
    assert len(names_of(lines)) == 60
