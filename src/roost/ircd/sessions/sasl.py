"""One exchange of SASL: from `AUTHENTICATE <mechanism>` to its verdict.

Source: ircv3.net/specs/extensions/sasl-3.1; RFC 4422.
"""

import msgspec

from roost.irc.scram import NAME as SCRAM
from roost.irc.scram import Challenge
from roost.ircd.login_config import LoginConfig

PLAIN = "PLAIN"
EXTERNAL = "EXTERNAL"

CHUNK_BYTES_MAX = 400
""""Split to 400-byte chunks"."""
MESSAGE_BYTES_MAX = 4 * CHUNK_BYTES_MAX
"""Of one message in base64: a name and a password of 300 bytes, twice."""
LINES_MAX = 32
"""Lines of a registered client within one exchange: they are kept until it ends, so that another
node can hear all of it. An exchange takes six."""


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
    proved: str = ""
    """The account that is proved, while the client has yet to look at the server's own proof."""


def mechanisms(login: LoginConfig, certificate: str) -> tuple[str, ...]:
    """Name the mechanisms that are offered to a client; EXTERNAL needs a certificate.

    An identity provider takes only what it can check, unless there are accounts of our own too.
    """
    offered = {
        PLAIN: login.has_own_accounts or login.checks_passwords,
        SCRAM: login.has_own_accounts,
        EXTERNAL: login.has_own_accounts and bool(certificate),
    }
    return tuple(name for name, is_offered in offered.items() if is_offered)
