"""Addresses are parsed as people write them."""

import pytest

from roost.client.addresses import Address, AddressError, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("irc.example", Address("irc.example", 6697, True)),
        ("irc.example:6667", Address("irc.example", 6667, False)),
        ("irc.example:7000", Address("irc.example", 7000, True)),
        ("localhost", Address("localhost", 6667, False)),
        ("127.0.0.1:40000", Address("127.0.0.1", 40000, False)),
        ("127.0.0.1:6697", Address("127.0.0.1", 6697, True)),
        ("irc://irc.example", Address("irc.example", 6667, False)),
        ("ircs://irc.example", Address("irc.example", 6697, True)),
        ("ircs://nick@irc.example:7000/#room", Address("irc.example", 7000, True)),
        ("::1", Address("::1", 6667, False)),
        ("[2001:db8::1]:6667", Address("2001:db8::1", 6667, False)),
    ],
)
def test_addresses_are_read_as_people_mean_them(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", ":6667", "host:port", "host:99999", "http://x", "a b:1"])
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(AddressError, match="is not an address"):
        parse_address(text)


def test_what_flags_say_counts_more_than_the_port() -> None:
    assert parse_address("irc.example:6667", is_secure=True).is_secure
    assert not parse_address("irc.example", is_secure=False).is_secure
