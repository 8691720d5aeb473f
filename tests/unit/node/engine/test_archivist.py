"""Rows are brought to the archive from its watermark on, by whoever is in charge."""

from roost.archive import ArchiveState, Batch
from roost.chat.history import Held, Row
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.node.engine.archivist import (
    AHEAD_S_MAX,
    CHUNK_S_MAX,
    EXPORT_TICKET,
    REFUSED_S,
    RETAIN_INTERVAL_S,
    WRITE_INTERVAL_S,
    Archivist,
)
from roost.node.engine.effects import ExportRows, LogEvent, RetainArchive, WriteArchive
from roost.node.engine.elsewhere import Share
from roost.node.engine.holding import DAY_MS, Holding
from roost.node.engine.inputs import Exported
from roost.node.engine.terms import Terms
from roost.protocol.mesh import HistoryChunk, HistoryWant

P = Position


def row(position: int) -> Row:
    return Row("r:1", P(position), 0, 10 * position, 0, "", b"")


class Bench:
    """An archivist, and what it asks for."""

    def __init__(self, start: int = 1, *, days: float = 0) -> None:
        held = Held(P(start), 10 * start)
        self.holding = Holding(held, 7, ("n2", "n3"), has_archive=True, archive_days=days)
        self.terms = Terms(((P(1), 1), (P(50), 2)))
        self.mind = Archivist(self.holding, self.terms)
        self.now = 0.0
        self.wants: list[tuple[str, HistoryWant]] = []

    def turn(
        self, stored: int = 90, *, is_in_charge: bool = True, peers: tuple[str, ...] = ("n2",)
    ) -> list[object]:
        """Let the time between two batches pass; return the effects but those for people."""
        self.now += WRITE_INTERVAL_S
        self.mind.advance(
            list(peers),
            P(stored),
            self.now,
            is_in_charge=is_in_charge,
            is_whole=lambda first, last: True,
        )
        effects, self.wants = self.mind.take_output()
        return [effect for effect in effects if not isinstance(effect, LogEvent)]

    def events(self) -> list[str]:
        return [one.event for one in self.mind.take_output()[0] if isinstance(one, LogEvent)]


def test_batches_follow_the_watermark_that_the_archive_tells() -> None:
    bench = Bench()
    assert bench.turn() == [], "nothing is known of the archive"
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    assert bench.turn(is_in_charge=False) == []
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(41), P(90))]
    assert bench.turn() == [], "one at a time"
    bench.mind.exported(Exported(EXPORT_TICKET, (row(41), row(60)), P(60), ()))
    batch = Batch(P(40), (row(41), row(60)), P(41), P(60), 2)
    assert bench.turn() == [WriteArchive(batch)]
    # Another node was quicker.
    bench.mind.wrote(ArchiveState(P(75), 2, 750))
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(76), P(90))]


def test_a_batch_that_is_refused_waits_and_the_reason_stays_until_one_is_taken() -> None:
    bench = Bench()
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    bench.turn()
    bench.mind.exported(Exported(EXPORT_TICKET, (row(41),), P(60), ()))
    bench.turn()
    bench.mind.refused("its disk is full")
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    assert bench.turn() == []
    assert bench.mind.problem == "no messages can be written to the archive: its disk is full"
    bench.now += REFUSED_S
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(41), P(90))]
    bench.mind.refused("its disk is full")
    assert bench.events() == [], "people have been told"
    bench.mind.wrote(ArchiveState(P(60), 2, 600))
    assert not bench.mind.problem
    assert bench.events() == ["archive-accepts"]


def test_damaged_rows_wait_until_they_are_repaired() -> None:
    bench = Bench()
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    bench.turn()
    bench.mind.exported(Exported(EXPORT_TICKET, (row(41), row(43)), P(60), (P(42),)))
    assert bench.turn() == [WriteArchive(Batch(P(40), (row(41),), P(41), P(41), 1))]
    bench.mind.wrote(ArchiveState(P(41), 1, 410))
    bench.turn()
    bench.mind.exported(Exported(EXPORT_TICKET, (row(43),), P(60), (P(42),)))
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(42), P(90))]


