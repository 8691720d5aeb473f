"""Network bans: by mask, address and account, equal on all nodes.

A ban's form shows its kind, so that there is one list and one way to match it:

    10.0.0.0/8, 2001:db8::/32, 192.0.2.7    an address, or a network of them
    ~a:bob, ~account:b*                     an account, or a mask over them
    *@192.0.2.*, bob!*@*                    a mask over nick!user@host

Bans are checked when a user comes online or logs in, and when a ban is added; never for a message.
"""

import ipaddress
from functools import lru_cache
from typing import TypeAlias

from roost.chat.cloaks import cloak_of
from roost.chat.state import NetworkBan, State, User
from roost.irc.casemapping import fold, fold_nick
from roost.irc.extended_bans import is_entry_matched, is_valid_entry, normalise_entry

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

MASK_BYTES_MAX = 200
"""As in a room's lists."""
LETTERS_MIN = 3
"""The fewest characters of a mask that are no wildcards, so that no ban shuts everybody out."""
PREFIX_MIN = 8
"""The shortest prefix of a network, for the same reason; no larger network was ever assigned."""
_WILDCARDS = "*?!@.:/"


def normalise_ban(text: str) -> str:
    """Complete a ban as people type it; return "" if it is invalid."""
    network = read_network(text)
    if network is not None:
        is_single = network.num_addresses == 1
        mask = str(network.network_address if is_single else network)
        return mask if network.prefixlen >= PREFIX_MIN else ""
    if "/" in text and "@" not in text and "!" not in text and not text.startswith("~"):
        return ""
    if not is_valid_entry(text) or text[:1] == ":" or any(character <= " " for character in text):
        return ""
    mask = normalise_entry(text)
    said = mask.partition(":")[2] if mask.startswith("~") else mask
    is_wide = sum(character not in _WILDCARDS for character in said) < LETTERS_MIN
    if is_wide or len(mask.encode()) > MASK_BYTES_MAX:
        return ""
    return mask


@lru_cache(maxsize=4096)
def read_network(text: str) -> Network | None:
    """Parse an address or a network; return None if it is neither."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def find_ban(
    state: State, nick: str, username: str, host: str, account: str, time_ms: int
) -> NetworkBan | None:
    """Find a ban that matches a user; `host` is the one they really come from."""
    if not state.bans:
        return None
    masks = _masks(nick, username, host, cloak_of(state, host))
    folded_account = fold_nick(account)
    for folded, ban in state.bans.items():
        if not is_expired(ban, time_ms) and _is_meant(folded, masks, host, folded_account):
            return ban
    return None


def is_hit(ban: NetworkBan, user: User) -> bool:
    """Return whether a ban matches a user."""
    host = user.real_host or user.host
    masks = _masks(user.nick, user.username, host, user.cloak)
    return _is_meant(fold(ban.mask), masks, host, fold_nick(user.account))


def _masks(nick: str, username: str, host: str, cloak: str) -> tuple[str, ...]:
    """Return what a mask can match, folded: operators see addresses, and cloaks too."""
    hosts = (host, cloak) if cloak else (host,)
    return tuple(fold(f"{nick}!{username}@{each}") for each in hosts)


def _is_meant(folded: str, masks: tuple[str, ...], host: str, account: str) -> bool:
    """Match one ban; everything but `host` is folded."""
    network = read_network(folded)
    if network is None:
        return any(is_entry_matched(folded, mask, account) for mask in masks)
    address = read_network(host)
    return (
        address is not None
        and address.version == network.version
        and address.network_address in network
    )


def is_expired(ban: NetworkBan, time_ms: int) -> bool:
    return 0 < ban.expires_ms <= time_ms


def forget_expired(state: State, time_ms: int) -> None:
    for folded, ban in list(state.bans.items()):
        if is_expired(ban, time_ms):
            del state.bans[folded]
