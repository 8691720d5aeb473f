"""User mode R: only people who are logged in to an account may write to the user.

ACCEPT makes exceptions, by user: whoever takes the nickname later is not meant. Somebody with this
mode who writes to a person without an account accepts them, because they could not answer.
"""

from roost.chat.commands.users import Accept
from roost.chat.directory import find_user
from roost.chat.dispatch import applies
from roost.chat.hosts import is_operator
from roost.chat.ids import UserId
from roost.chat.refusals import Reason
from roost.chat.state import State, User
from roost.chat.step import Step

REGISTERED_ONLY_MODE = "R"


def may_write_to(recipient: User, sender: User) -> bool:
    """Return whether the recipient's mode R lets somebody write to them."""
    return (
        REGISTERED_ONLY_MODE not in recipient.modes
        or bool(sender.account)
        or sender.id == recipient.id
        or sender.id in recipient.accepted
        or is_operator(sender)
    )


def accept_answers(state: State, sender: User, recipient: User) -> None:
    """Accept somebody to whom a user with mode R writes, unless the list is full."""
    if may_write_to(sender, recipient):
        return
    accepted = _online(state, sender)
    if len(accepted) < state.settings.accept_entries_max:
        sender.accepted = (*accepted, recipient.id)


@applies(Accept)
def accept(step: Step, user: User, operation: Accept) -> None:
    """Change whom the user accepts; the entries of people who have left are dropped."""
    accepted = list(_online(step.state, user))
    for nick in operation.removed:
        other = find_user(step.state, nick)
        if other is None:
            step.refused(Reason.NO_SUCH_NICK, nick)
        elif other.id in accepted:
            accepted.remove(other.id)
        else:
            step.refused(Reason.NOT_ACCEPTED, other.nick)
    for nick in operation.added:
        other = find_user(step.state, nick)
        if other is None:
            step.refused(Reason.NO_SUCH_NICK, nick)
        elif other.id in accepted:
            step.refused(Reason.ALREADY_ACCEPTED, other.nick)
        elif len(accepted) >= step.state.settings.accept_entries_max:
            step.refused(Reason.ACCEPT_FULL, other.nick)
        else:
            accepted.append(other.id)
    user.accepted = tuple(accepted)


def _online(state: State, user: User) -> tuple[UserId, ...]:
    return tuple(number for number in user.accepted if number in state.users)
