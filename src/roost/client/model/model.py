"""The whole state of the client, what changes it, and what a user can ask of it.

    connection --(connecting, connected, receive, disconnected, tick)--> Model --> take_lines()
    interface  --(intents: send, join, react, ...)---------------------> Model --> take_effects()

Pure: no input or output, no clock, no Textual. Time is given with each event of the connection
(`Moment`); intents use the last one. After each call the driver sends `take_lines()` and obeys
`take_effects()`. Nothing that a server sends raises.
"""

from roost.client.model import (
    completion,
    dispatch,
    history,
    intents,
    liveness,
    refusals,
    registration,
    sending,
    slash,
)
from roost.client.model.conversation import ConversationKind
from roost.client.model.effects import Abandon, Effect, Reconnect
from roost.client.model.entry import Entry
from roost.client.model.incoming import Incoming
from roost.client.model.listing import ListingState
from roost.client.model.profile import Profile
from roost.client.model.state import SERVER_KEY, State
from roost.client.model.status import Moment, Phase, Problem
from roost.irc.errors import ParseError
from roost.irc.message import parse_from_server

__all__ = ["SERVER_KEY", "Model"]


class Model(State):
    """The state of one client on one network, and what can be done with it.

    Views read: `nick`, `account`, `away`, `connection`, `conversations` (by key), `order` (keys, as
    they are shown: the server's, rooms, private ones; `order_revision` grows with any change of it
    or of an unread count), `active`, `listing`, `people` (by folded nickname; `people_revision`),
    `ignored`, `profile` and `moment`.
    """

    def __init__(self, profile: Profile, nonce: str) -> None:
        """Start offline; `nonce` is a random word, different for each start of the client."""
        super().__init__(profile, nonce)
        for room in profile.rooms:
            name, _, password = room.strip().partition(" ")
            if name:
                intents.want(self, intents.room_name(self, name), password.strip())

    # What happens to the connection.

    def connecting(self, address: str, moment: Moment) -> None:
        """Note that `address` is being dialled."""
        self.moment = moment
        connection = self.connection
        connection.phase = Phase.CONNECTING
        connection.address = address
        connection.retry_at_s = None
        connection.waiting_text = ""

    def connected(self, moment: Moment, *, is_secure: bool) -> None:
        """Begin to register."""
        self.moment = moment
        self.connection.phase = Phase.REGISTERING
        self.connection.is_secure = is_secure
        self.connection.round_trip_ms = None
        self.farewell = None
        liveness.connected(self)
        registration.begin(self)

    def receive(self, line: bytes, moment: Moment) -> None:
        """Take a line of the server, without its end."""
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
        """Note that the connection is gone; None for a problem: the user wanted it.

        What the server said before it closed explains it better than what the network says.
        """
        self.moment = moment
        connection = self.connection
        connection.problem = self.farewell if problem is not None and self.farewell else problem
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
        for conversation in self.conversations.values():
            if conversation.typing:
                conversation.typing.clear()
                conversation.touch()
        if self.listing.state is ListingState.LOADING:
            self.listing.state = ListingState.UNKNOWN
            self.listing.revision += 1

    def tick(self, moment: Moment) -> None:
        """Let time pass: time-outs, typing notices that end, pings. Call it often."""
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
        """Take what must be sent, in order, each with CR LF."""
        taken, self.lines = self.lines, []
        return taken

    def take_effects(self) -> list[Effect]:
        """Take what else must be done, in order."""
        taken, self.effects = self.effects, []
        return taken

    # What a user can ask for. What cannot be done becomes a Toast, never an exception.

    def submit(self, key: str, text: str) -> None:
        """Take what was typed into a conversation: a slash command, or text (several lines)."""
        slash.submit(self, key, text)

    def send(self, key: str, text: str, *, reply_to: str = "", is_action: bool = False) -> None:
        """Say something; several lines become one message where the server can, else several."""
        conversation = self.conversations.get(key)
        if conversation is None or not sending.can_talk(conversation):
            self.toast("Nobody can be talked to here; join a room first", is_error=True)
        elif text.strip():
            sending.send(self, conversation, text, reply_to=reply_to, is_action=is_action)

    def retry(self, key: str, entry: Entry) -> None:
        """Send a failed message again."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            sending.retry(self, conversation, entry)

    def dismiss(self, key: str, entry: Entry) -> None:
        """Give up a failed or waiting message; its text becomes the draft if there is none."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            sending.dismiss(self, conversation, entry)

    def react(self, key: str, entry: Entry, reaction: str) -> None:
        """React to a message, or take the same reaction back."""
        intents.react(self, key, entry, reaction)

    def redact(self, key: str, entry: Entry, reason: str = "") -> None:
        """Take a message back."""
        intents.redact(self, key, entry, reason)

    def typing(self, key: str, text: str) -> None:
        """Note that the draft is now `text`; sends typing notices, seldom enough."""
        intents.typing(self, key, text)

    def join(self, name: str, password: str = "") -> None:
        """Join a room, or make it; a name without "#" gets one. Shows it once joined."""
        intents.join(self, name, password)

    def part(self, key: str, reason: str = "") -> None:
        """Leave a room, or close a private conversation."""
        intents.part(self, key, reason)

    def query(self, nick: str) -> str | None:
        """Open a private conversation and show it; gives its key."""
        return intents.query(self, nick)

    def show(self, key: str) -> None:
        """Turn to a conversation: it is `active` now, and is loaded and marked as read."""
        conversation = self.conversations.get(key)
        if conversation is None:
            return
        self.active = key
        self.order_revision += 1
        is_private = conversation.kind is ConversationKind.PRIVATE
        if is_private and not conversation.entries:
            history.load_older(self, conversation)
        self.mark_read(key)

    def mark_read(self, key: str) -> None:
        """Mark everything in a conversation as read."""
        intents.mark_read(self, key)

    def load_older(self, key: str) -> None:
        """Ask for the page before the first entry, unless one is awaited or there is none."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            history.load_older(self, conversation)

    def fill_gap(self, key: str, entry: Entry) -> None:
        """Ask for what is missing at an entry of kind GAP."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            history.fill_gap(self, conversation, entry)

    def jump_to_date(self, key: str, time_ms: int) -> None:
        """Load what was said from then on; `Jump` says where to look once it is there."""
        conversation = self.conversations.get(key)
        if conversation is not None:
            history.jump_to_date(self, conversation, time_ms)

    def set_nick(self, nick: str) -> None:
        """Ask for another nickname; while not online it is the one to come in with."""
        intents.set_nick(self, nick)

    def set_topic(self, key: str, topic: str) -> None:
        """Change a room's topic."""
        intents.in_room(self, key, lambda room: self.emit("TOPIC", room.target, topic))

    def ignore(self, mask: str) -> None:
        """Show nothing more of a nickname or mask."""
        intents.ignore(self, mask)

    def unignore(self, mask: str) -> None:
        """Show it again."""
        intents.unignore(self, mask)

    def list_rooms(self) -> None:
        """Ask for the rooms that exist; the answer is in `listing`."""
        if self.is_online and self.listing.state is not ListingState.LOADING:
            self.listing.state = ListingState.LOADING
            self.listing.revision += 1
            self.emit("LIST")

    def reconnect(self) -> None:
        """Try again at once."""
        self.effects.append(Reconnect())

    def quit(self, reason: str = "") -> None:
        """Leave the network; the connection is closed and not dialled again."""
        intents.quit_network(self, reason)

    def complete(self, key: str, text: str, cursor: int) -> list[str]:
        """Find what the word before `cursor` may become: commands, rooms, names. Best first."""
        return completion.complete(self, key, text, cursor)

    def input_history(self, key: str, step: int) -> str | None:
        """Go back (-1) or forth (1) in the lines typed in a conversation; None at the ends."""
        return intents.input_history(self, key, step)


def _is_irc(command: str, source: str) -> bool:
    """Whether the first line that came can be an IRC server's."""
    if command in ("220", "221"):
        # Servers for mail and files greet with these.
        return bool(source)
    return command.isdigit() or command in (
        "AUTHENTICATE", "BATCH", "CAP", "ERROR", "FAIL", "NOTE", "NOTICE", "PING", "PONG", "WARN",
        "RESUME", "MODE",
    )  # fmt: skip
