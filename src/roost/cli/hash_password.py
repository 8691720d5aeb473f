"""`roost hash-password`: the hash of an operator's password, for the configuration."""

from roost.cli.passwords import ask_password
from roost.node.hashing import make_credentials


def hash_password() -> None:
    """Print the argon2id hash of a password, in its encoded form.

    Raises:
        UsageError: the password is not allowed, or the second one differs.
    """
    print(make_credentials(ask_password()).password)
