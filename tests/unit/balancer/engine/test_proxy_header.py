"""The PROXY protocol's header: haproxy.org, doc/proxy-protocol.txt."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.balancer.engine.proxy_header import (
    HEADER_BYTES_MAX,
    SIGNATURE_2,
    ProxyHeader,
    ProxyHeaderError,
    crc32c,
    parse_header,
)

V4 = bytes([192, 0, 2, 1, 198, 51, 100, 1]) + struct.pack("!HH", 50000, 6667)
V6 = bytes.fromhex("20010db8000000000000000000000001" * 2) + struct.pack("!HH", 50000, 6667)
MAPPED = bytes.fromhex("00000000000000000000ffffc0000201" * 2) + struct.pack("!HH", 1, 2)


def header(body: bytes = V4, *, command: int = 0x21, family: int = 0x11) -> bytes:
    return SIGNATURE_2 + struct.pack("!BBH", command, family, len(body)) + body


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def summed(body: bytes) -> bytes:
    whole = header(body + tlv(3, bytes(4)))
    return whole[:-4] + struct.pack("!I", crc32c(whole))


@pytest.mark.parametrize(
    ("data", "address", "is_secure"),
    [
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 50000 6667\r\n", "192.0.2.1", False),
        (b"PROXY TCP6 2001:DB8::1 2001:db8::2 50000 6667\r\n", "2001:db8::1", False),
        (b"PROXY UNKNOWN\r\n", "", False),
        (b"PROXY UNKNOWN ffff:f...f:ffff whatever 1 2\r\n", "", False),
        (header(), "192.0.2.1", False),
        (header(V6, family=0x21), "2001:db8::1", False),
        (header(MAPPED, family=0x21), "192.0.2.1", False),
        (header(bytes(216), family=0x31), "localhost", False),
        (header(b"", command=0x20, family=0), "", False),
        (header(V4, command=0x20), "", False),
        (header(b"", family=0), "", False),
        (header(V4 + tlv(0x20, b"\x01" + bytes(4))), "192.0.2.1", True),
        (header(V4 + tlv(0x20, b"\x00" + bytes(4))), "192.0.2.1", False),
        (header(V4 + tlv(1, b"irc") + tlv(0x20, b"\x07" + bytes(4))), "192.0.2.1", True),
        (header(V4 + tlv(4, bytes(300))), "192.0.2.1", False),
        (summed(V4), "192.0.2.1", False),
    ],
)
def test_a_header_is_parsed_whole_in_pieces_and_with_data_after_it(
    data: bytes, address: str, is_secure: bool
) -> None:
    expected = ProxyHeader(len(data), address, is_secure)
    assert parse_header(data) == expected
    assert parse_header(data + b"NICK a\r\n") == expected
    for end in range(1, len(data)):
        assert parse_header(data[:end]) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"NICK a\r\n", "does not begin with a PROXY header"),
        (b"\x16\x03\x01", "does not begin with a PROXY header"),
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 50000\r\n", "form"),
        (b"PROXY UDP4 192.0.2.1 198.51.100.1 50000 6667\r\n", "form"),
        (b"PROXY TCP4 192.0.2.300 198.51.100.1 50000 6667\r\n", "192.0.2.300"),
        (b"PROXY TCP4 2001:db8::1 2001:db8::2 50000 6667\r\n", "does not belong to TCP4"),
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 50000 66670\r\n", "not a port"),
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 -1 6667\r\n", "not a port"),
        (b"PROXY TCP4  192.0.2.1 198.51.100.1 1 6667\r\n", "form"),
        (b"PROXY TCP4 " + b"1" * 200, "no end within 107"),
        (header(command=0x11), "version is 1"),
        (header(command=0x22), "command 2"),
        (header(family=0x12), "not a stream.s"),
        (header(family=0x41), "not a stream.s"),
        (header(V4[:8]), "do not fit"),
        (header(V4, family=0x21), "do not fit"),
        (header(V4 + b"\x01\x00"), "cut off"),
        (header(V4 + b"\x01\x00\x05abc"), "cut off"),
        (header(V4 + tlv(0x20, b"\x01")), "too short"),
        (header(V4 + tlv(3, b"abcd")), "checksum is wrong"),
        (header(V4 + tlv(3, b"abc")), "four bytes"),
        (header(bytes(HEADER_BYTES_MAX)), "longer than"),
    ],
)
def test_a_malformed_header_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ProxyHeaderError, match=reason):
        parse_header(data)


def test_the_checksum_is_crc32c() -> None:
    # RFC 3720, appendix B.4.
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


@given(st.sampled_from([b"", b"PROXY ", SIGNATURE_2, header(), header() + V6]), st.binary())
def test_parsing_raises_nothing_but_its_own_error(begin: bytes, rest: bytes) -> None:
    try:
        found = parse_header(begin + rest)
    except ProxyHeaderError:
        return
    assert found is None or found.size <= len(begin + rest)
