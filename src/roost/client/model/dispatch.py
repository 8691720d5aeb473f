"""Route each line to its handler, and assemble batches.

Sources: ircv3.net, "batch", "draft/multiline", "labeled-response".
"""

from collections.abc import Callable

from roost.client.model import (
    accounts,
    history,
    liveness,
    login,
    membership,
    outside,
    refusals,
    registration,
    searching,
    sending,
    speech,
    whois,
)
from roost.client.model.incoming import Incoming
from roost.client.model.listing import ListedRoom, ListingState
from roost.client.model.state import OpenBatch, State
from roost.client.model.text import clean_name, clean_text, strip_formatting

BATCHES_MAX = 64
BATCH_LINES_MAX = 10_000
"""A server that exceeds these limits is broken; it does not get more memory."""
LISTED_ROOMS_MAX = 100_000

Handler = Callable[[State, Incoming], None]


def receive(state: State, line: Incoming) -> None:
    """Handle a line, or add it to its batch."""
    if line.batch and _collect(state, line):
        return
    if line.command == "BATCH":
        _receive_batch(state, line)
        return
    handle(state, line)
    _note_progress(state, line)


def handle(state: State, line: Incoming) -> None:
    """Call the handler of a line."""
    if line.command in whois.NUMERICS and whois.receive(state, line):
        return
    handler = _HANDLERS.get(line.command)
    if handler is not None:
        handler(state, line)
    elif line.command.isdigit():
        is_error = "400" <= line.command < "600"
        if (is_error or line.command == outside.MODES) and outside.receive(state, line):
            return
        if is_error:
            refusals.receive_error_numeric(state, line)
        else:
            _inform(state, line)


def _note_progress(state: State, line: Incoming) -> None:
    """Remember how far this client has received everything."""
    if line.msgid and state.registration.is_over:
        state.last_msgid = line.msgid
    if state.registration.is_over and "time" in line.tags:
        state.last_live_ms = max(state.last_live_ms, line.time_ms)


def _collect(state: State, line: Incoming) -> bool:
    """Keep a line for the end of its batch; return False if it must be handled at once."""
    batch = state.batches.get(line.batch)
    if batch is None:
        return False
    if batch.type not in _DEFERRED:
        line.label = line.label or batch.opening.label
        return False
    if line.command == "BATCH":
        return False
    if len(batch.lines) < BATCH_LINES_MAX:
        batch.lines.append(line)
    return True


def _receive_batch(state: State, line: Incoming) -> None:
    reference = line.word(0)
    name, kind = reference[1:], line.word(1).removeprefix("draft/")
    if reference.startswith("+"):
        outer = state.batches.get(line.batch)
        if outer is not None and not line.label:
            line.label = outer.opening.label
        if len(state.batches) < BATCHES_MAX:
            state.batches[name] = OpenBatch(kind, line.parameters[2:], line)
        return
    batch = state.batches.pop(name, None)
    if batch is None:
        return
    target = batch.parameters[0] if batch.parameters else ""
    match batch.type:
        case "chathistory":
            history.receive_page(state, target, batch.lines)
        case "chathistory-targets":
            history.receive_targets(state, batch.lines)
        case searching.CAPABILITY:
            searching.receive_hits(state, batch.opening.label, batch.lines)
        case "multiline":
            _receive_multiline(state, batch, target)
        case "labeled-response":
            sending.receive_ack(state, batch.opening.label)


def _receive_multiline(state: State, batch: OpenBatch, target: str) -> None:
    """Join the lines of a batch into one message."""
    text = ""
    for number, part in enumerate(batch.lines):
        is_continued = "draft/multiline-concat" in part.tags or "multiline-concat" in part.tags
        text += part.word(1) if is_continued or number == 0 else "\n" + part.word(1)
    if not batch.lines:
        return
    whole = batch.opening
    whole.command = batch.lines[0].command
    whole.parameters = (target, text)
    outer = state.batches.get(whole.batch)
    if outer is not None and outer.type in _DEFERRED:
        outer.lines.append(whole)
        return
    handle(state, whole)
    _note_progress(state, whole)


