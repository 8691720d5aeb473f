"""A crowd is told by its groups, and each client is shown the same as if it were told alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.ircd.delivery import deliveries
from roost.protocol.trunk import Deliver, DeliverTo, Item
from support.dialogue import World
from unit.ircd.delivery.test_missed_as_live import actions, capabilities, do, people_of


def told(script: list[tuple[int, str]], names: list[str], crowd_min: int) -> list[list[str]]:
    """Return what each client is shown of a conversation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliveries, "CROWD_MIN", crowd_min)
        world = World()
        people = people_of(world)
        world.own(world.connect(), "Walter")
        for account, rooms in (("", "#a,#b"), ("Walter", "#b,#c"), ("Walter", "")):
            watcher = world.register("watcher" + account, *names, account=account)
            watcher.send("MONITOR + alice,carol,alicia", f"JOIN {rooms}" if rooms else "PING x")
            people.append(watcher)
        for who, line in script:
            do(world, people[who], line)
        return [client.lines() for client in people]


everybody = st.tuples(st.integers(0, 5), actions.map(lambda action: action[1]))


@settings(max_examples=80)
@given(st.lists(everybody, min_size=5, max_size=25), capabilities)
def test_everybody_is_shown_the_same(script: list[tuple[int, str]], names: list[str]) -> None:
    assert told(script, names, 1) == told(script, names, 1000)


@pytest.mark.parametrize("line", ["NICK other", "QUIT", "AWAY :tea"])
def test_it_costs_one_item_for_each_group(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "CROWD_MIN", 20)
    world = World()
    members = world.join("#a", *(f"member{number}" for number in range(30)))
    taken: list[Item] = []
    obey = world.obey

    def keep_and_obey(node: int, item: Item) -> None:
        taken.append(item)
        obey(node, item)

    monkeypatch.setattr(world, "obey", keep_and_obey)
    members[0].send(line)
    shown = [item for item in taken if isinstance(item, Deliver | DeliverTo)]
    # Nobody there negotiated away-notify.
    assert len(shown) == ("AWAY" not in line)
    assert all(isinstance(item, Deliver) for item in shown)
    assert ("AWAY" in line) or members[7].lines()
