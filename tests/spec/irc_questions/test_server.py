"""Questions about the server, as modern.ircdocs.horse ("Server Queries and Commands") has them."""

import pytest

from roost.ircd.replies.help_topics import TOPICS
from roost.ircd.serving.dispatch import command_names
from support.questions import Town


@pytest.fixture
def town() -> Town:
    town = Town()
    town.person("Ann", "#a", away="out")
    town.person("Bob", modes="i")
    return town


def test_motd_is_a_start_lines_and_an_end(town: Town) -> None:
    """If the MOTD can be found, one `RPL_MOTDSTART` numeric is returned, followed by one or more `RPL_MOTD` numeric, then one `RPL_ENDOFMOTD` numeric."""  # noqa: E501
    town.configure(motd=("Welcome.", ""))
    assert town.ask("Ann", "MOTD") == [
        ":roost.test 375 Ann :- roost.test Message of the day - ",
        ":roost.test 372 Ann :- Welcome.",
        ":roost.test 372 Ann :- ",
        ":roost.test 376 Ann :End of /MOTD command.",
    ]


def test_no_motd_is_told(town: Town) -> None:
    """If the MOTD does not exist or could not be found, the `ERR_NOMOTD` numeric is returned."""
    assert town.ask("Ann", "MOTD") == [":roost.test 422 Ann :There is no message of the day"]


def test_a_long_line_of_the_motd_is_split(town: Town) -> None:
    """`MOTD` lines MAY be wrapped."""
    town.person("x" * 32)
    town.configure(motd=("\u00e9" * 195,), server_name=f"{'s' * 150}.test")
    lines = town.ask("x" * 32, "MOTD")[1:-1]
    assert len(lines) == 2
    assert "".join(line.partition(":- ")[2] for line in lines) == "\u00e9" * 195


def test_version_names_the_software_and_repeats_isupport(town: Town) -> None:
    """Upon receiving a `VERSION` command, the given server SHOULD respond with one `RPL_VERSION` reply and one or more `RPL_ISUPPORT` replies."""  # noqa: E501
    answer = town.ask("Ann", "VERSION")
    assert answer[0] == ":roost.test 351 Ann roost-1 roost.test :A distributed chat system"
    assert {line.split()[1] for line in answer[1:]} == {"005"}
    assert any(" ELIST=CMNTU " in line for line in answer)


def test_time_is_a_timestamp_and_words(town: Town) -> None:
    """<client> <server> [<timestamp> [<TS offset>]] :<human-readable time>"""
    assert town.ask("Ann", "TIME") == [
        ":roost.test 391 Ann roost.test 1704067200 :2024-01-01 00:00:00 UTC"
    ]


def test_admin_tells_who_runs_it(town: Town) -> None:
    """The given server SHOULD respond with the `RPL_ADMINME`, `RPL_ADMINLOC1`, `RPL_ADMINLOC2`, and `RPL_ADMINEMAIL` replies."""  # noqa: E501
    town.configure(admin=("Here", "Us", "us@example.org"))
    assert town.ask("Ann", "ADMIN") == [
        ":roost.test 256 Ann roost.test :Administrative info",
        ":roost.test 257 Ann :Here",
        ":roost.test 258 Ann :Us",
        ":roost.test 259 Ann :us@example.org",
    ]


def test_admin_with_one_line_gives_the_address(town: Town) -> None:
    """RPL_ADMINEMAIL: `<info>` MUST contain the email address to contact the administrator(s)."""
    town.configure(admin=("us@example.org",))
    assert town.ask("Ann", "ADMIN")[1:] == [":roost.test 259 Ann :us@example.org"]


def test_no_admin_is_told(town: Town) -> None:
    """ERR_NOADMININFO: no information about the administrator is available (RFC 2812, 5.2)."""
    assert town.ask("Ann", "ADMIN") == [
        ":roost.test 423 Ann roost.test :No administrative info available"
    ]


