"""The token with which a machine joins a cluster, and the sealed files that it is exchanged for.

    token    secret, certificate of a newcomer, the authority's certificate, addresses
    secret --HKDF--> the key of the newcomer's certificate     opens a balancer's port for nodes
           --HKDF--> the key of ChaCha20-Poly1305              opens the sealed files

The cluster stores the sealed files and the token's id, which is the name in the certificate; so
neither it nor its backups can open them. On the network there is only mutual TLS: an eavesdropper
sees nothing, and a false balancer has no certificate of the authority. Whoever steals a token
before it is used can use it instead; the rightful machine is then told.
"""

import base64
import binascii
import datetime as dt
import zlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from roost.ops.files import create_file, replace_file
from roost.wire.authority import Authority, Credentials, identity_in, issue_certificate
from roost.wire.errors import CredentialsError
from roost.wire.identity import Identity, is_valid_name

PREFIX = "roost1_"
"""Marks a token of this version."""
SECRET_BYTES = 32
"""A key of 256 bits cannot be guessed."""
ID_BYTES = 8
"""Enough for ids that no two tokens of a cluster share."""
TOKEN_BYTES_MAX = 16 * 1024
"""Ten times what a token has; a longer text is none."""
NONCE_BYTES = 12
GRACE = dt.timedelta(days=7)
"""How long the certificate outlives the token: the cluster can say that it has expired, while TLS
would only say that a certificate has."""


class TokenError(Exception):
    """A text is no token, or what was sealed does not fit it; the text says what to do."""


class Token(msgspec.Struct, frozen=True, array_like=True):
    """A token's contents."""

    node: str
    """The name that the new node gets."""
    addresses: tuple[str, ...]
    """HOST:PORT of the balancers' ports for nodes."""
    expires_s: int
    """When it expires by the administrator's clock, in seconds since the Unix epoch. The cluster's
    time decides; this is for people."""
    secret: bytes
    certificate: bytes
    """The newcomer's, as DER."""
    authority: bytes
    """The authority's, as DER."""

    def __repr__(self) -> str:
        return f"Token({self.node!r}, {self.addresses!r}, {self.expires_s}, ...)"

    @property
    def identity(self) -> Identity:
        """The cluster, and the token's id as the name of a newcomer.

        Raises:
            TokenError: the certificate is not a newcomer's.
        """
        try:
            found = identity_in(x509.load_der_x509_certificate(self.certificate))
        except ValueError:
            found = None
        if found is None or found.role != "newcomer":
            raise TokenError("the token is damaged: its certificate is no newcomer's")
        return found


def make_token(
    authority: Authority,
    node: str,
    addresses: tuple[str, ...],
    valid: dt.timedelta,
    *,
    now: dt.datetime,
    random: bytes,
) -> Token:
    """Make a token; `random` are `SECRET_BYTES + ID_BYTES` unguessable bytes."""
    assert len(random) == SECRET_BYTES + ID_BYTES
    secret, number = random[:SECRET_BYTES], random[SECRET_BYTES:].hex()
    expires = now + valid
    certificate = issue_certificate(
        authority,
        Identity(authority.cluster, "newcomer", number),
        _key_of(secret).public_key(),
        now=now,
        until=expires + GRACE,
    )
    return Token(
        node=node,
        addresses=addresses,
        expires_s=int(expires.timestamp()),
        secret=secret,
        certificate=certificate.public_bytes(serialization.Encoding.DER),
        authority=authority.certificate.public_bytes(serialization.Encoding.DER),
    )


def encode_token(token: Token) -> str:
    """Return a token as text: letters, digits, "-" and "_"."""
    packed = zlib.compress(msgspec.msgpack.encode(token), 9)
    return PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_token(text: str) -> Token:
    """Read a token; spaces and line ends within it are ignored.

    Raises:
        TokenError: the text is not a token, or a part of it is missing or wrong.
    """
    text = "".join(text.split())
    if not text.startswith(PREFIX):
        raise TokenError(
            f"this is not a token: one begins with {PREFIX}; `roost members add` prints it"
        )
    damaged = TokenError(
        "the token is damaged: copy it again, from the first character to the last"
    )
    body = text.removeprefix(PREFIX)
    if len(body) > TOKEN_BYTES_MAX:
        raise damaged
    try:
        packed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(packed, TOKEN_BYTES_MAX)
        if not unpacking.eof or unpacking.unused_data:
            raise damaged
        token = msgspec.msgpack.decode(data, type=Token)
    except (binascii.Error, ValueError, zlib.error, msgspec.MsgspecError) as error:
        raise damaged from error
    if len(token.secret) != SECRET_BYTES or not is_valid_name(token.node) or not token.addresses:
        raise damaged
    if token.identity.name == "":
        raise damaged
    return token


def write_credentials(token: Token, directory: Path) -> Credentials:
    """Write the files with which a newcomer dials a balancer.

    Raises:
        CredentialsError: they cannot be written.
    """
    key = _key_of(token.secret).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    credentials = Credentials(
        authority=directory / "ca.pem",
        certificate=directory / "newcomer.pem",
        key=directory / "newcomer-key.pem",
    )
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(credentials.authority, _pem(token.authority))
        replace_file(credentials.certificate, _pem(token.certificate))
        replace_file(credentials.key, key)
    except OSError as error:
        raise CredentialsError(f"cannot write to {directory}: {error.strerror}") from error
    return credentials


def seal(token: Token, files: Mapping[str, bytes], nonce: bytes) -> bytes:
    """Encrypt files (name -> content) for a token's holder; `nonce` are `NONCE_BYTES` new bytes."""
    packed = zlib.compress(msgspec.msgpack.encode(dict(files)), 9)
    return nonce + ChaCha20Poly1305(_derive(token.secret, b"files")).encrypt(
        nonce, packed, _context(token)
    )


def unseal(token: Token, sealed: bytes) -> dict[str, bytes]:
    """Decrypt the files.

    Raises:
        TokenError: they were sealed for another token, or are damaged.
    """
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        packed = ChaCha20Poly1305(_derive(token.secret, b"files")).decrypt(
            nonce, encrypted, _context(token)
        )
        files = msgspec.msgpack.decode(zlib.decompress(packed), type=dict[str, bytes])
    except (InvalidTag, ValueError, zlib.error, msgspec.MsgspecError) as error:
        raise TokenError("what the cluster sent was not sealed for this token") from error
    for name in files:
        if not is_valid_name(name):
            raise TokenError(f"what the cluster sent contains a file called {name!r}")
    return files


def hash_claim(claim: bytes) -> str:
    """Return what the cluster is told of a machine's claim."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(claim)
    return digest.finalize().hex()


def write_files(files: Mapping[str, bytes], directory: Path, last: str) -> None:
    """Write unsealed files durably, `last` at the end; existing ones are kept.

    Raises:
        OSError: one cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in sorted(files, key=lambda name: (name == last, name)):
        create_file(directory / name, files[name], mode=0o600)


def _context(token: Token) -> bytes:
    """Return what the encryption binds the files to."""
    identity = token.identity
    return f"{identity.cluster}/{identity.name}/{token.node}".encode()


def _key_of(secret: bytes) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(_derive(secret, b"certificate"))


def _derive(secret: bytes, purpose: bytes) -> bytes:
    """Return a key for a purpose (HKDF, RFC 5869)."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"roost join 1 " + purpose).derive(secret)


def _pem(certificate: bytes) -> bytes:
    return x509.load_der_x509_certificate(certificate).public_bytes(serialization.Encoding.PEM)
