"""Tokens that let a client resume its session over another connection.

    token = base64url(session id, user id, HMAC-SHA256(secret, both))

The secret is part of the replicated state, so all nodes make the same tokens and none is stored.
A token reveals nothing about the secret, and only its client is told it. The log decides whether
the session can still be resumed.

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
"""Wrong tokens that a connection may try; an honest client has one token."""

_PURPOSE = b"roost.chat/resume 1\0"
"""Separates these signatures from others that are made with the same secret."""
_IDS = struct.Struct(">QQ")
_DIGEST_BYTES = hashlib.sha256().digest_size
_TOKEN_LENGTH = (_IDS.size + _DIGEST_BYTES) // 3 * 4


def make_token(secret: bytes, session: SessionId, user: UserId) -> str:
    """Return the token of a session; it is the same on every node."""
    ids = _IDS.pack(session, user)
    return base64.urlsafe_b64encode(ids + _sign(secret, ids)).decode()


def read_token(secret: bytes, token: str) -> tuple[SessionId, UserId] | None:
    """Return the session and the user of a token; None if the token is not valid."""
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
    """Send a registered client its token, if it negotiated the capability."""
    secret = context.state.secret
    if secret and context.has(Capability.RESUME):
        session = context.session
        context.send("RESUME", "TOKEN", make_token(secret, session.id, session.user))


def seen_before(
    context: Context, reaches: Callable[[Position], bool]
) -> tuple[Position, int] | None:
    """Return the id of the last message that a resuming client saw; None to show it nothing.

    `reaches` tells whether all entries after a position are still available. If they are not, the
    client is told so.
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
    """Tell the client to ask for history, because what it missed is not available any more."""
    text = "The missed messages are no longer available, use CHATHISTORY"
    if context.has(Capability.RESUME):
        context.send("NOTE", "RESUME", "HISTORY_LOST", text)
    elif context.has(Capability.STANDARD_REPLIES):
        # "If the message is not a response to a command, the command is *."
        context.send("NOTE", "*", "HISTORY_LOST", text)
    elif context.has(Capability.CHATHISTORY):
        context.notice(f"*** {text}")
    else:
        context.notice("*** Some messages were missed and are no longer available")


def refuse(context: Context, reason: Reason) -> None:
    """Tell the client why the log did not resume its session."""
    if reason is Reason.RESUME_INSECURE:
        fail(context, "CANNOT_RESUME", "The session was secure, but this connection is not")
    else:
        fail(context, "EXPIRED", "The session no longer exists")


def fail(context: Context, code: str, text: str) -> None:
    """Send a FAIL, and close the connection after too many.

    The client may register with NICK and USER instead.
    """
    context.send("FAIL", "RESUME", code, text)
    given = context.session.registration
    given.resume = None
    given.failed_resumes += 1
    if given.failed_resumes >= FAILURES_MAX and not context.session.user:
        context.session.queue = ()
        context.session.end_reason = "Too many attempts to resume"
