"""The colon before a last parameter (modern.ircdocs.horse, "Parameters", "Numerics").

"Parameters that contain spaces, are empty, or begin with a ':' character MUST be sent with a
preceding ':'; in other cases the use of a preceding ':' on the final parameter is OPTIONAL." Many
small clients expect the colon wherever the specification of a numeric has one, so the server always
sends it there.
"""

import pytest

from support.dialogue import Client, World


@pytest.fixture
def alice() -> Client:
    """Return a client that is away and in a room with a topic, all in words without spaces."""
    world = World()
    client = world.connect()
    client.send("NICK alice", "USER a 0 * :Alice", "JOIN #a", "TOPIC #a :short", "AWAY :out")
    client.lines()
    return client


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("NAMES #a", ":roost.local 353 alice = #a :@alice"),
        ("TOPIC #a", ":roost.local 332 alice #a :short"),
        ("LIST #a", ":roost.local 322 alice #a 1 :short"),
        ("WHOIS alice", ":roost.local 311 alice alice a host * :Alice"),
        ("WHOIS alice", ":roost.local 319 alice alice :@#a"),
        ("WHOIS alice", ":roost.local 312 alice alice roost.local :Roost"),
        ("WHOIS alice", ":roost.local 301 alice alice :out"),
        ("ISON alice", ":roost.local 303 alice :alice"),
        ("USERHOST alice", ":roost.local 302 alice :alice=-a@host"),
        ("WHO #a %r", ":roost.local 354 alice :Alice"),
        ("MONITOR + alice", ":roost.local 730 alice :alice!a@host"),
        ("MONITOR + bob", ":roost.local 731 alice :bob"),
        ("HELP", ":roost.local 704 alice * :Commands"),
        ("CAP REQ batch", ":roost.local CAP alice ACK :batch"),
        ("CAP REQ soup", ":roost.local CAP alice NAK :soup"),
    ],
)
def test_text_has_its_colon(alice: Client, line: str, expected: str) -> None:
    alice.send(line)
    assert expected in alice.lines()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("MODE alice", ":roost.local 221 alice +"),
        ("MODE #a", ":roost.local 324 alice #a +nt"),
        ("INVITE bob #a", ":roost.local 341 alice bob #a"),
    ],
)
def test_what_is_no_text_has_none(alice: Client, line: str, expected: str) -> None:
    alice.world.register("bob")
    alice.send(line)
    assert expected in alice.lines()


def test_times_have_no_colon(alice: Client) -> None:
    """RPL_TOPICWHOTIME (333): "<client> <channel> <nick> <setat>"; RPL_CREATIONTIME (329):
    "<client> <channel> <creationtime>"; RPL_BANLIST (367): "<client> <channel> <mask> [<who>
    <set-ts>]"."""
    alice.send("MODE #a +b bob", "TOPIC #a", "MODE #a", "MODE #a b")
    shown = {line.split()[1]: line.split()[-1] for line in alice.lines()}
    assert all(shown[numeric].isdigit() for numeric in ("333", "329", "367"))


def test_presence_that_comes_later_has_its_colon(alice: Client) -> None:
    """`:<server> 730 <nick> :target[!user@host][,target[!user@host]]*`"""
    alice.send("MONITOR + bob")
    alice.lines()
    bob = alice.world.register("bob")
    bob.send("QUIT")
    assert alice.lines() == [
        ":roost.local 730 * :bob!bob@host",
        ":roost.local 731 * :bob",
    ]
