"""All that history forgets: words of erased accounts, and what is older than is to be kept."""

from collections.abc import Iterator

from roost.chat.commands.cluster import ForgetRoomHistory
from roost.chat.state import State
from roost.log import Log
from roost.node.engine.effects import EraseHistory, FindKept, HistoryState, LogEvent, TrimRoom
from roost.node.engine.erasing import Erasing
from roost.node.engine.holding import Holding
from roost.node.engine.inputs import HistoryErased, KeptFound, RoomTrimmed
from roost.node.engine.retaining import Retaining
from roost.node.engine.snapshots import Snapshots


class Forgetting:
    """Erasures and retention, for the engine."""

    def __init__(
        self, history: HistoryState, snapshots: Snapshots, log: Log, holding: Holding
    ) -> None:
        self._erasing = Erasing(history.erased, snapshots, log.start)
        self._retaining = Retaining(holding)
        self._log = log

    def look(
        self, state: State, now: float
    ) -> Iterator[EraseHistory | LogEvent | FindKept | TrimRoom]:
        """Yield what is to be done next."""
        yield from self._erasing.look(state)
        yield from self._retaining.look(state, now, is_in_charge=self._log.is_in_charge)

    def receive(self, event: HistoryErased | KeptFound | RoomTrimmed) -> Iterator[LogEvent]:
        """Take in what the store has found or done."""
        if isinstance(event, HistoryErased):
            yield from self._erasing.receive(event)
        else:
            self._retaining.receive(event)

    def take_commands(self, state: State) -> list[ForgetRoomHistory]:
        """Return what the log is to say, once."""
        return self._retaining.take_commands(state)
