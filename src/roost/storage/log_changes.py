"""What the batches of one write amount to."""

from collections.abc import Sequence
from typing import NamedTuple

from roost.raft.messages import Entry, HardState, Persist, Position, Snapshot
from roost.storage.segment_records import UNKNOWN_TERM
from roost.storage.witness import Marker


class Change(NamedTuple):
    """A change of the log, to be stored as a whole."""

    marker: Marker
    """How the log is after it."""
    snapshot: Snapshot | None
    """Replaces the whole log."""
    entries: tuple[Entry, ...]
    """Replace the log from the first one's index on."""
    previous_term: int
    """The term of the entry before them; unknown if they replace others."""
    hard_state: HardState | None
    positions: tuple[Position, ...] | None
    is_lazy: bool


def change_of(batches: Sequence[Persist], marker: Marker) -> Change:
    """Return what batches amount to, in order, for a log that ends as `marker` says."""
    if len(batches) == 1:
        batch = batches[0]
        snapshot, entries = batch.snapshot, batch.entries
        hard_state, positions, is_lazy = batch.hard_state, batch.positions, batch.is_lazy
    else:
        snapshot, hard_state, positions, is_lazy = None, None, None, True
        merged: list[Entry] = []
        for batch in batches:
            if batch.snapshot is not None:
                snapshot = batch.snapshot
                merged.clear()
            if batch.entries:
                _merge(merged, batch.entries)
            hard_state = batch.hard_state or hard_state
            positions = positions if batch.positions is None else batch.positions
            is_lazy = is_lazy and batch.is_lazy
        entries = tuple(merged)
    index, term = marker.index, marker.term
    if snapshot is not None:
        index, term = snapshot.index, snapshot.term
    previous_term = UNKNOWN_TERM
    if entries:
        first = entries[0].index
        assert first <= index + 1, "a hole in the log"
        if first == index + 1:
            previous_term = term
        index, term = entries[-1].index, entries[-1].term
    after = Marker(marker.writes if is_lazy else marker.writes + 1, index, term)
    return Change(after, snapshot, entries, previous_term, hard_state, positions, is_lazy)


def _merge(merged: list[Entry], entries: Sequence[Entry]) -> None:
    """Replace what is there from the first entry's index on."""
    if merged:
        kept = entries[0].index - merged[0].index
        assert kept <= len(merged), "a hole in the log"
        del merged[max(kept, 0) :]
    merged.extend(entries)
