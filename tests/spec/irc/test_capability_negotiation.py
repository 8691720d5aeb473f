"""CAP (ircv3.net/specs/extensions/capability-negotiation)."""

from pathlib import Path

import pytest

from roost.irc.capabilities import NAMES, WEBPUSH_ANY
from roost.ircd.config import Config
from roost.ircd.push_config import PushConfig
from support.dialogue import World

EVERYTHING = Config(push=PushConfig(contact="mailto:admin@example.org"))
"""Switches on what is offered only if it is configured."""
BY_DEFAULT = [name for name, row in NAMES.items() if row not in WEBPUSH_ANY]
ALL = " ".join(sorted(BY_DEFAULT, key=lambda name: "/" in name))


def test_registration_waits_for_cap_end() -> None:
    """Upon receiving either a `CAP LS` or `CAP REQ` command during connection registration, the
    server MUST not complete registration until the client sends a `CAP END` command."""
    for first in ("CAP LS", "CAP REQ multi-prefix"):
        client = World().connect()
        client.send(first)
        client.lines()
        client.send("NICK alice", "USER a 0 * :Alice")
        client.expect_nothing()
        client.send("CAP END")
        assert client.commands()[0] == "001"


def test_registration_without_negotiation_completes_at_once() -> None:
    client = World().connect()
    client.send("NICK alice", "USER a 0 * :Alice")
    assert client.commands()[0] == "001"


def test_ls_lists_every_capability_without_values() -> None:
    client = World().connect()
    client.send("CAP LS")
    client.expect(f":roost.local CAP * LS :{ALL}")


def test_replies_name_the_client_once_it_has_a_nickname() -> None:
    """Replies from the server must contain the client identifier name or asterisk if one is not
    yet available."""
    client = World().connect()
    client.send("CAP LIST", "NICK alice", "CAP LIST")
    client.expect(":roost.local CAP * LIST :", ":roost.local CAP alice LIST :")


def test_unknown_subcommand_is_answered_with_410() -> None:
    """If a client sends a subcommand which is not in the list above [...] then numeric `410`
    (`ERR_INVALIDCAPCMD`) should be sent."""
    client = World().connect()
    client.send("CAP FOO")
    client.expect(":roost.local 410 * FOO :Invalid CAP command")


def test_request_is_acknowledged_and_listed() -> None:
    client = World().connect()
    client.send("CAP REQ :multi-prefix server-time", "CAP LIST")
    client.expect(
        ":roost.local CAP * ACK :multi-prefix server-time",
        ":roost.local CAP * LIST :multi-prefix server-time",
    )


def test_request_is_accepted_as_a_whole_or_not_at_all() -> None:
    """The capability identifier set must be accepted as a whole, or rejected entirely."""
    client = World().connect()
    client.send("CAP REQ :multi-prefix no-such-thing", "CAP LIST")
    client.expect(":roost.local CAP * NAK :multi-prefix no-such-thing", ":roost.local CAP * LIST :")


def test_names_are_case_sensitive() -> None:
    """Capability names are case-sensitive."""
    client = World().connect()
    client.send("CAP REQ Multi-Prefix")
    client.expect(":roost.local CAP * NAK Multi-Prefix")


def test_dash_disables() -> None:
    """Each capability identifier may be prefixed with a dash (`-`) to designate that the
    capability should be disabled."""
    client = World().connect()
    client.send("CAP REQ :multi-prefix batch", "CAP REQ :-multi-prefix", "CAP LIST")
    client.expect(
        ":roost.local CAP * ACK :multi-prefix batch",
        ":roost.local CAP * ACK -multi-prefix",
        ":roost.local CAP * LIST batch",
    )


def test_request_without_effect_is_acknowledged() -> None:
    """If a client requests a capability which is already enabled, or tries to disable a
    capability which is not enabled, the server MUST continue processing the REQ subcommand as
    though handling this capability was successful."""
    client = World().register("alice", "batch")
    client.send("CAP REQ :batch -setname")
    client.expect(":roost.local CAP alice ACK :batch -setname")


