"""Connection limits, in all and for one address."""

import pytest

from roost.balancer.engine.admission import ConnectionLimiter


def keeper(total: int = 100, each: int = 2, exempt: tuple[str, ...] = ()) -> ConnectionLimiter:
    return ConnectionLimiter(total_max=total, per_address_max=each, exempt=exempt)


@pytest.mark.parametrize(
    ("first", "second", "are_one"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_an_ipv6_network_counts_as_one_address(first: str, second: str, are_one: bool) -> None:
    limiter = keeper(each=1)
    assert limiter.admit(first, 0.0) == ""
    assert bool(limiter.admit(second, 0.0)) is are_one


def test_closed_and_refused_connections_do_not_count() -> None:
    limiter = keeper()
    assert [bool(limiter.admit("192.0.2.1", 0.0)) for _ in range(4)] == [
        False,
        False,
        True,
        True,
    ]
    assert limiter.total == 2
    limiter.release("192.0.2.1")
    assert limiter.admit("192.0.2.1", 0.0) == ""
    limiter.release("192.0.2.1")
    limiter.release("192.0.2.1")
    assert limiter.total == 0


def test_exempt_networks_and_local_sockets_have_no_limit_but_the_total() -> None:
    limiter = keeper(total=10, each=1, exempt=("127.0.0.0/8", "::1/128"))
    for address in ("127.0.0.1", "127.9.9.9", "::1", "") * 2:
        assert limiter.admit(address, 0.0) == ""
    assert limiter.admit("192.0.2.1", 0.0) == ""
    assert "from 192.0.2.1" in limiter.admit("192.0.2.1", 0.0)
    assert limiter.admit("127.0.0.1", 0.0) == ""
    assert limiter.admit("127.0.0.1", 0.0) == "too many connections: 10 are allowed"


def test_the_connection_rate_of_one_address_is_limited() -> None:
    limiter = ConnectionLimiter(total_max=100, per_address_max=100, exempt=(), burst=3, per_s=0.5)
    for _ in range(3):
        assert limiter.admit("192.0.2.1", 10.0) == ""
        limiter.release("192.0.2.1")
    assert "from 192.0.2.1 in a short time: 0.5 a second" in limiter.admit("192.0.2.1", 11.0)
    assert limiter.admit("192.0.2.2", 11.0) == ""
    assert limiter.admit("192.0.2.1", 12.0) == ""
    assert limiter.admit("192.0.2.1", 12.0)
    assert [bool(limiter.admit("192.0.2.1", 99.0)) for _ in range(4)] == [False] * 3 + [True]


def test_full_token_buckets_are_forgotten() -> None:
    limiter = ConnectionLimiter(total_max=10**6, per_address_max=9, exempt=(), burst=2, per_s=1.0)
    for number in range(1000):
        limiter.admit(f"10.0.{number // 250}.{number % 250}", 1.0)
    limiter.admit("192.0.2.1", 20.0)
    assert len(limiter._buckets) == 1
