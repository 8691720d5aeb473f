"""`roost hash-password`: the hash of an operator's password, for the configuration.

The command asks for the password at the terminal without echo, or reads the first line of standard
input. It never reads arguments, which every user of the machine can see.
"""

import getpass
import sys

from roost.cli.errors import UsageError
from roost.ircd.accounts.passwords import PasswordError, prepare_new
from roost.node.hashing import make_credentials


def hash_password() -> None:
    """Print the argon2id hash of a password, in its encoded form.

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
        prepared = prepare_new(password, "")
    except PasswordError as error:
        raise UsageError(str(error)) from error
    print(make_credentials(prepared).password)
