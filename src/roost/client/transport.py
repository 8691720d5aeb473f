"""Open a connection, with or without TLS, and explain to people why it failed."""

import asyncio
import hashlib
import hmac
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from roost.client.addresses import Address
from roost.client.model.status import Problem, ProblemKind

CONNECT_S = 10.0
"""A handshake that takes longer is given up; the next address may be faster."""
READ_BYTES = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Which certificates to accept, and which one to show."""

    fingerprint: str = ""
    """SHA-256 of the only certificate to accept, in hexadecimal with or without colons; or ""."""
    authority: Path | None = None
    """A file of authorities to trust instead of the system's."""
    certificate: Path | None = None
    """A file with a key and its certificate, to log in with."""
    is_insecure: bool = False
    """Accept any certificate: the connection is encrypted, but the server may be an impostor."""


class DialError(Exception):
    """A connection could not be opened; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


async def dial(address: Address, trust: Trust, connect_s: float = CONNECT_S) -> Streams:
    """Open a connection.

    Raises:
        DialError: it could not be opened.
    """
    try:
        async with asyncio.timeout(connect_s):
            streams = await _open(address, _context(trust) if address.is_secure else None)
    except TimeoutError:
        raise _unreachable(address, "it does not answer") from None
    except ssl.SSLCertVerificationError as error:
        fingerprint = await _fingerprint_of(address, connect_s)
        raise DialError(_rejected(address, error.verify_message, fingerprint)) from None
    except ssl.SSLError as error:
        raise DialError(_no_tls(address, error)) from None
    except OSError as error:
        raise _unreachable(address, _why(error)) from None
    except UnicodeError:
        raise _unreachable(address, "that is not a host name") from None
    if address.is_secure and trust.fingerprint:
        given = _fingerprint(streams[1])
        if not hmac.compare_digest(given, normalise_fingerprint(trust.fingerprint)):
            streams[1].transport.abort()
            raise DialError(_rejected(address, "it is not the trusted one", given))
    return streams


async def _open(address: Address, context: ssl.SSLContext | None) -> Streams:
    name = address.host if context is not None else None
    reader, writer = await asyncio.open_connection(
        address.host, address.port, ssl=context, server_hostname=name, limit=READ_BYTES
    )
    connected = writer.get_extra_info("socket")
    if connected is not None and connected.family in (socket.AF_INET, socket.AF_INET6):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return reader, writer


def _context(trust: Trust) -> ssl.SSLContext:
    context = _verifying(trust)
    if trust.certificate is not None:
        try:
            context.load_cert_chain(trust.certificate)
        except (OSError, ssl.SSLError) as error:
            text = f"The certificate and key in {trust.certificate} cannot be used: {error}."
            raise DialError(Problem(ProblemKind.TLS, text, is_final=True)) from None
    return context


def _verifying(trust: Trust) -> ssl.SSLContext:
    if not (trust.is_insecure or trust.fingerprint):
        try:
            return ssl.create_default_context(cafile=trust.authority)
        except (OSError, ssl.SSLError) as error:
            text = f"The authorities in {trust.authority} cannot be used: {error}."
            raise DialError(Problem(ProblemKind.TLS, text, is_final=True)) from None
    return _unverified()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _fingerprint_of(address: Address, connect_s: float) -> str:
    """Fetch the certificate of a server that is not trusted, without sending it anything."""
    try:
        async with asyncio.timeout(connect_s):
            _, writer = await _open(address, _unverified())
    except (OSError, ssl.SSLError, TimeoutError):
        return ""
    try:
        return _fingerprint(writer)
    finally:
        writer.transport.abort()


def _fingerprint(writer: asyncio.StreamWriter) -> str:
    connected = writer.get_extra_info("ssl_object")
    certificate = connected.getpeercert(binary_form=True) if connected is not None else None
    return hashlib.sha256(certificate or b"").hexdigest()


def normalise_fingerprint(text: str) -> str:
    """Return a fingerprint in the form that is compared: 64 lower-case digits."""
    return text.strip().lower().replace(":", "").removeprefix("sha256")


def _rejected(address: Address, why: str, fingerprint: str) -> Problem:
    advice = "Ask the server's operators whether this is its certificate."
    if fingerprint:
        advice += f" If it is, connect with --fingerprint {fingerprint}"
    return Problem(
        ProblemKind.CERTIFICATE,
        f"The certificate of {address} is not accepted: {why.rstrip('.')}.",
        advice,
        is_final=True,
    )


def _no_tls(address: Address, error: ssl.SSLError) -> Problem:
    is_plain = error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
    if is_plain:
        advice = f"Without TLS, use irc://{address}; others on the network can then read along."
        return Problem(ProblemKind.TLS, f"{address} does not speak TLS.", advice, is_final=True)
    why = (error.reason or "unknown reason").replace("_", " ").lower()
    return Problem(ProblemKind.TLS, f"The TLS handshake with {address} failed: {why}.")


def _unreachable(address: Address, why: str) -> DialError:
    return DialError(Problem(ProblemKind.UNREACHABLE, f"{address} cannot be reached: {why}."))


def _why(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "the host name is unknown"
    if isinstance(error, ConnectionRefusedError):
        return "nothing is listening there"
    return (error.strerror or str(error) or "the network failed").lower()


def describe_loss(error: OSError | ssl.SSLError | None) -> Problem:
    """Say why an open connection was lost."""
    if error is None:
        text = "The server closed the connection."
    elif isinstance(error, ssl.SSLError):
        text = "The secure connection broke."
    else:
        text = f"The connection was lost: {_why(error)}."
    return Problem(ProblemKind.DROPPED, text)
