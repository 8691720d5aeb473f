"""WHOIS and WHOWAS, as modern.ircdocs.horse has them."""

import pytest

from roost.chat.ids import FoldedNick
from roost.chat.state import Whowas
from roost.irc.capabilities import Capability
from support.questions import NOW_MS, Town

SIGNED_ON = NOW_MS // 1000 - 3600


@pytest.fixture
def town() -> Town:
    town = Town()
    town.room("#open")
    town.room("#secret", modes="nst")
    town.person("Ann", "@+#open", "#secret", away="out", realname="Ann A.", idle_s=42)
    town.person("Bob", "+#open", account="robert", is_secure=True)
    town.person("Eve", "#open", "#hideout", modes="i")
    town.person("Max")
    return town


def test_whois_tells_what_is_known(town: Town) -> None:
    """The server SHOULD answer this command with numeric messages with information about the nick, ending with RPL_ENDOFWHOIS."""  # noqa: E501
    assert town.ask("Max", "WHOIS ann") == [
        ":roost.test 311 Max Ann ann host.test * :Ann A.",
        ":roost.test 319 Max Ann :@#open",
        ":roost.test 312 Max Ann roost.test :Roost",
        ":roost.test 301 Max Ann :out",
        f":roost.test 317 Max Ann 42 {SIGNED_ON} :seconds idle, signon time",
        ":roost.test 318 Max ann :End of /WHOIS list",
    ]


def test_whois_tells_the_account_and_the_secure_connection(town: Town) -> None:
    """This numeric indicates that the client with the nickname `<nick>` was authenticated as the owner of `<account>`."""  # noqa: E501
    answer = town.ask("Max", "WHOIS Bob")
    assert ":roost.test 330 Max Bob robert :is logged in as" in answer
    assert ":roost.test 671 Max Bob :is using a secure connection" in answer


def test_whois_of_a_user_without_them_does_not(town: Town) -> None:
    answer = town.ask("Bob", "WHOIS max")
    assert not [line for line in answer if line.split()[1] in {"330", "671", "319", "301"}]


def test_secret_rooms_are_shown_to_their_members_only(town: Town) -> None:
    """Secret channels will not show up in the RPL_WHOISCHANNELS numeric unless the user the numeric is being sent to is joined to that channel."""  # noqa: E501
    assert rooms(town.ask("Bob", "WHOIS ann")) == ["@#open"]
    assert rooms(town.ask("Ann", "WHOIS ann")) == ["@#open", "#secret"]


def test_an_invisible_users_rooms_are_shown_to_their_members_only(town: Town) -> None:
    """The channels in this response are affected by the secret channel mode and the invisible user mode."""  # noqa: E501
    assert rooms(town.ask("Max", "WHOIS eve")) == []
    assert rooms(town.ask("Bob", "WHOIS eve")) == ["#open"]


def test_private_facts_are_told_to_oneself_only(town: Town) -> None:
    """Servers typically send some of these numerics only to the client itself."""
    own = town.ask("Eve", "WHOIS eve")
    assert ":roost.test 378 Eve Eve :is connecting from eve@host.test host.test" in own
    assert ":roost.test 379 Eve Eve :is using modes +i" in own
    actual = ":roost.test 338 Eve Eve eve@host.test host.test :Is actually using host"
    assert actual in own
    foreign = town.ask("Bob", "WHOIS eve")
    assert not [line for line in foreign if line.split()[1] in {"338", "378", "379"}]
    olga = town.person("Olga", modes="o", host="olga.test")
    eve = next(user for user in town.state.users.values() if user.nick == "Eve")
    eve.real_host, eve.host = "host.test", "virtual.example"
    assert actual.replace(" Eve ", " Olga ", 1) in town.ask(olga.nick, "WHOIS eve")


def test_the_highest_prefix_or_all_of_them_are_shown(town: Town) -> None:
    """`<prefix>` is the highest channel membership prefix that the client has in that channel."""
    town.person("Zoe", capabilities=Capability.MULTI_PREFIX)
    assert rooms(town.ask("Max", "WHOIS ann")) == ["@#open"]
    assert rooms(town.ask("Zoe", "WHOIS ann")) == ["@+#open"]


def test_many_rooms_take_several_lines(town: Town) -> None:
    """`RPL_WHOISCHANNELS` can be sent multiple times in the same whois reply, if the target is on too many channels to fit in a single message."""  # noqa: E501
    names = [f"#{number:02}{'x' * 60}" for number in range(30)]
    town.person("Joe", *names)
    answer = town.ask("Max", "WHOIS joe")
    assert rooms(answer) == names
    assert len([line for line in answer if line.split()[1] == "319"]) > 1


