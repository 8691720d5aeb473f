from roost.chat.ids import Position
from roost.node.engine.effects import AddGap
from roost.node.engine.lineage import Lineage
from roost.node.engine.terms import Terms

P = Position
BEGINS = ((P(1), 1), (P(5), 2), (P(9), 0), (P(20), 4))


def made(end: int = 8) -> tuple[Lineage, Terms]:
    terms = Terms(BEGINS)
    lineage = Lineage(terms)
    lineage.doubt(P(end))
    return lineage, terms


def test_equal_terms_mean_equal_rows_before() -> None:
    lineage, _ = made()
    assert lineage.compare(P(9), 2, P(1)) is None
    assert lineage.compare(P(9), 3, P(1)) is None, "that has been settled"


def test_rows_of_a_lost_term_are_replaced_and_the_one_before_is_compared_next() -> None:
    lineage, terms = made()
    found = lineage.compare(P(9), 3, P(1))
    assert found is not None
    event, gap = found
    assert gap == AddGap(P(5), P(8), 3)
    assert (event.event, event.fields["term_known"], event.fields["term_now"]) == (
        "history-diverged",
        2,
        3,
    )
    assert terms.begins == ((1, 1), (5, 0), (8, 3), (9, 0), (20, 4)), "later terms stay known"
    assert lineage.compare(P(9), 3, P(1)) is None
    found = lineage.compare(P(5), 3, P(1))
    assert found is not None
    assert found[1] == AddGap(P(1), P(4), 3)


def test_only_what_adjoins_the_gap_is_compared() -> None:
    lineage, _ = made()
    assert lineage.compare(P(7), 3, P(1)) is None
    assert lineage.compare(P(9), 3, P(1)) is not None


def test_what_is_not_known_is_not_compared() -> None:
    assert made()[0].compare(P(9), 0, P(1)) is None
    assert made(end=12)[0].compare(P(13), 3, P(1)) is None
    assert Lineage(Terms()).compare(P(1), 3, P(1)) is None


def test_rows_that_are_not_held_are_not_fetched() -> None:
    found = made()[0].compare(P(9), 3, P(7))
    assert found is not None
    assert found[1] == AddGap(P(7), P(8), 3)
