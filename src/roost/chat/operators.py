"""What network operators do, and the log of it (OPERLOG).

Operators are defined by the configuration: a node checks the password before it asks. The mode is
part of the state and moves with the user from node to node. Every action is logged with its
operator.

Source: modern.ircdocs.horse, "OPER message", "KILL message", "WALLOPS message".
"""

import functools
from typing import TypeVar

from roost.chat.attempts import uncount_attempt
from roost.chat.bans import forget_expired, is_hit, normalise_ban
from roost.chat.changes import Killed, OperatorsTold, Rehashed, Source, UserModesChanged, Wallopped
from roost.chat.commands import Operation
from roost.chat.commands.modes import ModeChange
from roost.chat.commands.operators import (
    AddBan,
    BecomeOperator,
    Kill,
    Rehash,
    RemoveBan,
    Wallops,
)
from roost.chat.directory import find_user
from roost.chat.dispatch import OperationApplier, applies
from roost.chat.hosts import NOTICES_MODE, OPERATOR_MODE, is_operator, real_host
from roost.chat.ids import UserId
from roost.chat.refusals import Reason
from roost.chat.sessions import expel
from roost.chat.state import NetworkBan, OperatorAction, User
from roost.chat.step import Step, cut, source_of
from roost.irc.casemapping import fold

WALLOPS_MODE = "w"
"""The user mode of those who want to see WALLOPS."""
OPERATOR_MODES = OPERATOR_MODE + NOTICES_MODE + WALLOPS_MODE
"""The modes that OPER sets."""
OPERATOR_ACTIONS_MAX = 1000
"""Actions in the log; about 200 kB of every snapshot."""
ADMINISTRATOR = "administrator"
"""Whom logs name for what was asked for by the command line."""
DURATION_S_MAX = 10 * 366 * 86400
"""Longer durations are cut to this."""

Rights = TypeVar("Rights", bound=Operation)


def for_operators(applier: OperationApplier[Rights]) -> OperationApplier[Rights]:
    """Refuse an operation unless an operator asks for it."""

    @functools.wraps(applier)
    def apply_if_allowed(step: Step, user: User, operation: Rights) -> None:
        if is_operator(user):
            applier(step, user, operation)
        else:
            step.refused(Reason.NOT_NETWORK_OPERATOR)

    return apply_if_allowed


@applies(BecomeOperator)
def become_operator(step: Step, user: User, operation: BecomeOperator) -> None:
    """Make a user an operator; the node has verified the password."""
    uncount_attempt(step.state, f"oper:{operation.name}", step.session.address)
    added = [letter for letter in OPERATOR_MODES if letter not in user.modes]
    user.modes = "".join(sorted(dict.fromkeys(user.modes + OPERATOR_MODES)))
    user.operator = operation.name
    changes = tuple(ModeChange(True, letter) for letter in added)
    step.changed(UserModesChanged(step.part, source_of(user), changes))
    log_action(step, user, "is an operator now")


@applies(Kill)
@for_operators
def kill(step: Step, user: User, operation: Kill) -> None:
    target = find_user(step.state, operation.nick)
    if target is None:
        step.refused(Reason.NO_SUCH_NICK, operation.nick)
        return
    reason = cut(operation.reason, step.state.settings.reason_bytes_max)
    log_action(step, user, f"removed {_described(target)}: {reason}")
    step.changed(Killed(step.part, source_of(user), target.id, target.nick, reason))
    expel(step, target, f"Killed ({user.nick} ({reason}))")


@applies(AddBan)
@for_operators
def add_ban(step: Step, user: User, operation: AddBan) -> None:
    state = step.state
    mask = normalise_ban(operation.mask)
    if not mask:
        step.refused(Reason.BAN_INVALID, operation.mask)
        return
    forget_expired(state, step.time_ms)
    folded = fold(mask)
    if folded not in state.bans and len(state.bans) >= state.settings.network_bans_max:
        step.refused(Reason.TOO_MANY_BANS, mask, str(state.settings.network_bans_max))
        return
    duration_s = min(max(operation.duration_s, 0), DURATION_S_MAX)
    expires_ms = step.time_ms + duration_s * 1000 if duration_s else 0
    reason = cut(operation.reason, state.settings.reason_bytes_max)
    ban = NetworkBan(mask, reason, user.operator, step.time_ms, expires_ms)
    state.bans[folded] = ban
    span = f"for {duration_s} s" if duration_s else "for good"
    log_action(step, user, f"banned {mask} {span}: {reason}")
    hit = [other for other in state.users.values() if not is_operator(other) and is_hit(ban, other)]
    for other in hit:
        expel(step, other, f"Banned ({reason})")


@applies(RemoveBan)
@for_operators
def remove_ban(step: Step, user: User, operation: RemoveBan) -> None:
    state = step.state
    mask = normalise_ban(operation.mask) or operation.mask
    ban = state.bans.pop(fold(mask), None)
    if ban is None:
        step.refused(Reason.NO_SUCH_BAN, operation.mask)
        return
    log_action(step, user, f"lifted the ban on {ban.mask}")


@applies(Wallops)
@for_operators
def wallops(step: Step, user: User, operation: Wallops) -> None:
    step.changed(Wallopped(step.part, source_of(user), operation.text))
    # Whoever wants to see it has seen it.
    _record(step, user, f"sent WALLOPS: {operation.text}")


@applies(Rehash)
@for_operators
def rehash(step: Step, user: User, _operation: Rehash) -> None:
    step.changed(Rehashed(step.part, source_of(user)))
    log_action(step, user, "reloaded the configuration")


def log_action(step: Step, user: User, text: str) -> None:
    """Log what an operator did, and tell the other operators."""
    step.changed(OperatorsTold(step.part, source_of(user), _record(step, user, text)))


def log_administration(step: Step, text: str) -> None:
    """Log what an administrator did by the command line, and tell the operators."""
    source = Source(UserId(0), ADMINISTRATOR, "", "")
    step.changed(OperatorsTold(step.part, source, _keep(step, f"An administrator {text}")))


def _record(step: Step, user: User, text: str) -> str:
    """Log what an operator did; return the record."""
    return _keep(step, f"{user.nick} ({user.operator}) {text}")


def _keep(step: Step, record: str) -> str:
    step.state.operator_actions.append(OperatorAction(step.time_ms, record))
    del step.state.operator_actions[:-OPERATOR_ACTIONS_MAX]
    return record


def _described(user: User) -> str:
    account = f", account {user.account}" if user.account else ""
    return f"{user.nick} ({user.username}@{real_host(user)}{account})"
