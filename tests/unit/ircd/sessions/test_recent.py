"""The ring of recent entries."""

from roost.chat.applied import Applied
from roost.chat.ids import Position, SessionId
from roost.ircd.sessions.recent import RecentEntries

ANN = SessionId(1)


def entry(position: int, line: int = 0, *, is_duplicate: bool = False) -> Applied:
    session = ANN if line else SessionId(0)
    return Applied(Position(position), position * 10, session, 1, line, is_duplicate=is_duplicate)


def test_ring_forgets_the_oldest_and_knows_how_far_it_reaches() -> None:
    ring = RecentEntries(3, Position(10))
    for position in range(11, 16):
        ring.add(entry(position, line=position))
    assert [applied.position for applied in ring.after(Position(13))] == [14, 15]
    assert ring.reaches(Position(12))
    assert not ring.reaches(Position(11))
    assert ring.of_line(ANN, 12) is None
    assert ring.of_line(ANN, 13) == entry(13, line=13)


def test_lines_are_found_whenever_somebody_asks() -> None:
    ring = RecentEntries(3, Position(0))
    for position in range(1, 8):
        ring.add(entry(position, line=position))
        assert ring.of_line(ANN, position) == entry(position, line=position)
        assert ring.of_line(ANN, position - 3) is None, "it was dropped"
    for position in range(8, 20):
        ring.add(entry(position, line=position))
    found = [line for line in range(25) if ring.of_line(ANN, line)]
    assert found == [17, 18, 19], "nobody has asked meanwhile"


def test_duplicate_does_not_hide_the_line_s_effect() -> None:
    ring = RecentEntries(9, Position(0))
    ring.add(entry(1, line=4))
    ring.add(entry(2, line=4, is_duplicate=True))
    assert ring.of_line(ANN, 4) == entry(1, line=4)


def test_snapshot_empties_the_ring() -> None:
    ring = RecentEntries(9, Position(0))
    ring.add(entry(1, line=4))
    ring.reset(Position(50))
    assert not ring.reaches(Position(49))
    assert ring.after(Position(50)) == []
    assert ring.of_line(ANN, 4) is None