_DEFERRED = ("chathistory", "chathistory-targets", "multiline", searching.CAPABILITY)
"""Batches whose lines only make sense together; the lines of others are handled as they come."""


def _receive_speech(state: State, line: Incoming) -> None:
    if len(line.parameters) >= 2:
        speech.receive_message(state, line, line.word(1))


def _receive_tokens(state: State, line: Incoming) -> None:
    for token in line.parameters[1:-1]:
        state.offered.learn(token)


def _receive_welcomed(state: State, line: Incoming) -> None:
    _inform(state, line)
    registration.receive_welcomed(state)


def _receive_pong(state: State, line: Incoming) -> None:
    purpose = line.last.removeprefix(f"{state.nonce}-")
    if purpose == line.last:
        return
    if purpose == "welcome":
        registration.receive_welcomed(state)
    elif purpose == "resumed":
        registration.receive_resumed(state)
    elif purpose.startswith("rtt"):
        liveness.receive_pong(state, purpose)
    elif purpose.isascii() and purpose.isdigit():
        sending.receive_pong(state, int(purpose[:18]))


def _receive_ack(state: State, line: Incoming) -> None:
    sending.receive_ack(state, line.label)


def _receive_ping(state: State, line: Incoming) -> None:
    state.emit("PONG", *line.parameters[:2])


def _receive_names(state: State, line: Incoming) -> None:
    room = state.room(line.word(2))
    if room is not None and room.is_joined:
        membership.receive_names(state, line)
    else:
        _inform(state, line)


def _receive_list_start(state: State, line: Incoming) -> None:  # noqa: ARG001 - it says nothing
    state.listed = []


def _receive_listed(state: State, line: Incoming) -> None:
    count = line.word(2)
    if len(line.parameters) < 3 or len(state.listed) >= LISTED_ROOMS_MAX:
        return
    members = int(count[:9]) if count.isascii() and count.isdigit() else 0
    topic = strip_formatting(clean_text(line.word(3)))
    state.listed.append(ListedRoom(line.word(1), members, topic))


def _receive_list_end(state: State, line: Incoming) -> None:  # noqa: ARG001 - it says nothing
    state.listing.rooms = sorted(state.listed, key=lambda room: (-room.members, room.name))
    state.listing.state = ListingState.COMPLETE
    state.listing.problem = ""
    state.listing.revision += 1
    state.listed = []


def _inform(state: State, line: Incoming) -> None:
    """Show a numeric's own text where the user asked for it."""
    words = line.parameters[-1:] if line.command in _SENTENCES else line.parameters[1:]
    if line.command in _REWORDED:
        words = _REWORDED[line.command](line)
    text = " ".join(clean_text(word) for word in words)
    is_start = not state.registration.is_welcomed
    if not text or line.command in _UNSHOWN or (is_start and line.command == "422"):
        return
    conversation = state.server
    is_answer = line.command in _ANSWERS or (not is_start and line.command in _ANSWERS_LATER)
    if is_answer and state.active in state.conversations:
        conversation = state.conversations[state.active]
    state.inform(conversation, text, clean_name(line.nick))


