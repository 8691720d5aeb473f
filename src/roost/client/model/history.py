"""Load the past of conversations page by page, in its place, without duplicates.

After a connection was lost a conversation has a gap, shown by an entry of kind GAP:

    ... known  GAP  live ...       the latest page goes behind the gap,
    ... known  GAP  page live ...  then pages follow from the known end until the two meet:
    ... known page page page live ...

Positions are message ids, or times where the server sends no ids or has forgotten them. A jump to a
date or a message loads a page of its own, an island between two gaps: see `islands`.

Source: ircv3.net/specs/extensions/chathistory.
"""

from roost.client.model import islands, pages, sending, speech
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.effects import Jump
from roost.client.model.entry import Entry, EntryKind
from roost.client.model.incoming import Incoming, format_time, parse_time
from roost.client.model.state import Gap, Question, State, Wanted
from roost.client.model.text import clean_text

PAGES_MAX = 20
"""Pages that fill a gap without being asked for; the user can load more."""
QUESTIONS_MAX = 3
"""Requests in flight: a server may throttle a client that sends more."""


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
    return any(pages.is_anchor(entry) for entry in reversed(conversation.entries))


def _anchor(conversation: Conversation, index: int, step: int, *, by_time: bool) -> Entry | None:
    """Find the nearest entry from `index` on that a request can refer to."""
    while 0 <= index < len(conversation.entries):
        entry = conversation.entries[index]
        if pages.is_anchor(entry) and (entry.msgid or by_time):
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
    selectors = _gap_selectors(state, conversation, gap)
    if selectors is None:
        _close_gap(state, conversation, gap)
        _finish(state, conversation)
        return
    question = Question(
        "gap", conversation.key, selectors, state.offered.history_page, gap, gap.is_fresh
    )
    _ask(state, conversation, question)


def _gap_selectors(state: State, conversation: Conversation, gap: Gap) -> tuple[str, ...] | None:
    """Return what to ask for to fill a gap; None if there is nothing to refer to."""
    index = conversation.index_of(gap.entry)
    by_time = gap.uses_times or not state.offered.has("message-tags")
    before = _anchor(conversation, index - 1, -1, by_time=by_time)
    after = _anchor(conversation, index + 1, 1, by_time=by_time)
    begin = "" if before is None else _selector(before, gap, -1)
    if before is None and gap.since_ms:
        begin = f"timestamp={format_time(gap.since_ms - 1)}"
    if gap.is_fresh:
        return ("LATEST", begin or "*")
    if begin and after is not None:
        return ("BETWEEN", begin, _selector(after, gap, 1))
    return ("AFTER", begin) if begin else None


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
        if question.gap is not None:
            # Another page may have come into the gap since the question was put.
            gap_now = _gap_selectors(state, conversation, question.gap)
            question.selectors = gap_now or question.selectors
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
    first = next((entry for entry in conversation.entries if pages.is_anchor(entry)), None)
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
    found = islands.loaded_at(conversation, time_ms)
    can_load = state.is_online and conversation.history.is_offered
    if found is not None or not can_load:
        entries = conversation.entries
        if entries:
            state.effects.append(Jump(conversation.key, found or entries[0]))
        return
    wanted = Wanted(time_ms=time_ms)
    selectors = ("AFTER", f"timestamp={format_time(time_ms - 1)}")
    _ask_island(state, conversation, selectors, wanted)


def jump_to_message(state: State, conversation: Conversation, msgid: str, time_ms: int = 0) -> None:
    """Show a message in its context, loading it if necessary.

    `time_ms` is the time of the message if it is known, for servers that have forgotten the id.
    """
    found = conversation.find(msgid) if msgid else None
    if found is not None:
        state.effects.append(Jump(conversation.key, found))
    elif not (state.is_online and conversation.history.is_offered):
        why = "while you are not connected" if not state.is_online else "from this server"
        state.toast(f"This message cannot be loaded {why}", is_error=True)
    else:
        wanted = Wanted(msgid, time_ms)
        bound = f"msgid={msgid}" if msgid else f"timestamp={format_time(time_ms)}"
        _ask_island(state, conversation, ("AROUND", bound), wanted)


def _ask_island(
    state: State, conversation: Conversation, selectors: tuple[str, ...], wanted: Wanted
) -> None:
    question = Question(
        "island", conversation.key, selectors, state.offered.history_page, wanted=wanted
    )
    _ask(state, conversation, question)


def receive_page(state: State, target: str, lines: list[Incoming]) -> None:
    """Handle the answer to a request."""
    conversation = state.conversations.get(state.fold(target))
    if conversation is None:
        return
    question = state.asked.pop(conversation.key, None)
    if question is None:
        pages.insert(state, conversation, len(conversation.entries), lines)
        return
    conversation.history.is_loading = False
    if question.gap is not None:
        _take_gap_page(state, conversation, question, question.gap, lines)
    elif question.kind == "older":
        pages.insert(state, conversation, 0, lines)
        conversation.history.is_more_above = len(lines) >= question.limit
    else:
        islands.take(state, conversation, question, lines)
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
    added = pages.insert(
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
    return any(pages.is_anchor(conversation.entries[place]) for place in range(index - 1, -1, -1))


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
    if question.wanted is not None:
        state.toast(f"The message cannot be loaded: {problem}", is_error=True)
        conversation.touch()
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
