"""Where a client comes from."""

import pytest

from roost.balancer.engine.client_info import ClientInfo, TrustedProxies, plain_address


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
    ],
)
def test_addresses_are_written_in_their_plain_form(host: str, plain: str) -> None:
    assert plain_address(host) == plain


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "proto", "client"),
    [
        ("192.0.2.1", "198.51.100.7", "https", ClientInfo("192.0.2.1")),
        ("10.0.0.1", "198.51.100.7", "https", ClientInfo("198.51.100.7", is_secure=True)),
        ("10.0.0.1", "spoofed, 198.51.100.7, 10.0.0.2", "http", ClientInfo("198.51.100.7")),
        ("10.0.0.1", "[2001:db8::1]", "", ClientInfo("2001:db8::1")),
        ("10.0.0.1", "unknown", "", ClientInfo("10.0.0.1")),
        ("10.0.0.1", "", "", ClientInfo("10.0.0.1")),
    ],
)
def test_only_trusted_proxies_speak_for_others(
    peer: str, forwarded_for: str, proto: str, client: ClientInfo
) -> None:
    proxies = TrustedProxies(("10.0.0.0/8",))
    assert proxies.client_of(ClientInfo(peer), forwarded_for, proto) == client
