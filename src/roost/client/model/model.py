"""The whole state of the client, the events that change it, and what a user can do.

    connection --(connecting, connected, receive, disconnected, tick)--> Model --> take_lines()
    interface  --(intents: send, join, react, ...)---------------------> Model --> take_effects()

Pure: no input or output, no clock, no Textual. Each event of the connection has the time
(`Moment`); intents use the last one. After each call the driver sends `take_lines()` and handles
`take_effects()`. Nothing that a server sends raises an exception.
"""

from roost.client.model import (
    accounts,
    completion,
    dispatch,
    editing,
    history,
    intents,
    liveness,
    outside,
    refusals,
    registration,
    searching,
    sending,
    slash,
)
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.effects import Abandon, Effect, Reconnect
from roost.client.model.entry import Entry
from roost.client.model.hits import Hit, Query
from roost.client.model.incoming import Incoming
from roost.client.model.listing import ListingState
from roost.client.model.message_links import message_link, parse_message_link
from roost.client.model.profile import Profile
from roost.client.model.state import SERVER_KEY, State
from roost.client.model.status import Moment, Phase, Problem
from roost.client.model.text import clean_name
from roost.irc.errors import ParseError
from roost.irc.parsing import parse_from_server

__all__ = ["SERVER_KEY", "Model"]


