"""Checks passwords, and normalises them before they are hashed.

Sources: RFC 4013 (SASLprep), so that a password is the same from any keyboard; NIST SP 800-63B,
5.1.1.2: at least eight characters, and no rules about kinds of characters.
"""

import stringprep
import unicodedata

CHARACTERS_MIN = 8
BYTES_MAX = 300
"""Longer than any passphrase."""


class PasswordError(Exception):
    """A text cannot be a password; the message says why, for people."""


class WeakPasswordError(PasswordError):
    """A password is too easy to guess."""


def prepare(password: str) -> str:
    """Return a password in the form that is hashed.

    Raises:
        PasswordError: it is empty or too long, or has forbidden characters.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in password
        if not stringprep.in_table_b1(character)
    )
    prepared = unicodedata.normalize("NFKC", mapped)
    if not prepared or len(prepared.encode()) > BYTES_MAX:
        raise PasswordError(f"A password must have 1 to {BYTES_MAX} bytes")
    for character in prepared:
        if stringprep.in_table_c21_c22(character) or stringprep.in_table_c8(character):
            raise PasswordError("A password must not contain control characters")
    return prepared


def prepare_new(password: str, account: str) -> str:
    """Return a new password in the form that is hashed.

    Raises:
        WeakPasswordError: it is too easy to guess.
        PasswordError: it cannot be a password.
    """
    prepared = prepare(password)
    if len(prepared) < CHARACTERS_MIN:
        raise WeakPasswordError(f"A password must have at least {CHARACTERS_MIN} characters")
    if prepared.lower() == account.lower() or prepared == prepared[0] * len(prepared):
        raise WeakPasswordError("This password is too easy to guess")
    return prepared
