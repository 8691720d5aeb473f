"""Which part of the history each CHATHISTORY subcommand reads."""

import pytest

from roost.chat.history import KINDS, Anchor, Excerpt, Owner, Page
from roost.chat.ids import Position
from roost.ircd.queries.history_paging import pages, targets
from roost.ircd.queries.history_selectors import Selection

EARLY = Anchor(Position(10), 1)
LATE = Anchor(Position(10), 2)
EARLY_TIME = Anchor(time_ms=1000)
LATE_TIME = Anchor(time_ms=2000)
EXCERPTS = (Excerpt("r:1", Position(3)), Excerpt("r:2"))


def read(subcommand: str, first: Anchor | None, second: Anchor | None = None) -> tuple[Page, ...]:
    selection = Selection(subcommand, "#r", first, second, 500)
    return pages(selection, EXCERPTS, limit=100, kinds=KINDS)


@pytest.mark.parametrize(
    ("subcommand", "first", "field", "is_newest"),
    [
        ("BEFORE", EARLY, "before", True),
        ("AFTER", EARLY, "after", False),
        ("LATEST", EARLY, "after", True),
        ("AROUND", EARLY, "around", False),
    ],
)
def test_one_reference_bounds_one_side(
    subcommand: str, first: Anchor, field: str, *, is_newest: bool
) -> None:
    (page,) = read(subcommand, first)
    anchors = {name: getattr(page, name) for name in ("before", "after", "around")}
    assert anchors == {"before": None, "after": None, "around": None, field: first}
    assert page.is_newest is is_newest
    assert (page.conversation, page.limit, page.kinds) == ("r:1", 100, KINDS)
    assert page.excerpts() == EXCERPTS


def test_latest_without_a_reference_is_unbounded() -> None:
    (page,) = read("LATEST", None)
    assert page.is_newest
    assert page.after is None
    assert page.before is None


@pytest.mark.parametrize(("early", "late"), [(EARLY, LATE), (EARLY_TIME, LATE_TIME)])
def test_between_counts_from_its_first_reference(early: Anchor, late: Anchor) -> None:
    (forwards,) = read("BETWEEN", early, late)
    assert (forwards.after, forwards.before, forwards.is_newest) == (early, late, False)
    (backwards,) = read("BETWEEN", late, early)
    assert (backwards.after, backwards.before, backwards.is_newest) == (early, late, True)


def test_between_a_message_and_a_time_is_tried_in_both_directions() -> None:
    forwards, backwards = read("BETWEEN", EARLY, LATE_TIME)
    assert (forwards.after, forwards.before, forwards.is_newest) == (EARLY, LATE_TIME, False)
    assert (backwards.after, backwards.before, backwards.is_newest) == (LATE_TIME, EARLY, True)


def test_targets_keep_the_direction_of_the_two_times() -> None:
    selection = Selection("TARGETS", "", LATE_TIME, EARLY_TIME, 500)
    query = targets(selection, (Owner("u:4"),), (("r:1", "#r", Position(0)),), limit=100)
    assert (query.after_ms, query.before_ms, query.limit) == (2000, 1000, 100)
    assert query.owners == (Owner("u:4"),)
    assert query.rooms == (("r:1", "#r", Position(0)),)
