"""Decides which requests to the page of `roost chat --web` are the user's.

token in the path    other users of the machine cannot guess it
Host                 a page whose name was made to point here (DNS rebinding) has another
Origin               pages of other servers have another, even if they know the token
"""

import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit


class Gate:
    """What a request must have to be served."""

    def __init__(self, token: str, names: Collection[str]) -> None:
        """`names` are names of this server, such as a proxy's, besides its address."""
        self._token = token
        self._names = frozenset(name.lower() for name in names)

    def is_open_to(
        self,
        path: str,
        host: str | None,
        origin: str | None,
        *,
        address: str,
        is_websocket: bool,
    ) -> bool:
        """Return whether a request may be served; `address` is that of this end of its connection.

        `host` and `origin` are the headers. Browsers always send `Origin` for a WebSocket.
        """
        token = path.split("/", 2)[1] if path.startswith("/") else ""
        if not hmac.compare_digest(token.encode(errors="replace"), self._token.encode()):
            return False
        if host is None or not self._is_own(host, address):
            return False
        if origin is None:
            return not is_websocket
        return origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")

    def _is_own(self, host: str, address: str) -> bool:
        # Any port will do: a forwarded one differs, and a browser sends the one it connects to.
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        own = _plain(address)
        if name == "localhost":
            return own.is_loopback
        try:
            return _plain(name) == own
        except ValueError:
            return name in self._names


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Parse an address; an IPv4 address that IPv6 wraps counts as itself."""
    found = ipaddress.ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found
