"""The outcome of one entry: what `apply` returns."""

import msgspec

from roost.chat.changes import Change
from roost.chat.ids import Position, SessionId
from roost.chat.refusals import Refusal


class Applied(msgspec.Struct, frozen=True):
    """What one entry did, in order; equal on every node."""

    position: Position
    time_ms: int
    session: SessionId = SessionId(0)
    """Whose line it was; 0 when it was nobody's."""
    generation: int = 0
    line: int = 0
    results: tuple[Change | Refusal, ...] = ()
    is_duplicate: bool = False
    """The line had taken effect before: `results` is empty, and so it must stay."""
    is_fenced: bool = False
    """An earlier generation of the session, or a session that is closed, asked: nothing done."""
    fenced: tuple[tuple[SessionId, int], ...] = ()
    """Of the sessions that were to be attached, with their generations, those that were not."""
    closed: SessionId = SessionId(0)
    """The session that was to be closed, and is so for good, whether or not it was ever open."""
    request: str = ""
    """The name of a command that a line asked for before its effect; it may ask again."""
    failure: str = ""
    """Why the entry was skipped: it was malformed or made `apply` fail."""
