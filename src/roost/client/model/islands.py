"""Put a page from the middle of the past into its place, between two gaps.

    known GAP known live ...               a jump loads what surrounds a message or a date:
    known GAP island GAP known live ...    the page has a gap on each side that is not known.

A page that overlaps with known messages joins them, and closes the gap if it overlaps on both
sides. Above the first entry no gap is shown: there, loading older messages goes on as usual.
"""

from bisect import bisect_left

from roost.client.model import pages
from roost.client.model.conversation import Conversation
from roost.client.model.effects import Jump
from roost.client.model.entry import Entry, EntryKind
from roost.client.model.incoming import Incoming
from roost.client.model.state import Gap, Question, State


def _place(entries: list[Entry], time_ms: int) -> int:
    """Return the index of the first entry from a time on; a gap belongs to what is above it."""
    times: list[int] = []
    last = 0
    for entry in entries:
        last = last if entry.kind is EntryKind.GAP else max(last, entry.time_ms)
        times.append(last)
    return bisect_left(times, time_ms)


def loaded_at(conversation: Conversation, time_ms: int) -> Entry | None:
    """Return the first entry from a time on; None if what was said then is not loaded."""
    entries = conversation.entries
    index = _place(entries, time_ms)
    if index and entries[index - 1].kind is EntryKind.GAP:
        return None
    if index == len(entries):
        return entries[-1] if entries else None
    if index == 0 and conversation.history.is_more_above:
        return None
    return None if entries[index].kind is EntryKind.GAP else entries[index]


def take(
    state: State, conversation: Conversation, question: Question, lines: list[Incoming]
) -> None:
    """Insert the page that answers a question of kind "island", and jump to what was wanted."""
    run: list[Incoming] = []
    before: Entry | None = None
    has_known = False
    for line in lines:
        known = conversation.find(line.msgid) if line.msgid else None
        if known is None:
            run.append(line)
            continue
        has_known = True
        if run:
            _insert_run(state, conversation, run, before, known)
            run = []
        elif before is not None:
            _join(state, conversation, before, known)
        before = known
    if run and has_known:
        _insert_run(state, conversation, run, before, None)
    elif run:
        _insert_island(state, conversation, run, is_latest=len(lines) < question.limit // 2)
    _jump(state, conversation, question)


def _insert_run(
    state: State,
    conversation: Conversation,
    run: list[Incoming],
    before: Entry | None,
    after: Entry | None,
) -> None:
    """Insert messages that follow a known one, or precede one, or both."""
    if before is not None:
        pages.insert(state, conversation, conversation.index_of(before) + 1, run)
    else:
        index = len(conversation.entries) if after is None else conversation.index_of(after)
        pages.insert(state, conversation, index, run)
    if before is not None and after is not None:
        _join(state, conversation, before, after)


def _join(state: State, conversation: Conversation, before: Entry, after: Entry) -> None:
    """Close the gap between two entries that a page has shown to be neighbours."""
    start, end = conversation.index_of(before), conversation.index_of(after)
    for index in range(end - 1, start, -1):
        entry = conversation.entries[index]
        if entry.kind is EntryKind.GAP and (gap := state.gaps.get(entry.id)) and gap.is_stuck:
            del state.gaps[entry.id]
            conversation.remove(index)


def _insert_island(
    state: State, conversation: Conversation, run: list[Incoming], *, is_latest: bool
) -> None:
    """Insert messages of which no neighbour is known; `is_latest` if nothing followed them."""
    entries = conversation.entries
    index = _place(entries, run[0].time_ms)
    while 0 < index < len(entries) and entries[index - 1].kind is not EntryKind.GAP:
        # Times need not be in order; messages that are not known belong into a gap.
        index -= 1
    count = len(entries)
    pages.insert(state, conversation, index, run)
    added = len(entries) - count
    if not added or (is_latest and index + added >= len(entries)):
        return
    last = entries[index + added - 1]
    gap = Gap(
        state.new_entry(EntryKind.GAP, "", time_ms=last.time_ms), is_fresh=False, is_stuck=True
    )
    state.gaps[gap.entry.id] = gap
    conversation.insert(index + added, [gap.entry])


def _jump(state: State, conversation: Conversation, question: Question) -> None:
    wanted = question.wanted
    if wanted is None:
        return
    found = conversation.find(wanted.msgid) if wanted.msgid else None
    if found is None and not wanted.time_ms:
        state.toast("This message no longer exists", is_error=True)
        return
    if found is None:
        entries = conversation.entries
        index = _place(entries, wanted.time_ms)
        found = entries[min(index, len(entries) - 1)] if entries else None
    if found is not None:
        state.effects.append(Jump(conversation.key, found))