def test_lusers_counts_the_whole_network(town: Town) -> None:
    """Servers MUST reply with `RPL_LUSERCLIENT` and `RPL_LUSERME`, and SHOULD also include all those defined below."""  # noqa: E501
    town.state.users_max_seen = 7
    assert town.ask("Ann", "LUSERS") == [
        ":roost.test 251 Ann :There are 1 users and 1 invisible on 1 servers",
        ":roost.test 252 Ann 0 :operator(s) online",
        ":roost.test 254 Ann 1 :channels formed",
        ":roost.test 255 Ann :I have 2 clients and 0 servers",
        ":roost.test 265 Ann 2 7 :Current local users 2, max 7",
        ":roost.test 266 Ann 2 7 :Current global users 2, max 7",
    ]


def test_links_shows_one_server_as_its_own_uplink(town: Town) -> None:
    """RPL_LINKS: "<client> <server1> <server2> :<hopcount> <server info>". A server MUST send replies back using zero or more RPL_LINKS messages and mark the end of the list using a RPL_ENDOFLINKS message."""  # noqa: E501
    assert town.ask("Ann", "LINKS") == [
        ":roost.test 364 Ann roost.test roost.test :0 Roost",
        ":roost.test 365 Ann * :End of /LINKS list",
    ]


def test_info_describes_the_server(town: Town) -> None:
    """The server will respond with zero or more `RPL_INFO` replies, followed by one `RPL_ENDOFINFO` numeric."""  # noqa: E501
    answer = town.ask("Ann", "INFO")
    assert [line.split()[1] for line in answer] == ["371"] * (len(answer) - 1) + ["374"]
    assert any("roost-1" in line for line in answer)


def test_stats_u_tells_the_networks_age(town: Town) -> None:
    """`u` - returns a string showing how long the server has been up."""
    assert town.ask("Ann", "STATS u") == [
        ":roost.test 242 Ann :Server Up 1 days 2:00:00",
        ":roost.test 219 Ann u :End of /STATS report",
    ]


@pytest.mark.parametrize("query", ["o", "l", "unknown"])
def test_stats_of_what_there_is_not_is_an_end(town: Town, query: str) -> None:
    """RPL_ENDOFSTATS: Indicates the end of a STATS response."""
    assert town.ask("Ann", f"STATS {query}") == [
        f":roost.test 219 Ann {query} :End of /STATS report"
    ]


@pytest.mark.parametrize("command", ["STATS", "ISON", "USERHOST"])
def test_a_missing_parameter_is_told(town: Town, command: str) -> None:
    """ERR_NEEDMOREPARAMS: not enough parameters were supplied."""
    assert town.ask("Ann", command) == [f":roost.test 461 Ann {command} :Not enough parameters"]


SERVER_QUESTIONS = ["MOTD", "VERSION", "TIME", "ADMIN", "INFO", "STATS u", "LUSERS *"]


@pytest.mark.parametrize("question", SERVER_QUESTIONS)
def test_an_unknown_server_is_told(town: Town, question: str) -> None:
    """If `<target>` is given and a matching server cannot be found, the server will respond with the `ERR_NOSUCHSERVER` numeric and the command will fail."""  # noqa: E501
    assert town.ask("Ann", f"{question} nowhere.test") == [
        ":roost.test 402 Ann nowhere.test :No such server"
    ]


@pytest.mark.parametrize("question", SERVER_QUESTIONS)
@pytest.mark.parametrize("target", ["roost.test", "ROOST.TEST", "*.test", "bob"])
def test_the_server_may_be_named_and_wildcards_are_allowed(
    town: Town, question: str, target: str
) -> None:
    """Wildcards are allowed in the `<target>` parameter."""
    assert town.ask("Ann", f"{question} {target}") == town.ask("Ann", question)


