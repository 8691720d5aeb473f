"""One exchange of SASL: from `AUTHENTICATE <mechanism>` to its verdict.

Source: ircv3.net/specs/extensions/sasl-3.1; RFC 4422.
"""

import msgspec

from roost.irc.oauth import NAME as OAUTHBEARER
from roost.irc.scram import NAME as SCRAM
from roost.irc.scram import Challenge
from roost.ircd.login_config import LoginConfig

PLAIN = "PLAIN"
EXTERNAL = "EXTERNAL"

CHUNK_BYTES_MAX = 400
""""Split to 400-byte chunks"."""
MESSAGE_BYTES_MAX = 4 * CHUNK_BYTES_MAX
"""Of one message in base64: a name and a password of 300 bytes, twice."""
TOKEN_BYTES_MAX = 24 * CHUNK_BYTES_MAX
"""Of a message with a token, in base64: tokens have 1 to 3 KB, with the groups of their owner."""
LINES_MAX = 32
"""Lines of a registered client within one exchange: they are kept until it ends, so that another
node can hear all of it. An exchange takes six, or 27
with the longest token."""


class Exchange(msgspec.Struct):
    """How far an exchange has come; made anew from its lines, should another node take over."""

    mechanism: str
    line: int
    """The number of the line that began it."""
    received: str = ""
    """Of a message, in base64, that comes in several chunks."""
    lines: int = 0
    """Lines of any kind since it began."""
    scram: Challenge | None = None
    """What SCRAM has to remember after its first message."""
    failure: str = ""
    """Why OAUTHBEARER has failed, while the client has yet to answer that it has."""
    proved: str = ""
    """The account that is proved, while the client has yet to look at the server's own proof."""


def message_bytes_max(mechanism: str) -> int:
    """Return how long a message of a mechanism may be, in base64."""
    return TOKEN_BYTES_MAX if mechanism == OAUTHBEARER else MESSAGE_BYTES_MAX


def mechanisms(login: LoginConfig, certificate: str) -> tuple[str, ...]:
    """Name the mechanisms that are offered to a client; EXTERNAL needs a certificate.

    An identity provider takes only what it can check, unless there are accounts of our own too.
    """
    offered = {
        PLAIN: login.has_own_accounts or login.checks_passwords,
        SCRAM: login.has_own_accounts,
        OAUTHBEARER: login.accepts_tokens,
        EXTERNAL: login.has_own_accounts and bool(certificate),
    }
    return tuple(name for name, is_offered in offered.items() if is_offered)
