"""Register with the server: capabilities, login, nickname, resuming; then join rooms.

    PASS, CAP LS 302, NICK, USER          at once, whatever the server supports
    CAP REQ ...; AUTHENTICATE ...         what it offers
    RESUME token msgid; CAP END           to resume the session of a lost connection
    001 ... 376 or 422                    registered; then rooms, away, history

Sources: ircv3.net, "capability-negotiation", "sasl-3.2", "sts"; modern.ircdocs.horse, "Connection
Registration"; docs/resume.md.
"""

import re

from roost.client.model import history, login, sending
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.effects import AskName, KeepTls, UpgradeToTls
from roost.client.model.incoming import Incoming
from roost.client.model.offered import EVENTS, WANTED, Offered
from roost.client.model.state import Registration, State
from roost.client.model.status import Phase, Problem, ProblemKind
from roost.client.model.text import clean_name, clean_text

NICKS_TRIED_MAX = 4
"""Names to try before the user is asked: the wanted one, then with one, two and three "_"."""
REQUEST_BYTES_MAX = 400
"""Of capabilities in a CAP REQ, so that its ACK fits into a line too."""
JOIN_BYTES_MAX = 400
_RESERVED = re.compile(r"reserved|registered|log in|logged in|identif|account", re.IGNORECASE)
"""How servers word a refusal of a name that belongs to an account."""


def begin(state: State) -> None:
    """Send what opens a registration."""
    state.registration = Registration()
    state.offered = Offered(state.offered)
    state.batches.clear()
    profile = state.profile
    if profile.server_password:
        state.emit("PASS", profile.server_password)
    state.emit("CAP", "LS", "302")
    state.nick = state.wanted_nick
    state.emit("NICK", state.nick)
    username = profile.username or "".join(c for c in state.nick if c.isalnum()) or "roost"
    state.emit("USER", username, "0", "*", profile.realname or state.nick)


def receive_cap(state: State, line: Incoming) -> None:
    match line.word(1).upper():
        case "LS":
            _learn(state, line.last)
            if line.word(2) != "*" and not state.registration.is_over:
                _request(state)
        case "ACK":
            for name in line.last.split():
                if name.startswith("-"):
                    state.offered.disable(name[1:])
                else:
                    state.offered.enable(name.partition("=")[0])
            if state.registration.wants_login:
                state.registration.wants_login = False
                login.log_in(state)
            else:
                _answered(state)
        case "NAK":
            _answered(state)
        case "NEW":
            _learn(state, line.last)
            _request(state)
        case "DEL":
            for name in line.last.split():
                if name != "sts":
                    state.offered.disable(name)


def _learn(state: State, text: str) -> None:
    for item in text.split():
        name, _, value = item.partition("=")
        state.offered.available[name] = value


def _request(state: State) -> None:
    """Request the wanted capabilities among those offered."""
    registration, offered = state.registration, state.offered
    if _follow_sts(state):
        return
    wanted = [name for name in WANTED if name in offered.available]
    if not state.profile.loads_events and EVENTS in wanted:
        wanted.remove(EVENTS)
    if login.has_proof(state) and "sasl" in offered.available and not registration.is_over:
        wanted.append("sasl")
    wanted = [name for name in wanted if not offered.has(name.removeprefix("draft/"))]
    while wanted:
        size = 0
        some = []
        while wanted and (size := size + len(wanted[0]) + 1) <= REQUEST_BYTES_MAX:
            some.append(wanted.pop(0))
        if not some:
            wanted.pop(0)
            continue
        registration.requests += 1
        state.emit("CAP", "REQ", " ".join(some))
    if not registration.requests and not registration.is_over:
        _negotiated(state)


def _follow_sts(state: State) -> bool:
    """Follow the server's policy on TLS; return True if this connection must not be used."""
    value = state.offered.available.get("sts")
    if value is None:
        return False
    given = dict(item.partition("=")[::2] for item in value.split(","))
    port, duration = given.get("port", ""), given.get("duration", "")
    if not state.connection.is_secure:
        if port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536:
            state.effects.append(UpgradeToTls(int(port)))
            return True
    elif duration.isascii() and duration.isdigit():
        state.effects.append(KeepTls(int(duration[:12])))
    return False


def _answered(state: State) -> None:
    registration = state.registration
    registration.requests = max(0, registration.requests - 1)
    if not registration.requests and not registration.is_over:
        _negotiated(state)


