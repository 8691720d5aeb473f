"""What people are told when a disk turns out to have been set back to an older state."""

from roost.chat.ids import Position
from roost.node.engine.effects import LogEvent
from roost.raft.messages import Position as LogPosition


def disk_set_back(had: LogPosition, last_index: int, told_by: str) -> LogEvent:
    """Return the event for a node whose log ends before an entry that it once had."""
    fields = {
        "had": had.index,
        "had_term": had.term,
        "has": last_index,
        "told_by": told_by,
        "reason": "the disk was set back to an older state, so this node votes only after it has"
        " caught up with a leader",
    }
    return LogEvent("error", "disk-set-back", fields)


def history_diverged(
    first: Position, last: Position, known_term: int, present_term: int
) -> LogEvent:
    """Return the event for a node with history of entries that a majority has lost."""
    fields = {
        "dropped_from": first,
        "dropped_until": last,
        "term_known": known_term,
        "term_now": present_term,
        "reason": "a majority has lost these entries and wrote others, so messages that were"
        " confirmed are gone: was a disk set back to an older state?",
    }
    return LogEvent("error", "history-diverged", fields)


def history_corrupt(positions: tuple[Position, ...]) -> LogEvent:
    """Return the event for stored rows whose checksums are wrong."""
    return LogEvent("error", "history-corrupt", {"positions": list(positions)})


def history_gone(first: Position, last: Position) -> LogEvent:
    """Return the event for history that this node lacks, and that no node keeps any more."""
    reason = "no node keeps these messages any more"
    return LogEvent("warning", "history-gone", {"from": first, "until": last, "reason": reason})


def history_returned(first: Position, last: Position) -> LogEvent:
    """Return the event for history that was gone, and that a neighbour has after all."""
    reason = "a node has these messages after all, and gave them to this one"
    return LogEvent("info", "history-returned", {"from": first, "until": last, "reason": reason})


def archive_set_back(known: Position, found: Position) -> LogEvent:
    """Return the event for an archive that has lost what it had."""
    reason = "the database was set back to an older state; nodes fill it again"
    return LogEvent("warning", "archive-set-back", {"had": known, "has": found, "reason": reason})


def archive_has_hole(first: Position, last: Position) -> LogEvent:
    """Return the event for messages that neither the archive nor a node has."""
    reason = (
        "no node holds these messages any more: start the node that has them, if there is one, or"
        " restore them from a newer backup"
    )
    return LogEvent("error", "archive-hole", {"from": first, "until": last, "reason": reason})


def archive_hole_filled(first: Position, last: Position) -> LogEvent:
    """Return the event for messages that the archive lacked, and has got from a node."""
    return LogEvent("info", "archive-hole-filled", {"from": first, "until": last})


def archive_damaged(positions: tuple[Position, ...]) -> LogEvent:
    """Return the event for rows of the archive whose checksums are wrong."""
    return LogEvent("error", "archive-damaged", {"positions": list(positions)})


def archive_mended(position: Position) -> LogEvent:
    """Return the event for rows of the archive that were replaced by a node's."""
    return LogEvent("info", "archive-mended", {"position": position})


def history_dropped(held_from: Position) -> LogEvent:
    """Return the event for rows that this node no longer holds itself."""
    return LogEvent("info", "history-dropped", {"until": held_from - 1})
