"""Explain the server's refusals to the user, where they belong.

Sources: modern.ircdocs.horse, "Numerics"; ircv3.net/specs/extensions/standard-replies.
"""

import re

from roost.client.model import editing, history, registration, searching, sending
from roost.client.model.effects import Abandon
from roost.client.model.incoming import Incoming
from roost.client.model.listing import ListingState
from roost.client.model.state import State
from roost.client.model.status import Problem, ProblemKind
from roost.client.model.text import clean_name, clean_text

JOIN_REFUSALS = {
    "403": "A room cannot have that name.",
    "405": "You are in too many rooms already.",
    "437": "The room cannot be joined at the moment.",
    "470": "You may not enter this room and were sent to another one.",
    "471": "The room is full.",
    "473": "The room is invite-only.",
    "474": "You are banned from the room.",
    "475": "The room has a password: /join ROOM PASSWORD.",
    "476": "That is not a valid room name.",
    "477": "You must be logged in to an account to join.",
    "489": "You must use a secure connection to join.",
    "520": "You may not join this room.",
}
SPEECH_REFUSALS = {
    "401": "There is nobody with that name here.",
    "404": "You may not speak in this room.",
    "407": "Too many recipients.",
    "412": "The message was empty.",
    "415": "The message was not delivered.",
    "486": "They only accept messages from people who are logged in to an account.",
    "716": "They do not accept private messages from you.",
}
ABOUT_COMMANDS = frozenset(
    [
        "401",
        "402",
        "403",
        "406",
        "421",
        "423",
        "431",
        "441",
        "443",
        "461",
        "472",
        "481",
        "501",
        "502",
        "524",
    ]
)
"""Refusals of what the user typed, which are about no conversation: shown where it was typed."""
_BAN_WORDS = re.compile(r"\b(?:ban|banned|[kgz][ -]?lined?|klined|glined)\b", re.IGNORECASE)


def receive_error_numeric(state: State, line: Incoming) -> None:
    """Handle an error numeric (400 to 599) that has no handler of its own."""
    code, text = line.command, clean_text(line.last)
    target = line.word(1)
    known = JOIN_REFUSALS.get(code) or SPEECH_REFUSALS.get(code)
    reason = f"{known} ({text})" if known else text
    if sending.fail_label(state, line.label, reason):
        return
    key = state.fold(target)
    conversation = state.conversations.get(key) if target else None
    if code in JOIN_REFUSALS and conversation is not None and conversation.is_joining:
        conversation.is_joining = False
        conversation.problem = reason
        conversation.touch()
        state.order_revision += 1
        sending.fail_waiting(state, key, reason)
        state.rooms_wanted.pop(conversation.target, None)
        state.toast(f"{conversation.name}: {reason}", is_error=True)
        if not conversation.entries and not conversation.pending:
            state.remove_conversation(key)
        return
    if code in SPEECH_REFUSALS and not line.label and sending.fail_target(state, key, reason):
        return
    if code == "421" and target.upper() == "CAP":
        return
    shown = f"{clean_name(target)}: {reason}" if len(line.parameters) > 2 else reason
    if conversation is None and code in ABOUT_COMMANDS and state.registration.is_welcomed:
        conversation = state.in_view
    state.inform(conversation or state.server, shown, line.nick)
    if code in JOIN_REFUSALS or code in SPEECH_REFUSALS or code in ("481", "482", "442"):
        for name in list(state.rooms_wanted):
            if state.fold(name) == key:
                del state.rooms_wanted[name]
        state.toast(shown, is_error=True)


def receive_standard_reply(state: State, line: Incoming) -> None:
    """Handle FAIL, WARN and NOTE."""
    command = line.word(0).upper()
    text = clean_text(line.last)
    if command == "RESUME":
        if line.command == "FAIL":
            registration.receive_resume_failure(state)
        elif line.word(1) == "HISTORY_LOST":
            registration.receive_history_lost(state)
        return
    if line.command == "FAIL":
        if command == "CHATHISTORY" and history.receive_failure(state, line):
            return
        if command == "REDACT" and editing.receive_failure(state, list(line.parameters), text):
            return
        if command == "SEARCH" and searching.receive_failure(state, line):
            return
        if sending.fail_label(state, line.label, text):
            return
        if command == "LIST":
            state.listing.state = ListingState.FAILED
            state.listing.problem = text
            state.listing.revision += 1
        if command in ("PRIVMSG", "BATCH"):
            for word in line.parameters[2:-1]:
                if sending.fail_target(state, state.fold(word), text):
                    return
        if command in ("MARKREAD", "MONITOR", "TAGMSG"):
            return
        state.toast(text, is_error=True)
    conversation = next(
        (
            found
            for word in line.parameters[2:-1]
            if (found := state.conversations.get(state.fold(word))) is not None
        ),
        state.server,
    )
    state.inform(conversation, text, line.nick)


def receive_error(state: State, line: Incoming) -> None:
    """Handle ERROR: the server is about to close the connection."""
    text = clean_text(line.last)
    state.inform(state.server, text)
    if state.farewell is not None:
        return
    if _BAN_WORDS.search(text):
        problem = Problem(
            ProblemKind.BANNED,
            f"You are banned from this server: {text}",
            "Contact its operators.",
            is_final=True,
        )
    else:
        problem = Problem(ProblemKind.CLOSED, f"The server closed the connection: {text}")
    state.farewell = problem


def receive_kill(state: State, line: Incoming) -> None:
    """Handle KILL: an operator closes the connection."""
    if state.is_me(line.word(0)):
        state.farewell = Problem(
            ProblemKind.KILLED,
            f"An operator ({clean_name(line.nick)}) closed your connection: "
            f"{clean_text(line.last)}",
            "Reconnect only if you are allowed to.",
            is_final=True,
        )


def receive_banned(state: State, line: Incoming) -> None:
    """Handle ERR_YOUREBANNEDCREEP (465)."""
    state.farewell = Problem(
        ProblemKind.BANNED,
        f"You are banned from this server: {clean_text(line.last)}",
        "Contact its operators.",
        is_final=True,
    )


def receive_password_refused(state: State, line: Incoming) -> None:
    """Handle ERR_PASSWDMISMATCH (464)."""
    if state.registration.is_over:
        state.toast(clean_text(line.last), is_error=True)
        return
    problem = Problem(
        ProblemKind.PASSWORD,
        f"The server requires a password, and this one is wrong ({clean_text(line.last)}).",
        "Enter the correct server password.",
        is_final=True,
    )
    state.farewell = problem
    state.effects.append(Abandon(problem))


def not_irc(line: bytes) -> Problem:
    """Say what kind of server answered, if not an IRC server."""
    if line.startswith(b"HTTP/"):
        what = "A web server answered, not an IRC server."
        advice = "Check the port: for IRC it is often 6697 or 6667."
    elif line.startswith((b"\x15\x03", b"\x16\x03")):
        what = "The server expects TLS on this port."
        advice = "Connect with TLS: write ircs:// before the address."
    elif line.startswith(b"SSH-"):
        what = "An SSH server answered, not an IRC server."
        advice = "Check the port: for IRC it is often 6697 or 6667."
    else:
        what = "The server that answered does not speak IRC."
        advice = "Check the address and the port. For TLS, write ircs:// before the address."
    return Problem(ProblemKind.NOT_IRC, what, advice, is_final=True)
