"""PASS: the password of the server, if it has one; otherwise it is ignored.

Hashing takes up to 100 ms, and after an outage everybody returns at once. So the password that was
right last is remembered as a keyed digest, which can be compared at once.

Source: modern.ircdocs.horse, "PASS message".
"""

import hmac

from roost.irc.message import Message
from roost.ircd.accounts.passwords import PasswordError, prepare
from roost.ircd.context import Context, Job, Result
from roost.ircd.serving.dispatch import command
from roost.ircd.sessions.work import Outcome, VerifyPassword

PASSWORDS_MAX = 3
"""Passwords that one connection may try: connections are limited by address, and each wrong
password costs a hash."""


@command("PASS", parameters_min=1, is_before_registration=True, is_after_registration=False)
def pass_(context: Context, message: Message) -> Result:
    """Check the password.

    "It is possible to send multiple PASS commands before registering but only the last one sent is
    used for verification".
    """
    wanted, given = context.config.password, context.session.registration
    if not wanted:
        return None
    given.is_vouched = False
    given.passwords += 1
    if given.passwords > PASSWORDS_MAX:
        context.session.end_reason = "Too many passwords"
        return None
    try:
        password = prepare(message.parameters[0])
    except PasswordError:
        return None
    proof = hmac.digest(context.state.secret, f"{wanted} {password}".encode(), "sha256")
    newcomers = context.newcomers
    if newcomers is not None and hmac.compare_digest(newcomers.proof, proof):
        given.is_vouched = True
        return None

    def then(context: Context, outcome: Outcome) -> Result:
        context.session.registration.is_vouched = outcome is True
        if outcome is True and context.newcomers is not None:
            context.newcomers.proof = proof
        return None

    return Job(VerifyPassword(wanted, password), then)
