"""How many clients one address and one account may have, over all nodes and balancers.

A balancer only counts its own connections. Here every registered session counts, in the log's
order. The counts are kept up to date as sessions come and go, so nothing has to be searched.
"""

import ipaddress

from roost.chat.directory import find_account, users_of
from roost.chat.identities import with_nick
from roost.chat.ids import AccountId, FoldedAccount, SessionId, UserId
from roost.chat.settings import Settings
from roost.chat.state import Session, State, User
from roost.irc.casemapping import fold_nick

_IPV6_PREFIX = 64
"""The smallest network that a customer gets; single IPv6 addresses would be no limit."""


def address_key(address: str, exempt: tuple[str, ...]) -> str:
    """Return the key that an address is counted under; empty if it is not counted.

    Addresses in the `exempt` networks are not counted, nor is anything but an IP address, such as a
    socket of the balancer's own machine.
    """
    try:
        ip = ipaddress.ip_address(address)
        if any(ip in ipaddress.ip_network(network) for network in exempt):
            return ""
        if ip.version == 6:
            return str(ipaddress.ip_network((int(ip), _IPV6_PREFIX), strict=False))
    except ValueError:
        return ""
    return str(ip)


def is_login_required(settings: Settings, host: str) -> bool:
    """Return whether somebody who connects from `host` needs an account."""
    if not settings.login_required:
        return False
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return True
    return not any(
        ip in ipaddress.ip_network(network) for network in settings.login_exempt_networks
    )


def exceeded_limit(state: State, key: str, account: str) -> tuple[str, int] | None:
    """Return the limit that keeps another session out, as (of what, how many); None if none does.

    The session would come from `key`, an `address_key`, and be logged in to `account`, which may
    be empty.
    """
    settings = state.settings
    if key and state.sessions_by_address.get(key, 0) >= settings.sessions_per_address_max:
        return "address", settings.sessions_per_address_max
    if account and sessions_of_account(state, account) >= settings.sessions_per_account_max:
        return "account", settings.sessions_per_account_max
    return None


def count_session(state: State, session: Session) -> None:
    if session.address:
        counts = state.sessions_by_address
        counts[session.address] = counts.get(session.address, 0) + 1


def uncount_session(state: State, number: SessionId) -> None:
    """Stop counting a session that is still in the state."""
    key = state.sessions[number].address
    if key:
        state.sessions_by_address[key] -= 1
        if not state.sessions_by_address[key]:
            del state.sessions_by_address[key]


def sessions_of_account(state: State, account: str) -> int:
    """Return the number of an account's sessions, under whichever nicknames."""
    return sum(len(state.users[user].sessions) for user in users_of(state, account))


def set_account(state: State, user: User, account: str) -> None:
    """Log a user in to an account, or out if `account` is empty, without telling anybody."""
    forget_account(state, user)
    user.account = account
    known = find_account(state, account) if account else None
    user.account_id = AccountId(0) if known is None else known.id
    if known is not None:
        known.nicks = with_nick(known.nicks, user.nick)
    if account:
        users = state.users_by_account.setdefault(FoldedAccount(fold_nick(account)), {})
        users[user.id] = None


def forget_account(state: State, user: User) -> None:
    """Remove a user from those of their account."""
    folded = FoldedAccount(fold_nick(user.account))
    users: dict[UserId, None] = state.users_by_account.get(folded, {})
    users.pop(user.id, None)
    if not users:
        state.users_by_account.pop(folded, None)