def _negotiated(state: State) -> None:
    """Log in, then end the negotiation."""
    registration, profile = state.registration, state.profile
    if registration.is_negotiated:
        return
    registration.is_negotiated = True
    if login.has_proof(state) and state.offered.has("sasl"):
        login.log_in(state)
        return
    if profile.password:
        state.toast("This server does not support logging in (SASL)", is_error=True)
    login.end(state)


def receive_resume(state: State, line: Incoming) -> None:
    """Handle RESUME: a new token, or a resumed session."""
    match line.word(0).upper():
        case "TOKEN":
            state.resume_token = line.word(1)
        case "SUCCESS":
            state.registration.is_resumed = True
            state.nick = line.word(1) or state.nick


def receive_resume_failure(state: State) -> None:
    """Forget a session that cannot be resumed; registration goes on."""
    state.resume_token = ""


def receive_welcome(state: State, line: Incoming) -> None:
    """Handle RPL_WELCOME: registered, under this nickname."""
    registration, connection = state.registration, state.connection
    registration.is_over = True
    state.nick = line.word(0) or state.nick
    state.watch_words()
    connection.phase = Phase.ONLINE
    connection.server_name = clean_name(line.source)
    connection.network = connection.network or connection.server_name
    connection.problem = None
    connection.attempt = 0
    connection.retry_at_s = None
    state.farewell = None
    if not registration.is_resumed:
        state.resume_token = ""
    state.emit("PING", f"{state.nonce}-welcome")
    mask = line.last.rpartition(" ")[2]
    name, at, host = mask.partition("!")[2].partition("@")
    if at:
        state.username, state.host = name, host


def receive_welcomed(state: State) -> None:
    """Handle the end of the welcome, when the server's limits and features are known."""
    registration = state.registration
    if registration.is_welcomed or not registration.is_over:
        return
    registration.is_welcomed = True
    state.refold()
    state.connection.network = clean_name(state.offered.tokens.get("NETWORK", "")) or (
        state.connection.network
    )
    if registration.is_resumed:
        # What was missed comes before the answer to this.
        state.emit("PING", f"{state.nonce}-resumed")
        return
    if state.nick != state.wanted_nick and state.fold(state.nick) != state.fold(state.wanted_nick):
        reason = f"{clean_name(state.wanted_nick)} is in use at the moment."
        state.effects.append(AskName(state.wanted_nick, reason, clean_name(state.nick)))
        if state.offered.number("MONITOR", 0):
            state.emit("MONITOR", "+", state.wanted_nick)
    _come_in_anew(state)


def _come_in_anew(state: State) -> None:
    """Join the rooms and catch up: the server has nothing of an earlier session."""
    rooms = dict(state.rooms_wanted)
    for conversation in state.conversations.values():
        conversation.history.is_offered = (
            state.offered.has_history and conversation.kind is not ConversationKind.SERVER
        )
        if conversation.kind is ConversationKind.ROOM:
            if conversation.is_joined or conversation.is_joining:
                rooms.setdefault(conversation.target, "")
            _forget_members(conversation)
            conversation.is_joined = False
    join(state, rooms)
    if state.away is not None:
        state.emit("AWAY", state.away)
    peers = [
        conversation
        for conversation in state.conversations.values()
        if conversation.kind is ConversationKind.PRIVATE
    ]
    watch(state, [conversation.target for conversation in peers])
    for conversation in peers:
        if sending.has_unresolved(state, conversation.key) or conversation.entries:
            history.start(state, conversation)
    history.ask_targets(state, state.last_live_ms)
    sending.flush(state)


def watch(state: State, nicks: list[str]) -> None:
    """Ask to be told when people come and go."""
    if not state.offered.number("MONITOR", 0):
        return
    for start in range(0, len(nicks), 10):
        state.emit("MONITOR", "+", ",".join(nicks[start : start + 10]))


def _forget_members(conversation: Conversation) -> None:
    for member in conversation.members:
        member.person.rooms.pop(conversation.key, None)
    conversation.members.clear()
    conversation.touch()


def join(state: State, rooms: dict[str, str]) -> None:
    """Join rooms, as many per line as fit; those with passwords first, as JOIN requires."""
    names = sorted(rooms, key=lambda name: not rooms[name])
    line: list[str] = []
    size = 0
    for name in names:
        cost = len(name.encode()) + len(rooms[name].encode()) + 2
        if line and size + cost > JOIN_BYTES_MAX:
            _send_join(state, line, rooms)
            line, size = [], 0
        line.append(name)
        size += cost
    if line:
        _send_join(state, line, rooms)


