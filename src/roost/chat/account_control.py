"""What network operators do with the accounts of others; each action is logged.

They never learn a password that somebody chose: only hashes are replicated, and a new one replaces
the old one.
"""

from roost.chat.accounts import make_account, remove_account
from roost.chat.commands.operators import DropAccountOf, RegisterFor, ResetCredentials
from roost.chat.directory import account_by_id
from roost.chat.dispatch import applies
from roost.chat.operators import for_operators, log_action
from roost.chat.refusals import Reason
from roost.chat.state import User
from roost.chat.step import Step


@applies(RegisterFor)
@for_operators
def register_for(step: Step, user: User, operation: RegisterFor) -> None:
    """Register an account that nobody is logged in to yet."""
    account = make_account(step, operation.name, operation.credentials, "", None)
    if account is not None:
        log_action(step, user, f"registered the account {account.name}")


@applies(ResetCredentials)
@for_operators
def reset_credentials(step: Step, user: User, operation: ResetCredentials) -> None:
    """Make a new password the only way into an account; clients that are logged in stay."""
    account = account_by_id(step.state, operation.account)
    if account is None:
        step.refused(Reason.NO_SUCH_ACCOUNT)
        return
    account.credentials = operation.credentials
    account.certificates.clear()
    account.is_external = False
    log_action(step, user, f"set the password of the account {account.name}")


@applies(DropAccountOf)
@for_operators
def drop_account_of(step: Step, user: User, operation: DropAccountOf) -> None:
    account = account_by_id(step.state, operation.account)
    if account is None:
        step.refused(Reason.NO_SUCH_ACCOUNT)
        return
    log_action(step, user, f"deleted the account {account.name}")
    remove_account(step, account)
