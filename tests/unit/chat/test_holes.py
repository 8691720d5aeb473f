"""Holes: what no node keeps any more, between older and newer messages."""

from roost.chat.holes import Hole, holes_from, holes_until, holes_without, is_in_hole, with_hole
from roost.chat.ids import Position

P = Position
HOLE = Hole(P(10), P(20), 200, 210)


def test_holes_that_touch_become_one() -> None:
    later = Hole(P(21), P(25), 250, 260)
    whole = (Hole(P(10), P(25), 250, 260),)
    assert with_hole((HOLE,), later) == whole
    assert with_hole((later,), HOLE) == whole
    assert with_hole(whole, HOLE) == whole


def test_holes_that_are_apart_stay_in_order() -> None:
    first, last = Hole(P(1), P(8), 80, 90), Hole(P(22), P(23), 230, 240)
    assert with_hole((HOLE, last), first) == (first, HOLE, last)


def test_holes_are_cut_at_either_end() -> None:
    assert holes_from((HOLE,), P(15)) == (Hole(P(15), P(20), 200, 210),)
    assert holes_from((HOLE,), P(21)) == ()
    # What comes after the cut is not known to be as new as what came after the hole.
    assert holes_until((HOLE,), P(15)) == (Hole(P(10), P(15), 200, 0),)
    assert holes_until((HOLE,), P(20)) == (HOLE,)
    assert holes_until((HOLE,), P(9)) == ()


def test_what_has_been_found_is_taken_out_of_holes() -> None:
    later = Hole(P(30), P(40), 400, 410)
    assert holes_without((HOLE, later), P(13), P(32)) == (
        Hole(P(10), P(12), 200, 0),
        Hole(P(33), P(40), 400, 410),
    )
    assert holes_without((HOLE,), P(1), P(30)) == ()
    assert holes_without((HOLE,), P(21), P(30)) == (HOLE,)


def test_a_range_is_in_a_hole_if_any_part_of_it_is() -> None:
    assert is_in_hole((HOLE,), P(1), P(10))
    assert is_in_hole((HOLE,), P(20), P(30))
    assert not is_in_hole((HOLE,), P(1), P(9))
    assert not is_in_hole((HOLE,), P(21), P(30))
