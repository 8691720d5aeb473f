"""The capabilities that Roost knows: one row for each.

The bits are part of the replicated state and of logs on disk, so a bit never changes its meaning. A
new row takes the next free bit.
"""

import enum
from typing import Self

from roost.irc.names import RELAYED_NICK_SEPARATOR

SHAPES_DELIVERIES = True
"""The capability decides how other people's changes look to a client, or whether it sees them."""
SHAPES_ANSWERS = False
"""It only matters for what the client asks and says itself."""
_METADATA_VALUE = (
    "before-connect,max-subs={metadata_subscriptions_max},max-keys={metadata_keys_max},"
    "max-value-bytes={metadata_value_bytes_max}"
)
_METADATA_3_VALUE = _METADATA_VALUE + ",max-key-bytes={metadata_key_bytes_max}"


class CapabilityTable(enum.IntFlag):
    """The columns of the table; a bit or a name that is in two rows fails at import."""

    _value_: int
    token: str
    """The name on the wire; empty for a bit that is no capability."""
    shapes_deliveries: bool
    value_format: str
    """The value that CAP LS 302 lists, with the names of settings and limits in braces."""

    def __new__(
        cls, bit: int, token: str, shapes_deliveries: bool = SHAPES_ANSWERS, value_format: str = ""
    ) -> Self:
        row = int.__new__(cls, 1 << bit)
        row._value_ = 1 << bit
        row.token = token
        row.shapes_deliveries = shapes_deliveries
        row.value_format = value_format
        for other in cls.__members__.values():
            assert other.value != row.value, f"two capabilities have bit {bit}"
            assert other.token != token, f"two capabilities are named {token!r}"
        return row


class Capability(CapabilityTable):
    """One bit for each capability."""

    MESSAGE_TAGS = 0, "message-tags", SHAPES_DELIVERIES
    SERVER_TIME = 1, "server-time", SHAPES_DELIVERIES
    BATCH = 2, "batch"
    LABELED_RESPONSE = 3, "labeled-response"
    ECHO_MESSAGE = 4, "echo-message"
    ACCOUNT_TAG = 5, "account-tag", SHAPES_DELIVERIES
    EXTENDED_JOIN = 6, "extended-join", SHAPES_DELIVERIES
    AWAY_NOTIFY = 7, "away-notify", SHAPES_DELIVERIES
    INVITE_NOTIFY = 8, "invite-notify", SHAPES_DELIVERIES
    MULTI_PREFIX = 9, "multi-prefix"
    USERHOST_IN_NAMES = 10, "userhost-in-names"
    SETNAME = 11, "setname", SHAPES_DELIVERIES
    CAP_NOTIFY = 12, "cap-notify"
    STANDARD_REPLIES = 13, "standard-replies"
    CHATHISTORY = 14, "draft/chathistory"
    EVENT_PLAYBACK = 15, "draft/event-playback"
    RESUME = 16, "roost.chat/resume"
    ACCOUNT_NOTIFY = 17, "account-notify", SHAPES_DELIVERIES
    CHGHOST = 18, "chghost", SHAPES_DELIVERIES
    EXTENDED_MONITOR = 19, "extended-monitor"
    READ_MARKER = 20, "draft/read-marker"
    MULTILINE = (
        21,
        "draft/multiline",
        SHAPES_DELIVERIES,
        "max-bytes={multiline_bytes_max},max-lines={multiline_lines_max}",
    )
    MESSAGE_REDACTION = 22, "draft/message-redaction", SHAPES_DELIVERIES
    CHANNEL_RENAME = 23, "draft/channel-rename", SHAPES_DELIVERIES
    METADATA = (
        24,
        "draft/metadata-2",
        SHAPES_ANSWERS,
        _METADATA_VALUE,
    )
    PRE_AWAY = 25, "draft/pre-away"
    NO_IMPLICIT_NAMES = 26, "no-implicit-names"
    SASL = 27, "sasl", SHAPES_ANSWERS, "{sasl_mechanisms}"
    ACCOUNT_REGISTRATION = (
        28,
        "draft/account-registration",
        SHAPES_ANSWERS,
        "{registration_keys}",
    )
    SEARCH = 29, "soju.im/search"
    CAP_302 = 30, ""
    """No capability: the client knows version 302 of CAP. Like the others, it outlives a node."""

    RELAYMSG = 31, "draft/relaymsg", SHAPES_DELIVERIES, RELAYED_NICK_SEPARATOR
    METADATA_3 = 32, "draft/metadata-3", SHAPES_ANSWERS, _METADATA_3_VALUE
    """The newer text of METADATA; a client that also has the older one gets this."""
    WEBPUSH = 33, "draft/webpush"
    SOJU_WEBPUSH = 34, "soju.im/webpush"
    """The same, as clients for soju call it. Both are offered only if web push is configured."""


WEBPUSH_ANY = (Capability.WEBPUSH, Capability.SOJU_WEBPUSH)
METADATA_ANY = (Capability.METADATA | Capability.METADATA_3).value
"""The bits of the clients that know METADATA."""
NAMES = {row.token: row for row in sorted(Capability, key=lambda row: row.token) if row.token}
"""The capabilities by their names on the wire, sorted."""
DELIVERY_CAPABILITIES = sum(row.value for row in Capability if row.shapes_deliveries)
"""The bits that decide how somebody else's change looks."""


def names_of(capabilities: int) -> tuple[str, ...]:
    """Return the names of the capabilities whose bits are set, sorted."""
    return tuple(name for name, bit in NAMES.items() if capabilities & bit)
