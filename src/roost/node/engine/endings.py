"""Ends the sessions of a balancer's run that is over, most of them one by one.

    run is over --> CloseSession, CloseSession, ... --> the command that ends the run and the rest

That command would end all sessions in one entry: thousands of QUITs, which everybody is shown in
one turn. As entries of their own they are applied in slices, like everything else.
"""

from math import inf

from roost.chat.commands.sessions import CloseSession
from roost.chat.ids import SessionId, incarnation_of
from roost.chat.sessions import is_resumable
from roost.chat.state import State

AT_ONCE_MAX = 100
"""Sessions that may end in one entry: some milliseconds of work for every node."""
CLOSED_TOGETHER = 500
"""Closings that are proposed before the next ones are looked for."""
PATIENCE_S = 10.0
"""Without progress for so long, the run ends with all its sessions: that is slow, but sure."""


class Endings:
    """What was asked for, and is still to come."""

    def __init__(self) -> None:
        self._asked: dict[int, list[SessionId]] = {}
        """The sessions of each incarnation that are being closed."""
        self._progress_at: dict[int, float] = {}

    def close_some(
        self,
        state: State,
        incarnation: int,
        reason: str,
        now: float,
        *,
        share: float = 0.0,
        is_resumable_kept: bool = False,
    ) -> list[CloseSession] | None:
        """Return what to propose before an incarnation ends; None if it may end now.

        The list is empty while what was proposed is awaited. `share`, from 0 to 1, is where to
        begin among the sessions, so that several nodes do not propose the same.
        """
        if state.incarnations.get(incarnation, 0) <= AT_ONCE_MAX:
            self._forget(incarnation)
            return None
        asked = self._asked.get(incarnation, [])
        awaited = [number for number in asked if number in state.sessions]
        if len(awaited) < len(asked) or incarnation not in self._progress_at:
            self._progress_at[incarnation] = now
        self._asked[incarnation] = awaited
        if now - self._progress_at.get(incarnation, -inf) > PATIENCE_S:
            self._forget(incarnation)
            return None
        if awaited:
            return []
        ending = [
            number
            for number, session in state.sessions.items()
            if incarnation_of(number) == incarnation
            and not (is_resumable_kept and is_resumable(session))
        ]
        if len(ending) <= AT_ONCE_MAX:
            self._forget(incarnation)
            return None
        first = int(len(ending) * share)
        chosen = [*ending[first:], *ending[:first]][:CLOSED_TOGETHER]
        self._asked[incarnation] = chosen
        return [CloseSession(number, reason) for number in chosen]

    def _forget(self, incarnation: int) -> None:
        self._asked.pop(incarnation, None)
        self._progress_at.pop(incarnation, None)
