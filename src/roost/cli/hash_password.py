"""`roost hash-password`: what an operator's password is in the configuration.

It is asked for at the terminal without being shown, or read as the first line of the standard
input; never from the arguments, which every user of the machine can read.
"""

import getpass
import sys

from roost.cli.errors import UsageError
from roost.ircd.accounts.passwords import PasswordError, prepare_new
from roost.node.hashing import make_credentials


def hash_password() -> None:
    """Print the argon2id hash of a password, in its encoded form.

    Raises:
        UsageError: the password is not fit, or was typed differently the second time.
    """
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise UsageError("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        prepared = prepare_new(password, "")
    except PasswordError as error:
        raise UsageError(str(error)) from error
    print(make_credentials(prepared).password)