def test_what_is_not_here_comes_from_a_neighbour_that_holds_it() -> None:
    bench = Bench(start=60)
    bench.holding.learn("n2", Share(Held(P(50), 500)))
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    assert bench.turn(peers=("n2", "n3")) == []
    assert bench.wants == [("n3", HistoryWant(-1, P(41), P(59)))]
    bench.mind.receive_chunk("n2", HistoryChunk(-1, P(59), (row(41),), ()))
    bench.mind.receive_chunk("n3", HistoryChunk(-1, P(59), (row(41),), ()))
    batch = Batch(P(40), (row(41),), P(41), P(59), 2)
    assert bench.turn() == [WriteArchive(batch)]


def test_another_neighbour_is_asked_if_one_is_silent_or_dies() -> None:
    bench = Bench(start=60)
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    bench.turn(peers=("n2", "n3"))
    assert bench.wants[0][0] == "n2"
    bench.now += CHUNK_S_MAX
    bench.turn(peers=("n2", "n3"))
    assert bench.wants[0][0] == "n3"
    bench.mind.peer_disconnected("n3")
    bench.turn(peers=())
    assert "start them" in bench.mind.problem


def test_what_nobody_holds_becomes_a_hole_and_is_reported() -> None:
    bench = Bench(start=60)
    bench.mind.seen(ArchiveState(P(70), 2, 700))
    for peer in ("n2", "n3"):
        bench.holding.learn(peer, Share(Held(P(65), 650)))
    bench.events()
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    assert bench.events() == ["archive-set-back"]
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(60), P(90))]
    bench.mind.exported(Exported(EXPORT_TICKET, (row(60),), P(90), ()))
    assert bench.turn() == [WriteArchive(Batch(P(40), (row(60),), P(60), P(90), 2))]
    bench.mind.wrote(ArchiveState(P(90), 2, 600, P(1), ((P(41), P(59)),)))
    assert bench.events() == ["archive-hole"]


def test_rows_that_this_node_lacks_are_no_part_of_a_batch() -> None:
    bench = Bench()
    bench.holding.note_hole(Hole(P(45), P(50), 500, 510))
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(41), P(44))]
    bench.mind.exported(Exported(EXPORT_TICKET, (row(41),), P(44), ()))
    bench.turn()
    bench.mind.wrote(ArchiveState(P(44), 1, 440))
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(51), P(90))]
    bench.mind.exported(Exported(EXPORT_TICKET, (row(51),), P(90), ()))
    batch = Batch(P(44), (row(51),), P(51), P(90), 2)
    assert bench.turn() == [WriteArchive(batch)], "which leaves a hole in the archive"
    assert batch.holes_after(()) == ((45, 50),)


def test_a_hole_at_the_end_waits_for_what_comes_after_it() -> None:
    bench = Bench()
    bench.holding.note_hole(Hole(P(41), P(90), 900, 900))
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    assert bench.turn() == []
    assert bench.turn(stored=91) == [ExportRows(EXPORT_TICKET, P(91), P(91))]


def test_the_neighbour_is_asked_that_has_most_before_its_next_hole() -> None:
    bench = Bench(start=80)
    bench.holding.learn("n2", Share(Held(), (Hole(P(50), P(55), 550, 560),)))
    bench.holding.learn("n3", Share(Held(), (Hole(P(45), P(52), 520, 530),)))
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    bench.turn(peers=("n2", "n3"))
    assert bench.wants == [("n2", HistoryWant(-1, P(41), P(49)))]
    bench.mind.receive_chunk("n2", HistoryChunk(-1, P(49), (row(41),), ()))
    bench.mind.wrote(ArchiveState(P(49), 1, 490))
    bench.turn(peers=("n2", "n3"))
    assert bench.wants == [("n3", HistoryWant(-2, P(53), P(79)))], "nobody has what is before"


def test_rows_that_a_neighbour_does_not_have_after_all_are_asked_of_another_one() -> None:
    bench = Bench(start=80)
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    bench.turn(peers=("n2", "n3"))
    bench.holding.learn("n2", Share(Held(), (Hole(P(50), P(55), 550, 560),)))
    bench.mind.receive_chunk("n2", HistoryChunk(-1, P(79), (row(41),), ()))
    assert bench.turn(peers=("n2", "n3")) == []
    assert bench.wants == [("n3", HistoryWant(-2, P(41), P(79)))]


