"""Cloaks: what others see instead of an address, so that they do not learn where somebody lives.

    203.0.113.7      q5zcmk2a.hd7jx3tn.u2wmyk6p.ip    of the address, of its /24 and of its /16
    2001:db8:1::7    x4pdqa7k.r2mnc5yj.w6tbe3hu.ip    of the /64, of the /48 and of the /32

Each label is a keyed hash of a network, so equal networks look equal: `*.hd7jx3tn.u2wmyk6p.ip` bans
a /24 network. The key is the cluster's and known to nobody, or everybody could try all addresses.
Addresses of the machine itself, and what is no address, tell nothing and stay as they are.
"""

import base64
import hashlib
import hmac
import ipaddress
from functools import lru_cache

from roost.chat.state import State

SUFFIX = ".ip"
_LABEL_BYTES = 5
"""Eight letters. Among 300,000 addresses, two share a first label with a chance of 4 %."""
_PREFIXES = {4: (32, 24, 16), 6: (64, 48, 32)}
"""The narrowest network first: an address, or what a customer gets."""
SINCE = 2
"""The cluster's version since which there are cloaks."""


def is_cloaking(state: State) -> bool:
    """Return whether people who come online get cloaks."""
    wanted = state.settings.cloak_addresses
    if wanted is None:
        wanted = state.founded_version >= SINCE
    return wanted and state.version >= SINCE and bool(state.secret)


def cloak_of(state: State, host: str) -> str:
    """Return the cloak of a host; empty if it is shown as it is."""
    return _cloak(state.secret, host) if is_cloaking(state) else ""


@lru_cache(maxsize=4096)
def _cloak(secret: bytes, host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        return ""
    key = hmac.digest(secret, b"roost cloak", hashlib.sha256)
    labels = []
    for prefix in _PREFIXES[address.version]:
        network = ipaddress.ip_network((int(address), prefix), strict=False)
        digest = hmac.digest(key, str(network).encode(), hashlib.sha256)
        labels.append(base64.b32encode(digest[:_LABEL_BYTES]).decode().lower())
    return ".".join(labels) + SUFFIX
