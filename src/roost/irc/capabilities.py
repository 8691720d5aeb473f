"""The capabilities that Roost knows: IRCv3's names and its own, and a bit for each.

The bits are part of the replicated state: a bit's meaning never changes, and new ones come after.
"""

import enum


class Capability(enum.IntFlag):
    """One bit for each capability."""

    MESSAGE_TAGS = 1 << 0
    SERVER_TIME = 1 << 1
    BATCH = 1 << 2
    LABELED_RESPONSE = 1 << 3
    ECHO_MESSAGE = 1 << 4
    ACCOUNT_TAG = 1 << 5
    EXTENDED_JOIN = 1 << 6
    AWAY_NOTIFY = 1 << 7
    INVITE_NOTIFY = 1 << 8
    MULTI_PREFIX = 1 << 9
    USERHOST_IN_NAMES = 1 << 10
    SETNAME = 1 << 11
    CAP_NOTIFY = 1 << 12
    STANDARD_REPLIES = 1 << 13
    CHATHISTORY = 1 << 14
    EVENT_PLAYBACK = 1 << 15
    RESUME = 1 << 16
    ACCOUNT_NOTIFY = 1 << 17
    CHGHOST = 1 << 18
    EXTENDED_MONITOR = 1 << 19
    READ_MARKER = 1 << 20
    CHANNEL_RENAME = 1 << 23
    METADATA = 1 << 24
    PRE_AWAY = 1 << 25
    NO_IMPLICIT_NAMES = 1 << 26
    SASL = 1 << 27
    ACCOUNT_REGISTRATION = 1 << 28
    MULTILINE = 1 << 21
    MESSAGE_REDACTION = 1 << 22
    SEARCH = 1 << 29


NAMES: dict[str, Capability] = {
    "account-notify": Capability.ACCOUNT_NOTIFY,
    "account-tag": Capability.ACCOUNT_TAG,
    "away-notify": Capability.AWAY_NOTIFY,
    "batch": Capability.BATCH,
    "cap-notify": Capability.CAP_NOTIFY,
    "chghost": Capability.CHGHOST,
    "draft/account-registration": Capability.ACCOUNT_REGISTRATION,
    "draft/channel-rename": Capability.CHANNEL_RENAME,
    "draft/chathistory": Capability.CHATHISTORY,
    "draft/event-playback": Capability.EVENT_PLAYBACK,
    "draft/message-redaction": Capability.MESSAGE_REDACTION,
    "draft/metadata-2": Capability.METADATA,
    "draft/multiline": Capability.MULTILINE,
    "draft/pre-away": Capability.PRE_AWAY,
    "draft/read-marker": Capability.READ_MARKER,
    "echo-message": Capability.ECHO_MESSAGE,
    "extended-join": Capability.EXTENDED_JOIN,
    "extended-monitor": Capability.EXTENDED_MONITOR,
    "invite-notify": Capability.INVITE_NOTIFY,
    "labeled-response": Capability.LABELED_RESPONSE,
    "message-tags": Capability.MESSAGE_TAGS,
    "multi-prefix": Capability.MULTI_PREFIX,
    "no-implicit-names": Capability.NO_IMPLICIT_NAMES,
    "roost.chat/resume": Capability.RESUME,
    "sasl": Capability.SASL,
    "server-time": Capability.SERVER_TIME,
    "setname": Capability.SETNAME,
    "soju.im/search": Capability.SEARCH,
    "standard-replies": Capability.STANDARD_REPLIES,
    "userhost-in-names": Capability.USERHOST_IN_NAMES,
}
"""By the name on the wire, sorted."""


def names_of(capabilities: int) -> tuple[str, ...]:
    """Name the capabilities whose bits are set, sorted."""
    return tuple(name for name, bit in NAMES.items() if capabilities & bit)
