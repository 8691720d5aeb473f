"""Which passwords an account may have, and what they are before they are hashed.

Sources: RFC 4013 (SASLprep), so that a password typed on another keyboard is the same one; NIST SP
800-63B, 5.1.1.2: a length of eight at least, and no rules about kinds of letters.
"""

import stringprep
import unicodedata

CHARACTERS_MIN = 8
BYTES_MAX = 300
"""Longer than any sentence."""


class PasswordError(Exception):
    """A text cannot be a password; the exception's text says why, for people."""


class WeakPasswordError(PasswordError):
    """It could be a password, but would be guessed."""


def prepare(password: str) -> str:
    """Bring a password into the form that is hashed.

    Raises:
        PasswordError: it is empty, too long, or has characters that no password may have.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in password
        if not stringprep.in_table_b1(character)
    )
    prepared = unicodedata.normalize("NFKC", mapped)
    if not prepared or len(prepared.encode()) > BYTES_MAX:
        raise PasswordError(f"A password has 1 to {BYTES_MAX} bytes")
    for character in prepared:
        if stringprep.in_table_c21_c22(character) or stringprep.in_table_c8(character):
            raise PasswordError("A password has no control characters")
    return prepared


def prepare_new(password: str, account: str) -> str:
    """Bring a password that somebody wants to have into that form, if it is good enough.

    Raises:
        WeakPasswordError: it is not.
        PasswordError: it cannot be a password.
    """
    prepared = prepare(password)
    if len(prepared) < CHARACTERS_MIN:
        raise WeakPasswordError(f"A password needs {CHARACTERS_MIN} characters at least")
    if prepared.lower() == account.lower() or prepared == prepared[0] * len(prepared):
        raise WeakPasswordError("This password would be guessed at once")
    return prepared
