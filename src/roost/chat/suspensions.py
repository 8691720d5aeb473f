"""Suspended accounts: nobody can log in, and the name and the rooms stay reserved.

A suspension ends by the log's time, or when somebody lifts it.
"""

from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Account, Suspension


def suspension_of(account: Account, time_ms: int) -> Suspension | None:
    """Return the suspension of an account that has not ended yet, if any."""
    suspension = account.suspension
    if suspension is None or 0 < suspension.expires_ms <= time_ms:
        return None
    return suspension


def why_suspended(account: Account, time_ms: int) -> Refusal | None:
    """Return why nobody can log in to an account; None if its owner can."""
    suspension = suspension_of(account, time_ms)
    if suspension is None:
        return None
    detail = f"{suspension.expires_ms} {suspension.reason}"
    return Refusal(Reason.ACCOUNT_SUSPENDED, account.name, detail)