@pytest.mark.parametrize("line", ["ISON ann ghost BOB", "ISON :ann ghost BOB"])
def test_ison_names_those_who_are(town: Town, line: str) -> None:
    """Server replies with only those nicks in the given list that are present (RFC 2812, 4.9)."""
    assert town.ask("Ann", line) == [":roost.test 303 Ann :Ann Bob"]


def test_ison_of_nobody_is_empty(town: Town) -> None:
    """If the user is not present, the reply is empty: ":*1<nick> *( " " <nick> )"."""
    assert town.ask("Ann", "ISON ghost") == [":roost.test 303 Ann :"]


def test_a_long_ison_takes_two_lines(town: Town) -> None:
    asker = "y" * 32
    town.person(asker)
    wanted = ["Ann"] + [asker] * 15
    answer = town.ask(asker, f"ISON {' '.join(wanted)}")
    assert len(answer) == 2
    assert [word for line in answer for word in line.partition(f" {asker} :")[2].split()] == wanted


def test_userhost_tells_addresses_and_who_is_away(town: Town) -> None:
    """`"+"` represents that the user is not away, and `"-"` represents that the user is away."""
    assert town.ask("Ann", "USERHOST ghost bob ANN") == [
        ":roost.test 302 Ann :Bob=+bob@host.test Ann=-ann@host.test"
    ]
    assert town.ask("Ann", "USERHOST ghost") == [":roost.test 302 Ann :"]


def test_userhost_marks_operators(town: Town) -> None:
    """The optional '*' indicates whether the client has registered as an Operator (RFC 2812)."""
    town.person("Olga", modes="o", away="out")
    assert town.ask("Ann", "USERHOST olga") == [":roost.test 302 Ann :Olga*=-olga@host.test"]


def test_userhost_takes_five_nicknames(town: Town) -> None:
    """The `USERHOST` command takes up to five nicknames, each a separate parameters."""
    answer = town.ask("Ann", "USERHOST bob bob bob bob bob ann")
    assert answer == [":roost.test 302 Ann :" + " ".join(["Bob=+bob@host.test"] * 5)]


def test_help_without_a_subject_lists_the_commands(town: Town) -> None:
    """Reply with a single RPL_HELPSTART message, then arbitrarily many RPL_HELPTXT messages, then a single RPL_ENDOFHELP."""  # noqa: E501
    answer = town.ask("Ann", "HELP")
    numerics = [line.split()[1] for line in answer]
    assert numerics == ["704", *["705"] * (len(answer) - 2), "706"]
    words = {word.lstrip(":") for line in answer for word in line.split()}
    assert words >= set(TOPICS)


def test_helpop_is_help(town: Town) -> None:
    assert town.ask("Ann", "HELPOP nick") == town.ask("Ann", "HELP nick")


def test_help_explains_a_command(town: Town) -> None:
    """The RPL_HELPSTART message SHOULD be some sort of title and the first RPL_HELPTXT message SHOULD be empty."""  # noqa: E501
    assert town.ask("Ann", "HELP nick") == [
        ":roost.test 704 Ann nick :The NICK command",
        ":roost.test 705 Ann nick :",
        ":roost.test 705 Ann nick :NICK <nick>",
        ":roost.test 706 Ann nick :Changes your nickname.",
    ]


@pytest.mark.parametrize(("subject", "shown"), [("nonsense", "nonsense"), (":no sense", "*")])
def test_help_on_an_unknown_subject(town: Town, subject: str, shown: str) -> None:
    """The `<subject>` MUST be the one requested by the client, but may be casefolded; unless it would be an invalid parameter, in which case it MUST be `*`."""  # noqa: E501
    assert town.ask("Ann", f"HELP {subject}") == [
        f":roost.test 524 Ann {shown} :No help available on this topic"
    ]


@pytest.mark.parametrize("name", command_names())
def test_every_command_has_its_help(name: str) -> None:
    assert name in TOPICS


def test_no_help_is_about_a_command_that_is_not_there() -> None:
    assert set(TOPICS) <= set(command_names())
