"""The outcome of one entry: what `apply_entry` returns."""

import msgspec

from roost.chat.changes import Change
from roost.chat.ids import Position, SessionId
from roost.chat.outcome import Outcome
from roost.chat.refusals import Refusal


class Applied(msgspec.Struct, frozen=True, gc=False):
    """What an entry did, in order; equal on every node."""

    position: Position
    time_ms: int
    session: SessionId = SessionId(0)
    """The session whose line it was; 0 for none."""
    generation: int = 0
    line: int = 0
    results: tuple[Change | Refusal, ...] = ()
    is_duplicate: bool = False
    """The line had already taken effect: `results` is empty."""
    is_fenced: bool = False
    """The command is of an earlier generation of the session, or of a closed one: nothing done."""
    fenced: tuple[tuple[SessionId, int], ...] = ()
    """The sessions that could not be attached, with the generations that were asked for."""
    closed: SessionId = SessionId(0)
    """The session that is now closed for good, whether or not it was ever open."""
    request: str = ""
    """The name of the `commands.Request` that this was; empty for none."""
    failure: str = ""
    """Why the entry was skipped: it was malformed, or applying it raised an exception."""
    administered: tuple[str, Outcome] | None = None
    """The id of an administrator's request that this was, and how that ended."""
