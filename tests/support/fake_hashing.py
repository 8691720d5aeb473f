"""Cheap and deterministic hashes, for tests with virtual time."""

import hashlib

from roost.chat.credentials import Credentials
from roost.irc.scram import derive_keys
from roost.ircd.sessions.work import HashPassword, Outcome, Work

ITERATIONS = 2
_PREFIX = "$argon2id$fake$"


def do_work(work: Work) -> Outcome:
    """Do slow work at once."""
    if isinstance(work, HashPassword):
        return credentials(work.password)
    return work.encoded == _encode(work.password)


def credentials(password: str) -> Credentials:
    """Return what a password is checked against."""
    salt = hashlib.sha256(password.encode()).digest()[:16]
    keys = derive_keys(password, salt, ITERATIONS)
    return Credentials(
        password=_encode(password),
        scram_salt=salt,
        scram_iterations=ITERATIONS,
        scram_stored_key=keys.stored,
        scram_server_key=keys.server,
    )


def _encode(password: str) -> str:
    return _PREFIX + hashlib.sha256(password.encode()).hexdigest()
