"""Looking up what concerned a session finds everything that a full scan finds."""

import random
from collections.abc import Iterable

import pytest

from roost.chat.apply import apply_entry
from roost.chat.commands import encode_command
from roost.chat.ids import Position, RoomId
from roost.chat.state import Session, User
from roost.ircd.delivery import missed_index
from roost.ircd.delivery.missed import look_back
from roost.ircd.delivery.missed_index import Happening, MissedIndex
from roost.ircd.sessions.recent import RecentEntries
from roost.ircd.sessions.stretches import Stretch
from support.chat_logs import LogMaker, first_state

LOG_LENGTH = 400
NAME = "roost.local"


class Everything(MissedIndex):
    """Find what a session missed by a full scan."""

    def concerning(self, session: Session, user: User, first: int) -> list[Happening]:
        del session, user
        return self._all[:first:-1] + self._all[first : first + 1]

    def stretches(
        self, rooms: Iterable[RoomId], capabilities: int, first: int, end: int
    ) -> list[Stretch]:
        del rooms, capabilities
        assert first >= end
        return []


def test_nothing_that_a_session_missed_is_overlooked() -> None:
    assert sum(compare(seed) for seed in range(30)) > 500


def compare(seed: int) -> int:
    """Compare both ways along a random log; return how many lines were found."""
    state = first_state()
    recent = RecentEntries(LOG_LENGTH, Position(0))
    index, everything = MissedIndex(recent, NAME), Everything(recent, NAME)
    dice = random.Random(seed)
    shown = 0
    for number, command in enumerate(LogMaker(seed).make(LOG_LENGTH), 1):
        recent.add(apply_entry(state, encode_command(command), Position(number), number))
        if number % 10:
            continue
        for session in state.sessions.values():
            since = Position(dice.randrange(number))
            seen = (Position(since + 1), 1) if dice.random() < 0.3 else None
            missed = look_back(index, since, state, session, NAME, seen)
            wanted = look_back(everything, since, state, session, NAME, seen)
            assert missed.lines == wanted.lines
            assert missed[1:] == wanted[1:]
            shown += len(missed.lines)
    return shown


def test_many_changes_are_taken_in_over_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missed_index, "CHANGES_PER_TURN", 7)
    state = first_state()
    recent = RecentEntries(LOG_LENGTH, Position(0))
    for number, command in enumerate(LogMaker(4).make(LOG_LENGTH), 1):
        recent.add(apply_entry(state, encode_command(command), Position(number), number))
    index = MissedIndex(recent, NAME)
    turns, before = 1, 0
    while not index.go_on(Position(0)):
        assert 7 <= index.end - before < 7 + 20
        turns, before = turns + 1, index.end
    assert turns > 10
    at_once = MissedIndex(recent, NAME)
    at_once.bring_up_to_date(Position(0))
    assert at_once.end == index.end
