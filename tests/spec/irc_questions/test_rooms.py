"""NAMES and LIST, as modern.ircdocs.horse has them."""

import sys
from types import FrameType

import pytest

from roost.irc.capabilities import Capability
from roost.ircd.queries.room_filters import PATTERNS_MAX
from support.questions import Town


@pytest.fixture
def town() -> Town:
    town = Town()
    town.room("#Open", topic="hello all", topic_minutes=5, minutes=100)
    town.room("#secret", modes="nst", minutes=50)
    town.room("#empty", minutes=10)
    town.person("Ann", "@+#Open", "#secret")
    town.person("Bob", "+#Open")
    town.person("Eve", "#Open", modes="i")
    town.person("Max")
    return town


END = ":End of /NAMES list"


def test_names_lists_members_with_their_status(town: Town) -> None:
    """The server returns one of more `RPL_NAMREPLY` numerics containing the users joined to the channel and a single `RPL_ENDOFNAMES` numeric."""  # noqa: E501
    assert town.ask("Bob", "NAMES #open") == [
        ":roost.test 353 Bob = #Open :@Ann +Bob Eve",
        f":roost.test 366 Bob #Open {END}",
    ]


def test_names_hides_the_invisible_from_outsiders(town: Town) -> None:
    """Users with the invisible user mode set are not shown in channel responses unless the requesting client is also joined to that channel."""  # noqa: E501
    assert town.ask("Max", "NAMES #open")[0] == ":roost.test 353 Max = #Open :@Ann +Bob"


def test_names_of_a_secret_room_is_an_end_for_outsiders(town: Town) -> None:
    """If the given channel has the secret channel mode set and the user is not joined to that channel, one `RPL_ENDOFNAMES` numeric is returned."""  # noqa: E501
    assert town.ask("Bob", "NAMES #secret") == [f":roost.test 366 Bob #secret {END}"]
    assert town.ask("Ann", "NAMES #secret")[0] == ":roost.test 353 Ann @ #secret :Ann"


@pytest.mark.parametrize("name", ["#nowhere", "nonsense"])
def test_names_of_no_room_is_an_end(town: Town, name: str) -> None:
    """If the channel name is invalid or the channel does not exist, one `RPL_ENDOFNAMES` numeric containing the given channel name should be returned."""  # noqa: E501
    assert town.ask("Max", f"NAMES {name}") == [f":roost.test 366 Max {name} {END}"]


def test_names_evaluates_its_channels_one_by_one(town: Town) -> None:
    """The channel names are evaluated one-by-one."""
    assert town.ask("Max", "NAMES #nowhere,#open,#OPEN,#empty") == [
        f":roost.test 366 Max #nowhere {END}",
        ":roost.test 353 Max = #Open :@Ann +Bob",
        f":roost.test 366 Max #Open {END}",
        f":roost.test 366 Max #empty {END}",
    ]


@pytest.mark.parametrize("line", ["NAMES", "NAMES :"])
def test_names_of_nothing_is_an_end_for_a_star(town: Town, line: str) -> None:
    """If no parameter is given for this command, servers SHOULD return one `RPL_ENDOFNAMES` numeric with the `<channel>` parameter set to an asterisk character."""  # noqa: E501
    assert town.ask("Max", line) == [f":roost.test 366 Max * {END}"]


def test_names_shows_all_prefixes_and_hosts_to_who_asked(town: Town) -> None:
    """The multi-prefix client capability will cause the IRC server to send all possible prefixes which apply to a user in NAMES and WHO output."""  # noqa: E501
    town.person("Zoe", capabilities=Capability.MULTI_PREFIX | Capability.USERHOST_IN_NAMES)
    assert town.ask("Zoe", "NAMES #open")[0] == (
        ":roost.test 353 Zoe = #Open :@+Ann!ann@host.test +Bob!bob@host.test"
    )


def test_list_shows_every_visible_room(town: Town) -> None:
    """If this parameter is not given, the information about all visible channels (those not hidden by the secret channel mode rules) is returned."""  # noqa: E501
    assert town.ask("Bob", "LIST") == [
        ":roost.test 321 Bob Channel :Users  Name",
        ":roost.test 322 Bob #Open 3 :hello all",
        ":roost.test 322 Bob #empty 0 :",
        ":roost.test 323 Bob :End of /LIST",
    ]
    assert names(town.ask("Ann", "LIST")) == ["#Open", "#secret", "#empty"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("#open", ["#Open"]),
        ("#open,#nowhere,#empty", ["#Open", "#empty"]),
        ("#secret", []),
        (">2", ["#Open"]),
        ("<1", ["#empty"]),
        ("C<11", ["#empty"]),
        ("C>11", ["#Open"]),
        ("T<6", ["#Open"]),
        ("T>6", []),
        ("*e*", ["#Open", "#empty"]),
        ("*E?", ["#Open"]),
        ("*e*,!*mp*", ["#Open"]),
        ("#open,#empty >1", ["#Open"]),
        ("*secret", []),
    ],
)
def test_list_filters(town: Town, parameters: str, expected: list[str]) -> None:
    """If this parameter is supplied, the server filters the returned list of channels with the given conditions."""  # noqa: E501
    answer = town.ask("Bob", f"LIST {parameters}")
    assert names(answer) == expected
    assert answer[-1] == ":roost.test 323 Bob :End of /LIST"


def test_list_says_when_there_are_too_many_masks(town: Town) -> None:
    """MUST send back one `RPL_LISTEND` numeric."""
    masks = ",".join(f"*{number}" for number in range(PATTERNS_MAX + 1))
    assert town.ask("Bob", f"LIST {masks}")[1:] == [
        f":roost.test NOTICE Bob :*** LIST accepts at most {PATTERNS_MAX} masks",
        ":roost.test 323 Bob :End of /LIST",
    ]


@pytest.mark.parametrize("line", ["LIST >0", "WHO #big", "WHO n*", "NAMES #big"])
def test_a_large_answer_costs_no_more_than_its_size(line: str) -> None:
    """Twice as many people or rooms take twice as many steps, not four times."""

    def steps(count: int) -> int:
        town = Town()
        for number in range(count):
            town.person(f"n{number}", "#big", f"#r{number}")
        taken = 0

        def count_call(frame: FrameType, event: str, argument: object) -> None:
            nonlocal taken
            taken += 1

        sys.setprofile(count_call)
        try:
            town.ask("n0", line)
        finally:
            sys.setprofile(None)
        return taken

    assert steps(400) < 2.2 * steps(200)


def names(lines: list[str]) -> list[str]:
    """Return the rooms in RPL_LIST."""
    return [line.split()[3] for line in lines if line.split()[1] == "322"]
