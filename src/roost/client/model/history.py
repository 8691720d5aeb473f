"""Load the past of conversations page by page, in its place, without duplicates.

After a connection was lost a conversation has a gap, shown by an entry of kind GAP:

    ... known  GAP  live ...       the latest page goes behind the gap,
    ... known  GAP  page live ...  then pages follow from the known end until the two meet:
    ... known page page page live ...

Positions are message ids, or times where the server sends no ids or has forgotten them. Messages
that are known, by id or else by time, sender and text, are dropped.

Source: ircv3.net/specs/extensions/chathistory.
"""

from bisect import bisect_left

from roost.client.model import sending, speech
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.effects import Jump
from roost.client.model.entry import Entry, EntryKind
from roost.client.model.events import event_entry
from roost.client.model.incoming import Incoming, format_time, parse_time
from roost.client.model.state import Gap, Question, State
from roost.client.model.text import clean_text

PAGES_MAX = 20
"""Pages that fill a gap without being asked for; the user can load more."""
QUESTIONS_MAX = 3
"""Requests in flight: a server may throttle a client that sends more."""
NEIGHBOURS = 200
"""How many loaded entries on each side a page without message ids is compared with."""


def start(state: State, conversation: Conversation) -> None:
    """Catch up with a conversation that has just been joined."""
    history = conversation.history
    history.is_offered = state.offered.has_history
    if not history.is_offered or not state.profile.loads_history:
        sending.resolve(state, conversation.key, is_past_known=False)
        return
    since_ms = 0 if _has_anchor(conversation) else state.profile.history_since_ms
    entry = state.new_entry(EntryKind.GAP, "", time_ms=state.moment.time_ms)
    last = conversation.entries[-1] if conversation.entries else None
    if last is not None and last.kind is EntryKind.GAP and last.id in state.gaps:
        gap = state.gaps[last.id]
        gap.is_fresh = not since_ms
        gap.pages, gap.is_stuck = 0, False
    else:
        gap = Gap(entry, since_ms=since_ms, is_fresh=not since_ms)
        state.gaps[entry.id] = gap
        conversation.append(entry)
    conversation.sync = True
    _ask_gap(state, conversation, gap)


def _has_anchor(conversation: Conversation) -> bool:
    return any(_is_anchor(entry) for entry in reversed(conversation.entries))


def _is_anchor(entry: Entry) -> bool:
    """Return whether the server's history has this entry too."""
    return entry.kind not in (EntryKind.GAP, EntryKind.INFORMATION) and bool(entry.time_ms)


def _anchor(conversation: Conversation, index: int, step: int, *, by_time: bool) -> Entry | None:
    """Find the nearest entry from `index` on that a request can refer to."""
    while 0 <= index < len(conversation.entries):
        entry = conversation.entries[index]
        if _is_anchor(entry) and (entry.msgid or by_time):
            return entry
        index += step
    return None


def _selector(entry: Entry, gap: Gap | None, slack_ms: int) -> str:
    """Refer to an entry in a request; times get some slack, because the ends are excluded."""
    if entry.msgid and not (gap is not None and gap.uses_times):
        return f"msgid={entry.msgid}"
    return f"timestamp={format_time(entry.time_ms + slack_ms)}"


def _ask_gap(state: State, conversation: Conversation, gap: Gap) -> None:
    """Request the next page of a gap."""
    index = conversation.index_of(gap.entry)
    by_time = gap.uses_times or not state.offered.has("message-tags")
    before = _anchor(conversation, index - 1, -1, by_time=by_time)
    after = _anchor(conversation, index + 1, 1, by_time=by_time)
    begin = "" if before is None else _selector(before, gap, -1)
    if before is None and gap.since_ms:
        begin = f"timestamp={format_time(gap.since_ms - 1)}"
    if gap.is_fresh:
        selectors: tuple[str, ...] = ("LATEST", begin or "*")
    elif begin and after is not None:
        selectors = ("BETWEEN", begin, _selector(after, gap, 1))
    elif begin:
        selectors = ("AFTER", begin)
    else:
        _close_gap(state, conversation, gap)
        _finish(state, conversation)
        return
    question = Question(
        "gap", conversation.key, selectors, state.offered.history_page, gap, gap.is_fresh
    )
    _ask(state, conversation, question)


def _ask(state: State, conversation: Conversation, question: Question) -> None:
    conversation.history.is_loading = True
    conversation.history.problem = ""
    conversation.touch()
    state.questions.append(question)
    ask_next(state)


def ask_next(state: State) -> None:
    """Send the requests that may be sent now."""
    place = 0
    while place < len(state.questions) and len(state.asked) < QUESTIONS_MAX:
        question = state.questions[place]
        conversation = state.conversations.get(question.key)
        if question.key in state.asked:
            place += 1
            continue
        del state.questions[place]
        if conversation is None:
            continue
        tags = []
        if state.offered.has_labels:
            question.label = state.next_word("h")
            tags.append(("label", question.label))
        state.asked[question.key] = question
        command, *selectors = question.selectors
        words = (command, conversation.target, *selectors, str(question.limit))
        state.emit("CHATHISTORY", *words, tags=tags)


