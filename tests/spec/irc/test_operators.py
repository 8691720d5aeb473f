"""OPER, KILL, WALLOPS, bans from the network, and who is told (modern.ircdocs.horse)."""

import pytest

from roost.ircd.config import Config, Operator
from roost.ircd.queries.durations import read_duration
from support.dialogue import Client, World
from support.fake_hashing import credentials
from unit.ircd.serving.test_takeover import cut_off, move

FINGERPRINT = "ab" * 32
PASSWORD = "correct horse"
DENIED = "481 {} :Permission Denied- You're not an IRC operator"


def town(nodes: int = 1) -> World:
    operators = (
        Operator(name="admin", password=credentials(PASSWORD).password),
        Operator(name="card", certificate=FINGERPRINT),
    )
    return World(nodes=nodes, config=Config(operators=operators))


def operator(world: World, nick: str = "olga", node: int = 0) -> Client:
    client = world.register(nick, node=node)
    client.send(f"OPER admin :{PASSWORD}")
    client.lines()
    return client


def test_who_gives_the_right_name_and_password_is_an_operator() -> None:
    """If the supplied name and password are both correct, and the user is connecting from a valid
    host, the RPL_YOUREOPER message is sent to the user. The user will also receive a MODE message
    indicating their new user modes, and other messages may be sent."""
    world = town()
    olga = world.register("olga")
    olga.send(f"OPER admin :{PASSWORD}")
    olga.expect(
        ":roost.local 381 olga :You are now an IRC operator",
        ":olga!olga@host MODE olga +osw",
        ":roost.local NOTICE * :*** olga (admin) is an operator now",
    )
    olga.send("MODE olga", "LUSERS")
    olga.expect_some(":roost.local 221 olga +osw", ":roost.local 252 olga 1 :operator(s) online")


def test_an_operator_who_asks_again_gets_no_empty_mode_line() -> None:
    world = town()
    desk = world.register("olga", account="olga")
    phone = world.register("olga", account="olga")
    desk.send(f"OPER admin :{PASSWORD}")
    for client in (desk, phone):
        client.lines()
    desk.send(f"OPER admin :{PASSWORD}")
    told = ":roost.local NOTICE * :*** olga (admin) is an operator now"
    desk.expect(":roost.local 381 olga :You are now an IRC operator", told)
    phone.expect(told)


@pytest.mark.parametrize(
    "words", ["admin wrong", "nobody x", "admin", "card x", f"card :{PASSWORD}"]
)
def test_a_wrong_name_or_password_is_refused_alike(words: str) -> None:
    """If the client does not send the correct password for the given name, the server replies with
    an ERR_PASSWDMISMATCH message and the request is not successful."""
    world = town()
    anna = world.register("anna")
    anna.send(f"OPER {words}")
    anna.expect(":roost.local 464 anna :Password incorrect")
    anna.send("MODE anna +o", "MODE anna +s", "MODE anna")
    anna.expect(":roost.local 221 anna +")


def test_a_certificate_makes_an_operator_without_a_password() -> None:
    world = town()
    olga = world.connect(certificate=FINGERPRINT)
    olga.send("NICK olga", "USER o 0 * :o")
    olga.lines()
    olga.send("OPER card")
    olga.expect_some(":roost.local 381 olga :You are now an IRC operator")


def test_attempts_are_limited() -> None:
    world = town()
    anna = world.register("anna")
    for _ in range(world.state.settings.logins_per_account_max):
        anna.send("OPER admin wrong")
    anna.lines()
    anna.send(f"OPER admin :{PASSWORD}")
    anna.expect(":roost.local 464 anna :Too many attempts, try again in 300 s")


def test_who_gives_it_up_is_a_user_like_all_others() -> None:
    world = town()
    olga = operator(world)
    olga.send("MODE olga -o", "KILL olga :x", "MODE olga")
    olga.expect(
        ":olga!olga@host MODE olga -os",
        f":roost.local {DENIED.format('olga')}",
        ":roost.local 221 olga +w",
    )