def test_request_works_after_registration() -> None:
    """The server MUST accept the `CAP` command at any time, including after registration."""
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    bob.send("CAP REQ :message-tags server-time", "CAP LIST")
    bob.expect(
        ":roost.local CAP bob ACK :message-tags server-time",
        ":roost.local CAP bob LIST :message-tags server-time",
    )
    alice.send("PRIVMSG #a :hello")
    bob.expect("@time=...;msgid=... :alice!alice@host PRIVMSG #a hello")
    bob.send("CAP REQ :-message-tags -server-time")
    bob.lines()
    alice.send("PRIVMSG #a :again")
    assert bob.lines() == [":alice!alice@host PRIVMSG #a :again"]


def test_end_after_registration_is_ignored() -> None:
    """If the client is already registered, this command MUST be ignored by the server."""
    client = World().register("alice")
    client.send("CAP END")
    client.expect_nothing()


def test_ls_302_enables_cap_notify() -> None:
    """This capability MUST be implicitly enabled if the client requests `CAP LS` with a version
    of 302 or newer."""
    for version in ("302", "307"):
        client = World(config=EVERYTHING).connect()
        client.send(f"CAP LS {version}", "CAP LIST")
        *listed, enabled = client.messages()
        words = " ".join(line.parameters[-1] for line in listed).split()
        assert [word.partition("=")[0] for word in words] == list(NAMES)
        assert enabled.parameters == ("*", "LIST", "cap-notify")


def test_cap_notify_cannot_be_disabled_under_302() -> None:
    """Servers MUST NOT disable the `cap-notify` capability if the client requests `CAP LS` with
    a version of 302 or newer."""
    client = World().connect()
    client.send("CAP LS 302", "CAP REQ -cap-notify", "CAP REQ cap-notify")
    assert [line.parameters[1:] for line in client.messages()][-2:] == [
        ("NAK", "-cap-notify"),
        ("ACK", "cap-notify"),
    ]


def test_cap_notify_can_be_disabled_without_302() -> None:
    """Such clients MAY explicitly disable the capability, and servers MUST allow these clients
    to do so."""
    client = World().connect()
    client.send("CAP REQ cap-notify", "CAP REQ -cap-notify", "CAP LIST")
    client.expect(
        ":roost.local CAP * ACK cap-notify",
        ":roost.local CAP * ACK -cap-notify",
        ":roost.local CAP * LIST :",
    )


def test_302_is_remembered_when_a_session_moves() -> None:
    world = World(nodes=2)
    client = world.register("alice")
    client.send("CAP LS 302")
    client.lines()
    world.move(client, 1)
    client.send("CAP REQ -cap-notify")
    client.expect(":roost.local CAP alice NAK -cap-notify")


def test_a_list_is_as_the_request_s_version_has_it() -> None:
    """If a client sends a lower CAP version (or omits the version number entirely), servers SHOULD
    return a `CAP LS` reply consistent with the request's version, but keep storing the original
    (higher) version."""
    client = World().connect()
    client.send("CAP LS 302", "CAP LS")
    *_, plain = client.messages()
    assert "=" not in plain.parameters[-1]
    assert "sasl" in plain.parameters[-1].split()
    client.send("CAP REQ -cap-notify")
    client.expect(":roost.local CAP * NAK :-cap-notify")


def test_who_does_not_know_302_gets_one_line_of_whole_names() -> None:
    """If a client has not indicated support for `CAP LS 302` features, the server MUST NOT send
    these new features to the client."""
    world = World(config=Config(server_name="a-server-with-a-long-name.example.org"))
    client = world.connect()
    client.send(f"NICK {'n' * 32}", "CAP LS")
    (listed,) = client.messages()
    words = listed.parameters[-1].split()
    assert set(words) <= set(NAMES)
    assert {name for name in NAMES if "/" not in name} <= set(words)


@pytest.mark.parametrize("name", NAMES)
def test_every_capability_is_told_of_in_the_documents(name: str) -> None:
    documents = Path(__file__).parents[3] / "docs" / "irc.md"
    assert f"`{name}`" in documents.read_text()
