"""Has the words of erased accounts taken out of this node's history and log.

    the state says who was erased  --EraseHistory, step by step-->  the history's rows
                                   --a snapshot, nothing behind it--> the log

Both are repeated after a start, unless they were done: a node that was away does them later.
"""

from collections.abc import Iterator

from roost.chat.ids import AccountId
from roost.chat.state import State
from roost.log import Snapshot
from roost.node.engine.effects import EraseHistory, LogEvent
from roost.node.engine.inputs import HistoryErased
from roost.node.engine.snapshots import Snapshots


class Erasing:
    """Which erasures this node has done, and which one is under way."""

    def __init__(
        self,
        done: tuple[AccountId, ...],
        snapshots: Snapshots,
        start: Snapshot | None,
    ) -> None:
        """`done` are the accounts of which the history has nothing any more.

        The log begins a number of entries before `start`.
        """
        self._oldest = start.index - snapshots.retained_entries if start is not None else 0
        self._done = dict.fromkeys(done)
        self._snapshots = snapshots
        self._begun: dict[AccountId, None] = {}
        self._is_busy = False

    def look(self, state: State) -> Iterator[EraseHistory | LogEvent]:
        """Yield what is to be done next."""
        if len(self._begun) == len(state.erasures) and len(self._done) >= len(state.erasures):
            return
        for account, erasure in state.erasures.items():
            if account not in self._begun:
                self._begun[account] = None
                if erasure.until > self._oldest:
                    self._snapshots.drop_behind(erasure.until)
            if account not in self._done and not self._is_busy:
                self._is_busy = True
                yield EraseHistory(account, erasure)

    def receive(self, event: HistoryErased) -> Iterator[LogEvent]:
        """Take in the end of a step."""
        self._is_busy = False
        if not event.has_more:
            self._done[event.account] = None
            yield LogEvent("info", "history-erased", {"account": event.account})
