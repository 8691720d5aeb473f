"""The devices that are told of messages by web push, kept with the accounts.

Source: the draft of ircv3.net/specs/extensions/webpush; RFC 8030.
"""

from roost.chat.applied import Applied
from roost.chat.changes import AccountUpdated
from roost.chat.commands.pushes import DropPush, RegisterPush, UnregisterPush
from roost.chat.directory import account_by_id, account_of
from roost.chat.dispatch import applies, applies_command
from roost.chat.refusals import Reason
from roost.chat.state import NOTHING, Account, PushSubscription, User
from roost.chat.step import Step, source_of

DEVICES_MAX = 10
"""Of one account; another one replaces the one that was heard of longest ago."""
REGISTERED = "push-registered"
REMOVED = "push-removed"
"""What `AccountUpdated` calls the changes."""


@applies(RegisterPush)
def register_push(step: Step, user: User, operation: RegisterPush) -> None:
    account = account_of(step.state, user)
    if account is None:
        step.refused(Reason.NOT_LOGGED_IN)
        return
    known = {
        endpoint: subscription
        for endpoint, subscription in account.pushes.items()
        if endpoint != operation.endpoint
    }
    # It becomes the newest one.
    known[operation.endpoint] = PushSubscription(
        operation.public_key, operation.secret, operation.capabilities, step.time_ms
    )
    while len(known) > DEVICES_MAX:
        del known[next(iter(known))]
    account.pushes = known
    step.changed(AccountUpdated(step.part, source_of(user), REGISTERED, operation.endpoint))


@applies(UnregisterPush)
def unregister_push(step: Step, user: User, operation: UnregisterPush) -> None:
    account = account_of(step.state, user)
    if account is not None:
        _forget(account, operation.endpoint)
    step.changed(AccountUpdated(step.part, source_of(user), REMOVED, operation.endpoint))


@applies_command(DropPush)
def drop_push(step: Step, command: DropPush) -> Applied:
    account = account_by_id(step.state, command.account)
    if account is not None:
        _forget(account, command.endpoint)
    return step.applied()


def _forget(account: Account, endpoint: str) -> None:
    account.pushes = {
        known: subscription for known, subscription in account.pushes.items() if known != endpoint
    } or NOTHING
