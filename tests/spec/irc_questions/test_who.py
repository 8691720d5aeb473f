"""WHO, as modern.ircdocs.horse ("WHO message") and WHOX have it."""

import pytest

from roost.irc.capabilities import Capability
from support.questions import Town


@pytest.fixture
def town() -> Town:
    town = Town()
    town.room("#open")
    town.room("#secret", modes="nst")
    town.person("Ann", "@+#open", "#secret", away="out", realname="Ann A.", idle_s=42)
    town.person("Bob", "+#open", account="robert", host="10.0.0.7")
    town.person("Eve", "#open", modes="i")
    town.person("Max")
    return town


def test_a_channel_lists_its_members(town: Town) -> None:
    """A channel name, in which case the channel members are listed."""
    assert town.ask("Bob", "WHO #OPEN") == [
        ":roost.test 352 Bob #open ann host.test roost.test Ann G@ :0 Ann A.",
        ":roost.test 352 Bob #open bob 10.0.0.7 roost.test Bob H+ :0 Bob Real",
        ":roost.test 352 Bob #open eve host.test roost.test Eve H :0 Eve Real",
        ":roost.test 315 Bob #OPEN :End of WHO list",
    ]


def test_an_exact_nickname_returns_a_single_user(town: Town) -> None:
    """An exact nickname, in which case a single user is returned."""
    assert town.ask("Max", "WHO bob") == [
        ":roost.test 352 Max #open bob 10.0.0.7 roost.test Bob H+ :0 Bob Real",
        ":roost.test 315 Max bob :End of WHO list",
    ]


@pytest.mark.parametrize("mask", ["", " 0", " *"])
def test_no_mask_lists_all_visible_users(town: Town, mask: str) -> None:
    """Visible users are users who either aren't invisible or have a common channel with the requesting client."""  # noqa: E501
    assert nicks(town.ask("Max", f"WHO{mask}")) == ["Ann", "Bob", "Max"]
    assert nicks(town.ask("Bob", f"WHO{mask}")) == ["Ann", "Bob", "Eve", "Max"]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ("?a*", ["Max"]),
        ("*B*", ["Bob"]),
        ("*@10.0.*", ["Bob"]),
        ("*!ann@*", ["Ann"]),
        ("e*", []),
        ("nobody", []),
        ("#nowhere", []),
    ],
)
def test_a_pattern_lists_the_visible_users_who_match(
    town: Town, mask: str, expected: list[str]
) -> None:
    """A mask pattern, in which case all visible users whose nickname matches are listed."""
    answer = town.ask("Max", f"WHO {mask}")
    assert nicks(answer) == expected
    assert answer[-1] == f":roost.test 315 Max {mask} :End of WHO list"


def test_the_invisible_are_hidden_from_outsiders_of_the_room(town: Town) -> None:
    """They will not show up in commands such as WHO or NAMES unless they share a channel."""
    assert nicks(town.ask("Max", "WHO #open")) == ["Ann", "Bob"]
    assert nicks(town.ask("Ann", "WHO #open")) == ["Ann", "Bob", "Eve"]


def test_a_secret_room_has_no_members_for_outsiders(town: Town) -> None:
    """Channels that are secret are hidden from those who are not in them."""
    assert town.ask("Bob", "WHO #secret") == [":roost.test 315 Bob #secret :End of WHO list"]
    assert nicks(town.ask("Ann", "WHO #secret")) == ["Ann"]
    town.find_room("#open").modes = "nst"
    assert town.ask("Max", "WHO ann")[0] == (
        ":roost.test 352 Max * ann host.test roost.test Ann G :0 Ann A."
    )


def test_multi_prefix_shows_all_prefixes(town: Town) -> None:
    """These prefixes MUST be in order of 'rank', from highest to lowest."""
    town.person("Zoe", capabilities=Capability.MULTI_PREFIX)
    assert town.ask("Zoe", "WHO #open")[0] == (
        ":roost.test 352 Zoe #open ann host.test roost.test Ann G@+ :0 Ann A."
    )


