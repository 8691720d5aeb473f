"""The last applied entries, from which moved sessions get what they missed, and their answers.

Their number is limited: if a session was served too long ago, its attachment is refused, and the
balancer picks a node that has what is needed. Where there is none, the client goes on with a gap
(see `ircd.serving.gap`).
"""

from collections import deque

from roost.chat.applied import Applied
from roost.chat.changes import NickChanged, SessionOpened, SessionResumed
from roost.chat.ids import Position, SessionId
from roost.ircd.sessions.session import LocalSession

_OPENING = (SessionOpened, SessionResumed)


class RecentEntries:
    """A ring of `Applied`, ordered by position and without gaps."""

    def __init__(self, entries_max: int, start: Position) -> None:
        self._entries_max = entries_max
        self._entries: deque[Applied] = deque()
        self._by_line: dict[tuple[SessionId, int], Applied] = {}
        """The entries up to `_indexed` in which lines took effect: made when somebody asks, which
        is seldom, and not for each message."""
        self._indexed = start
        self._openings: dict[SessionId, Applied] = {}
        """The entries that registered sessions."""
        self._start = start
        """The position before the oldest entry in the ring."""

    @property
    def start(self) -> Position:
        """The position before the oldest entry."""
        return self._start

    @property
    def newest(self) -> Position:
        """The position of the last entry."""
        return self._entries[-1].position if self._entries else self._start

    def add(self, applied: Applied) -> None:
        """Add the newest entry, and drop the oldest if there are too many."""
        self._entries.append(applied)
        if applied.results and type(applied.results[0]) in _OPENING:
            self._openings[applied.session] = applied
        if len(self._entries) > self._entries_max:
            oldest = self._entries.popleft()
            self._start = oldest.position
            if self._by_line:
                key = (oldest.session, oldest.line)
                if self._by_line.get(key) is oldest:
                    del self._by_line[key]
            if self._openings and self._openings.get(oldest.session) is oldest:
                del self._openings[oldest.session]

    def reset(self, start: Position) -> None:
        """Drop all entries, because a snapshot replaced those up to `start`."""
        self._entries.clear()
        self._by_line.clear()
        self._openings.clear()
        self._start = self._indexed = start

    def reaches(self, position: Position) -> bool:
        """Return whether all entries after a position are here."""
        return position >= self._start

    def after(self, position: Position) -> list[Applied]:
        """Return the entries after a position that the ring reaches, in order."""
        assert self.reaches(position)
        entries = []
        for applied in reversed(self._entries):
            if applied.position <= position:
                break
            entries.append(applied)
        entries.reverse()
        return entries

    def of_line(self, session: SessionId, line: int) -> Applied | None:
        """Return the entry in which a session's line took effect; None if it is not in the ring."""
        if self._indexed < self.newest:
            for applied in self.after(max(self._indexed, self._start)):
                if applied.session and not (
                    applied.is_duplicate or applied.is_fenced or applied.request
                ):
                    self._by_line[applied.session, applied.line] = applied
            self._indexed = self.newest
        return self._by_line.get((session, line))

    def opening(self, session: SessionId) -> Applied | None:
        """Return the entry that registered a session; None if it is not in the ring."""
        return self._openings.get(session)


def nick_before(recent: RecentEntries, session: LocalSession, last: int) -> str:
    """Return the nickname that a client had before its lines up to `last` took effect."""
    for line in range(session.handled_line + 1, last + 1):
        effect = recent.of_line(session.id, line)
        for result in effect.results if effect is not None else ():
            if isinstance(result, NickChanged):
                return result.source.nick
    return session.nick