@pytest.mark.parametrize("line", ["WHOIS ghost", "WHOIS ghost ghost", "WHOIS roost.test ghost"])
def test_an_unknown_nick_is_told_and_ended(town: Town, line: str) -> None:
    """Ending with RPL_ENDOFWHOIS, even if they did not send any other numeric message."""
    assert town.ask("Max", line) == [
        ":roost.test 401 Max ghost :No such nick/channel",
        ":roost.test 318 Max ghost :End of /WHOIS list",
    ]


@pytest.mark.parametrize("target", ["roost.test", "ROOST.*", "bob", "ann"])
def test_a_server_or_nick_may_be_named_first(town: Town, target: str) -> None:
    """If the `<target>` parameter is specified, it SHOULD be a server name or the nick of a user."""  # noqa: E501
    assert town.ask("Max", f"WHOIS {target} ann") == town.ask("Max", "WHOIS ann")


def test_an_unknown_server_is_refused(town: Town) -> None:
    """ERR_NOSUCHSERVER: Indicates that the given server name does not exist."""
    assert town.ask("Max", "WHOIS other.test ann") == [
        ":roost.test 402 Max other.test :No such server"
    ]


@pytest.mark.parametrize("line", ["WHOIS", "WHOIS :", "WHOWAS", "WHOWAS :"])
def test_a_nickname_is_needed(town: Town, line: str) -> None:
    """ERR_NONICKNAMEGIVEN: Returned when a nickname parameter is expected for a command but isn't given."""  # noqa: E501
    assert town.ask("Max", line) == [":roost.test 431 Max :No nickname given"]


def test_of_several_nicks_one_is_shown_and_all_are_ended(town: Town) -> None:
    """If the client sent multiple nicks, this MUST be the comma-separated list of nicks, even if some of them were dropped."""  # noqa: E501
    answer = town.ask("Max", "WHOIS Bob,Ann")
    assert [line.split()[3] for line in answer if line.split()[1] == "311"] == ["Bob"]
    assert answer[-1] == ":roost.test 318 Max Bob,Ann :End of /WHOIS list"


def remember(town: Town, *times_ms: int, account: str = "") -> None:
    town.state.whowas[FoldedNick("ghost")] = [
        Whowas("Ghost", f"u{number}", "gone.test", f"R {number}", account, time_ms)
        for number, time_ms in enumerate(times_ms)
    ]


def test_whowas_shows_the_latest_first(town: Town) -> None:
    """The history is searched backward, returning the most recent entry first."""
    remember(town, NOW_MS - 2000, NOW_MS - 1000)
    assert town.ask("Max", "WHOWAS GHOST") == [
        ":roost.test 314 Max Ghost u1 gone.test * :R 1",
        ":roost.test 312 Max Ghost roost.test :2023-12-31 23:59:59 UTC",
        ":roost.test 314 Max Ghost u0 gone.test * :R 0",
        ":roost.test 312 Max Ghost roost.test :2023-12-31 23:59:58 UTC",
        ":roost.test 369 Max GHOST :End of WHOWAS",
    ]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ("1", [2]),
        ("2", [2, 1]),
        ("9", [2, 1, 0]),
        ("0", [2, 1, 0]),
        ("-1", [2, 1, 0]),
        ("x", [2, 1, 0]),
    ],
)
def test_whowas_counts(town: Town, count: str, expected: list[int]) -> None:
    """If given, `<count>` SHOULD be a positive number. Otherwise, a full search is done."""
    remember(town, 0, 0, 0)
    answer = town.ask("Max", f"WHOWAS ghost {count}")
    entries = [line.split()[4] for line in answer if line.split()[1] == "314"]
    assert entries == [f"u{number}" for number in expected]


def test_whowas_tells_the_account(town: Town) -> None:
    """Optionally followed by other numerics relevant to that user."""
    remember(town, 0, account="casper")
    assert ":roost.test 330 Max Ghost casper :was logged in as" in town.ask("Max", "WHOWAS ghost")


def test_whowas_of_nobody(town: Town) -> None:
    """Servers MUST reply with either ERR_WASNOSUCHNICK or a non-empty list of WHOWAS entries, both followed with RPL_ENDOFWHOWAS."""  # noqa: E501
    assert town.ask("Max", "WHOWAS nobody") == [
        ":roost.test 406 Max nobody :There was no such nickname",
        ":roost.test 369 Max nobody :End of WHOWAS",
    ]


def rooms(lines: list[str]) -> list[str]:
    """Return the rooms in RPL_WHOISCHANNELS."""
    found: list[str] = []
    for line in lines:
        if line.split()[1] == "319":
            found += [word.lstrip(":") for word in line.split()[4:]]
    return found
