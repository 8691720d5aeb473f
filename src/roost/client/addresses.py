"""Parse server addresses as people write them.

host   host:port   [::1]:6667   irc://host   ircs://host:port
"""

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

PLAIN_PORT = 6667
TLS_PORT = 6697


class AddressError(ValueError):
    """A text is not an address; the message is for people."""


class Address(NamedTuple):
    """A server's address."""

    host: str
    port: int
    is_secure: bool

    def __str__(self) -> str:
        """Return "host:port", for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str, *, is_secure: bool | None = None) -> Address:
    """Parse an address; `is_secure` is what the flags say, or None if they say nothing.

    If neither the flags nor the text decide, use TLS, except on this machine and on the plain port.

    Raises:
        AddressError: the text is not an address.
    """
    given = text.strip()
    scheme, separator, rest = given.partition("://")
    if separator:
        if scheme.lower() not in ("irc", "ircs"):
            raise AddressError(f"{given!r} is not an address: it must begin with irc:// or ircs://")
        if is_secure is None:
            is_secure = scheme.lower() == "ircs"
    else:
        rest = given
    rest = rest.split("/", 1)[0].rpartition("@")[2]
    if rest.count(":") > 1 and not rest.startswith("["):
        rest = f"[{rest}]"
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressError(f"{given!r} is not an address: write HOST or HOST:PORT") from None
    if not host or " " in host or port == 0:
        raise AddressError(f"{given!r} is not an address: write HOST or HOST:PORT")
    if is_secure is None:
        is_secure = port == TLS_PORT if is_local(host) else port != PLAIN_PORT
    if port is None:
        port = TLS_PORT if is_secure else PLAIN_PORT
    return Address(host, port, is_secure)


def is_local(host: str) -> bool:
    """Return whether a host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
