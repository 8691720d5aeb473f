"""Codes that are sent by e-mail: to register, to set the address, and for a forgotten password.

    AskVerification --> a pending code --node sends it--> somebody types it --> Verify

The state has only hashes of codes. A pending registration reserves no name: whoever is first to
answer gets it. A code that was used stays until it expires, so that the line that used it may be
repeated.
"""

from roost.chat.accounts import answer, make_account
from roost.chat.admission import address_key
from roost.chat.applied import Applied
from roost.chat.attempts import count_attempt
from roost.chat.changes import AccountRegistered, AccountUpdated, Source
from roost.chat.commands.accounts import AskVerification, Verify
from roost.chat.credentials import Credentials
from roost.chat.directory import account_by_id, find_account, users_of
from roost.chat.dispatch import applies_command
from roost.chat.ids import AccountId, SessionId, UserId
from roost.chat.refusals import Reason
from roost.chat.sessions import close_session
from roost.chat.state import Account, PendingCode, State
from roost.chat.step import Step
from roost.irc.casemapping import fold_nick

VALID_MS = 24 * 60 * 60 * 1000
"""How long a code is valid: e-mail can be slow, and is read in the evening."""
MAILS_PER_HOUR_MAX = 3
"""Messages to one address, so that nobody's mailbox is filled."""
_HOUR_MS = 60 * 60 * 1000
_NOBODY = (SessionId(0), 0)


@applies_command(AskVerification)
def ask_verification(step: Step, command: AskVerification) -> Applied:
    """Note a code that the node is about to send; a repeated command changes nothing."""
    state = step.state
    _forget_expired(state, step.time_ms)
    if command.code not in state.pending_codes and _may_ask(step, command):
        account = find_account(state, command.name)
        is_new = command.kind == "register" or account is None
        state.pending_codes[command.code] = PendingCode(
            command.kind,
            AccountId(0) if is_new or account is None else account.id,
            command.name,
            command.credentials,
            command.email,
            step.time_ms,
        )
    return answer(step, command)


def _may_ask(step: Step, command: AskVerification) -> bool:
    """Refuse and return False if no message is to be sent."""
    state, settings = step.state, step.state.settings
    account = find_account(state, command.name)
    if command.kind == "register":
        if settings.registration != "email":
            step.refused(Reason.REGISTRATION_CLOSED)
            return False
        if account is not None:
            step.refused(Reason.ACCOUNT_EXISTS, command.name)
            return False
    elif account is None or (command.kind == "reset" and account.email != command.email):
        step.refused(Reason.NO_SUCH_ACCOUNT, command.name)
        return False
    pending = state.pending_codes.values()
    recent = sum(
        one.email == command.email and step.time_ms - one.time_ms < _HOUR_MS for one in pending
    )
    if recent >= MAILS_PER_HOUR_MAX:
        step.refused(Reason.TOO_MANY_MAILS, "", str(MAILS_PER_HOUR_MAX))
        return False
    if len(state.pending_codes) >= settings.pending_codes_max:
        step.refused(Reason.TOO_MANY_PENDING)
        return False
    key = address_key(command.address, settings.address_exempt_networks)
    return not key or count_attempt(step, f"r:{key}", settings.registrations_per_address_max)


@applies_command(Verify)
def verify(step: Step, command: Verify) -> Applied:
    """Do what a code was sent for."""
    state, line = step.state, (command.session, command.line)
    known = state.pending_codes.get(command.code)
    is_meant = (
        known is not None
        and step.time_ms - known.time_ms < VALID_MS
        and known.used_by in (_NOBODY, line)
        and fold_nick(known.name) == fold_nick(command.name)
        and bool(command.credentials.password) == (known.kind == "reset")
    )
    if known is None or not is_meant:
        key = address_key(command.address, state.settings.address_exempt_networks)
        limit = state.settings.logins_per_address_max
        if not key or count_attempt(step, f"v:{key}", limit, line):
            step.refused(Reason.CODE_INVALID, command.name)
        return answer(step, command)
    is_repeated = known.used_by == line
    account = account_by_id(state, known.account)
    if known.kind == "register" and not is_repeated:
        account = _register(step, command, known)
    if account is None:
        if not step.results:
            step.refused(Reason.NO_SUCH_ACCOUNT, command.name)
        return answer(step, command)
    source = Source(UserId(0), account.name, "", "")
    if known.kind == "register":
        step.changed(AccountRegistered(step.part, source, account.id, account.name))
    elif known.kind == "email":
        account.email = known.email if not is_repeated else account.email
        step.changed(AccountUpdated(step.part, source, "email", account.email))
    else:
        if not is_repeated:
            _reset(step, command, account)
        step.changed(AccountUpdated(step.part, source, "password", account.name))
    known.used_by, known.account = line, account.id
    known.credentials, known.email = Credentials(), ""
    return answer(step, command)


def _register(step: Step, command: Verify, known: PendingCode) -> Account | None:
    session = step.state.sessions.get(command.session)
    user = None if session is None else step.state.users[session.user]
    account = make_account(step, known.name, known.credentials, "", user)
    if account is not None:
        account.email = known.email
    return account


def _reset(step: Step, command: Verify, account: Account) -> None:
    """Replace the password, and end the sessions of whoever may have known the former one."""
    state = step.state
    account.credentials = command.credentials
    account.certificates.clear()
    for user in users_of(state, account.name):
        for session in state.users[user].sessions:
            if session != command.session:
                close_session(step, state.sessions[session], "The password was changed")


def _forget_expired(state: State, time_ms: int) -> None:
    """Forget expired codes, which are the first ones."""
    for code, known in list(state.pending_codes.items()):
        if time_ms - known.time_ms < VALID_MS:
            break
        del state.pending_codes[code]
