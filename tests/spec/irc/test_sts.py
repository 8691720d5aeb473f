"""Strict transport security (ircv3.net/specs/extensions/sts)."""

import pytest

from roost.ircd.config import Config
from roost.ircd.sts import Sts
from support.dialogue import World

OFFERED = Config(sts=Sts(port=6697, duration_s=2_592_000))


def listed(world: World, said: str, *, is_secure: bool = False) -> list[str]:
    client = world.connect(is_secure=is_secure)
    client.send(said)
    words = " ".join(line.parameters[-1] for line in client.messages()).split()
    return [word for word in words if word.startswith("sts")]


def test_it_is_off_until_it_is_configured() -> None:
    """In compliant server software, this capability MUST be made available as an optional
    configuration setting."""
    assert listed(World(), "CAP LS 302") == []


def test_a_plain_client_is_told_the_port() -> None:
    """To enforce an STS upgrade policy, servers MUST send this key to non-securely connected
    clients."""
    assert listed(World(config=OFFERED), "CAP LS 302") == ["sts=port=6697,duration=2592000"]


def test_a_secure_client_is_told_for_how_long() -> None:
    """To enforce an STS persistence policy, servers MUST send this key to securely connected
    clients."""
    world = World(config=OFFERED)
    assert listed(world, "CAP LS 302", is_secure=True) == ["sts=duration=2592000"]


def test_a_client_that_does_not_know_values_is_told_nothing() -> None:
    """When enabled, the capability has a REQUIRED value."""
    assert listed(World(config=OFFERED), "CAP LS") == []


def test_who_requests_it_is_refused() -> None:
    """Clients MUST NOT request this capability (`CAP REQ`). Servers MAY reply with a `CAP NAK`
    message if a client requests this capability."""
    client = World(config=OFFERED).connect()
    client.send("CAP REQ sts")
    client.expect(":roost.local CAP * NAK :sts")


def test_a_policy_can_be_taken_back() -> None:
    """A duration value of 0 indicates an immediate expiry of the STS persistence policy."""
    world = World(config=Config(sts=Sts(port=6697)))
    assert listed(world, "CAP LS 302", is_secure=True) == ["sts=duration=0"]


@pytest.mark.parametrize(
    ("port", "duration_s", "key"), [(70_000, 0, "port"), (1, -1, "duration_s"), (0, 9, "sts.port")]
)
def test_what_makes_no_sense_is_refused(port: int, duration_s: int, key: str) -> None:
    with pytest.raises(ValueError, match=key):
        Sts(port=port, duration_s=duration_s)