@pytest.mark.parametrize(
    "line",
    [
        "KILL bob :x",
        "KLINE *@evil.example x",
        "DLINE 10.0.0.0/8",
        "UNKLINE x",
        "UNDLINE x",
        "WALLOPS x",
        "OPERLOG",
        "STATS k",
        "REHASH",
    ],
)
def test_who_is_no_operator_is_denied(line: str) -> None:
    """ERR_NOPRIVILEGES: Indicates that the command failed because the user is not an IRC
    operator."""
    world = town()
    world.register("bob")
    anna = world.register("anna")
    anna.send(line)
    assert anna.lines()[0] == f":roost.local {DENIED.format('anna')}"
    assert not world.state.bans


def test_kill_closes_every_client_and_the_others_see_a_quit() -> None:
    """When a KILL command is used, the client being killed receives the KILL message, and the
    <source> of the message SHOULD be the operator who performed the command. The user being killed
    and every user sharing a channel with them receives a QUIT message representing that they are
    leaving the network."""
    world = town(nodes=2)
    olga, watching = operator(world), world.register("wilma")
    bob = world.register("bob", node=1, account="bob")
    second = world.register("bob", node=0, account="bob")
    for client in (bob, watching):
        client.send("JOIN #a")
    for client in (bob, second, watching):
        client.lines()
    olga.send("KILL bob :spam, again")
    olga.expect(
        ":roost.local NOTICE * :*** olga (admin) removed bob (bob@host, account bob): spam, again"
    )
    watching.expect(":bob!bob@host QUIT :Killed (olga (spam, again))")
    for client in (bob, second):
        client.expect(
            ":olga!olga@host KILL bob :spam, again",
            "ERROR :Closing link: host (Killed (olga (spam, again)))",
        )
        assert client.is_closed
    olga.send("KILL bob :x")
    olga.expect(":roost.local 401 olga bob :No such nick/channel")


@pytest.mark.parametrize("line", ["KILL bob", "KILL bob :"])
def test_kill_needs_no_comment(line: str) -> None:
    """<comment> SHOULD reflect why the KILL was performed."""
    world = town()
    olga, bob = operator(world), world.register("bob")
    olga.send(line)
    bob.expect(
        ":olga!olga@host KILL bob :no reason given",
        "ERROR :Closing link: host (Killed (olga (no reason given)))",
    )


@pytest.mark.parametrize(
    ("mask", "is_kline"),
    [
        ("198.51.100.7", False),
        ("198.51.100.0/24", False),
        ("*@198.51.*", True),
        ("evil!*@*", True),
        ("~a:evil", True),
    ],
)
def test_who_is_banned_goes_and_stays_out_on_every_node(mask: str, is_kline: bool) -> None:
    """KLINE, DLINE: by address, mask and account; ERR_YOUREBANNEDCREEP tells who comes back."""
    world = town(nodes=2)
    olga = operator(world)
    evil = world.register("evil", node=1, account="evil", address="198.51.100.7")
    good = world.register("good", node=1, address="203.0.113.1")
    olga.send(f"{'KLINE' if is_kline else 'DLINE'} 1h {mask} :no manners")
    assert evil.lines() == ["ERROR :Closing link: 198.51.100.7 (Banned (no manners))"]
    again = world.connect(node=0, address="198.51.100.7")
    world.own(again, "evil")
    again.send("NICK evil", "USER e 0 * :e")
    again.expect(
        ":roost.local 465 evil :You are banned from this network: no manners",
        "ERROR :Closing link: 198.51.100.7 (Banned (no manners))",
    )
    good.expect_nothing()
    olga.lines()
    olga.send("STATS k")
    shown = mask.replace("*@", "*!*@") if mask.startswith("*") else mask
    assert f" 216 olga K {shown} * * :no manners (by admin, " in olga.lines()[0]
    olga.send(f"UNKLINE {mask}")
    olga.expect(f":roost.local NOTICE * :*** olga (admin) lifted the ban on {shown}")
    world.register("evil", account="evil", address="198.51.100.7")


def test_a_ban_ends_with_its_time() -> None:
    world = town()
    operator(world).send("DLINE 2 198.51.100.7")
    world.time_ms += 119_000
    early = world.connect(address="198.51.100.7")
    early.send("NICK e", "USER e 0 * :e")
    assert early.is_closed
    world.time_ms += 1_000
    world.register("late", address="198.51.100.7")


@pytest.mark.parametrize("mask", ["*@*", "*", "0.0.0.0/0", "::/0", "a@", "10.0.0.0/99", "~x:y"])
def test_what_would_ban_everybody_or_nothing_is_refused(mask: str) -> None:
    world = town()
    olga = operator(world)
    olga.send(f"KLINE {mask} :x")
    assert not world.state.bans
    assert "cannot be banned" in olga.lines()[0]


