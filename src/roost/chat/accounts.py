"""Accounts: names that people own, and who is logged in to them.

The name of an account is a nickname for its owner only. A node verifies the credentials before it
asks for a login; the state machine checks again whatever may have changed meanwhile.
"""

from roost.chat.admission import address_key, is_login_required, sessions_of_account, set_account
from roost.chat.applied import Applied
from roost.chat.attempts import count_attempt, uncount_attempt
from roost.chat.bans import find_ban
from roost.chat.changes import AccountChanged, AccountRegistered, AccountUpdated, Source
from roost.chat.commands.accounts import (
    AddCertificate,
    AdmitAccount,
    CountLogin,
    DropAccount,
    EndClients,
    LogIn,
    LogOut,
    RegisterAccount,
    RegisterEarly,
    RemoveCertificate,
    Request,
    SetCredentials,
)
from roost.chat.credentials import Credentials
from roost.chat.directory import account_by_id, find_account, find_user, users_of
from roost.chat.dispatch import applies, applies_command
from roost.chat.entitlements import grant_everywhere
from roost.chat.hosts import change_host, is_operator, real_host
from roost.chat.identities import forget_first_name
from roost.chat.ids import AccountId, FoldedAccount, FoldedNick, UserId
from roost.chat.invitations import use_invitation, why_not_register
from roost.chat.metadata import adopt_account_metadata
from roost.chat.ownership import release_account
from roost.chat.presence import is_always_on, make_always_on
from roost.chat.refusals import Reason
from roost.chat.reservations import is_service
from roost.chat.sessions import close_session, end_always_on, expel
from roost.chat.state import Account, State, User
from roost.chat.step import Step, rooms_of, source_of
from roost.chat.suspensions import why_suspended
from roost.irc.casemapping import fold_nick
from roost.irc.names import is_valid_nick

# Registration


@applies(RegisterAccount)
def register_account(step: Step, user: User, operation: RegisterAccount) -> None:
    """Register an account and log its owner in; the log's order decides who gets the name."""
    if user.account:
        step.refused(Reason.ALREADY_LOGGED_IN, user.account)
        return
    address = step.session.address
    account = _make_own(
        step, operation.name, operation.credentials, address, user, operation.invitation
    )
    if account is None:
        return
    step.changed(AccountRegistered(step.part, source_of(user), account.id, account.name))
    _set_account(step, user, account.name)


@applies_command(RegisterEarly)
def register_early(step: Step, command: RegisterEarly) -> Applied:
    """Register an account for an unregistered client; a repeated command changes nothing."""
    state = step.state
    known = find_account(state, command.name)
    if known is not None and known.registered_by == (command.session, command.line):
        account: Account | None = known
    else:
        key = address_key(command.address, state.settings.address_exempt_networks)
        account = _make_own(step, command.name, command.credentials, key, None, command.invitation)
        if account is not None:
            account.registered_by = (command.session, command.line)
    if account is not None:
        source = Source(UserId(0), command.name, "", "")
        step.changed(AccountRegistered(step.part, source, account.id, account.name))
    return answer(step, command)


@applies_command(AdmitAccount)
def admit_account(step: Step, command: AdmitAccount) -> Applied:
    """Make the account of somebody whom the provider knows, unless there is one.

    Whoever uses the name as a nickname keeps it, so that nobody can keep its owner from logging in.
    """
    state = step.state
    key = address_key(command.address, state.settings.address_exempt_networks)
    uncount_attempt(state, command.asked, key)
    if find_account(state, command.name) is None:
        account = make_account(step, command.name, Credentials(), "", None, is_vouched=True)
        if account is not None:
            account.is_external = True
            source = Source(UserId(0), account.name, "", "")
            step.changed(AccountRegistered(step.part, source, account.id, account.name))
    return answer(step, command)


def _make_own(
    step: Step,
    name: str,
    credentials: Credentials,
    address: str,
    user: User | None,
    invitation: str,
) -> Account | None:
    """Make an account for whoever asks, if people can register at all."""
    refusal = why_not_register(step.state, step.time_ms, invitation)
    if refusal is not None:
        step.results.append(refusal)
        return None
    account = make_account(step, name, credentials, address, user)
    if account is not None:
        use_invitation(step.state, invitation)
    return account


