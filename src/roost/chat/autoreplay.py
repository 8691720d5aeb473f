"""How many earlier messages a client is shown when it enters a room, by its user's choice.

The choice of a session goes before that of its account. Without either, the node decides.
"""

from collections.abc import Mapping

from roost.chat.changes import AccountUpdated
from roost.chat.commands.users import SetAutoreplay
from roost.chat.directory import account_of
from roost.chat.dispatch import applies
from roost.chat.refusals import Reason
from roost.chat.state import User
from roost.chat.step import Step, source_of

LINES_MAX = 1000
"""More than any node shows at once."""
UNSET = -1
"""No choice was made."""
CHANGES: Mapping[bool, str] = {True: "autoreplay-account", False: "autoreplay-session"}
"""What `AccountUpdated` calls a choice, by whether it is the account's."""


@applies(SetAutoreplay)
def set_autoreplay(step: Step, user: User, operation: SetAutoreplay) -> None:
    """Choose for the session, or for the account."""
    lines = min(max(operation.lines, UNSET), LINES_MAX)
    if not operation.is_for_account:
        step.session.autoreplay = lines
    else:
        account = account_of(step.state, user)
        if account is None:
            step.refused(Reason.NOT_LOGGED_IN)
            return
        account.autoreplay = lines
    what = CHANGES[operation.is_for_account]
    step.changed(AccountUpdated(step.part, source_of(user), what, str(lines)))
