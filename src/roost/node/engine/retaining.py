"""How much history is kept: in all by the cluster's settings, of a room by its founder's choice.

    in all    the settings --> what this node may drop (`holding`)
    a room    in charge: where does what is kept begin? --FindKept--> ForgetRoomHistory --> log
              every node: the log says where it begins --TrimRoom, step by step--> rows

A room is looked at every few seconds by the node in charge of the log, one after the other.
"""

from collections.abc import Iterator

from roost.chat.commands.cluster import ForgetRoomHistory
from roost.chat.history import room_conversation
from roost.chat.ids import Position, RoomId
from roost.chat.state import State
from roost.node.engine.effects import FindKept, TrimRoom
from roost.node.engine.holding import Holding
from roost.node.engine.inputs import KeptFound, RoomTrimmed

LOOK_S = 10.0
"""Between two looks at a room, which take some milliseconds at most."""


class Retaining:
    """What is to be looked for and to be dropped, one room at a time."""

    def __init__(self, holding: Holding) -> None:
        self._holding = holding
        self._looked: dict[RoomId, float] = {}
        """When each room was looked at."""
        self._trimmed: dict[RoomId, Position] = {}
        """From where on this node has the rows of each room."""
        self._is_busy = False
        self._commands: list[ForgetRoomHistory] = []

    def look(
        self, state: State, now: float, *, is_in_charge: bool
    ) -> Iterator[FindKept | TrimRoom]:
        """Yield what is to be done next."""
        settings = state.settings
        self._holding.retain(settings.history_days_max, settings.history_mb_max * 1_000_000)
        if self._is_busy or not state.retention:
            return
        for number in state.retention:
            room = state.rooms.get(number)
            if room is not None and room.history_from > self._trimmed.get(number, 0):
                self._is_busy = True
                yield TrimRoom(number, room.history_from)
                return
        if is_in_charge:
            yield from self._look_for(state, now)

    def _look_for(self, state: State, now: float) -> Iterator[FindKept]:
        for number, kept in state.retention.items():
            if now - self._looked.get(number, float("-inf")) >= LOOK_S:
                self._looked[number] = now
                self._is_busy = True
                older_ms = state.time_ms - kept.duration_ms if kept.duration_ms else 0
                yield FindKept(number, room_conversation(number), max(0, older_ms), kept.messages)
                return

    def receive(self, event: KeptFound | RoomTrimmed) -> None:
        """Take in what the store has found or done."""
        self._is_busy = False
        if isinstance(event, KeptFound):
            if event.first > 0:
                self._commands.append(ForgetRoomHistory(event.room, event.first))
        elif not event.has_more:
            self._trimmed[event.room] = event.before

    def take_commands(self, state: State) -> list[ForgetRoomHistory]:
        """Return what the log is to say, once."""
        commands, self._commands = self._commands, []
        return [
            command
            for command in commands
            if (room := state.rooms.get(command.room)) is None or command.before > room.history_from
        ]
