"""HostServ: virtual hosts, which operators give to accounts.

This module parses commands; `chat.hosts` decides.
"""

from roost.chat.commands.accounts import GrantHost, UseHost
from roost.chat.directory import account_of
from roost.chat.hosts import is_operator, real_host
from roost.chat.ids import FoldedAccount
from roost.chat.refusals import Reason, Refusal
from roost.irc.casemapping import fold_nick
from roost.ircd.context import Context, Result
from roost.ircd.services.hostserv_reply import NAME, say, send_refused
from roost.ircd.services.registry import add_service, service_command

add_service(NAME, "HS", "HostServ shows you under a virtual host.", send_refused)


@service_command(NAME, "ON", usage="ON", text="Shows you under your virtual host.")
def on(_context: Context, _words: tuple[str, ...]) -> Result:
    """Show the client's user under its virtual host."""
    return (UseHost(True),)


@service_command(NAME, "OFF", usage="OFF", text="Shows you under your real host again.")
def off(_context: Context, _words: tuple[str, ...]) -> Result:
    """Show the client's user under its real host."""
    return (UseHost(False),)


@service_command(
    NAME, "INFO", usage="INFO [account]", text="Shows your virtual host, or that of an account."
)
def info(context: Context, words: tuple[str, ...]) -> Result:
    """Show an account's virtual host; another account's only to operators."""
    account = account_of(context.state, context.user)
    if words:
        if not is_operator(context.user):
            send_refused(context, Refusal(Reason.HOST_NOT_YOURS, words[0]))
            return None
        account = context.state.accounts.get(FoldedAccount(fold_nick(words[0])))
        if account is None:
            send_refused(context, Refusal(Reason.NO_SUCH_ACCOUNT, words[0]))
            return None
    else:
        say(context, f"You come from {real_host(context.user)}.")
    if account is None or not account.virtual_host:
        say(context, "There is no virtual host.")
    else:
        use = "is used" if account.is_host_used else "is not used"
        say(context, f"{account.virtual_host} is the virtual host of {account.name}, and {use}.")
    return None


@service_command(
    NAME,
    "SET",
    words_min=2,
    usage="SET <account> <host>",
    text="For operators: gives an account a virtual host.",
)
def set_host(_context: Context, words: tuple[str, ...]) -> Result:
    """Give an account a virtual host."""
    return (GrantHost(words[0], words[1]),)


@service_command(
    NAME,
    "DEL",
    words_min=1,
    usage="DEL <account>",
    text="For operators: removes the virtual host of an account.",
)
def delete_host(_context: Context, words: tuple[str, ...]) -> Result:
    """Remove an account's virtual host."""
    return (GrantHost(words[0], ""),)
