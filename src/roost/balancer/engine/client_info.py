"""Where a client comes from, as the listener that accepted it knows.

A plain connection tells only its address. TLS adds a certificate, and a trusted proxy in front of
the balancer says for whom it speaks.
"""

import ipaddress
import sys
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LOCALHOST = "localhost"
"""The address of a client without an IP address: it came over a Unix socket."""


class ClientInfo(msgspec.Struct, frozen=True, gc=False):
    """What is known of a client before it says anything."""

    address: str
    """The client's IP address, or "localhost"; empty if it is gone already."""
    is_secure: bool = False
    """Whether nobody between the client and us can read or change what is said."""
    certificate: str = ""
    """The client certificate's SHA-256 fingerprint in lower-case hexadecimal; empty for none."""


class TrustedProxies:
    """The proxies that may speak for other addresses."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(map(ipaddress.ip_network, networks))

    def __contains__(self, address: str) -> bool:
        if not self._networks:
            return False
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._networks)

    def client_of(self, peer: ClientInfo, forwarded_for: str, forwarded_proto: str) -> ClientInfo:
        """Return who sent an HTTP request that came from `peer`.

        The headers X-Forwarded-For and X-Forwarded-Proto count only if a trusted proxy sent them.
        The list is read from its end, up to the first address that is not a trusted proxy's.
        """
        if peer.address not in self:
            return peer
        address = peer.address
        for word in reversed(forwarded_for.split(",")):
            found = plain_address(word.strip().strip("[]"))
            if not _is_address(found):
                break
            address = found
            if found not in self:
                break
        return ClientInfo(address, forwarded_proto.lower() == "https")


def plain_address(host: str) -> str:
    """Write an address as people do: without a zone, and IPv4 mapped into IPv6 as IPv4."""
    host = host.partition("%")[0]
    # Many clients share an address: they then share its text as well.
    return sys.intern(host[7:] if host.startswith("::ffff:") and "." in host else host)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
