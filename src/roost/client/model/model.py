"""The whole state of the client, what changes it, and what a user can ask of it.

    connection --(connecting, connected, receive, disconnected, tick)--> Model --> take_lines()
    interface  --(intents: send, join, react, ...)---------------------> Model --> take_effects()

Pure: no input or output, no clock, no Textual. Time is given with each event of the connection
(`Moment`); intents use the last one. After each call the driver sends `take_lines()` and obeys
`take_effects()`. Nothing that a server sends raises.
"""

from roost.client.model.conversation import Conversation
from roost.client.model.effects import Effect
from roost.client.model.entry import Entry
from roost.client.model.listing import RoomListing
from roost.client.model.people import Person
from roost.client.model.profile import Profile
from roost.client.model.status import Connection, Moment, Problem

SERVER_KEY = ""
"""The key of the server's own conversation."""


class Model:
    """The state of one client on one network."""

    profile: Profile
    nick: str
    """One's own nickname as it is now, or is wanted while not online."""
    account: str
    """The account logged in to; empty for none."""
    away: str | None
    """One's own away message; None while here."""
    connection: Connection
    conversations: dict[str, Conversation]
    """By key, the server's own included."""
    order: list[str]
    """Keys in the order to show: the server's, rooms by name, private ones by name."""
    order_revision: int
    """Grows when `order` changes, or anybody's unread or highlight count, name or joined state."""
    active: str
    """The key of the conversation in view; see `show`."""
    listing: RoomListing
    people: dict[str, Person]
    """Everybody known, by folded nickname; `people_revision` grows with any change."""
    people_revision: int
    ignored: list[str]
    moment: Moment

    def __init__(self, profile: Profile, nonce: str) -> None:
        """Start offline; `nonce` is a random word, different for each start of the client."""

    # What happens to the connection.

    def connecting(self, address: str, moment: Moment) -> None:
        """Note that `address` is being dialled."""

    def connected(self, moment: Moment, *, is_secure: bool) -> None:
        """Begin to register."""

    def receive(self, line: bytes, moment: Moment) -> None:
        """Take a line of the server, without its end."""

    def disconnected(
        self, moment: Moment, problem: Problem | None, retry_at_s: float | None
    ) -> None:
        """Note that the connection is gone; None for a problem: the user wanted it."""

    def tick(self, moment: Moment) -> None:
        """Let time pass: time-outs, typing notices that end, pings. Call it often."""

    def take_lines(self) -> list[bytes]:
        """Take what must be sent, in order, each with CR LF."""
        return []

    def take_effects(self) -> list[Effect]:
        """Take what else must be done, in order."""
        return []

    # What a user can ask for. What cannot be done becomes a Toast, never an exception.

    def submit(self, key: str, text: str) -> None:
        """Take what was typed into a conversation: a slash command, or text (several lines)."""

    def send(self, key: str, text: str, *, reply_to: str = "", is_action: bool = False) -> None:
        """Say something; several lines become one message where the server can, else several."""

    def retry(self, key: str, entry: Entry) -> None:
        """Send a failed message again."""

    def dismiss(self, key: str, entry: Entry) -> None:
        """Give up a failed or waiting message; its text becomes the draft if there is none."""

    def react(self, key: str, entry: Entry, reaction: str) -> None:
        """React to a message, or take the same reaction back."""

    def redact(self, key: str, entry: Entry, reason: str = "") -> None:
        """Take a message back."""

    def typing(self, key: str, text: str) -> None:
        """Note that the draft is now `text`; sends typing notices, seldom enough."""

    def join(self, name: str, password: str = "") -> None:
        """Join a room, or make it; a name without "#" gets one. Shows it once joined."""

    def part(self, key: str, reason: str = "") -> None:
        """Leave a room, or close a private conversation."""

    def query(self, nick: str) -> str | None:
        """Open a private conversation and show it; gives its key."""

    def show(self, key: str) -> None:
        """Turn to a conversation: it is `active` now, and is loaded and marked as read."""

    def mark_read(self, key: str) -> None:
        """Mark everything in a conversation as read."""

    def load_older(self, key: str) -> None:
        """Ask for the page before the first entry, unless one is awaited or there is none."""

    def fill_gap(self, key: str, entry: Entry) -> None:
        """Ask for what is missing at an entry of kind GAP."""

    def jump_to_date(self, key: str, time_ms: int) -> None:
        """Load what was said from then on; `Jump` says where to look once it is there."""

    def set_nick(self, nick: str) -> None:
        """Ask for another nickname; while not online it is the one to come in with."""

    def set_topic(self, key: str, topic: str) -> None:
        """Change a room's topic."""

    def set_away(self, message: str | None) -> None:
        """Go away with a message, or come back."""

    def ignore(self, mask: str) -> None:
        """Show nothing more of a nickname or mask."""

    def unignore(self, mask: str) -> None:
        """Show it again."""

    def list_rooms(self) -> None:
        """Ask for the rooms that exist; the answer is in `listing`."""

    def raw(self, line: str) -> None:
        """Send a line as it is."""

    def reconnect(self) -> None:
        """Try again at once."""

    def quit(self, reason: str = "") -> None:
        """Leave the network; the connection is closed and not dialled again."""

    def complete(self, key: str, text: str, cursor: int) -> list[str]:
        """Find what the word before `cursor` may become: commands, rooms, names. Best first."""
        return []

    def input_history(self, key: str, step: int) -> str | None:
        """Go back (-1) or forth (1) in the lines typed in a conversation; None at the ends."""
        return None

    def waiting_count(self) -> int:
        """Count one's own messages that are not confirmed, failed ones aside."""
        return 0
