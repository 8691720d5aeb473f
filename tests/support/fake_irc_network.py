"""An IRC network in memory: a history, and clients that may lose their connection.

It is written from the specifications and not from Roost's server, so that a mistake there cannot
hide one in the client. It has one set of capabilities, keeps everything for ever, and answers each
line at once.
"""

import base64
from dataclasses import dataclass, field

from roost.client.model.incoming import format_time, parse_time
from roost.irc.message import Message, unescape_tag_value
from roost.irc.parsing import parse, parse_from_server

FULL = (
    "batch draft/chathistory draft/event-playback draft/message-redaction echo-message "
    "extended-join labeled-response message-tags roost.chat/resume server-time soju.im/search"
)
WITH_ACCOUNTS = f"{FULL} draft/account-registration sasl=PLAIN"
WITHOUT_RESUME = FULL.replace("roost.chat/resume ", "")
WITHOUT_LABELS = WITHOUT_RESUME.replace("labeled-response ", "")
WITHOUT_IDS = "batch draft/chathistory echo-message server-time"
BARE = ""
START_MS = 1_700_000_000_000


@dataclass
class Happened:
    """One line of a room's history."""

    number: int
    source: str
    command: str
    parameters: tuple[str, ...]
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def msgid(self) -> str:
        return f"id{self.number:05}"

    @property
    def time_ms(self) -> int:
        return START_MS + self.number * 1000

    @property
    def nick(self) -> str:
        return self.source.partition("!")[0]


@dataclass
class Session:
    """What the network knows of a registered client."""

    nick: str
    token: str
    rooms: dict[str, None] = field(default_factory=dict)


class Network:
    """The server side: rooms, users who are always present, and connections."""

    def __init__(self, capabilities: str = FULL, page: int = 5) -> None:
        self.capabilities = capabilities
        self.page = page
        self.log: list[Happened] = []
        self.connections: list[Connection] = []
        self.sessions: dict[str, Session] = {}
        self.members: dict[str, dict[str, None]] = {}
        self.refuses_redaction = False
        self.accounts: dict[str, str] = {}
        """Names and passwords."""
        self.proofs: list[str] = []
        """What was given as an e-mail address."""

    def happen(
        self,
        source: str,
        command: str,
        *parameters: str,
        tags: tuple[tuple[str, str], ...] = (),
        origin: "Connection | None" = None,
        label: str = "",
    ) -> None:
        """Add a line to the history, and send it to all who may see it."""
        what = Happened(len(self.log), source, command, parameters, tags)
        self.log.append(what)
        for connection in self.connections:
            if not connection.may_see(what):
                continue
            if connection is origin:
                is_echoed = connection.has("echo-message") or command != "PRIVMSG"
                if is_echoed:
                    connection.show(what, label=label)
                elif label:
                    connection.send(Message("ACK", source="server", tags=(("label", label),)))
            else:
                connection.show(what)

    def say(self, nick: str, text: str, room: str = "#room") -> None:
        """Let one of the people who are always there say something."""
        self.happen(f"{nick}!u@h", "PRIVMSG", room, text)

    def texts(self, room: str = "#room") -> list[tuple[str, str]]:
        """Return who said what in a room."""
        return [
            (what.nick, what.parameters[1])
            for what in self.log
            if what.command == "PRIVMSG" and what.parameters[0] == room
        ]