def make_account(
    step: Step,
    name: str,
    credentials: Credentials,
    address: str,
    user: User | None,
    *,
    is_vouched: bool = False,
) -> Account | None:
    """Make an account, or refuse it.

    `address` is empty if registrations are not counted. If the owner `is_vouched` for, somebody
    else may use the name as a nickname.
    """
    state, settings = step.state, step.state.settings
    folded = FoldedAccount(fold_nick(name))
    if not is_valid_nick(name, settings.nick_bytes_max) or is_service(name):
        step.refused(Reason.ACCOUNT_NAME_INVALID, name)
        return None
    if folded in state.accounts:
        step.refused(Reason.ACCOUNT_EXISTS, name)
        return None
    bearer = state.nicks.get(FoldedNick(folded))
    is_others = bearer is not None and (user is None or bearer != user.id)
    if is_others and not is_vouched:
        step.refused(Reason.ACCOUNT_NAME_IN_USE, name)
        return None
    # The position of the entry is the id, so an entry makes at most one account.
    is_taken = AccountId(step.position) in state.account_names
    if is_taken or len(state.accounts) >= settings.accounts_max:
        step.refused(Reason.TOO_MANY_ACCOUNTS, name)
        return None
    if address and not count_attempt(step, f"r:{address}", settings.registrations_per_address_max):
        return None
    account = Account(AccountId(step.position), name, step.time_ms, credentials)
    state.accounts[folded] = account
    state.account_names[account.id] = folded
    return account


@applies(DropAccount)
def drop_account(step: Step, user: User, operation: DropAccount) -> None:
    """Drop one's own account: log everybody out of it, and release its rooms."""
    account = _own_account(step, user, operation.account)
    if account is not None:
        remove_account(step, account)
        step.changed(AccountUpdated(step.part, source_of(user), "dropped", account.name))


def remove_account(step: Step, account: Account) -> None:
    """Log everybody out of an account, release its rooms, and forget it."""
    state = step.state
    folded = FoldedAccount(fold_nick(account.name))
    release_account(step, folded)
    end_always_on(step, account, "Account dropped")
    for number in users_of(state, account.name):
        user = state.users[number]
        if is_login_required(state.settings, real_host(user)):
            expel(step, user, "Account deleted")
        else:
            _set_account(step, user, "")
    del state.accounts[folded]
    del state.account_names[account.id]
    forget_first_name(state, account)
    for code, pending in list(state.pending_codes.items()):
        if pending.account == account.id:
            del state.pending_codes[code]


# Logging in and out


@applies(LogIn)
def log_in(step: Step, user: User, operation: LogIn) -> None:
    """Log in a user whose node has verified the credentials."""
    state = step.state
    account = account_by_id(state, operation.account)
    if account is None:
        step.refused(Reason.NO_SUCH_ACCOUNT, "")
        return
    uncount_attempt(state, account.name, step.session.address)
    ban = find_ban(state, user.nick, user.username, real_host(user), account.name, step.time_ms)
    if ban is not None and not is_operator(user):
        step.refused(Reason.NETWORK_BAN, detail=ban.reason)
        return
    suspended = why_suspended(account, step.time_ms)
    if suspended is not None:
        step.results.append(suspended)
        return
    if user.account != account.name and _is_shared(state, user):
        # The other clients have not proved that they own this account.
        step.refused(Reason.ACCOUNT_SHARED, user.account)
        return
    limit = state.settings.sessions_per_account_max
    sessions = sessions_of_account(state, account.name) + len(user.sessions)
    if user.account != account.name and sessions > limit:
        step.refused(Reason.TOO_MANY_SESSIONS, "account", str(limit))
        return
    _set_account(step, user, account.name)


