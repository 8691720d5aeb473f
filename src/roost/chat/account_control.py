"""What network operators and administrators do with the accounts of others; each action is logged.

They never learn a password that somebody chose: only hashes are replicated, and a new one replaces
the old one.
"""

from roost.chat.account_names import rename_account
from roost.chat.accounts import make_account, remove_account
from roost.chat.commands.control import (
    DisconnectAccount,
    RenameAccount,
    SuspendAccount,
    UnsuspendAccount,
)
from roost.chat.commands.operators import DropAccountOf, RegisterFor, ResetCredentials
from roost.chat.control import Asker, controls
from roost.chat.directory import account_by_id, users_of
from roost.chat.ids import AccountId
from roost.chat.operators import DURATION_S_MAX
from roost.chat.refusals import Reason
from roost.chat.sessions import close_session, expel
from roost.chat.state import Account, Suspension
from roost.chat.step import Step, cut
from roost.chat.suspensions import suspension_of

SUSPENSION_REASON_BYTES_MAX = 200
"""It has to fit into an error with a name and a date."""


def _find(step: Step, number: AccountId) -> Account | None:
    account = account_by_id(step.state, number)
    if account is None:
        step.refused(Reason.NO_SUCH_ACCOUNT)
    return account


@controls(RegisterFor)
def register_for(step: Step, operation: RegisterFor, asker: Asker) -> None:
    """Register an account that nobody is logged in to yet."""
    account = make_account(step, operation.name, operation.credentials, "", None)
    if account is not None:
        asker.did(f"registered the account {account.name}")


@controls(ResetCredentials)
def reset_credentials(step: Step, operation: ResetCredentials, asker: Asker) -> None:
    """Make a new password the only way into an account; clients that are logged in stay."""
    account = _find(step, operation.account)
    if account is None:
        return
    account.credentials = operation.credentials
    account.certificates.clear()
    account.is_external = False
    asker.did(f"set the password of the account {account.name}")


@controls(DropAccountOf)
def drop_account_of(step: Step, operation: DropAccountOf, asker: Asker) -> None:
    account = _find(step, operation.account)
    if account is None:
        return
    asker.did(f"deleted the account {account.name}")
    remove_account(step, account)


@controls(SuspendAccount)
def suspend_account(step: Step, operation: SuspendAccount, asker: Asker) -> None:
    """Remove everybody who is logged in, always-on users too, and let nobody log in again."""
    account = _find(step, operation.account)
    if account is None:
        return
    reason = cut(operation.reason, SUSPENSION_REASON_BYTES_MAX)
    duration_s = min(max(operation.duration_s, 0), DURATION_S_MAX)
    expires_ms = step.time_ms + duration_s * 1000 if duration_s else 0
    account.suspension = Suspension(reason, asker.name, step.time_ms, expires_ms)
    shown = f": {reason}" if reason else ""
    for user in users_of(step.state, account.name):
        expel(step, step.state.users[user], f"Account suspended{shown}")
    span = f"for {duration_s} s" if duration_s else "for good"
    asker.did(f"suspended the account {account.name} {span}{shown}")


@controls(UnsuspendAccount)
def unsuspend_account(step: Step, operation: UnsuspendAccount, asker: Asker) -> None:
    account = _find(step, operation.account)
    if account is None:
        return
    if suspension_of(account, step.time_ms) is None:
        step.refused(Reason.NOT_SUSPENDED, account.name)
        return
    account.suspension = None
    asker.did(f"lifted the suspension of the account {account.name}")


@controls(RenameAccount)
def rename(step: Step, operation: RenameAccount, asker: Asker) -> None:
    account = _find(step, operation.account)
    if account is None:
        return
    before = account.name
    if not rename_account(step, account, operation.name):
        return
    asker.did(f"renamed the account {before} to {account.name}")


@controls(DisconnectAccount)
def disconnect_account(step: Step, operation: DisconnectAccount, asker: Asker) -> None:
    """End all sessions; a user who is always on stays online without a client."""
    account = _find(step, operation.account)
    if account is None:
        return
    state = step.state
    sessions = [
        session for user in users_of(state, account.name) for session in state.users[user].sessions
    ]
    for session in sessions:
        close_session(step, state.sessions[session], operation.reason or "Ended by an operator")
    asker.did(f"ended {len(sessions)} sessions of the account {account.name}")