def _send_join(state: State, names: list[str], rooms: dict[str, str]) -> None:
    passwords = [rooms[name] for name in names if rooms[name]]
    for name in names:
        conversation = state.room(name)
        if conversation is not None:
            conversation.is_joining = True
            conversation.problem = ""
            conversation.touch()
    extra = (",".join(passwords),) if passwords else ()
    state.emit("JOIN", ",".join(names), *extra)


def receive_history_lost(state: State) -> None:
    """Ask for what was missed, now or once the session has been resumed."""
    registration = state.registration
    registration.is_history_lost = True
    if registration.is_welcomed and not registration.is_resumed:
        # The servers lost it while this client was connected. What they still know comes first.
        state.emit("PING", f"{state.nonce}-resumed")


def receive_resumed(state: State) -> None:
    """Go on after a resumed session has sent everything missed, or has lost it."""
    is_lost = state.registration.is_history_lost
    state.registration.is_resumed = state.registration.is_history_lost = False
    for conversation in list(state.conversations.values()):
        if conversation.kind is ConversationKind.SERVER:
            continue
        conversation.history.is_offered = state.offered.has_history
        if not is_lost:
            _go_on(state, conversation)
        elif conversation.kind is ConversationKind.PRIVATE or conversation.is_joined:
            if conversation.kind is ConversationKind.ROOM:
                _forget_members(conversation)
                state.emit("NAMES", conversation.target)
                state.emit("TOPIC", conversation.target)
            history.start(state, conversation)
    if is_lost:
        history.ask_targets(state, state.last_live_ms)
    rooms = {name: key for name, key in state.rooms_wanted.items() if not _is_in(state, name)}
    for conversation in state.conversations.values():
        if conversation.is_joining and not conversation.is_joined:
            rooms.setdefault(conversation.target, "")
    join(state, rooms)
    sending.flush(state)


def _is_in(state: State, name: str) -> bool:
    conversation = state.room(name)
    return conversation is not None and conversation.is_joined


def _go_on(state: State, conversation: Conversation) -> None:
    """Fill the gaps that were there before, and send what did not arrive."""
    if not conversation.is_joined:
        return
    if any(entry.id in state.gaps for entry in conversation.entries):
        # What was sent before the last session may be in the gap.
        history.resume(state, conversation)
    else:
        sending.resolve(state, conversation.key, is_past_known=True)


def _is_reserved(state: State, line: Incoming) -> bool:
    """Return whether a name is refused because only its account may have it, and one can log in."""
    is_told = line.command == "433" and _RESERVED.search(line.last) is not None
    return is_told and "sasl" in state.offered.available


def _is_asked_for_password(state: State, line: Incoming) -> bool:
    is_open = state.profile.asks_password and not state.profile.password
    return is_open and _is_reserved(state, line)


def receive_name_refused(state: State, line: Incoming) -> None:
    """Handle ERR_NICKNAMEINUSE (433), ERR_ERRONEUSNICKNAME (432) and similar numerics."""
    refused, reason = clean_name(line.word(1)), clean_text(line.last)
    if state.registration.is_over:
        state.toast(f"The name {refused} is not available: {reason}", is_error=True)
        return
    registration = state.registration
    is_login_ahead = registration.sasl is not None or not registration.is_negotiated
    if _is_reserved(state, line) and login.has_proof(state) and is_login_ahead:
        registration.wants_nick = True
        return
    if _is_asked_for_password(state, line):
        name = clean_name(state.wanted_nick)
        text = f"{name} is the name of an account."
        advice = "If it is yours, enter its password. Otherwise choose another name."
        login.stop(state, ProblemKind.ACCOUNT, text, advice)
        return
    registration.nicks_tried += 1
    length_max = state.offered.number("NICKLEN", 30)
    wanted = state.wanted_nick
    if line.command == "433" and registration.nicks_tried < NICKS_TRIED_MAX:
        tail = "_" * registration.nicks_tried
        state.nick = wanted[: max(1, length_max - len(tail))] + tail
        state.emit("NICK", state.nick)
        return
    state.effects.append(AskName(clean_name(wanted), reason))
    what = "is taken" if line.command == "433" else "is not allowed here"
    state.farewell = Problem(
        ProblemKind.NAME,
        f"The name {clean_name(wanted)} {what} ({reason}).",
        "Choose another name.",
        is_final=True,
    )
    state.connection.problem = state.farewell