@applies(LogOut)
def log_out(step: Step, user: User, _operation: LogOut) -> None:
    if _is_shared(step.state, user):
        step.refused(Reason.ACCOUNT_SHARED, user.account)
        return
    if is_login_required(step.state.settings, real_host(user)):
        step.refused(Reason.LOGIN_REQUIRED)
        return
    _set_account(step, user, "")


def _is_shared(state: State, user: User) -> bool:
    """Return whether logging out would affect other clients, or an always-on user."""
    return bool(user.account) and (len(user.sessions) > 1 or is_always_on(state, user))


def _set_account(step: Step, user: User, account: str) -> None:
    """Log a user in or out; the asker is told even if nothing changes."""
    source = source_of(user)
    is_news = user.account != account
    rooms = rooms_of(step.state, user) if is_news else ()
    if is_news:
        set_account(step.state, user, account)
    step.changed(AccountChanged(step.part, source, account, rooms))
    if is_news and account:
        make_always_on(step.state, user)
        adopt_account_metadata(step, user)
        grant_everywhere(step, user)
    if is_news:
        change_host(step, user)


@applies(EndClients)
def end_clients(step: Step, user: User, operation: EndClients) -> None:
    """End all clients of another user of the same account."""
    state = step.state
    other = find_user(state, operation.nick)
    if other is None:
        step.refused(Reason.NO_SUCH_NICK, operation.nick)
        return
    if other is user or not user.account or other.account != user.account:
        step.refused(Reason.ACCOUNT_NOT_YOURS)
        return
    for session in other.sessions:
        close_session(step, state.sessions[session], f"Ended by {user.nick}")
    step.changed(AccountUpdated(step.part, source_of(user), "clients-ended", other.nick))


# Credentials


@applies(SetCredentials)
def set_credentials(step: Step, user: User, operation: SetCredentials) -> None:
    account = _own_account(step, user, operation.account)
    if account is not None:
        account.credentials = operation.credentials
        step.changed(AccountUpdated(step.part, source_of(user), "password", account.name))


@applies(AddCertificate)
def add_certificate(step: Step, user: User, operation: AddCertificate) -> None:
    account = _own_account(step, user, operation.account)
    if account is None:
        return
    limit = step.state.settings.certificates_per_account_max
    if operation.fingerprint not in account.certificates and len(account.certificates) >= limit:
        step.refused(Reason.CERTIFICATE, account.name, str(limit))
        return
    account.certificates[operation.fingerprint] = None
    detail = operation.fingerprint
    step.changed(AccountUpdated(step.part, source_of(user), "certificate-added", detail))


@applies(RemoveCertificate)
def remove_certificate(step: Step, user: User, operation: RemoveCertificate) -> None:
    account = _own_account(step, user, operation.account)
    if account is None:
        return
    if operation.fingerprint not in account.certificates:
        step.refused(Reason.CERTIFICATE, operation.fingerprint, "none")
        return
    del account.certificates[operation.fingerprint]
    detail = operation.fingerprint
    step.changed(AccountUpdated(step.part, source_of(user), "certificate-removed", detail))


def _own_account(step: Step, user: User, number: AccountId) -> Account | None:
    """Return the account that a user is logged in to if it is the one that was meant."""
    account = account_by_id(step.state, number)
    if account is None or account.id != user.account_id:
        step.refused(Reason.ACCOUNT_NOT_YOURS)
        return None
    return account


# Attempts


@applies_command(CountLogin)
def count_login(step: Step, command: CountLogin) -> Applied:
    """Count an attempt to log in, or refuse it if there were too many."""
    settings = step.state.settings
    key = address_key(command.address, settings.address_exempt_networks)
    line = (command.session, command.line)
    if not key or count_attempt(step, f"h:{key}", settings.logins_per_address_max, line):
        count_attempt(
            step, f"a:{fold_nick(command.account)}", settings.logins_per_account_max, line
        )
    return answer(step, command)


def answer(step: Step, command: Request) -> Applied:
    """Return the outcome of a request."""
    return Applied(
        step.position,
        step.time_ms,
        command.session,
        command.generation,
        command.line,
        tuple(step.results),
        request=type(command).__name__,
    )
