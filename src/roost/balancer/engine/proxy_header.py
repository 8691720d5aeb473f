"""The PROXY protocol: a proxy in front of us says which client it speaks for.

    PROXY TCP4 192.0.2.1 198.51.100.1 50000 6667                     version 1
    signature, version and command, family, length, addresses, TLVs   version 2

Source: haproxy.org, doc/proxy-protocol.txt.
"""

import ipaddress
import struct
from collections.abc import Iterator

import msgspec

from roost.balancer.engine.client_info import LOCALHOST, plain_address

SIGNATURE_2 = b"\r\n\r\n\0\r\nQUIT\n"
SIGNATURE_1 = b"PROXY "
LINE_BYTES_MAX = 107
"""Version 1: "a 108-byte buffer is always enough to store all the line and a trailing zero"."""
HEADER_BYTES_MAX = 4096
"""Version 2: addresses take 216 bytes at most, the rest is for TLVs; HAProxy sends less than 1 KiB
of them."""

_FIXED_BYTES = 16
_INET, _INET6, _UNIX = 1, 2, 3
_STREAM = 1
_ADDRESS_BYTES = {_INET: 12, _INET6: 36, _UNIX: 216}
_TYPE_CRC32C = 0x03
_TYPE_SSL = 0x20
_CLIENT_SSL = 0x01


class ProxyHeaderError(Exception):
    """This is no header; the text says why."""


class ProxyHeader(msgspec.Struct, frozen=True):
    """A complete header."""

    size: int
    """In bytes."""
    address: str
    """The client's address; empty if the proxy speaks for itself, or does not know."""
    is_secure: bool = False
    """Whether the client reached the proxy over TLS."""


def parse_header(data: bytes) -> ProxyHeader | None:
    """Parse the header that `data` begins with; return None while it is incomplete.

    Raises:
        ProxyHeaderError: There is none, or it is malformed.
    """
    if data.startswith(SIGNATURE_2):
        return _parse_2(data)
    if data.startswith(SIGNATURE_1):
        return _parse_1(data)
    if SIGNATURE_2.startswith(data) or SIGNATURE_1.startswith(data):
        return None
    raise ProxyHeaderError("it does not begin with a PROXY header")


def _parse_1(data: bytes) -> ProxyHeader | None:
    line, is_ended, _ = data[:LINE_BYTES_MAX].partition(b"\r\n")
    if not is_ended:
        if len(data) >= LINE_BYTES_MAX:
            raise ProxyHeaderError(f"its first line has no end within {LINE_BYTES_MAX} bytes")
        return None
    size = len(line) + 2
    words = line.decode("ascii", "replace").split(" ")
    if words[1] == "UNKNOWN":
        return ProxyHeader(size, "")
    if len(words) != 6 or words[1] not in {"TCP4", "TCP6"}:
        raise ProxyHeaderError("its first line is not of the form PROXY TCP4|TCP6|UNKNOWN ...")
    version = 4 if words[1] == "TCP4" else 6
    try:
        addresses = [ipaddress.ip_address(word) for word in words[2:4]]
    except ValueError as error:
        raise ProxyHeaderError(str(error)) from error
    if any(address.version != version for address in addresses):
        raise ProxyHeaderError(f"an address does not belong to {words[1]}")
    for word in words[4:]:
        if not (word.isascii() and word.isdigit() and len(word) <= 5 and int(word) <= 65535):
            raise ProxyHeaderError(f"{word!r} is not a port")
    return ProxyHeader(size, plain_address(str(addresses[0])))


def _parse_2(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED_BYTES:
        return None
    version_command, family_protocol, length = struct.unpack_from("!BBH", data, 12)
    size = _FIXED_BYTES + length
    if version_command >> 4 != 2:
        raise ProxyHeaderError(f"its version is {version_command >> 4}, not 2")
    if size > HEADER_BYTES_MAX:
        raise ProxyHeaderError(f"it is longer than {HEADER_BYTES_MAX} bytes")
    if len(data) < size:
        return None
    body = data[_FIXED_BYTES:size]
    command, family = version_command & 15, family_protocol >> 4
    if command == 0:
        return ProxyHeader(size, "")
    if command != 1:
        raise ProxyHeaderError(f"its command {command} is unknown")
    if family_protocol >> 4 == 0 or family_protocol & 15 == 0:
        return ProxyHeader(size, "")
    if family not in _ADDRESS_BYTES or family_protocol & 15 != _STREAM:
        raise ProxyHeaderError(f"its family and protocol {family_protocol:#04x} are not a stream's")
    if length < _ADDRESS_BYTES[family]:
        raise ProxyHeaderError(f"its addresses do not fit into {length} bytes")
    is_secure = False
    for kind, value, offset in _tlvs(body, _ADDRESS_BYTES[family]):
        if kind == _TYPE_SSL:
            if len(value) < 5:
                raise ProxyHeaderError("what it says about TLS is too short")
            is_secure = bool(value[0] & _CLIENT_SSL)
        elif kind == _TYPE_CRC32C:
            _check_sum(data[:size], value, _FIXED_BYTES + offset)
    return ProxyHeader(size, _address(family, body), is_secure)


def _address(family: int, body: bytes) -> str:
    match family:
        case 1:
            return str(ipaddress.IPv4Address(body[:4]))
        case 2:
            return plain_address(_ipv6(ipaddress.IPv6Address(body[:16])))
        case _:
            return LOCALHOST


def _ipv6(address: ipaddress.IPv6Address) -> str:
    return str(address.ipv4_mapped or address)


def _tlvs(body: bytes, offset: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield the type and value of each TLV, and where the value begins."""
    while offset < len(body):
        if offset + 3 > len(body):
            raise ProxyHeaderError("its last TLV is cut off")
        kind, length = struct.unpack_from("!BH", body, offset)
        offset += 3
        if offset + length > len(body):
            raise ProxyHeaderError("its last TLV is cut off")
        yield kind, body[offset : offset + length], offset
        offset += length


def _check_sum(header: bytes, value: bytes, offset: int) -> None:
    """Verify the checksum, which is computed with its own four bytes as zeros."""
    if len(value) != 4:
        raise ProxyHeaderError("its checksum is not four bytes long")
    zeroed = header[:offset] + bytes(4) + header[offset + 4 :]
    if crc32c(zeroed) != int.from_bytes(value, "big"):
        raise ProxyHeaderError("its checksum is wrong")


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (RFC 4960, appendix B), bit by bit, as headers are short."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF
