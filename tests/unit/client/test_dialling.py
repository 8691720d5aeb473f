"""Which address is dialled next, and when."""

from roost.client.addresses import Address
from roost.client.dialling import WAIT_S_MAX, Dialler, Policy

HERE, THERE = Address("here", 6667, False), Address("there", 6667, False)


def test_all_addresses_are_tried_before_the_first_long_wait() -> None:
    dialler = Dialler((HERE, THERE))
    assert dialler.address(0) == HERE
    assert dialler.failed(1.0) < 0.5
    assert dialler.address(0) == THERE
    assert dialler.failed(1.0) == 1.0
    assert dialler.address(0) == HERE


def test_waits_grow_to_a_minute_and_differ() -> None:
    dialler = Dialler((HERE,))
    waits = [dialler.failed(1.0) for _ in range(9)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert dialler.failed(0.0) == WAIT_S_MAX / 2


def test_a_lost_connection_is_taken_up_at_once_at_the_next_address() -> None:
    dialler = Dialler((HERE, THERE))
    assert dialler.lost(60.0, 1.0) < 0.5
    assert dialler.address(0) == THERE


def test_a_server_that_closes_at_once_is_not_hammered() -> None:
    dialler = Dialler((HERE,))
    assert [dialler.lost(0.1, 1.0) for _ in range(3)] == [1.0, 2.0, 4.0]


def test_a_policy_turns_plain_into_tls_as_long_as_it_is_in_force() -> None:
    dialler = Dialler((HERE,))
    dialler.policies["here"] = Policy(6697, 1000)
    assert dialler.address(999) == Address("here", 6697, True)
    assert dialler.address(1000) == HERE
