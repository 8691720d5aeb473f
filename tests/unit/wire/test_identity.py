"""Identities are parsed as they are written, and admitted by cluster and role."""

import pytest

from roost.wire.identity import Identity, admit, parse_identity

GOOD = [
    (Identity("home", "node", "n1"), "roost://home/node/n1"),
    (Identity("a.b-c_d", "balancer", "9"), "roost://a.b-c_d/balancer/9"),
    (Identity("home", "operator", "alice"), "roost://home/operator/alice"),
]


@pytest.mark.parametrize(("identity", "uri"), GOOD)
def test_an_identity_and_its_uri_say_the_same(identity: Identity, uri: str) -> None:
    assert identity.uri == uri
    assert parse_identity(uri) == identity


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "roost://",
        "roost://home/node",
        "roost://home/node/",
        "roost://home/node/n1/n2",
        "roost://home/king/n1",
        "roost:///node/n1",
        "roost://home/node/-n1",
        "roost://home/node/n 1",
        "roost://home/node/../n1",
        "roost://home/node/" + "n" * 64,
        "https://home/node/n1",
        "roost://home/node/n1\n",
    ],
)
def test_anything_else_is_no_identity(uri: str) -> None:
    assert parse_identity(uri) is None


def test_only_the_cluster_and_the_roles_asked_for_are_admitted() -> None:
    admission = admit("home", "node", "operator")
    assert admission(Identity("home", "node", "n1")) == ""
    assert admission(Identity("home", "operator", "alice")) == ""
    assert "a node or operator is wanted" in admission(Identity("home", "balancer", "b1"))
    assert "cluster 'away'" in admission(Identity("away", "node", "n1"))
