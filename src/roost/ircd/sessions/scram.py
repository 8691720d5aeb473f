"""What SCRAM needs of the cluster: nonces and salts that every node makes alike.

They are made from the cluster's secret and the line's number, so that a node that takes over in
the middle of an exchange says the same. The exchange itself is in `irc.scram`.
"""

import base64
import hashlib
import hmac

from roost.chat.credentials import Credentials
from roost.chat.ids import SessionId
from roost.irc.scram import Challenge, ClientFirst, make_challenge

ITERATIONS = 120_000
"""About as long as argon2 takes; RFC 7677 asks for 4096 at least. A client does them at each
login."""
SALT_BYTES = 16

_NONCE_PURPOSE = b"sasl scram nonce 1\0"
_SALT_PURPOSE = b"sasl scram salt 1\0"
"""Keep what the secret makes here apart from whatever else it makes."""
_NONCE_LENGTH = 24


def challenge(
    first: ClientFirst,
    credentials: Credentials | None,
    secret: bytes,
    session: SessionId,
    line: int,
) -> Challenge:
    """Answer the client's first message; `credentials` are None if there is no such account.

    In that case the salt is made up, and always the same, so that nobody can tell.
    """
    seed = _NONCE_PURPOSE + session.to_bytes(8, "big") + line.to_bytes(8, "big")
    nonce = base64.b64encode(hmac.digest(secret, seed, hashlib.sha256)).decode()[:_NONCE_LENGTH]
    if credentials is not None and credentials.scram_iterations:
        salt, iterations = credentials.scram_salt, credentials.scram_iterations
    else:
        salt = hmac.digest(secret, _SALT_PURPOSE + first.name.lower().encode(), hashlib.sha256)
        salt, iterations = salt[:SALT_BYTES], ITERATIONS
    return make_challenge(first, nonce, salt, iterations)


def keys(credentials: Credentials | None) -> tuple[bytes, bytes] | None:
    """Return the stored key and the server key, or None if there are none."""
    if credentials is None or not credentials.scram_iterations:
        return None
    return credentials.scram_stored_key, credentials.scram_server_key