def test_a_hole_of_the_archive_is_filled_once_this_node_has_the_rows() -> None:
    bench = Bench()
    bench.holding.note_hole(Hole(P(30), P(35), 350, 360))
    holes = ((P(30), P(35)),)
    bench.mind.seen(ArchiveState(P(90), 2, 900, P(1), holes))
    assert bench.turn() == []
    bench.holding.fill(P(30), P(33))
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(30), P(33))]
    bench.mind.exported(Exported(EXPORT_TICKET, (row(31),), P(33), ()))
    batch = Batch(P(90), (row(31),), P(30), P(33), 1)
    assert bench.turn() == [WriteArchive(batch)]
    assert batch.fills(holes)
    assert batch.holes_after(holes) == ((34, 35),)
    bench.mind.wrote(ArchiveState(P(90), 2, 900, P(1), ((P(34), P(35)),)))
    assert bench.events() == ["archive-hole-filled"]
    assert bench.turn() == []


def test_a_hole_is_filled_while_new_rows_come_and_splitting_it_makes_no_new_one() -> None:
    bench = Bench()
    bench.mind.seen(ArchiveState(P(40), 1, 400, P(1), ((P(10), P(19)),)))
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(10), P(19))]
    bench.mind.exported(Exported(EXPORT_TICKET, (row(12),), P(15), (P(16),)))
    bench.turn()
    bench.mind.wrote(ArchiveState(P(40), 1, 400, P(1), ((P(10), P(11)), (P(16), P(19)))))
    assert "archive-hole" not in bench.events()


def test_only_what_is_in_a_hole_can_be_filled() -> None:
    batch = Batch(P(90), (), P(30), P(33), 1)
    assert not batch.fills(())
    assert not batch.fills(((P(31), P(40)),))
    assert not batch.fills(((P(20), P(32)),))
    assert batch.fills(((P(1), P(2)), (P(30), P(33))))
    assert batch.holes_after(((P(1), P(2)), (P(20), P(40)))) == ((1, 2), (20, 29), (34, 40))


def test_a_batch_that_was_begun_before_the_archive_was_set_back_is_none_behind_a_hole() -> None:
    bench = Bench()
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(41), P(90))]
    bench.mind.seen(ArchiveState(P(20), 1, 200))
    bench.mind.exported(Exported(EXPORT_TICKET, (row(41),), P(90), ()))
    batch = Batch(P(40), (row(41),), P(41), P(90), 2)
    assert bench.turn() == [WriteArchive(batch)], "which the archive does not take now"
    bench.mind.wrote(ArchiveState(P(20), 1, 200))
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(21), P(90))]


def test_an_archive_that_is_ahead_or_of_another_past_is_left_alone() -> None:
    bench = Bench()
    bench.mind.seen(ArchiveState(P(40), 2, 400))
    assert bench.turn() == []
    assert "restore the database" in bench.mind.problem
    bench.mind.seen(ArchiveState(P(99), 2, 990))
    bench.turn()
    assert bench.mind.problem == "", "this node may only be behind"
    bench.now += AHEAD_S_MAX
    assert bench.turn() == []
    assert "only up to 90" in bench.mind.problem
    bench.turn(stored=99)
    assert bench.mind.problem == ""


def test_a_failure_is_shown_until_the_archive_is_seen_again() -> None:
    bench = Bench()
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    bench.turn()
    bench.mind.exported(Exported(EXPORT_TICKET, (row(41),), P(60), ()))
    bench.events()
    bench.mind.failed("it is full", was_writing=True)
    bench.mind.failed("it is full", was_writing=False)
    assert bench.events() == ["archive-unavailable"]
    assert bench.mind.problem == "old history is not available: it is full"
    assert bench.turn() == []
    bench.mind.seen(ArchiveState(P(40), 1, 400))
    assert bench.events() == ["archive-available"]
    assert bench.mind.problem == ""
    assert bench.turn() == [ExportRows(EXPORT_TICKET, P(41), P(90))]


def test_old_history_is_dropped_from_the_archive_if_it_is_to_be() -> None:
    bench = Bench(days=30)
    bench.holding.pass_time(100 * DAY_MS)
    bench.mind.seen(ArchiveState(P(90), 2, 900))
    assert bench.turn() == [RetainArchive(70 * DAY_MS)]
    assert bench.turn() == []
    bench.now += RETAIN_INTERVAL_S
    assert bench.turn() == [RetainArchive(70 * DAY_MS)]
