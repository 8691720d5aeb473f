"""NickServ's commands for codes that were sent by e-mail."""

from roost.ircd.accounts import verifying
from roost.ircd.accounts.denial import find
from roost.ircd.context import Context, Result
from roost.ircd.services.by_mail import reset, send_reset
from roost.ircd.services.nickserv_reply import NAME, say, send_refused
from roost.ircd.services.registry import service_command

# It adds the service.
from roost.ircd.services import nickserv  # noqa: F401  # isort: skip


@service_command(
    NAME,
    "VERIFY",
    usage="VERIFY <account> <code>",
    text="Completes a registration, or sets your address, with a code from an e-mail.",
    words_min=2,
    synonyms=("CONFIRM",),
)
def verify(context: Context, words: tuple[str, ...]) -> Result:
    """Give the code of a registration or of an address."""

    def told(context: Context, _account: str, text: str) -> None:
        say(context, f"{text}.")

    return verifying.take(context, words[0], words[1], told=told, refused=send_refused)


@service_command(
    NAME,
    "SENDPASS",
    usage="SENDPASS <account>",
    text="Sends a code for a new password to the e-mail address of an account.",
    words_min=1,
)
def send_password(context: Context, words: tuple[str, ...]) -> Result:
    """Send a code for a new password."""
    return send_reset(context, find(context.state, words[0]))


@service_command(
    NAME,
    "RESETPASS",
    usage="RESETPASS <account> <code> <password>",
    text="Sets a new password with the code that SENDPASS has sent.",
    words_min=3,
)
def reset_password(context: Context, words: tuple[str, ...]) -> Result:
    """Set a new password with a code."""
    return reset(context, words[0], words[1], words[2])