@pytest.mark.parametrize("mask", ["#open", "*", "*@host.test", "olga", "o*"])
def test_who_lists_only_operators_if_asked_to(town: Town, mask: str) -> None:
    """If the "o" parameter is passed only operators are returned (RFC 2812, 3.6.1)."""
    town.person("Olga", "#open", modes="ow")
    assert town.ask("Bob", f"WHO {mask} o") == [
        ":roost.test 352 Bob #open olga host.test roost.test Olga H* :0 Olga Real",
        f":roost.test 315 Bob {mask} :End of WHO list",
    ]
    assert nicks(town.ask("Bob", "WHO ann o")) == []
    assert town.ask("Bob", "WHO #open o%nf")[:-1] == [":roost.test 354 Bob Olga :H*"]


def test_operators_bear_an_asterisk_before_the_prefix(town: Town) -> None:
    """Optionally, a literal asterisk character to indicate that the user is a server operator.
    Optionally, the highest channel membership prefix that the client has in <channel>."""
    town.person("Olga", "@+#open", modes="Bo", away="out")
    assert town.ask("Bob", "WHO olga")[0] == (
        ":roost.test 352 Bob #open olga host.test roost.test Olga G*@B :0 Olga Real"
    )
    town.person("Zoe", capabilities=Capability.MULTI_PREFIX)
    assert town.ask("Zoe", "WHO olga %f")[0] == ":roost.test 354 Zoe :G*@+B"


def test_whox_sends_the_fields_that_are_asked_for(town: Town) -> None:
    """Exactly the fields requested by the client MUST be returned by the server."""
    assert town.ask("Max", "WHO bob %cuhnar") == [
        ":roost.test 354 Max #open bob 10.0.0.7 Bob robert :Bob Real",
        ":roost.test 315 Max bob :End of WHO list",
    ]


def test_whox_repeats_the_token(town: Town) -> None:
    """'t': return the `<token>` specified by the client."""
    assert town.ask("Bob", "WHO #open %afnt,42")[:2] == [
        ":roost.test 354 Bob 42 Ann G@ :0",
        ":roost.test 354 Bob 42 Bob H+ :robert",
    ]


def test_whox_fields_have_one_order(town: Town) -> None:
    """Servers MUST send the fields in the order specified above."""
    assert town.ask("Max", "WHO ann %roaldfnshiuct,7")[0] == (
        ":roost.test 354 Max 7 #open ann 255.255.255.255 host.test roost.test Ann G@ 0 42 0 n/a"
        " :Ann A."
    )


def test_whox_placeholders(town: Town) -> None:
    """`*` is used for `[channel]` when no channel is returned."""
    assert town.ask("Ann", "WHO max %cina")[0] == ":roost.test 354 Ann * 255.255.255.255 Max :0"


def test_whox_never_sends_the_ordinary_reply(town: Town) -> None:
    """Servers MUST NOT send `RPL_WHOREPLY` replies."""
    assert all(" 352 " not in line for line in town.ask("Bob", "WHO #open %n"))


def test_whox_ignores_unknown_fields(town: Town) -> None:
    """Servers MUST ignore any non-standard field they don't support."""
    assert town.ask("Max", "WHO bob %nXYZ")[0] == ":roost.test 354 Max :Bob"


def test_a_mask_for_everybody_is_answered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers MAY filter or limit visible users replies arbitrarily."""
    monkeypatch.setattr("roost.ircd.commands.who.MATCHES_MAX", 3)
    town = Town()
    for number in range(5):
        town.person(f"n{number}", "#r")
    answer = town.ask("n0", "WHO n*")
    assert nicks(answer) == ["n0", "n1", "n2"]
    assert answer[-2] == ":roost.test NOTICE n0 :*** WHO shows only the first 3 users"
    assert nicks(town.ask("n0", "WHO #r")) == ["n0", "n1", "n2", "n3", "n4"]


def nicks(lines: list[str]) -> list[str]:
    """Return the nicknames in ordinary replies."""
    return [line.split()[7] for line in lines if line.split()[1] == "352"]
