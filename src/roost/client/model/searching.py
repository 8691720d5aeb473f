"""Search in everything that the server keeps, or in what is loaded if it cannot search.

    tea from:bob in:#kitchen      the newest messages with the words, each the start of a word

Source: soju.im/search (codeberg.org/emersion/soju, doc/ext/search.md).
"""

from roost.client.model import speech
from roost.client.model.conversation import Conversation
from roost.client.model.entry import Entry, EntryKind
from roost.client.model.hits import Hit, Query, SearchState
from roost.client.model.incoming import Incoming, format_time
from roost.client.model.state import State
from roost.client.model.text import clean_name, clean_text, preview, strip_formatting
from roost.irc.message import escape_tag_value

CAPABILITY = "soju.im/search"
PAGE = 50
LOADED_MAX = 200
"""How many hits among the loaded messages are shown."""
_SPOKEN = (EntryKind.MESSAGE, EntryKind.NOTICE, EntryKind.ACTION)


def search(state: State, query: Query) -> None:
    """Start another search."""
    found = state.search
    found.query, found.hits = query, []
    found.is_more, found.problem, found.label = False, "", ""
    found.is_loaded_only = not (state.is_online and state.offered.has(CAPABILITY))
    if query.is_empty:
        found.state = SearchState.NONE
    elif found.is_loaded_only:
        found.hits = _search_loaded(state, query)
        found.state = SearchState.COMPLETE
    else:
        _ask(state, query.before_ms)
    found.revision += 1


def search_older(state: State) -> None:
    """Ask for older hits than those found."""
    found = state.search
    if found.is_more and found.state is SearchState.COMPLETE and found.hits and state.is_online:
        _ask(state, found.hits[-1].time_ms)
        found.revision += 1


def _ask(state: State, before_ms: int) -> None:
    query, found = state.search.query, state.search
    given = {"text": query.words.strip(), "from": query.sender, "in": query.place}
    if query.after_ms:
        given["after"] = format_time(query.after_ms)
    if before_ms:
        given["before"] = format_time(before_ms)
    given["limit"] = str(PAGE)
    attributes = ";".join(f"{name}={escape_tag_value(v)}" for name, v in given.items() if v)
    found.state = SearchState.LOADING
    tags = []
    if state.offered.has_labels:
        found.label = state.next_word("f")
        tags.append(("label", found.label))
    state.emit("SEARCH", attributes, tags=tags)


def receive_hits(state: State, label: str, lines: list[Incoming]) -> None:
    """Handle the answer to a search; one to an earlier search is ignored."""
    found = state.search
    if found.state is not SearchState.LOADING or (found.label and label != found.label):
        return
    known = {hit.msgid for hit in found.hits if hit.msgid}
    new = [_hit(state, line) for line in lines if line.command in ("PRIVMSG", "NOTICE")]
    new.sort(key=lambda hit: -hit.time_ms)
    found.hits = [*found.hits, *(hit for hit in new if hit.msgid not in known)]
    # With `after` the server begins at the oldest, so there is no page before this one.
    found.is_more = len(lines) >= PAGE and not found.query.after_ms
    found.state = SearchState.COMPLETE
    found.revision += 1


def receive_failure(state: State, line: Incoming) -> bool:
    """Handle `FAIL SEARCH`; return False if no search is under way."""
    found = state.search
    if found.state is not SearchState.LOADING or (found.label and line.label != found.label):
        return False
    found.state = SearchState.FAILED
    found.problem = clean_text(line.last)
    found.revision += 1
    return True


def connection_lost(state: State) -> None:
    """Note that a search will not be answered."""
    if state.search.state is SearchState.LOADING:
        state.search.state = SearchState.FAILED
        state.search.problem = "the connection was lost"
        state.search.revision += 1


def open_hit(state: State, hit: Hit) -> Conversation | None:
    """Return the conversation of a hit, opening a private one; None if the room was left."""
    found = state.conversations.get(hit.key)
    if found is None and not state.offered.is_room(hit.target):
        found = speech.open_private(state, hit.target)
    return found


def _hit(state: State, line: Incoming) -> Hit:
    target = line.word(0)
    if not state.offered.is_room(target) and not state.is_me(line.nick):
        target = line.nick
    words = line.word(1)
    if words.startswith("\x01ACTION"):
        words = words[len("\x01ACTION") :].removesuffix("\x01").strip()
    return Hit(
        state.fold(target),
        target,
        clean_name(line.nick),
        preview(clean_text(words)),
        line.msgid,
        line.time_ms,
    )


def _hit_of(conversation: Conversation, entry: Entry) -> Hit:
    text = preview(entry.text)
    return Hit(
        conversation.key, conversation.target, entry.sender, text, entry.msgid, entry.time_ms
    )


def _search_loaded(state: State, query: Query) -> list[Hit]:
    words = query.words.lower().split()
    hits: list[Hit] = []
    for key, conversation in state.conversations.items():
        if not query.place or state.fold(query.place) == key:
            hits.extend(
                _hit_of(conversation, entry)
                for entry in conversation.entries
                if entry.kind in _SPOKEN and not entry.is_ignored and _matches(entry, query, words)
            )
    hits.sort(key=lambda hit: -hit.time_ms)
    return hits[:LOADED_MAX]


def _matches(entry: Entry, query: Query, words: list[str]) -> bool:
    if query.sender and entry.sender.lower() != query.sender.lower():
        return False
    if query.before_ms and entry.time_ms >= query.before_ms:
        return False
    if query.after_ms and entry.time_ms < query.after_ms:
        return False
    plain = strip_formatting(entry.text).lower()
    return all(word in plain for word in words)
