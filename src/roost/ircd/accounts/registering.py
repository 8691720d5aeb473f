"""What a client has to give to register an account, and what it is told about that.

An invitation code takes the place of the e-mail address in REGISTER. Clients that insist on an
address can write "code@invitation".
"""

import base64
import hmac

from roost.chat.invitations import hash_code, why_not_register
from roost.ircd.context import Context, RefusedError

CODE_BYTES = 10
"""Sixteen letters, of which nobody guesses one."""
_GROUP = 4


def can_register(context: Context) -> bool:
    """Return whether clients are offered to register."""
    is_open = context.state.settings.registration != "closed"
    return is_open and context.config.login.has_own_accounts


def capability_keys(context: Context) -> str:
    """Return the value of draft/account-registration.

    "email-required" makes clients ask for what may also be an invitation code.
    """
    keys = "before-connect,custom-account-name"
    is_asked = context.state.settings.registration in ("invitation", "email")
    return f"{keys},email-required" if is_asked else keys


def take_invitation(context: Context, given: str) -> str:
    """Return the hash of the invitation code that a client gave; empty if none is needed.

    Raises:
        RefusedError: nobody can register, or not with this code. The log will check it again.
    """
    state = context.state
    invitation = ""
    if state.settings.registration == "invitation" and given not in ("", "*"):
        invitation = hash_code(given.partition("@")[0])
    refusal = why_not_register(state, context.now.wall_ms, invitation)
    if refusal is not None:
        raise RefusedError(refusal)
    return invitation


def make_code(context: Context) -> str:
    """Return an invitation code for the line: the same on every node, and known to nobody else."""
    text = f"invitation {context.session.id} {context.line}"
    digest = hmac.digest(context.state.secret, text.encode(), "sha256")[:CODE_BYTES]
    letters = base64.b32encode(digest).decode().lower()
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))
