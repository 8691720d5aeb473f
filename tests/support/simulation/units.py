"""What a client received, in units: a line, or a whole batch."""

import msgspec

from support.simulation.clients import Received


class Unit(msgspec.Struct):
    """A line, or a batch with all its lines."""

    first: Received
    lines: list[Received]
    """The lines without those that open and close the batch."""
    batch: str = ""
    """The type of the batch."""
    units: list["Unit"] = []
    """What the batch consists of: lines, and batches within it."""
    is_answer: bool = False
    """Whether its label is known to be that of the line that it answers."""

    @property
    def label(self) -> str:
        return "" if self.is_answer else self.first.tags.get("label", "")


class ExhaustedError(Exception):
    """The client received nothing more."""


class Reader:
    """Reads units in order."""

    def __init__(self, units: list[Unit]) -> None:
        self._units = units
        self.at = 0

    def peek(self) -> Unit | None:
        return self._units[self.at] if self.at < len(self._units) else None

    def next(self) -> Unit:
        unit = self.peek()
        if unit is None:
            raise ExhaustedError
        if unit.first.message.command == "ERROR" and not unit.label:
            # Nothing is answered after QUIT.
            raise ExhaustedError
        self.at += 1
        return unit

    def labels_since(self, begin: int) -> list[str]:
        return [unit.label for unit in self._units[begin : self.at]]

    def is_next(self, *commands: str) -> bool:
        unit = self.peek()
        return unit is not None and not unit.label and unit.first.message.command in commands

    def take_error(self) -> None:
        unit = self.peek()
        assert unit is not None, "somebody who said QUIT was told nothing"
        assert unit.first.message.command == "ERROR", f"{unit.first} where ERROR was due"
        self.at += 1

    def take(self, command: str) -> Received:
        unit = self.next()
        assert not unit.batch, f"a batch where {command} was due: {unit.first}"
        assert unit.first.message.command == command, f"{unit.first} where {command} was due"
        return unit.first


def description_begin(units: list[Unit]) -> int:
    """Return where the description of how things are begins among the units before its end."""
    at = len(units) - 1
    assert units[at].first.message.command in ("305", "306"), "not told whether it is away"
    rooms: dict[str, None] = {}
    while at and units[at - 1].first.message.command == "366" and not units[at - 1].label:
        room = units[at - 1].first.message.parameters[1]
        begin = at - 1
        while begin and units[begin - 1].first.message.command in ("332", "333", "353"):
            begin -= 1
        is_entry = begin > 0 and units[begin - 1].first.message.command == "JOIN"
        if not is_entry or room in rooms:
            break
        rooms[room] = None
        at = begin - 1
    return at
