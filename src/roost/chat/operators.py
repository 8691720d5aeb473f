"""What those do who look after the network, and how it is remembered.

Who is one was found out by a node, from its configuration, before it asked; the mode is the state's
and goes with the user from node to node. Everything that operators do is noted with who did it.

Source: modern.ircdocs.horse, "OPER message", "KILL message", "WALLOPS message".
"""

import functools
from typing import TypeVar

from roost.chat.attempts import succeed
from roost.chat.bans import forget_expired, is_hit, normalise_ban
from roost.chat.changes import Killed, OperatorsTold, Rehashed, UserModesChanged, Wallopped
from roost.chat.commands.modes import ModeChange
from roost.chat.commands.operators import AddBan, BecomeOperator, Kill, Rehash, RemoveBan, Wallops
from roost.chat.dispatch import OperationApplier, applies
from roost.chat.hosts import NOTICES_MODE, OPERATOR_MODE, is_operator, real_host
from roost.chat.ids import FoldedNick
from roost.chat.refusals import Reason
from roost.chat.sessions import expel
from roost.chat.state import Deed, NetworkBan, User
from roost.chat.step import Step, cut, source_of
from roost.irc.casemapping import fold, fold_nick

WALLOPS_MODE = "w"
"""The user mode of those who want to hear WALLOPS."""
OPERATOR_MODES = OPERATOR_MODE + NOTICES_MODE + WALLOPS_MODE
"""What an operator begins with."""
DEEDS_MAX = 1000
"""Remembered things that operators did; some 200 kB in every snapshot."""
DURATION_S_MAX = 10 * 366 * 86400
"""Longer than this is for good."""

Rights = TypeVar("Rights", Kill, AddBan, RemoveBan, Wallops, Rehash)


def _for_operators(applier: OperationApplier[Rights]) -> OperationApplier[Rights]:
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
    """Make a user an operator; their node has checked that they may."""
    succeed(step.state, f"oper:{operation.name}", step.session.address)
    added = [letter for letter in OPERATOR_MODES if letter not in user.modes]
    user.modes = "".join(sorted(dict.fromkeys(user.modes + OPERATOR_MODES)))
    user.operator = operation.name
    changes = tuple(ModeChange(True, letter) for letter in added)
    step.changed(UserModesChanged(step.part, source_of(user), changes))
    _note(step, user, "is an operator now")


@applies(Kill)
@_for_operators
def kill(step: Step, user: User, operation: Kill) -> None:
    target_id = step.state.nicks.get(FoldedNick(fold_nick(operation.nick)))
    if target_id is None:
        step.refused(Reason.NO_SUCH_NICK, operation.nick)
        return
    target = step.state.users[target_id]
    reason = cut(operation.reason, step.state.settings.reason_bytes_max)
    _note(step, user, f"removed {_described(target)}: {reason}")
    step.changed(Killed(step.part, source_of(user), target.id, target.nick, reason))
    expel(step, target, f"Killed ({user.nick} ({reason}))")


@applies(AddBan)
@_for_operators
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
    _note(step, user, f"banned {mask} {span}: {reason}")
    hit = [
        other
        for other in state.users.values()
        if not is_operator(other)
        and is_hit(ban, other.nick, other.username, real_host(other), other.account)
    ]
    for other in hit:
        expel(step, other, f"Banned ({reason})")


@applies(RemoveBan)
@_for_operators
def remove_ban(step: Step, user: User, operation: RemoveBan) -> None:
    state = step.state
    mask = normalise_ban(operation.mask) or operation.mask
    ban = state.bans.pop(fold(mask), None)
    if ban is None:
        step.refused(Reason.NO_SUCH_BAN, operation.mask)
        return
    _note(step, user, f"lifted the ban on {ban.mask}")


@applies(Wallops)
@_for_operators
def wallops(step: Step, user: User, operation: Wallops) -> None:
    step.changed(Wallopped(step.part, source_of(user), operation.text))
    _note(step, user, f"said to all who listen: {operation.text}")


@applies(Rehash)
@_for_operators
def rehash(step: Step, user: User, _operation: Rehash) -> None:
    step.changed(Rehashed(step.part, source_of(user)))
    _note(step, user, "had the configuration read again")


def _note(step: Step, user: User, text: str) -> None:
    """Remember what an operator did, and tell the operators who want to know."""
    told = f"{user.nick} ({user.operator}) {text}"
    step.state.deeds.append(Deed(step.time_ms, told))
    del step.state.deeds[:-DEEDS_MAX]
    step.changed(OperatorsTold(step.part, source_of(user), told))


def _described(user: User) -> str:
    account = f", account {user.account}" if user.account else ""
    return f"{user.nick} ({user.username}@{real_host(user)}{account})"