class Model(State):
    """A client on one network.

    Views read: `nick`, `account`, `away`, `connection`, `conversations` (by key), `order` (the keys
    as shown: the server's, rooms, private ones; `order_revision` grows with every change of it and
    of unread counts), `active`, `listing`, `search`, `people` (by folded nickname; see
    `people_revision`), `ignored`, `profile` and `moment`.
    """

    def __init__(self, profile: Profile, nonce: str) -> None:
        """Start offline; `nonce` is a random word that no other run of the client uses."""
        super().__init__(profile, nonce)
        for room in profile.rooms:
            name, _, password = room.strip().partition(" ")
            if name:
                intents.want(self, intents.room_name(self, name), password.strip())

    # Events of the connection.

    def connecting(self, address: str, moment: Moment) -> None:
        """Note that `address` is being dialled."""
        self.moment = moment
        connection = self.connection
        connection.phase = Phase.CONNECTING
        connection.address = address
        connection.retry_at_s = None
        connection.waiting_text = ""

    def connected(self, moment: Moment, *, is_secure: bool) -> None:
        """Start to register."""
        self.moment = moment
        self.connection.phase = Phase.REGISTERING
        self.connection.is_secure = is_secure
        self.connection.round_trip_ms = None
        self.farewell = None
        liveness.connected(self)
        registration.begin(self)

    def receive(self, line: bytes, moment: Moment) -> None:
        """Handle a line from the server, without its CR LF."""
        self.moment = moment
        liveness.heard(self)
        try:
            message = parse_from_server(line)
        except ParseError:
            message = None
        heard = self.registration.has_heard
        if message is None or (not heard and not _is_irc(message.command, message.source)):
            if not heard and line:
                self.effects.append(Abandon(refusals.not_irc(line)))
            return
        self.registration.has_heard = True
        dispatch.receive(self, Incoming(message, moment.time_ms))

    def disconnected(
        self, moment: Moment, problem: Problem | None, retry_at_s: float | None
    ) -> None:
        """Note that the connection is gone; `problem` is None if the user wanted that.

        What the server said before it closed the connection takes precedence over `problem`.
        """
        self.moment = moment
        connection = self.connection
        before = connection.problem
        connection.problem = self.farewell if problem is not None and self.farewell else problem
        told = connection.problem
        if told is not None and (before is None or before.text != told.text):
            # In full: the line that says it at the bottom may be too short.
            self.inform(self.server, f"{told.text} {told.advice}".strip())
        connection.retry_at_s = retry_at_s
        connection.round_trip_ms = None
        connection.waiting_text = ""
        connection.attempt += problem is not None
        if retry_at_s is not None:
            connection.phase = Phase.WAITING
        elif problem is None:
            connection.phase = Phase.OFFLINE
        else:
            connection.phase = Phase.STOPPED
        self.lines.clear()
        self.batches.clear()
        history.connection_lost(self)
        sending.connection_lost(self)
        searching.connection_lost(self)
        outside.connection_lost(self)
        for conversation in self.conversations.values():
            if conversation.typing:
                conversation.typing.clear()
                conversation.touch()
        if self.listing.state is ListingState.LOADING:
            self.listing.state = ListingState.UNKNOWN
            self.listing.revision += 1

    def tick(self, moment: Moment) -> None:
        """Let time pass: time-outs, typing notices, pings. Call this several times a second."""
        self.moment = moment
        liveness.tick(self)
        for conversation in self.conversations.values():
            if conversation.typing:
                over = [n for n, until in conversation.typing.items() if until <= moment[0]]
                for nick in over:
                    del conversation.typing[nick]
                if over:
                    conversation.touch()

    def take_lines(self) -> list[bytes]:
        """Return the lines to send, in order, each with CR LF, and forget them."""
        taken, self.lines = self.lines, []
        return taken

    def take_effects(self) -> list[Effect]:
        """Return what else is to be done, in order, and forget it."""
        taken, self.effects = self.effects, []
        return taken

    # Intents of the user. What cannot be done results in a Toast, never in an exception.

    def submit(self, key: str, text: str) -> None:
        """Run what was typed into a conversation: a slash command, or a message."""
        slash.submit(self, key, text)

    def send(self, key: str, text: str, *, reply_to: str = "", is_action: bool = False) -> None:
        """Send a message; several lines become one message if the server supports that."""
        conversation = self.conversations.get(key)
        if conversation is None or not sending.can_talk(conversation):
            self.toast("You cannot send messages here; join a room first", is_error=True)
        elif text.strip():
            sending.send(self, conversation, text, reply_to=reply_to, is_action=is_action)

    def retry(self, key: str, entry: Entry) -> None:
        """Send a failed message again."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            sending.retry(self, conversation, entry)

    def dismiss(self, key: str, entry: Entry) -> None:
        """Give up a failed or waiting message; its text becomes the draft if that is empty."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            sending.dismiss(self, conversation, entry)

    def react(self, key: str, entry: Entry, reaction: str) -> None:
        """React to a message, or remove the same reaction."""
        intents.react(self, key, entry, reaction)

    def can_edit(self, entry: Entry) -> bool:
        """Return whether a message is the user's to edit."""
        return editing.can_edit(self, entry)

    def last_own(self, key: str) -> Entry | None:
        """Return the user's last message in a conversation that can be edited."""
        conversation = self.conversations.get(key)
        return None if conversation is None else editing.last_own(self, conversation)

    def edit(self, key: str, entry: Entry, text: str) -> bool:
        """Replace a message of the user; return False if that is not possible."""
        conversation = self.conversations.get(key)
        return conversation is not None and editing.edit(self, conversation, entry, text)

    def may_redact(self, key: str, entry: Entry) -> bool:
        """Return whether the server will let the user delete a message, as far as one can know."""
        return intents.may_redact(self, key, entry)

    def redact(self, key: str, entry: Entry, reason: str = "") -> None:
        """Delete a message for everybody."""
        intents.redact(self, key, entry, reason)

    def typing(self, key: str, text: str) -> None:
        """Note that the draft is now `text`; send typing notices at a limited rate."""
        intents.typing(self, key, text)

    def join(self, name: str, password: str = "") -> None:
        """Join or create a room, and show it once joined; a name without "#" gets one."""
        intents.join(self, name, password)

    def enquire(self, name: str) -> None:
        """Ask what a room is like without entering it; the answer is in `enquiries`."""
        outside.enquire(self, name)

    def stay_outside(self, name: str) -> Conversation:
        """Talk in a room without entering it; return its conversation."""
        return outside.stay(self, name)

    def read_outside(self, key: str) -> None:
        """Load what was said since the last time in a room that one has not entered."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            outside.read(self, conversation)

    def part(self, key: str, reason: str = "") -> None:
        """Leave a room, or close a private conversation."""
        intents.part(self, key, reason)

    def query(self, nick: str) -> str | None:
        """Open and show a private conversation; return its key, or None for an invalid name."""
        return intents.query(self, nick)

    def show(self, key: str) -> None:
        """Make a conversation the active one; load it and mark it as read."""
        conversation = self.conversations.get(key)
        if conversation is None:
            return
        self.active = key
        self.order_revision += 1
        conversation.shown = self.order_revision
        is_private = conversation.kind is ConversationKind.PRIVATE
        if is_private and not conversation.entries:
            history.load_older(self, conversation)
        self.mark_read(key)

    def mark_read(self, key: str) -> None:
        """Mark everything in a conversation as read."""
        intents.mark_read(self, key)

    def load_older(self, key: str) -> None:
        """Request the page before the first entry, unless a request is in flight."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            history.load_older(self, conversation)

    def fill_gap(self, key: str, entry: Entry) -> None:
        """Request what is missing at an entry of kind GAP."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            history.fill_gap(self, conversation, entry)

    def jump_to_date(self, key: str, time_ms: int) -> None:
        """Load what was said from then on; a `Jump` follows once it is there."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            history.jump_to_date(self, conversation, time_ms)

    def jump_to_message(self, key: str, msgid: str, time_ms: int = 0) -> None:
        """Load what surrounds a message; a `Jump` follows once it is there."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            history.jump_to_message(self, conversation, msgid, time_ms)

    def message_link(self, key: str, entry: Entry) -> str:
        """Return a link to a message, for others to follow; "" if it has no id."""
        conversation = self.conversations.get(key)
        if conversation is None or not entry.msgid:
            return ""
        return message_link(self, conversation, entry.msgid)

    def follow_link(self, key: str, text: str) -> bool:
        """Go to the message that a link or an id names; return False if it names none."""
        link = parse_message_link(text)
        if link is None:
            return False
        where = self.fold(link.target) if link.target else key
        if where in self.conversations:
            self.jump_to_message(where, link.msgid)
        else:
            name = clean_name(link.target)
            self.toast(f"Join {name} to read what was said there", is_error=True)
        return True

    def find(self, query: Query) -> None:
        """Search in everything that the server keeps; the answer is in `search`."""
        searching.search(self, query)

    def find_older(self) -> None:
        """Continue the search with older messages, if there are more."""
        searching.search_older(self)

    def jump_to_hit(self, hit: Hit) -> None:
        """Show a message that was found in its context; a `Jump` follows."""
        conversation = searching.open_hit(self, hit)
        if conversation is None:
            self.toast(f"Join {clean_name(hit.target)} to read what was said there", is_error=True)
        else:
            history.jump_to_message(self, conversation, hit.msgid, hit.time_ms)

    def set_nick(self, nick: str) -> None:
        """Request another nickname; while offline, use it for the next connection."""
        intents.set_nick(self, nick)

    def log_in(self, account: str, password: str) -> None:
        """Log in to an account, now or with the next connection, which is tried at once."""
        accounts.log_in(self, account, password)

    def log_out(self) -> None:
        """Log out of the account, which stays."""
        accounts.log_out(self)

    @property
    def needs_proof(self) -> bool:
        """Whether a new account needs an e-mail address, or an invitation code in its place."""
        return accounts.needs_proof(self)

    def register_account(self, password: str, proof: str = "") -> None:
        """Make the nickname an account; `proof` is an e-mail address or an invitation code."""
        accounts.register(self, password, proof)

    def change_password(self, password: str) -> None:
        """Change the password of the account."""
        accounts.change_password(self, password)

    def set_topic(self, key: str, topic: str) -> None:
        intents.in_room(self, key, lambda room: self.emit("TOPIC", room.target, topic))

    def ignore(self, mask: str) -> None:
        """Hide the messages of a nickname or mask."""
        intents.ignore(self, mask)

    def unignore(self, mask: str) -> None:
        """Show the messages of a nickname or mask again."""
        intents.unignore(self, mask)

    def set_level(self, key: str, level: str) -> None:
        """Set how much a conversation may call: the value of a `rules.Level`."""
        intents.set_level(self, key, level)

    def list_rooms(self) -> None:
        """Request the list of rooms; the answer is in `listing`."""
        if self.is_online and self.listing.state is not ListingState.LOADING:
            self.listing.state = ListingState.LOADING
            self.listing.revision += 1
            self.emit("LIST")

    def reconnect(self) -> None:
        """Dial again at once."""
        self.effects.append(Reconnect())

    def quit(self, reason: str = "") -> None:
        """Leave the network, and do not connect again."""
        intents.quit_network(self, reason)

    def complete(self, key: str, text: str, cursor: int) -> list[str]:
        """Complete the word before `cursor`: commands, rooms, names; best first."""
        return completion.complete(self, key, text, cursor)

    def input_history(self, key: str, step: int, written: str = "") -> str | None:
        """Go back (-1) or forth (1) in what was typed; return None at the ends.

        What is `written` now comes again after the last line.
        """
        return intents.input_history(self, key, step, written)


def _is_irc(command: str, source: str) -> bool:
    """Return whether the first line of a connection can come from an IRC server."""
    if command in ("220", "221"):
        # Servers for mail and files greet with these.
        return bool(source)
    return command.isdigit() or command in (
        "AUTHENTICATE", "BATCH", "CAP", "ERROR", "FAIL", "NOTE", "NOTICE", "PING", "PONG", "WARN",
        "RESUME", "MODE",
    )  # fmt: skip