def connection_lost(state: State) -> None:
    """Forget the requests: they will not be answered."""
    state.questions.clear()
    state.asked.clear()
    for conversation in state.conversations.values():
        conversation.sync = None
        if conversation.history.is_loading:
            conversation.history.is_loading = False
            conversation.touch()


def load_older(state: State, conversation: Conversation) -> None:
    """Request the page before the first entry."""
    history = conversation.history
    if not (state.is_online and history.is_offered and history.is_more_above):
        return
    if history.is_loading:
        return
    first = next((entry for entry in conversation.entries if _is_anchor(entry)), None)
    selectors = ("LATEST", "*") if first is None else ("BEFORE", _selector(first, None, 1))
    _ask(
        state,
        conversation,
        Question("older", conversation.key, selectors, state.offered.history_page),
    )


def fill_gap(state: State, conversation: Conversation, entry: Entry) -> None:
    """Go on filling a gap."""
    gap = state.gaps.get(entry.id)
    if gap is None or not state.is_online or conversation.history.is_loading:
        return
    gap.pages, gap.is_stuck = 0, False
    _ask_gap(state, conversation, gap)


def jump_to_date(state: State, conversation: Conversation, time_ms: int) -> None:
    """Show what was said from a time on, loading it if necessary."""
    entries = conversation.entries
    first = next((entry for entry in entries if _is_anchor(entry)), None)
    history = conversation.history
    is_loaded = first is not None and first.time_ms <= time_ms
    can_load = state.is_online and history.is_offered and history.is_more_above
    if is_loaded or not can_load:
        index = bisect_left([entry.time_ms for entry in entries], time_ms)
        if entries:
            state.effects.append(Jump(conversation.key, entries[min(index, len(entries) - 1)]))
        return
    if history.is_loading:
        state.toast("Earlier messages are still loading; try again in a moment")
        return
    moment = f"timestamp={format_time(time_ms - 1)}"
    selectors = ("AFTER", moment)
    _ask(
        state,
        conversation,
        Question("date", conversation.key, selectors, state.offered.history_page),
    )


def receive_page(state: State, target: str, lines: list[Incoming]) -> None:
    """Handle the answer to a request."""
    conversation = state.conversations.get(state.fold(target))
    if conversation is None:
        return
    question = state.asked.pop(conversation.key, None)
    if question is None:
        _insert(state, conversation, len(conversation.entries), lines)
        return
    conversation.history.is_loading = False
    if question.gap is not None:
        _take_gap_page(state, conversation, question, question.gap, lines)
    elif question.kind == "older":
        _insert(state, conversation, 0, lines)
        conversation.history.is_more_above = len(lines) >= question.limit
    else:
        _take_date_page(state, conversation, question, lines)
    conversation.touch()
    ask_next(state)


def _take_gap_page(
    state: State,
    conversation: Conversation,
    question: Question,
    gap: Gap,
    lines: list[Incoming],
) -> None:
    index = conversation.index_of(gap.entry)
    if index < 0:
        return
    is_first_page = question.is_latest and not _has_known_before(conversation, index)
    added = _insert(
        state,
        conversation,
        index + question.is_latest,
        lines,
        is_new=not is_first_page or conversation.read_ms > 0,
    )
    gap.pages += 1
    is_full = len(lines) >= question.limit
    was_latest, gap.is_fresh = question.is_latest, False
    if is_first_page:
        conversation.history.is_more_above = is_full
    if is_first_page or not is_full or (added == 0 and not was_latest):
        _close_gap(state, conversation, gap)
        _finish(state, conversation)
    elif gap.pages >= PAGES_MAX and not state.profile.fills_whole_gaps:
        gap.is_stuck = True
        _finish(state, conversation)
    else:
        _ask_gap(state, conversation, gap)


def _has_known_before(conversation: Conversation, index: int) -> bool:
    return any(_is_anchor(conversation.entries[place]) for place in range(index - 1, -1, -1))


def _take_date_page(
    state: State, conversation: Conversation, question: Question, lines: list[Incoming]
) -> None:
    added = _insert(state, conversation, 0, lines)
    first = conversation.entries[0] if conversation.entries else None
    if len(lines) >= question.limit and added == len(lines):
        gap = Gap(
            state.new_entry(EntryKind.GAP, "", time_ms=conversation.entries[added - 1].time_ms),
            is_fresh=False,
            is_stuck=True,
        )
        state.gaps[gap.entry.id] = gap
        conversation.insert(added, [gap.entry])
    if first is not None:
        state.effects.append(Jump(conversation.key, first))


def _close_gap(state: State, conversation: Conversation, gap: Gap) -> None:
    state.gaps.pop(gap.entry.id, None)
    index = conversation.index_of(gap.entry)
    if index >= 0:
        conversation.remove(index)


