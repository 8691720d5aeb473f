"""Refusals: why a request was not carried out, as values rather than exceptions.

The state machine knows nothing of numerics: one table of the IRC layer turns reasons into replies.
"""

import enum
from typing import final

import msgspec


class Reason(enum.IntEnum):
    """The reasons for refusals; the comments tell what `subject` and `detail` hold."""

    NO_SUCH_NICK = 1  # nick
    NO_SUCH_ROOM = 2  # room
    CANNOT_SEND = 3  # room, detail: the mode
    TOO_MANY_ROOMS = 4  # room
    NICK_INVALID = 5  # nick
    NICK_IN_USE = 6  # nick
    NOT_IN_ROOM = 7  # room: the asker is not in it
    USER_NOT_IN_ROOM = 8  # nick, detail: room
    ALREADY_IN_ROOM = 9  # nick, detail: room
    ROOM_FULL = 10  # room (+l)
    INVITE_ONLY = 11  # room (+i)
    BANNED = 12  # room (+b)
    BAD_KEY = 13  # room (+k)
    NOT_OPERATOR = 14  # room
    LIST_FULL = 15  # room, detail: mode letter, or "access"
    BAD_ROOM_NAME = 16  # room
    OTHER_USERS_MODES = 17  # nick
    MONITOR_FULL = 18  # detail: the targets that did not fit, separated by commas
    REALNAME_INVALID = 19  # realname
    BAD_KEY_FORMAT = 20  # room
    SERVER_FULL = 21  # no subject
    UNKNOWN_USER_MODE = 22  # detail: mode letters
    TOO_MANY_ROOMS_EXIST = 23  # room
    NOTHING_TO_RESUME = 24  # no subject: the session has ended or was already resumed
    RESUME_INSECURE = 25  # no subject: the session was opened over TLS, but this connection was not
    # 26 was that a balancer had chosen another one's incarnation.
    NICK_RESERVED = 27  # nick: it is the name of an account
    ALREADY_LOGGED_IN = 28  # the account
    ACCOUNT_NAME_INVALID = 29  # account
    ACCOUNT_EXISTS = 30  # account
    ACCOUNT_NAME_IN_USE = 31  # account: somebody else uses the nickname
    TOO_MANY_ACCOUNTS = 32  # account
    TOO_MANY_ATTEMPTS = 33  # no subject, detail: seconds to wait
    ACCOUNT_SHARED = 34  # the account: logging out would affect other clients or an always-on user
    ACCOUNT_NOT_YOURS = 35  # no subject
    CERTIFICATE = 36  # fingerprint or account; detail: "none" or the limit
    TOO_MANY_SESSIONS = 37  # "address", "account" or "user"; detail: the limit
    ALWAYS_ON_NEEDS_ACCOUNT = 38  # no subject
    TOO_MANY_ALWAYS_ON = 39  # no subject
    NOT_LOGGED_IN = 40  # room, or empty
    NOT_FOUNDER = 41  # room
    NOT_REGISTERED = 42  # room
    ALREADY_REGISTERED = 43  # room
    TOO_MANY_FOUNDED = 44  # room, detail: the limit
    NO_SUCH_ACCOUNT = 45  # account
    NEEDS_ACCOUNT = 46  # room (+R)
    CANNOT_RENAME = 47  # old name, detail: new name
    NAME_IN_USE = 48  # old name, detail: new name
    METADATA = 49  # target or key; detail: the code of the FAIL and what follows, with spaces
    READ_MARKER = 50  # target: neither a valid room name nor a valid nickname
    REDACT_TARGET = 55  # room
    REDACT_FORBIDDEN = 56  # target, detail: the message's id
    REDACT_WINDOW = 57  # target, detail: the message's id and the window in seconds
    NOT_NETWORK_OPERATOR = 60  # no subject
    BAN_INVALID = 61  # the mask
    TOO_MANY_BANS = 62  # the mask, detail: the limit
    NO_SUCH_BAN = 63  # the mask
    NETWORK_BAN = 64  # no subject, detail: the ban's reason
    HOST_NOT_YOURS = 68  # account: only operators give virtual hosts
    HOST_INVALID = 69  # host
    NO_HOST = 70  # account: it has no virtual host
    REGISTERED_ONLY = 71  # nick: they have user mode R
    ACCEPT_FULL = 72  # nick
    ALREADY_ACCEPTED = 73  # nick
    NOT_ACCEPTED = 74  # nick
    RELAYED_NICK_INVALID = 75  # nick
    FORWARDED = 76  # room, detail: the room that is entered instead (+f)
    FORWARD_INVALID = 77  # room, detail: the room that cannot be the target
    ACCOUNT_SUSPENDED = (
        85  # account, detail: when it ends in ms, or 0, and the reason, with a space
    )
    NOT_SUSPENDED = 86  # account
    REGISTRATION_CLOSED = 87  # no subject
    INVITATION_INVALID = 88  # no subject: no code, or one that cannot be used
    TOO_MANY_INVITATIONS = 89  # no subject, detail: the limit
    NO_SUCH_INVITATION = 90  # what was given
    LOGIN_REQUIRED = 91  # no subject
    CODE_INVALID = 92  # account
    TOO_MANY_MAILS = 93  # no subject, detail: the limit for an hour
    TOO_MANY_PENDING = 94  # no subject
    EMAIL_REQUIRED = 95  # no subject
    REGISTRATION_UNKNOWN = 96  # what was given
    RETENTION_INVALID = 99  # room, detail: the most messages that can be kept


@final
class Refusal(msgspec.Struct, frozen=True, gc=False):
    reason: Reason
    subject: str = ""
    detail: str = ""
