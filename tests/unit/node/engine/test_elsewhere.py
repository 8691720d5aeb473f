"""What nobody holds follows from what all other members have said."""

from roost.chat.history import Held, Span
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.node.engine.elsewhere import Elsewhere, Share

P = Position


def test_a_member_that_has_said_nothing_may_hold_everything() -> None:
    others = Elsewhere(("n2", "n3"))
    others.learn("n2", Share(Held(P(50), 500)))
    assert others.gone(P(1), P(40)) == []
    others.learn("n3", Share(Held(P(60), 600)))
    assert others.gone(P(1), P(40)) == [Hole(P(1), P(40), 500, 0)]
    others.connected("n3")
    assert others.gone(P(1), P(40)) == []
    assert Elsewhere(()).gone(P(1), P(40)) == [], "nobody can say that it is gone"


def test_only_what_all_members_lack_is_gone() -> None:
    others = Elsewhere(("n2", "n3"))
    others.learn("n2", Share(Held(P(30), 300)))
    others.learn("n3", Share(Held(), (Hole(P(20), P(40), 400, 410), Hole(P(90), P(95), 950, 960))))
    # Rows from 30 on, which n2 has, are not older than 300; those up to 29 are not newer.
    assert others.gone(P(1), P(100)) == [Hole(P(20), P(29), 300, 300)]
    assert others.gone(P(25), P(27)) == [Hole(P(25), P(27), 300, 0)]
    others.learn("n2", Share(Held(P(92), 920)))
    assert others.gone(P(1), P(100)) == [
        Hole(P(20), P(40), 400, 410),
        Hole(P(90), P(91), 920, 920),
    ]


def test_a_linked_node_that_was_removed_counts_until_its_link_is_gone() -> None:
    """It hands over what it has for as long as it runs."""
    others = Elsewhere(("n2",))
    others.nodes_changed = 7
    others.learn("n2", Share(Held(P(50), 500)))
    others.linked = ["n1", "n2"]
    assert others.first() == Held()
    assert others.gone(P(1), P(40)) == []
    assert others.lost(Span(P(1), P(40)), 400) == []
    others.learn("n1", Share(Held(P(1)), unfound=((P(11), P(99)),)))
    assert others.lost(Span(P(1), P(40)), 400) == [Hole(P(11), P(40), 400, 0)]
    others.learn("n1", Share(Held(P(30), 300)))
    assert others.first() == Held(P(30), 300)
    assert others.gone(P(1), P(40)) == [Hole(P(1), P(29), 300, 300)]
    others.linked = ["n2"]
    assert others.gone(P(1), P(40)) == [Hole(P(1), P(40), 500, 0)]


def test_a_node_may_have_what_it_does_not_say_that_it_lacks() -> None:
    hole = Hole(P(10), P(40), 400, 410)
    share = Share(Held(P(15), 150), (Hole(P(20), P(25), 250, 260),), unfound=((P(38), P(60)),))
    assert share.has_of(hole) == [Span(P(15), P(19)), Span(P(26), P(37))]
    assert Share().has_of(hole) == [Span(P(10), P(40))]
    assert Share(holes=(hole,)).has_of(hole) == []


def test_a_member_without_its_oldest_rows_and_with_a_hole_lacks_both() -> None:
    share = Share(Held(P(10), 100), (Hole(P(20), P(25), 250, 260),))
    assert share.lacks(P(5), P(22)) == [Hole(P(5), P(9), 100, 100), Hole(P(20), P(22), 250, 0)]
    assert share.has(P(10), P(19))
    assert not share.has(P(9), P(12))
    assert not share.has(P(10), P(20))
