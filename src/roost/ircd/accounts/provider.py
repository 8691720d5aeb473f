"""Logs people in on the word of an identity provider.

    password --> the provider --> Verdict --> (AdmitAccount -->) done(account or Denial)

The provider can be slow, broken or wrong. Its driver bounds how long it takes; what it says is
checked here before anything follows from it.
"""

from roost.chat.applied import Applied
from roost.chat.commands.accounts import AdmitAccount
from roost.chat.refusals import Refusal
from roost.chat.reservations import is_service
from roost.chat.state import Account
from roost.irc.casemapping import fold_nick
from roost.irc.names import is_valid_nick
from roost.ircd.accounts.denial import WRONG, Denial, Done, find, words_of
from roost.ircd.context import Context, Job, Request, Result
from roost.ircd.login_config import LoginConfig
from roost.ircd.sessions.work import AskProvider, CheckToken, Outcome, Verdict, WorkFailed

PROVIDED = "Accounts and passwords are the identity provider's, which your operators chose"
PASSWORD_BYTES_MAX = 300
"""As for passwords that the network keeps."""
SHOWN_CHARACTERS_MAX = 60
"""Of a name that is shown in an error."""


def is_ours(login: LoginConfig, account: Account) -> bool:
    """Return whether an account's password and certificates here count, not the provider's word."""
    return not account.is_external and login.has_own_accounts


def ask_provider(context: Context, name: str, password: str, done: Done) -> Result:
    """Have the provider check a password; call `done` as `login.check_password` does."""
    if not password or len(password.encode()) > PASSWORD_BYTES_MAX:
        return done(context, WRONG)
    session = context.session
    work = AskProvider(name, password, session.address, session.certificate, session.is_secure)

    def then(context: Context, outcome: Outcome) -> Result:
        assert isinstance(outcome, Verdict), "this is what the provider gives"
        if not outcome.account:
            reason = f"{WRONG.reason}: {outcome.reason}" if outcome.reason else WRONG.reason
            return done(context, Denial(reason))
        is_other = fold_nick(outcome.account) != fold_nick(name)
        if is_other and not context.config.login.maps_names:
            return done(context, Denial("The identity provider answered for another account"))
        return admit(context, outcome.account, name, done)

    def failed(context: Context, outcome: WorkFailed) -> None:
        done(context, Denial(outcome.reason))

    return Job(work, then, failed)


def check_token(context: Context, token: str, name: str, done: Done) -> Result:
    """Have a token checked; call `done` as `login.check_password` does.

    `name` is the account that the client wants to act as, or empty. A token cannot be guessed, so
    attempts are not counted.
    """

    def then(context: Context, outcome: Outcome) -> Result:
        assert isinstance(outcome, Verdict), "this is what a check gives"
        if not outcome.account:
            return done(context, Denial(outcome.reason))
        if name and fold_nick(name) != fold_nick(outcome.account):
            return done(context, Denial("The token is for another account"))
        return admit(context, outcome.account, outcome.account, done)

    def failed(context: Context, outcome: WorkFailed) -> None:
        done(context, Denial(outcome.reason))

    return Job(CheckToken(token, context.now.wall_ms), then, failed)


def admit(context: Context, name: str, asked: str, done: Done) -> Result:
    """Call `done` with the account of somebody whom the provider knows, made if need be.

    `asked` is the name that the attempt was counted for.
    """
    state, login = context.state, context.config.login
    account = find(state, name)
    if account is not None and login.local_accounts and not account.is_external:
        text = f"The account {account.name} was registered here and is not the provider's"
        return done(context, Denial(text))
    if account is not None and fold_nick(asked) == fold_nick(name):
        return done(context, account)
    if account is None and not login.creates_accounts:
        return done(context, Denial(f"There is no account for you here: {_shown(name)}"))
    if not is_valid_nick(name, state.settings.nick_bytes_max) or is_service(name):
        text = (
            f"The identity provider's name for you, {_shown(name)}, cannot be an account: it may "
            f"have up to {state.settings.nick_bytes_max} ASCII letters, digits and _-[]\\`^{{}}|"
        )
        return done(context, Denial(text))
    if state.version < AdmitAccount.SINCE:
        return done(context, Denial("The network is being upgraded; try again later"))

    def then(context: Context, applied: Applied) -> Result:
        for result in applied.results:
            if isinstance(result, Refusal):
                return done(context, Denial(words_of(result)))
        made = find(context.state, name)
        return done(context, made if made is not None else Denial("The account was dropped"))

    session = context.session
    command = AdmitAccount(
        session.id, session.generation, context.line, session.address, name, asked
    )
    return Request(command, then)


def _shown(name: str) -> str:
    """Return a name as an error can show it, whatever it contains."""
    clean = "".join(character if character.isprintable() else "?" for character in name)
    return repr(clean[:SHOWN_CHARACTERS_MAX])
