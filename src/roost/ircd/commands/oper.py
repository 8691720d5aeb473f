"""OPER: become a network operator.

The nodes' configuration lists operators with a password, a client certificate, or both, which are
then both required. Attempts are counted like those to log in.

Source: modern.ircdocs.horse, "OPER message".
"""

from roost.chat.commands.operators import BecomeOperator
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.accounts.denial import Denial
from roost.ircd.accounts.login import count_attempt
from roost.ircd.accounts.passwords import PasswordError, prepare
from roost.ircd.config import Operator
from roost.ircd.context import Context, Job, Result
from roost.ircd.serving.dispatch import command
from roost.ircd.sessions.work import Outcome, VerifyPassword, WorkFailed


@command("OPER", parameters_min=1)
def oper(context: Context, message: Message) -> Result:
    """Have the attempt counted, then check certificate and password."""
    name = message.parameters[0]
    password = message.parameters[1] if len(message.parameters) > 1 else ""

    def look(context: Context) -> Result:
        known = context.config.find_operator(name)
        is_certified = known is not None and known.certificate in ("", context.session.certificate)
        if known is None or not is_certified:
            return _refuse(context)
        return _check_password(context, known, password)

    def denied(context: Context, denial: object) -> Result:
        assert isinstance(denial, Denial), "nobody logs in to an account here"
        context.reply(numerics.ERR_PASSWDMISMATCH, denial.reason)
        return None

    return count_attempt(context, f"oper:{name}", look, denied)


def _check_password(context: Context, known: Operator, password: str) -> Result:
    if not known.password:
        return (BecomeOperator(known.name),)
    try:
        work = VerifyPassword(known.password, prepare(password))
    except PasswordError:
        return _refuse(context)

    def then(context: Context, outcome: Outcome) -> Result:
        if outcome is not True:
            return _refuse(context)
        return (BecomeOperator(known.name),)

    def failed(context: Context, outcome: WorkFailed) -> None:
        context.reply(numerics.ERR_PASSWDMISMATCH, outcome.reason)

    return Job(work, then, failed)


def _refuse(context: Context) -> Result:
    """Refuse, in the same words for an unknown name, so that names cannot be guessed."""
    context.reply(numerics.ERR_PASSWDMISMATCH, "Password incorrect")
    return None
