"""WHOWAS with a mask (modern.ircdocs.horse, "WHOWAS message", "Wildcard Expressions")."""

import pytest

from roost.chat.commands.operators import BecomeOperator
from roost.ircd.commands.whowas import ENTRIES_MAX
from support.dialogue import Client, World


def nicks(client: Client, line: str) -> list[str]:
    client.send(line)
    return [line.parameters[1] for line in client.messages() if line.command == "314"]


def town() -> tuple[World, Client]:
    """Ada, Adam and the invisible Adele were here, in this order."""
    world = World()
    for nick in ("ada", "adam", "adele", "bob"):
        client = world.register(nick)
        if nick == "adele":
            client.send("MODE adele +i")
        client.send("QUIT")
    return world, world.register("eve")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("WHOWAS ad*", ["adam", "ada"]),
        ("WHOWAS AD? 5", ["ada"]),
        ("WHOWAS * 1", ["bob"]),
        ("WHOWAS ad* -1", ["adam", "ada"]),
        ("WHOWAS x*", []),
        ("WHOWAS adele", ["adele"]),
    ],
)
def test_a_mask_finds_the_latest_first(line: str, found: list[str]) -> None:
    """The history is searched backward, returning the most recent entry first. If there are
    multiple entries, up to <count> replies will be returned."""
    _, eve = town()
    assert nicks(eve, line) == found


def test_no_match_is_said() -> None:
    """Servers MUST reply with either ERR_WASNOSUCHNICK (406) or a non-empty list of WHOWAS
    entries, both followed with RPL_ENDOFWHOWAS (369)."""
    _, eve = town()
    eve.send("WHOWAS x*")
    assert eve.commands() == ["406", "369"]


def test_only_operators_find_who_was_invisible() -> None:
    """Invisible: the user is not shown to people who share no channel, unless they know the
    nickname."""
    world, eve = town()
    world.act(eve, BecomeOperator("admin"))
    eve.lines()
    assert nicks(eve, "WHOWAS ad*") == ["adele", "adam", "ada"]


def test_many_are_cut() -> None:
    world, eve = town()
    someone = world.register("n0")
    someone.send(*(f"NICK n{number}" for number in range(1, ENTRIES_MAX + 9)))
    found = nicks(eve, "WHOWAS n*")
    assert len(found) == ENTRIES_MAX
    assert found[0] == f"n{ENTRIES_MAX + 7}"
