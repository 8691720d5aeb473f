"""The client's side of SASL: PLAIN, EXTERNAL, and SCRAM-SHA-256, which is `irc.scram.Client`.

Sources: RFC 4616 (PLAIN), RFC 4422, appendix A (EXTERNAL).
"""

from typing import NamedTuple

from roost.irc import scram

PLAIN = "PLAIN"
EXTERNAL = "EXTERNAL"
SCRAM = scram.NAME


class SingleMessage(NamedTuple):
    """A mechanism whose exchange is one message of the client."""

    name: str
    message: bytes

    def respond(self, challenge: bytes) -> bytes:  # noqa: ARG002 - an empty one is all there is
        return self.message

    def is_proven(self) -> bool:
        """Return True: these mechanisms do not make the server prove anything."""
        return True


Exchange = SingleMessage | scram.Client


def plain(account: str, password: str) -> SingleMessage:
    """Send the password itself."""
    return SingleMessage(PLAIN, f"\0{account}\0{password}".encode())


def external(account: str) -> SingleMessage:
    """Rely on the certificate of the connection, which names the account if `account` is ""."""
    return SingleMessage(EXTERNAL, account.encode())
