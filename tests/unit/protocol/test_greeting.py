"""A peer is talked to if it speaks our version, in our cluster, under the name it has proved."""

import msgspec
import pytest

from roost.protocol import mesh
from roost.protocol.greeting import SPEAKS, Range, check_greeting, check_name, common_version
from roost.protocol.mesh import PeerHello
from roost.protocol.trunk import Welcome

GREETINGS = [PeerHello(3, "test", "p1", "0.1", 7), Welcome(3, "test", "p1", 12, ())]


@pytest.mark.parametrize("greeting", GREETINGS)
def test_a_fitting_greeting_is_accepted(greeting: PeerHello | Welcome) -> None:
    assert check_greeting(greeting, 3, "test") == ""
    assert check_name(greeting, "p1") == ""


@pytest.mark.parametrize("greeting", GREETINGS)
def test_what_does_not_fit_is_named(greeting: PeerHello | Welcome) -> None:
    assert "version 3 of the protocol, we speak 4" in check_greeting(greeting, 4, "test")
    assert "cluster 'test', not to 'other'" in check_greeting(greeting, 3, "other")
    assert check_name(greeting, "p2") == "it calls itself 'p1', its certificate says 'p2'"


@pytest.mark.parametrize(
    ("theirs", "ours", "common"),
    [((1, 1), (1, 2), 1), ((1, 2), (1, 2), 2), ((2, 3), (1, 2), 2), ((1, 1), (2, 3), 0)],
)
def test_two_sides_talk_as_the_highest_version_that_both_know(
    theirs: Range, ours: Range, common: int
) -> None:
    assert common_version(theirs, ours) == common_version(ours, theirs) == common


def test_versions_that_are_no_neighbours_do_not_meet() -> None:
    older = PeerHello(2, "test", "n1", "0.1", 7)
    newer = PeerHello(2, "test", "n2", "0.3", 7, (3, 4))
    assert check_greeting(older, 2, "test", (3, 4)) == (
        "it speaks version 1 of the cluster, we speak 3 to 4: upgrade it, one version at a time"
    )
    assert "upgrade this side" in check_greeting(newer, 2, "test", (1, 2))


class HelloOf1(msgspec.Struct, frozen=True, array_like=True, tag=101):
    """`PeerHello` as version 1 has it."""

    protocol: int
    cluster: str
    name: str
    version: str
    position: int


def test_a_peer_of_version_1_reads_our_greeting_and_we_read_its() -> None:
    ours = PeerHello(mesh.PROTOCOL_VERSION, "test", "n2", "0.2", 7, SPEAKS)
    read = msgspec.msgpack.decode(mesh.encode(ours), type=HelloOf1)
    assert read == HelloOf1(2, "test", "n2", "0.2", 7)
    theirs = mesh.decode(msgspec.msgpack.encode(HelloOf1(2, "test", "n1", "0.1", 7)))
    assert isinstance(theirs, PeerHello)
    assert theirs.speaks == (1, 1)
    assert check_greeting(theirs, mesh.PROTOCOL_VERSION, "test") == ""
