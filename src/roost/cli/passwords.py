"""Passwords that commands need: asked for at the terminal, read from standard input, or made up.

They are never read from arguments, which every user of the machine can see.
"""

import getpass
import secrets
import sys

from roost.cli.errors import UsageError
from roost.ircd.accounts.passwords import PasswordError, prepare_new

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Those that people do not confuse; 32, so that each is worth 5 bits."""
_GROUPS, _GROUP_LETTERS = 4, 5


def ask_password(account: str = "") -> str:
    """Ask twice without echo, or read the first line of standard input; return it prepared.

    Raises:
        UsageError: the password is not allowed, or the second one differs.
    """
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Repeat the password: ") != password:
            raise UsageError("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        return prepare_new(password, account)
    except PasswordError as error:
        raise UsageError(str(error)) from error


def make_password() -> str:
    """Make up a password of 100 random bits that people can type: "k3xqa-7ffpw-..."."""
    groups = (
        "".join(secrets.choice(_LETTERS) for _ in range(_GROUP_LETTERS)) for _ in range(_GROUPS)
    )
    return "-".join(groups)
