"""How many clients one address and one account may have, over all nodes and balancers.

A balancer counts the connections that it holds and nothing else; here every registered session is
counted, in the log's order. Each kind of count is kept as sessions come and go, so that nobody
ever has to be searched for.
"""

import ipaddress

from roost.chat.ids import FoldedAccount, SessionId, UserId
from roost.chat.state import Session, State, User
from roost.irc.casemapping import fold_nick

_IPV6_PREFIX = 64
"""What one customer is given at least: counting single IPv6 addresses would count nothing."""


def address_key(address: str, exempt: tuple[str, ...]) -> str:
    """Return what an address is counted under; empty when it is not counted.

    That is so within the `exempt` networks, and for what is no IP address: a socket of the
    balancer's own machine.
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


def obstacle_to(state: State, key: str, account: str) -> tuple[str, int] | None:
    """Return which limit keeps another session out, and how high it is; None when none does.

    The session would come from `key`, an `address_key`, and be logged in to `account`, unless that
    is empty.
    """
    settings = state.settings
    if key and state.sessions_by_address.get(key, 0) >= settings.sessions_per_address_max:
        return "address", settings.sessions_per_address_max
    if account and sessions_of_account(state, account) >= settings.sessions_per_account_max:
        return "account", settings.sessions_per_account_max
    return None


def count_in(state: State, session: Session) -> None:
    """Count a session that is being opened."""
    if session.address:
        counts = state.sessions_by_address
        counts[session.address] = counts.get(session.address, 0) + 1


def count_out(state: State, number: SessionId) -> None:
    """Count a session no more; it is still in the state."""
    key = state.sessions[number].address
    if key:
        state.sessions_by_address[key] -= 1
        if not state.sessions_by_address[key]:
            del state.sessions_by_address[key]


def sessions_of_account(state: State, account: str) -> int:
    """Count the sessions of an account, whichever nicknames they bear."""
    users = state.users_by_account.get(FoldedAccount(fold_nick(account)), {})
    return sum(len(state.users[user].sessions) for user in users)


def set_account(state: State, user: User, account: str) -> None:
    """Log a user in to an account, or out when `account` is empty; says nothing to anybody."""
    forget_account(state, user)
    user.account = account
    if account:
        users = state.users_by_account.setdefault(FoldedAccount(fold_nick(account)), {})
        users[user.id] = None


def forget_account(state: State, user: User) -> None:
    """Count a user no more among those of their account."""
    folded = FoldedAccount(fold_nick(user.account))
    users: dict[UserId, None] = state.users_by_account.get(folded, {})
    users.pop(user.id, None)
    if not users:
        state.users_by_account.pop(folded, None)