_SENTENCES = frozenset({"265", "266"})
"""Numerics whose last parameter repeats the others in a sentence."""
_UNSHOWN = frozenset(
    {"004", "315", "318", "323", "329", "347", "349", "366", "368", "369", "374", "734"}
)
_REWORDED: dict[str, Callable[[Incoming], tuple[str, ...]]] = {
    "221": lambda line: (
        "Your modes:",
        *(("none",) if line.word(1) in ("", "+") else line.parameters[1:]),
    ),
    "324": lambda line: (f"Modes of {line.word(1)}:", *(line.parameters[2:] or ("none",))),
    "341": lambda line: (f"You invited {line.word(1)} to {line.word(2)}",),
    "346": lambda line: (f"May enter {line.word(1)} uninvited:", line.word(2)),
    "348": lambda line: (f"Not banned from {line.word(1)}:", line.word(2)),
    "352": lambda line: (
        f"{line.word(5)} ({line.word(2)}@{line.word(3)},",
        f"{line.last.partition(' ')[2]})",
        "" if line.word(1) == "*" else f"in {line.word(1)}",
    ),
    "353": lambda line: (f"In {line.word(2)}:", line.last),
    "367": lambda line: (f"Banned from {line.word(1)}:", line.word(2)),
}
"""Numerics that are no sentences."""
_ANSWERS_LATER = frozenset(
    [
        "002",
        "003",
        "005",
        "251",
        "252",
        "253",
        "254",
        "255",
        "256",
        "257",
        "258",
        "259",
        "265",
        "266",
        "372",
        "375",
        "376",
        "422",
    ]
)
"""Those that the server also sends, without being asked, while it welcomes the user."""
_ANSWERS = frozenset(
    [
        "221",
        "276",
        "301",
        "307",
        "320",
        "324",
        "335",
        "338",
        "341",
        "346",
        "348",
        "351",
        "352",
        "353",
        "364",
        "367",
        "371",
        "378",
        "379",
        "381",
        "391",
        "406",
        "671",
        "704",
        "705",
        "706",
        "710",
        "711",
    ]
)
"""Answers to the user's questions, shown in the active conversation."""

_HANDLERS: dict[str, Handler] = {
    "001": registration.receive_welcome,
    "005": _receive_tokens,
    "301": membership.receive_away_reply,
    "305": membership.receive_away_reply,
    "306": membership.receive_away_reply,
    "321": _receive_list_start,
    "322": _receive_listed,
    "323": _receive_list_end,
    "331": membership.receive_topic_reply,
    "332": membership.receive_topic_reply,
    "333": membership.receive_topic_reply,
    "353": _receive_names,
    "354": membership.receive_whox,
    "366": membership.receive_names_end,
    "376": _receive_welcomed,
    "422": _receive_welcomed,
    "432": registration.receive_name_refused,
    "433": registration.receive_name_refused,
    "436": registration.receive_name_refused,
    "437": registration.receive_name_refused,
    "464": refusals.receive_password_refused,
    "465": refusals.receive_banned,
    "730": membership.receive_presence,
    "731": membership.receive_presence,
    "900": login.receive_logged_in,
    "901": login.receive_logged_in,
    "902": login.receive_sasl_failure,
    "903": login.receive_sasl_success,
    "904": login.receive_sasl_failure,
    "905": login.receive_sasl_failure,
    "906": login.receive_sasl_failure,
    "907": login.receive_sasl_success,
    "ACCOUNT": membership.receive_account,
    "ACK": _receive_ack,
    "AUTHENTICATE": login.receive_authenticate,
    "AWAY": membership.receive_away,
    "CAP": registration.receive_cap,
    "CHGHOST": membership.receive_host,
    "ERROR": refusals.receive_error,
    "FAIL": refusals.receive_standard_reply,
    "INVITE": membership.receive_invite,
    "JOIN": membership.receive_join,
    "KICK": membership.receive_kick,
    "KILL": refusals.receive_kill,
    "MARKREAD": speech.receive_marker,
    "MODE": membership.receive_mode,
    "NICK": membership.receive_nick,
    "NOTE": refusals.receive_standard_reply,
    "NOTICE": _receive_speech,
    "PART": membership.receive_part,
    "PING": _receive_ping,
    "PONG": _receive_pong,
    "PRIVMSG": _receive_speech,
    "QUIT": membership.receive_quit,
    "REDACT": speech.receive_redact,
    "REGISTER": accounts.receive_registered,
    "VERIFY": accounts.receive_registered,
    "RENAME": membership.receive_rename,
    "RESUME": registration.receive_resume,
    "SETNAME": membership.receive_realname,
    "TAGMSG": speech.receive_tags,
    "TOPIC": membership.receive_topic,
    "WARN": refusals.receive_standard_reply,
}
