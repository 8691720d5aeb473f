"""What a node drops, fetches and asks others for follows from what it and others hold."""

import pytest

from roost.archive import ArchiveState
from roost.chat.history import EVERYTHING, POSITION_MAX, Held, Span
from roost.chat.ids import Position
from roost.node.engine.effects import TrimHistory
from roost.node.engine.elsewhere import Share
from roost.node.engine.holding import ALIGNMENT_MS, BLOCK, DAY_MS, Holding
from roost.node.engine.inquiries import ARCHIVE, HERE, NEIGHBOURS
from roost.node.engine.spread import GONE, Segment

P = Position
OTHERS = ("n2", "n3")
NOW_MS = 100 * DAY_MS + 5
LIMIT_MS = 93 * DAY_MS
LAST = Position(POSITION_MAX)


def test_a_learner_drops_only_what_two_neighbours_hold() -> None:
    role = ["learner"]
    mind = Holding(Held(), 0, OTHERS, learner_days=7, is_learner=lambda: "learner" in role)
    mind.pass_time(NOW_MS)
    assert not mind.keeps_all
    assert mind.take_trim(["n2"], 0.0) is None
    mind.learn("n3", Share(Held(P(5), 50)))
    assert mind.take_trim(["n2", "n3"], 100.0) is None
    mind.learn("n3", Share(Held()))
    assert mind.take_trim(["n2", "n3"], 200.0) == TrimHistory(LAST, LIMIT_MS)
    mind.trimmed(Held(P(9), LIMIT_MS - 1), has_more=False)
    assert mind.missing_block(["n2"]) is None
    # One that votes holds everything again.
    role.clear()
    assert mind.missing_block(["n2"]) == Span(P(1), P(8))
    assert mind.take_trim(["n2", "n3"], 300.0) is None


def test_what_is_configured_is_dropped_whoever_holds_it() -> None:
    mind = Holding(Held(), 7, OTHERS)
    mind.pass_time(NOW_MS + ALIGNMENT_MS)
    assert mind.take_trim([], 0.0) == TrimHistory(LAST, LIMIT_MS + ALIGNMENT_MS)
    assert mind.take_trim([], 100.0) is None, "one at a time"


def test_nothing_is_dropped_that_the_archive_does_not_have() -> None:
    mind = Holding(Held(), 7, OTHERS, has_archive=True)
    mind.pass_time(NOW_MS)
    assert mind.take_trim([], 0.0) == TrimHistory(P(0), LIMIT_MS)
    mind.trimmed(Held(), has_more=False)
    mind.archive = ArchiveState(P(40), 1, 400)
    assert mind.take_trim([], 100.0) == TrimHistory(P(41), LIMIT_MS)


@pytest.mark.parametrize(
    ("archive", "expected"),
    [
        (None, [Segment(ARCHIVE, Span(P(1), P(99)), 0)]),
        (ArchiveState(P(120), 1, 1200), [Segment(ARCHIVE, Span(P(1), P(99)), 0)]),
        (
            ArchiveState(P(40), 1, 400, first=P(10)),
            [
                Segment(ARCHIVE, Span(P(10), P(40)), 0),
                Segment(NEIGHBOURS, Span(P(41), P(99)), 400),
            ],
        ),
        (ArchiveState(), [Segment(NEIGHBOURS, Span(P(1), P(99)), 0)]),
        (
            ArchiveState(P(120), 1, 400, P(10), ((P(5), P(12)), (P(20), P(25)))),
            [
                Segment(GONE, Span(P(10), P(12)), 400),
                Segment(ARCHIVE, Span(P(13), P(19)), 0),
                Segment(GONE, Span(P(20), P(25)), 400),
                Segment(ARCHIVE, Span(P(26), P(99)), 0),
            ],
        ),
    ],
)
def test_older_history_is_in_the_archive_and_what_it_lacks_on_neighbours(
    archive: ArchiveState | None, expected: list[Segment]
) -> None:
    mind = Holding(Held(P(100), 1000), 7, OTHERS, has_archive=True)
    mind.archive = archive
    here = Segment(HERE, Span(P(100), EVERYTHING.last), 1000)
    assert mind.segments() == [*expected, here]


def test_blocks_are_fetched_down_to_what_somebody_holds_or_the_archive_has() -> None:
    start = Held(P(5 * BLOCK), NOW_MS)
    mind = Holding(start, 7, OTHERS)
    mind.pass_time(NOW_MS)
    assert mind.missing_block([]) is None
    assert mind.missing_block(["n2"]) == Span(P(4 * BLOCK), P(5 * BLOCK - 1))
    mind.learn("n2", Share(Held(P(5 * BLOCK - 10), 0)))
    assert mind.missing_block(["n2"]) == Span(P(5 * BLOCK - 10), P(5 * BLOCK - 1))
    archived = Holding(start, 7, OTHERS, has_archive=True)
    assert archived.missing_block(["n2"]) is None
    archived.archive = ArchiveState(P(5 * BLOCK - 3), 1, 0)
    assert archived.missing_block(["n2"]) == Span(P(5 * BLOCK - 2), P(5 * BLOCK - 1))
