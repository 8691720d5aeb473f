"""A peer is talked to if it speaks our version, in our cluster, under the name it has proved."""

import pytest

from roost.protocol.greeting import check_greeting, check_name
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
