"""The server's side of SCRAM-SHA-256: a password is proved without being shown.

    client-first    n,,n=alice,r=<client's nonce>
    server-first    r=<both nonces>,s=<salt>,i=<iterations>
    client-final    c=<first message's header>,r=<both nonces>,p=<proof>
    server-final    v=<the server's own proof>

The server needs no slow work for it: the client does that. The server's nonce is made from the
cluster's secret and the line's number, so that a node which takes over in the middle says the same.

Sources: RFC 5802; RFC 7677.
"""

import base64
import binascii
import hashlib
import hmac
import re

import msgspec

from roost.chat.credentials import Credentials
from roost.chat.ids import SessionId

ITERATIONS = 120_000
"""About as long as argon2 takes; RFC 7677 asks for 4096 at least. A client does them at each
login."""
SALT_BYTES = 16

_NONCE_PURPOSE = b"sasl scram nonce 1\0"
_SALT_PURPOSE = b"sasl scram salt 1\0"
"""Keep what the secret makes here apart from whatever else it makes."""
_NONCE_LENGTH = 24

_FIRST = re.compile(
    r"(?P<header>(?P<binding>[ny]),(?:a=(?P<as>[^,]+))?,)"
    r"(?P<bare>n=(?P<name>[^,]+),r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*)"
)
_FINAL = re.compile(
    r"(?P<without>c=(?P<binding>[^,]+),r=(?P<nonce>[^,]+)(?:,[A-Za-z]=[^,]+)*),p=(?P<proof>[^,]+)"
)
_ESCAPE = re.compile("=(2C|3D)")


class ScramError(Exception):
    """The client's message is not as it must be."""


class Scram(msgspec.Struct):
    """An exchange after its first two messages."""

    name: str
    """The account, as the client writes it."""
    header: str
    nonce: str
    first: str
    """Both first messages, as they are signed."""
    message: bytes
    """The server's first message."""


def begin(data: bytes, secret: bytes, session: SessionId, line: int) -> tuple[str, str, str, str]:
    """Read the client's first message: account, header, the rest of it, and both nonces.

    Raises:
        ScramError: it is malformed, or asks for what is not offered.
    """
    match = _FIRST.fullmatch(_decode(data))
    if match is None:
        raise ScramError("the first message is malformed")
    name = _unescape(match["name"])
    if match["as"] is not None and _unescape(match["as"]) != name:
        raise ScramError("nobody may act as somebody else")
    seed = _NONCE_PURPOSE + session.to_bytes(8, "big") + line.to_bytes(8, "big")
    own = base64.b64encode(hmac.digest(secret, seed, hashlib.sha256)).decode()
    return name, match["header"], match["bare"], match["nonce"] + own[:_NONCE_LENGTH]


def challenge(
    data: bytes,
    credentials: Credentials | None,
    secret: bytes,
    session: SessionId,
    line: int,
) -> Scram:
    """Answer the client's first message; `credentials` are None for an account that is none.

    Such a one gets a challenge too, and always the same, so that nobody can tell.

    Raises:
        ScramError: the message is wrong.
    """
    name, header, bare, nonce = begin(data, secret, session, line)
    if credentials is not None and credentials.scram_iterations:
        salt, iterations = credentials.scram_salt, credentials.scram_iterations
    else:
        salt = hmac.digest(secret, _SALT_PURPOSE + name.lower().encode(), hashlib.sha256)
        salt, iterations = salt[:SALT_BYTES], ITERATIONS
    message = f"r={nonce},s={base64.b64encode(salt).decode()},i={iterations}"
    return Scram(name, header, nonce, f"{bare},{message}", message.encode())


def check(scram: Scram, data: bytes, credentials: Credentials | None) -> bytes | None:
    """Check the client's proof; gives the server's own, or None when it does not know the password.

    Raises:
        ScramError: the message is wrong.
    """
    match = _FINAL.fullmatch(_decode(data))
    if match is None:
        raise ScramError("the last message is malformed")
    header, proof = _decode_base64(match["binding"]), _decode_base64(match["proof"])
    if header != scram.header.encode() or match["nonce"] != scram.nonce:
        raise ScramError("the last message is of another exchange")
    if credentials is None or not credentials.scram_iterations:
        return None
    signed = f"{scram.first},{match['without']}".encode()
    signature = hmac.digest(credentials.scram_stored_key, signed, hashlib.sha256)
    if len(proof) != len(signature):
        raise ScramError("the proof has a wrong length")
    key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    if not hmac.compare_digest(hashlib.sha256(key).digest(), credentials.scram_stored_key):
        return None
    own = hmac.digest(credentials.scram_server_key, signed, hashlib.sha256)
    return b"v=" + base64.b64encode(own)


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ScramError("the message is not UTF-8") from None


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ScramError("the message is not base64") from None


def _unescape(name: str) -> str:
    """Read a name: "=2C" is a comma, "=3D" an equals sign, and no other one may be."""
    if "=" in _ESCAPE.sub("", name):
        raise ScramError("the name is malformed")
    return _ESCAPE.sub(lambda match: "," if match[1] == "2C" else "=", name)
