"""Tokens with which a client goes on with its session over another connection.

    token = base64url(session id, user id, HMAC-SHA256(secret, both))

The secret is part of the replicated state, so that every node makes and knows the same tokens and
none has to be stored. A token says nothing of the secret and is told to nobody but its client;
whether its session can still be resumed is the log's to decide.

Source: docs/resume.md.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable

from roost.chat.ids import Position, SessionId, UserId, parse_message_id
from roost.chat.refusals import Reason
from roost.irc.capabilities import Capability
from roost.ircd.context import Context

FAILURES_MAX = 3
"""Tokens that a connection may try in vain: an honest client has one."""

_PURPOSE = b"roost.chat/resume 1\0"
"""Keeps what the secret signs here apart from whatever else it may sign one day."""
_IDS = struct.Struct(">QQ")
_DIGEST_BYTES = hashlib.sha256().digest_size
_TOKEN_LENGTH = (_IDS.size + _DIGEST_BYTES) // 3 * 4


def make_token(secret: bytes, session: SessionId, user: UserId) -> str:
    """Make a session's token: the same on every node."""
    ids = _IDS.pack(session, user)
    return base64.urlsafe_b64encode(ids + _sign(secret, ids)).decode()


def read_token(secret: bytes, token: str) -> tuple[SessionId, UserId] | None:
    """Tell which session a token is for, and its user; None when it is not one of ours."""
    if not secret or len(token) != _TOKEN_LENGTH or not token.isascii():
        return None
    try:
        data = base64.b64decode(token, altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    ids, digest = data[: _IDS.size], data[_IDS.size :]
    if not hmac.compare_digest(digest, _sign(secret, ids)):
        return None
    session, user = _IDS.unpack(ids)
    return SessionId(session), UserId(user)


def _sign(secret: bytes, ids: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + ids, hashlib.sha256)


def send_token(context: Context) -> None:
    """Tell a registered client its token, if it negotiated the capability."""
    secret = context.state.secret
    if secret and context.has(Capability.RESUME):
        session = context.session
        context.send("RESUME", "TOKEN", make_token(secret, session.id, session.user))


def seen_before(
    context: Context, reaches: Callable[[Position], bool]
) -> tuple[Position, int] | None:
    """Tell what a client that resumes saw last, if everything after it is at hand.

    `reaches` says whether everything after a position is.
    """
    resume = context.session.registration.resume
    if resume is None or not resume.seen:
        return None
    seen = parse_message_id(resume.seen)
    if seen is None or not reaches(Position(seen[0] - 1)):
        send_history_lost(context)
        return None
    return seen


def send_history_lost(context: Context) -> None:
    """Say that what the client missed is too long ago to be sent without being asked for."""
    text = "The missed messages are not at hand any more, use CHATHISTORY"
    context.send("NOTE", "RESUME", "HISTORY_LOST", text)


def refuse(context: Context, reason: Reason) -> None:
    """Say why the log did not resume a session."""
    if reason is Reason.RESUME_INSECURE:
        fail(context, "CANNOT_RESUME", "The session was secure, this connection is not")
    else:
        fail(context, "EXPIRED", "There is no such session any more")


def fail(context: Context, code: str, text: str) -> None:
    """Send a FAIL; a client that has had too many is closed.

    It can go on with NICK and USER as if it had not asked.
    """
    context.send("FAIL", "RESUME", code, text)
    given = context.session.registration
    given.resume = None
    given.failed_resumes += 1
    if given.failed_resumes >= FAILURES_MAX and not context.session.user:
        context.session.queue.clear()
        context.session.end_reason = "Too many attempts to resume"