def test_operators_are_not_hit_by_a_ban_of_their_own() -> None:
    world = town()
    olga, bob = operator(world), world.register("bob")
    olga.send("KLINE *@host :everybody from here")
    assert bob.is_closed
    assert not olga.is_closed


def test_a_ban_hits_whom_it_means_and_nobody_whom_only_an_earlier_one_means() -> None:
    world = town()
    olga, bob = operator(world), world.register("bob")
    olga.send("KLINE evil*!*@* :manners")
    bob.send("NICK evil1")
    olga.send("KLINE 1h other!*@* :something else")
    assert not bob.is_closed
    olga.send("KLINE evil*!*@* :manners")
    assert bob.is_closed


def test_wallops_reaches_whoever_listens() -> None:
    """The WALLOPS command is used to send a message to all currently connected users who have set
    the 'w' user mode for themselves."""
    world = town(nodes=2)
    olga, bob, carol = operator(world), world.register("bob", node=1), world.register("carol")
    bob.send("MODE bob +w")
    bob.lines()
    olga.send("WALLOPS :new disks at noon")
    bob.expect(":olga!olga@host WALLOPS :new disks at noon")
    carol.expect_nothing()
    olga.expect(":olga!olga@host WALLOPS :new disks at noon")
    assert "sent WALLOPS: new disks at noon" in world.state.operator_actions[-1].text


def test_other_operators_are_told_and_who_moves_misses_nothing_of_it() -> None:
    world = town(nodes=2)
    olga, otto = operator(world), operator(world, "otto", node=1)
    olga.lines()
    listening = world.register("lena", node=1)
    listening.send("MODE lena +w")
    listening.lines()
    served = [cut_off(world, client) for client in (otto, listening)]
    olga.send("KLINE *@evil.example :x", "WALLOPS :hear, hear")
    move(world, otto, 0, served[0])
    otto.expect(
        ":roost.local NOTICE * :*** olga (admin) banned *!*@evil.example for good: x",
        ":olga!olga@host WALLOPS :hear, hear",
    )
    otto.send("KILL lena :who moved is still an operator")
    move(world, listening, 0, served[1])
    assert listening.is_closed


def test_what_operators_did_is_remembered() -> None:
    world = town()
    olga = operator(world)
    olga.send("KLINE 1h30m *@evil.example :x", "OPERLOG 1")
    lines = olga.lines()[1:]
    assert "olga (admin) banned *!*@evil.example for 5400 s: x" in lines[0]
    assert lines[1].endswith("1 of 2 recorded actions")


def test_an_operator_whose_last_client_goes_comes_back_as_a_user() -> None:
    world = town()
    olga = world.register("olga", account="olga")
    olga.send("NS SET ALWAYS-ON ON", f"OPER admin :{PASSWORD}")
    olga.disconnect()
    back = world.register("olga", account="olga")
    back.send("MODE olga")
    back.expect_some(":roost.local 221 olga +w")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 300), ("90s", 90), ("1h30m", 5400), ("2w", 1_209_600), ("x", None), ("1h5", None)],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert read_duration(text) == seconds


def test_the_whois_of_an_operator_says_so() -> None:
    """RPL_WHOISOPERATOR (313): Sent as a reply to the WHOIS command, this numeric indicates that
    the client with the nickname <nick> is an operator."""
    world = town()
    operator(world)
    anna = world.register("anna")
    anna.send("WHOIS olga")
    anna.expect_some(":roost.local 313 anna olga :is an IRC operator")


def test_rehash_reaches_every_node() -> None:
    """REHASH: an administrative command which can be used by server operators to force the local
    server to re-read and process its configuration file."""
    world = town(nodes=2)
    olga = operator(world)
    olga.send("REHASH")
    olga.expect(
        ":roost.local 382 olga roost :Rehashing",
        ":roost.local NOTICE * :*** olga (admin) reloaded the configuration",
    )
    anna = world.register("anna", node=1)
    for server in world.servers:
        server.reconfigure(Config(motd=("New words.",), server_name="other.name"))
    anna.send("MOTD", "OPER admin x")
    anna.expect_some(":roost.local 372 anna :- New words.", ":roost.local 464 anna ...")