class Connection:
    """A client's connection: lines in, lines out."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.out: list[bytes] = []
        self.enabled: set[str] = set()
        self.nick = ""
        self.session: Session | None = None
        self.is_negotiating = False
        self.account = ""
        self.resume: tuple[str, str] | None = None
        self.batches = 0
        network.connections.append(self)

    def has(self, name: str) -> bool:
        return name in self.enabled

    def send(self, message: Message) -> None:
        self.out.append(message.encode().removesuffix(b"\r\n"))

    def reply(self, command: str, *parameters: str, tags: tuple[tuple[str, str], ...] = ()) -> None:
        self.send(Message(command, parameters, "server", tags))

    def may_see(self, what: Happened) -> bool:
        session = self.session
        if session is None:
            return False
        target = what.parameters[0]
        if target.startswith("#"):
            return target in session.rooms
        return session.nick in (target, what.nick)

    def show(self, what: Happened, *, label: str = "", batch: str = "") -> None:
        tags: list[tuple[str, str]] = []
        if label and self.has("labeled-response"):
            tags.append(("label", label))
        if batch:
            tags.append(("batch", batch))
        if self.has("server-time"):
            tags.append(("time", format_time(what.time_ms)))
        if self.has("message-tags"):
            tags.append(("msgid", what.msgid))
            tags.extend(what.tags)
        parameters = what.parameters
        if what.command == "JOIN" and self.has("extended-join"):
            parameters = (*parameters, "*", "real name")
        self.send(Message(what.command, parameters, what.source, tuple(tags)))

    def close(self) -> None:
        """Break the connection; without resuming, the user quits."""
        self.network.connections.remove(self)
        session, self.session = self.session, None
        if session is not None and not self.has("roost.chat/resume"):
            self._drop(session)

    def _drop(self, session: Session) -> None:
        self.network.sessions.pop(session.token, None)
        for room in session.rooms:
            self.network.members[room].pop(session.nick, None)

    def receive(self, line: bytes) -> None:
        message = parse(line.removesuffix(b"\r\n"))
        handler = getattr(self, f"_{message.command.lower()}", None)
        if handler is not None:
            handler(message, dict(message.tags))

    def _cap(self, message: Message, tags: dict[str, str]) -> None:
        if not self.network.capabilities:
            self.reply("421", "*", "CAP", "Unknown command")
            return
        match message.parameters[0]:
            case "LS":
                self.is_negotiating = True
                self.reply("CAP", "*", "LS", self.network.capabilities)
            case "REQ":
                self.enabled.update(message.parameters[1].split())
                self.reply("CAP", "*", "ACK", message.parameters[1])
            case "END":
                self.is_negotiating = False
                if self.nick:
                    self._come_in()

    def _nick(self, message: Message, tags: dict[str, str]) -> None:
        if any(other.nick == message.parameters[0] for other in self.network.connections):
            self.reply("433", "*", message.parameters[0], "Nickname is already in use")
            return
        nick = message.parameters[0]
        if nick in self.network.accounts and self.account != nick:
            self.reply("433", "*", nick, "Nickname is reserved for an account, log in first")
            return
        self.nick = nick

    def _authenticate(self, message: Message, tags: dict[str, str]) -> None:
        if message.parameters[0] == "PLAIN":
            self.send(Message("AUTHENTICATE", ("+",)))
            return
        _, account, password = base64.b64decode(message.parameters[0]).decode().split("\0")
        if self.network.accounts.get(account) != password:
            self.reply("904", self.nick or "*", "Invalid password")
            return
        self.account = account
        self.reply("900", self.nick or "*", "*", account, "You are now logged in")
        self.reply("903", self.nick or "*", "SASL authentication successful")

    def _register(self, message: Message, tags: dict[str, str]) -> None:
        self.network.accounts[self.nick] = message.parameters[2]
        self.network.proofs.append(message.parameters[1])
        self.account = self.nick
        self.reply("REGISTER", "SUCCESS", self.nick, "The account is yours")
        self.reply("900", self.nick, "*", self.nick, "You are now logged in")

    def _user(self, message: Message, tags: dict[str, str]) -> None:
        if not self.is_negotiating:
            self._come_in()

    def _resume(self, message: Message, tags: dict[str, str]) -> None:
        token, *seen = message.parameters
        self.resume = (token, seen[0] if seen else "")

    def _come_in(self) -> None:
        network = self.network
        session = None
        if self.resume is not None:
            session = network.sessions.pop(self.resume[0], None)
            if session is None:
                self.reply("FAIL", "RESUME", "EXPIRED", "The session no longer exists")
            else:
                self.nick = session.nick
                self.reply("RESUME", "SUCCESS", session.nick)
        token = f"token{len(network.log)}-{id(self)}"
        if session is None:
            session = Session(self.nick, token)
        session.token = token
        network.sessions[token] = session
        self.reply("001", self.nick, f"Welcome {self.nick}!u@h")
        page = network.page
        self.reply("005", self.nick, "CHANTYPES=#", f"CHATHISTORY={page}", "are supported")
        self.reply("422", self.nick, "MOTD File is missing")
        if self.has("roost.chat/resume"):
            self.reply("RESUME", "TOKEN", token)
        self.session = session
        if self.resume is not None and session.rooms:
            seen = int(self.resume[1].removeprefix("id")) if self.resume[1] else len(network.log)
            for what in network.log[seen + 1 :]:
                if self.may_see(what):
                    self.show(what)

    def _join(self, message: Message, tags: dict[str, str]) -> None:
        session = self.session
        if session is None:
            return
        for room in message.parameters[0].split(","):
            session.rooms[room] = None
            self.network.members.setdefault(room, {})[self.nick] = None
            self.network.happen(f"{self.nick}!u@h", "JOIN", room, origin=self)
            names = " ".join(self.network.members[room])
            self.reply("353", self.nick, "=", room, names)
            self.reply("366", self.nick, room, "End of /NAMES list.")

    def _part(self, message: Message, tags: dict[str, str]) -> None:
        assert self.session is not None
        room = message.parameters[0]
        self.network.happen(f"{self.nick}!u@h", "PART", room, origin=self)
        self.session.rooms.pop(room, None)

    def _privmsg(self, message: Message, tags: dict[str, str]) -> None:
        label = tags.get("label", "")
        if self.session is None:
            return
        target, text = message.parameters
        if target.startswith("#") and target not in self.session.rooms:
            answer = (("label", label),) if label else ()
            self.reply("404", self.nick, target, "Cannot send to channel", tags=answer)
            return
        kept = tuple(tag for tag in message.tags if tag[0].startswith("+"))
        self.network.happen(
            f"{self.nick}!u@h", "PRIVMSG", target, text, tags=kept, origin=self, label=label
        )

    def _redact(self, message: Message, tags: dict[str, str]) -> None:
        target, msgid, *reason = message.parameters
        number = int(msgid.removeprefix("id"))
        what = self.network.log[number] if number < len(self.network.log) else None
        if what is None or what.nick != self.nick or self.network.refuses_redaction:
            words = "You are not allowed to delete this"
            self.reply("FAIL", "REDACT", "REDACT_FORBIDDEN", target, msgid, words)
        else:
            source = f"{self.nick}!u@h"
            self.network.happen(source, "REDACT", target, msgid, *reason, origin=self)

    def _ping(self, message: Message, tags: dict[str, str]) -> None:
        self.reply("PONG", "server", message.parameters[0])

    def _chathistory(self, message: Message, tags: dict[str, str]) -> None:
        command, target, *rest = message.parameters
        label = tags.get("label", "")
        if command == "TARGETS":
            self._page("draft/chathistory-targets", (), [], label)
            return
        limit = min(int(rest[-1]), self.network.page)
        known = [
            what
            for what in self.network.log
            if what.parameters[0] == target
            and (what.command == "PRIVMSG" or self.has("draft/event-playback"))
        ]
        first = self._bound(rest[0], 0)
        match command:
            case "LATEST":
                found = [w for w in known if self._is_after(w, first)][-limit:]
            case "BEFORE":
                found = [w for w in known if self._is_before(w, first)][-limit:]
            case "AFTER":
                found = [w for w in known if self._is_after(w, first)][:limit]
            case "AROUND":
                earlier = [w for w in known if self._is_before(w, first)][-(limit // 2) :]
                later = [w for w in known if not self._is_before(w, first)]
                found = [*earlier, *later[: limit - len(earlier)]]
            case _:
                last = self._bound(rest[1], 0)
                found = [w for w in known if self._is_after(w, first) and self._is_before(w, last)][
                    :limit
                ]
        self._page("chathistory", (target,), found, label)

    def _search(self, message: Message, tags: dict[str, str]) -> None:
        pairs = (part.partition("=")[::2] for part in message.parameters[0].split(";"))
        given = {name: unescape_tag_value(value) for name, value in pairs}
        before_ms = parse_time(given["before"]) if "before" in given else None
        found = [
            what
            for what in self.network.log
            if what.command == "PRIVMSG"
            and self.may_see(what)
            and given.get("in", what.parameters[0]) == what.parameters[0]
            and given.get("from", what.nick) == what.nick
            and all(w in what.parameters[1].lower() for w in given.get("text", "").lower().split())
            and (before_ms is None or what.time_ms < before_ms)
        ]
        limit = min(int(given["limit"]), self.network.page)
        self._page("soju.im/search", (), found[-limit:], tags.get("label", ""))

    def _bound(self, selector: str, default: float) -> float:
        """Return the index that a selector means; a fraction if its time is between entries."""
        kind, _, value = selector.partition("=")
        if kind == "msgid":
            return int(value.removeprefix("id"))
        if kind == "timestamp":
            time_ms = parse_time(value)
            assert time_ms is not None
            return (time_ms - START_MS) / 1000
        return -1.0

    @staticmethod
    def _is_after(what: Happened, bound: float) -> bool:
        return what.number > bound

    @staticmethod
    def _is_before(what: Happened, bound: float) -> bool:
        return what.number < bound

    def _page(
        self, kind: str, parameters: tuple[str, ...], found: list[Happened], label: str
    ) -> None:
        self.batches += 1
        name = f"b{self.batches}"
        tags = (("label", label),) if label and self.has("labeled-response") else ()
        self.reply("BATCH", f"+{name}", kind, *parameters, tags=tags)
        for what in found:
            self.show(what, batch=name)
        self.reply("BATCH", f"-{name}")


def read(line: bytes) -> Message:
    """Parse a line of the network for a test."""
    return parse_from_server(line)