def _finish(state: State, conversation: Conversation) -> None:
    """Go on with the next gap, or note that the conversation is complete."""
    if state.gaps:
        own = {entry.id: entry for entry in conversation.entries if entry.id in state.gaps}
        for entry_id in reversed(own):
            gap = state.gaps[entry_id]
            if not gap.is_stuck:
                _ask_gap(state, conversation, gap)
                return
    if conversation.sync is not None:
        conversation.sync = None
        sending.resolve(state, conversation.key, is_past_known=True)
    conversation.touch()


def receive_failure(state: State, line: Incoming) -> bool:
    """Handle `FAIL CHATHISTORY`; return False if it answers no request."""
    found = None
    for question in state.asked.values():
        conversation = state.conversations.get(question.key)
        names = [state.fold(word) for word in line.parameters[2:-1]]
        if (line.label and question.label == line.label) or (
            not line.label and conversation is not None and question.key in names
        ):
            found = question
    if found is None:
        return False
    del state.asked[found.key]
    conversation = state.conversations.get(found.key)
    if conversation is not None:
        conversation.history.is_loading = False
        _retry_or_give_up(state, conversation, found, clean_text(line.last))
    ask_next(state)
    return True


def _retry_or_give_up(
    state: State, conversation: Conversation, question: Question, problem: str
) -> None:
    gap = question.gap
    uses_ids = any(word.startswith("msgid=") for word in question.selectors)
    if gap is not None and uses_ids and not gap.uses_times:
        gap.uses_times = True
        _ask_gap(state, conversation, gap)
        return
    conversation.history.problem = problem
    if gap is not None:
        if _has_known_before(conversation, conversation.index_of(gap.entry)):
            gap.is_stuck = True
        else:
            _close_gap(state, conversation, gap)
        conversation.sync = None
        sending.resolve(state, conversation.key, is_past_known=False)
    conversation.touch()


def _insert(
    state: State,
    conversation: Conversation,
    index: int,
    lines: list[Incoming],
    *,
    is_new: bool = False,
) -> int:
    """Insert a page; return how many of its entries were new."""
    known = _known_near(conversation, index, lines)
    entries: list[Entry] = []
    later: list[Incoming] = []
    for line in lines:
        if line.command in ("REDACT", "TAGMSG"):
            later.append(line)
            continue
        if line.msgid and conversation.find(line.msgid) is not None:
            continue
        if not line.msgid and _likeness(line) in known:
            continue
        entry = _entry(state, conversation, line)
        if entry is not None:
            speech.apply_waiting_reactions(conversation, entry)
            entries.append(entry)
            known[_likeness(line)] = None
    conversation.insert(index, entries)
    for line in later:
        if line.command == "REDACT":
            speech.redact(conversation, line)
        else:
            speech.react(conversation, line)
    if is_new:
        for entry in entries:
            if entry.kind is not EntryKind.EVENT:
                state.announce(conversation, entry)
    return len(entries)


def _entry(state: State, conversation: Conversation, line: Incoming) -> Entry | None:
    if line.command in ("PRIVMSG", "NOTICE"):
        return speech.message_entry(state, conversation, line, line.word(1))
    return event_entry(state, line)


def _likeness(line: Incoming) -> tuple[int, str, str]:
    text = line.word(1) if line.command in ("PRIVMSG", "NOTICE") else ""
    return line.time_ms, line.nick, clean_text(text)


def _known_near(
    conversation: Conversation, index: int, lines: list[Incoming]
) -> dict[tuple[int, str, str], None]:
    """Collect the entries near a place, to recognise messages without ids."""
    if all(line.msgid for line in lines):
        return {}
    near = conversation.entries[max(0, index - NEIGHBOURS) : index + NEIGHBOURS]
    return {
        (
            entry.time_ms,
            entry.sender,
            "" if entry.kind is EntryKind.EVENT else entry.text,
        ): None
        for entry in near
    }


def ask_targets(state: State, since_ms: int) -> None:
    """Ask which private conversations had messages since then."""
    if state.offered.has_history and since_ms and state.profile.loads_history:
        begin = f"timestamp={format_time(since_ms - 1)}"
        end = f"timestamp={format_time(state.moment.time_ms + 86_400_000)}"
        state.emit("CHATHISTORY", "TARGETS", begin, end, str(state.offered.history_page))


def receive_targets(state: State, lines: list[Incoming]) -> None:
    """Catch up with the private conversations that had messages."""
    for line in lines:
        target, moment = line.word(1), parse_time(line.word(2))
        if not target or moment is None or state.offered.is_room(target):
            continue
        conversation = speech.open_private(state, target)
        if conversation.kind is ConversationKind.PRIVATE and conversation.sync is None:
            start(state, conversation)


def resume(state: State, conversation: Conversation) -> None:
    """Go on filling the gaps that the lost connection left."""
    if conversation.sync is not None:
        return
    if not state.offered.has_history:
        sending.resolve(state, conversation.key, is_past_known=False)
        return
    conversation.sync = True
    _finish(state, conversation)
