"""The capabilities and RPL_ISUPPORT tokens of the server of this connection.

Sources: ircv3.net/specs/extensions/capability-negotiation; modern.ircdocs.horse, "RPL_ISUPPORT
Parameters".
"""

import re
import string
from typing import NamedTuple

EVENTS = "draft/event-playback"
WANTED = (
    "account-notify",
    "account-tag",
    "away-notify",
    "batch",
    "cap-notify",
    "chghost",
    "draft/channel-rename",
    "draft/chathistory",
    "chathistory",
    EVENTS,
    "draft/message-redaction",
    "draft/multiline",
    "draft/read-marker",
    "echo-message",
    "extended-join",
    "extended-monitor",
    "invite-notify",
    "labeled-response",
    "message-tags",
    "multi-prefix",
    "roost.chat/resume",
    "server-time",
    "setname",
    "soju.im/search",
    "standard-replies",
    "userhost-in-names",
)
"""Capabilities to request if offered; `sasl` only if there is something to log in with."""
NONCE_TAG = "+roost.chat/nonce"
"""A client-only tag that identifies the user's own messages when they come back in history."""
CODE_TAG = "+roost.chat/code"
"""A client-only tag on a message with a block of code: the language."""
EDITS_TAG = "+roost.chat/edits"
"""A client-only tag on the new version of a message: the id of the earlier one."""

_ESCAPED = re.compile(r"\\x([0-9A-Fa-f]{2})")
_LOWER_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_LOWER_STRICT = str.maketrans(string.ascii_uppercase + "[]\\", string.ascii_lowercase + "{}|")
_LOWER_1459 = str.maketrans(string.ascii_uppercase + "[]\\~", string.ascii_lowercase + "{}|^")
_MAPPINGS = {"ascii": _LOWER_ASCII, "rfc1459": _LOWER_1459, "rfc1459-strict": _LOWER_STRICT}


class MultilineLimits(NamedTuple):
    """The limits of a multiline message."""

    bytes_max: int
    lines_max: int


class Offered:
    """What one server offers; a new one for each connection."""

    def __init__(self, before: "Offered | None" = None) -> None:
        """Fold names as `before` did until the server says how."""
        self.available: dict[str, str] = {}
        """Offered capabilities, with their values."""
        self.enabled: set[str] = set()
        """Capabilities in use, drafts by their final names too. Never iterated."""
        self.tokens: dict[str, str] = {}
        self.statuses = "@+"
        self.status_modes = "ov"
        self.room_types = "#&"
        self.modes_with_parameter = ("beI", "k", "l")
        """Lists, always with a parameter, with one when set (CHANMODES types A, B, C)."""
        self._mapping = _LOWER_1459
        if before is not None:
            self._mapping, self.room_types = before._mapping, before.room_types  # noqa: SLF001

    def has(self, name: str) -> bool:
        """Return whether a capability is in use; `name` is without "draft/"."""
        return name in self.enabled

    def enable(self, name: str) -> None:
        self.enabled.add(name.removeprefix("draft/"))

    def disable(self, name: str) -> None:
        self.enabled.discard(name.removeprefix("draft/"))
        self.available.pop(name, None)

    def learn(self, token: str) -> None:
        """Note an RPL_ISUPPORT token."""
        if token.startswith("-"):
            self.tokens.pop(token[1:].upper(), None)
            return
        name, _, value = token.partition("=")
        name = name.upper()
        value = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)
        self.tokens[name] = value
        if name == "PREFIX":
            modes, closed, statuses = value.partition(")")
            if closed and len(modes) - 1 == len(statuses):
                self.status_modes, self.statuses = modes[1:], statuses
        elif name == "CHANTYPES":
            self.room_types = value
        elif name == "CASEMAPPING":
            self._mapping = _MAPPINGS.get(value, _LOWER_ASCII)
        elif name == "CHANMODES":
            kinds = (*value.split(","), "", "", "")
            self.modes_with_parameter = (kinds[0], kinds[1], kinds[2])

    def fold(self, name: str) -> str:
        """Fold a name, so that equal names are equal strings."""
        return name.translate(self._mapping)

    def is_room(self, name: str) -> bool:
        """Return whether a name is that of a room."""
        return bool(name) and name[0] in self.room_types

    def number(self, name: str, default: int) -> int:
        """Return the value of a token as a number."""
        value = self.tokens.get(name, "")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else default

    @property
    def has_history(self) -> bool:
        """Whether history can be requested."""
        return self.has("chathistory") and self.has("batch")

    @property
    def history_page(self) -> int:
        """How many messages to request at once: as many as the server allows, up to 100."""
        limit = self.number("CHATHISTORY", 0)
        return min(limit, 100) if limit else 100

    @property
    def has_labels(self) -> bool:
        """Whether answers say which line they answer."""
        return self.has("labeled-response") and self.has("batch")

    @property
    def multiline(self) -> MultilineLimits | None:
        """The limits of multiline messages, or None if there are none."""
        if not (self.has("multiline") and self.has("batch")):
            return None
        value = self.available.get("draft/multiline", self.available.get("multiline", ""))
        given = dict(item.partition("=")[::2] for item in value.split(","))
        numbers = [
            int(given[key]) if given.get(key, "").isdigit() and len(given[key]) < 10 else default
            for key, default in (("max-bytes", 4096), ("max-lines", 24))
        ]
        return MultilineLimits(numbers[0], numbers[1])

    def relays_tag(self, name: str) -> bool:
        """Return whether a client-only tag (without "+") is relayed (CLIENTTAGDENY)."""
        if not self.has("message-tags"):
            return False
        denied = self.tokens.get("CLIENTTAGDENY", "").split(",")
        if f"-{name}" in denied:
            return True
        return "*" not in denied and name not in denied
