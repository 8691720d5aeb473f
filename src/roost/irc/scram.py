"""SCRAM-SHA-256, both sides: a client proves that it knows a password, and so does the server.

    client-first    n,,n=alice,r=<client's nonce>
    server-first    r=<both nonces>,s=<salt>,i=<iterations>
    client-final    c=<header of client-first>,r=<both nonces>,p=<client's proof>
    server-final    v=<server's proof>

Nonces and salts are arguments: nothing here is random.

Sources: RFC 5802, RFC 7677.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import NamedTuple

NAME = "SCRAM-SHA-256"
ITERATIONS_MAX = 600_000
"""More would keep a client busy for seconds: a server that asks for that is broken or hostile."""

_HEADER = re.compile(r"([ny]),(?:a=([^,]+))?,")
_ATTRIBUTE = re.compile("[A-Za-z]=.+", re.DOTALL)
_NONCE = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
_ESCAPE = re.compile("=(2C|3D)")


class ScramError(Exception):
    """The other side's message is not what it must be; the text is for people."""


class Keys(NamedTuple):
    """What is derived from a password (RFC 5802, section 3)."""

    client: bytes
    """Known to the client alone."""
    stored: bytes
    """What a server checks a client's proof with."""
    server: bytes
    """What a server makes its own proof with."""


def derive_keys(password: str, salt: bytes, iterations: int) -> Keys:
    """Derive the keys; slow on purpose, some 50 ms for 120,000 iterations."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    return Keys(client, hashlib.sha256(client).digest(), server)


class Client:
    """The client's side of one exchange."""

    name = NAME

    def __init__(self, name: str, password: str, nonce: str) -> None:
        """`nonce` is random and never used again, printable and without a comma."""
        escaped = name.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={escaped},r={nonce}"
        self._nonce = nonce
        self._password = password
        self._step = 0
        self._server_proof = b""

    def respond(self, challenge: bytes) -> bytes:
        """Answer a challenge; the first one is empty.

        Raises:
            ScramError: the challenge is wrong; the server may not know the password.
        """
        self._step += 1
        if self._step == 1:
            return f"n,,{self._bare}".encode()
        if self._step == 2:
            return self._prove(_decode(challenge))
        (proof,) = _attributes(_decode(challenge), "v")
        if not hmac.compare_digest(_decode_base64(proof), self._server_proof):
            raise ScramError("the server does not know the password: it may be an impostor")
        return b""

    def is_proven(self) -> bool:
        """Return whether the server has proved that it knows the password."""
        return self._step >= 3

    def _prove(self, first: str) -> bytes:
        nonce, salt, count = _attributes(first, "r", "s", "i")
        if not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce):
            raise ScramError("the server's challenge is not an answer to ours")
        iterations = int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 0
        if not 1 <= iterations <= ITERATIONS_MAX:
            raise ScramError(f"the server asks for {count} iterations")
        keys = derive_keys(self._password, _decode_base64(salt), iterations)
        final = f"c=biws,r={nonce}"
        signed = f"{self._bare},{first},{final}".encode()
        proof = _xor(keys.client, hmac.digest(keys.stored, signed, "sha256"))
        self._server_proof = hmac.digest(keys.server, signed, "sha256")
        return f"{final},p={base64.b64encode(proof).decode()}".encode()


class ClientFirst(NamedTuple):
    """The client's first message."""

    name: str
    header: str
    bare: str
    """What follows the header, as it is signed."""
    nonce: str


def parse_client_first(data: bytes) -> ClientFirst:
    """Parse a client's first message.

    Raises:
        ScramError: it is malformed, or asks for what is not offered.
    """
    text = _decode(data)
    header = _HEADER.match(text)
    if header is None:
        raise ScramError("the message is malformed")
    bare = text[header.end() :]
    escaped, nonce = _attributes(bare, "n", "r")
    name = _unescape(escaped)
    if not _NONCE.fullmatch(nonce):
        raise ScramError("the message is malformed")
    if header[2] is not None and _unescape(header[2]) != name:
        raise ScramError("nobody may act as somebody else")
    return ClientFirst(name, header[0], bare, nonce)


class Challenge(NamedTuple):
    """The server's side of one exchange, after its first message."""

    name: str
    """The account, as the client writes it."""
    header: str
    nonce: str
    signed: str
    """Both first messages, as they are signed."""
    message: bytes
    """The server's first message."""


def make_challenge(first: ClientFirst, nonce: str, salt: bytes, iterations: int) -> Challenge:
    """Answer a client's first message; `nonce` is the server's own part of the nonce."""
    both = first.nonce + nonce
    message = f"r={both},s={base64.b64encode(salt).decode()},i={iterations}"
    signed = f"{first.bare},{message}"
    return Challenge(first.name, first.header, both, signed, message.encode())


def verify(challenge: Challenge, data: bytes, keys: tuple[bytes, bytes] | None) -> bytes | None:
    """Check the client's proof; return the server's last message, or None for a wrong password.

    `keys` are the account's stored key and server key; None if there is no such account.

    Raises:
        ScramError: the message is malformed, or belongs to another exchange.
    """
    text = _decode(data)
    without, _, _ = text.rpartition(",")
    header, nonce = _attributes(without, "c", "r")
    (proof,) = _attributes(text[len(without) + 1 :], "p")
    given = _decode_base64(proof)
    if _decode_base64(header) != challenge.header.encode() or nonce != challenge.nonce:
        raise ScramError("the message belongs to another exchange")
    if keys is None:
        return None
    stored, server = keys
    signed = f"{challenge.signed},{without}".encode()
    signature = hmac.digest(stored, signed, "sha256")
    if len(given) != len(signature):
        raise ScramError("the proof has a wrong length")
    if not hmac.compare_digest(hashlib.sha256(_xor(given, signature)).digest(), stored):
        return None
    return b"v=" + base64.b64encode(hmac.digest(server, signed, "sha256"))


def _attributes(text: str, *names: str) -> list[str]:
    """Return the values of the attributes that a message begins with; extensions may follow."""
    items = text.split(",")
    if not all(map(_ATTRIBUTE.fullmatch, items)) or [i[0] for i in items[: len(names)]] != [*names]:
        raise ScramError("the message is malformed")
    return [item[2:] for item in items[: len(names)]]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


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
    """Read a name in which "=2C" is a comma, "=3D" an equals sign, and "=" nothing else."""
    if "=" in _ESCAPE.sub("", name):
        raise ScramError("the name is malformed")
    return _ESCAPE.sub(lambda match: "," if match[1] == "2C" else "=", name)
