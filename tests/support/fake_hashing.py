"""Cheap and deterministic hashes, for tests with virtual time."""

import hashlib

from roost.chat.credentials import Credentials
from roost.irc.scram import derive_keys
from roost.ircd.sessions.work import (
    AskProvider,
    CheckToken,
    HashPassword,
    Outcome,
    Pushed,
    SendMail,
    SendPush,
    Verdict,
    Work,
    WorkFailed,
)

ITERATIONS = 2
PROVIDED = "company-secret"
"""The password of everybody whom the identity provider knows."""
HANGS = "hang"
"""A name that it never answers for."""
sent: list[SendMail] = []
"""E-mail that was sent; "hang@..." is never answered, and there is no "nobody@..."."""
_PREFIX = "$argon2id$fake$"


def do_work(work: Work) -> Outcome:
    """Do slow work at once."""
    if isinstance(work, HashPassword):
        return credentials(work.password)
    if isinstance(work, AskProvider):
        return _ask(work)
    if isinstance(work, SendPush):
        return Pushed(is_gone=work.endpoint.endswith("/gone"))
    if isinstance(work, CheckToken):
        is_good = work.token.startswith("for.")
        return Verdict(work.token.removeprefix("for.")) if is_good else Verdict("", "It is expired")
    if isinstance(work, SendMail):
        if work.recipient.startswith(HANGS):
            return WorkFailed("The mail server does not answer; try again later")
        sent.append(work)
        return not work.recipient.startswith("nobody")
    return work.encoded == _encode(work.password)


def _ask(work: AskProvider) -> Outcome:
    """Answer as an identity provider; it drops what follows an "@" of a name."""
    if work.name == HANGS:
        return WorkFailed("The identity provider does not answer; try again later")
    if work.password == PROVIDED:
        return Verdict(work.name.partition("@")[0])
    return Verdict("", "expired" if work.password == "old" else "")


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
