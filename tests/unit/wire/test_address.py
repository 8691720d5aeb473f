"""Addresses are parsed and written."""

import pytest

from roost.wire.address import format_address, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:7001", ("localhost", 7001)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_an_address_is_read_and_written_back(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address
    assert format_address(address) == text


@pytest.mark.parametrize(
    "text", ["", "localhost", ":1", "localhost:", "localhost:x", "a:65536", "::1:5", "a:-1", "a:²"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_address(text)


def test_an_ipv6_socket_name_has_four_parts() -> None:
    assert format_address(("::1", 7001, 0, 0)) == "[::1]:7001"
