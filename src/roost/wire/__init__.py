"""Frames between the processes of a cluster, over mutual TLS and nothing else.

`authority` issues certificates, `tls` and `identity` authenticate peers, `connection` sends and
receives frames over asyncio, and `endpoints` listens and dials. This package does not know what is
inside a frame.
"""

from roost.protocol.framing import FrameBuffer, FrameTooLongError
from roost.wire.address import format_address, parse_address
from roost.wire.authority import (
    Authority,
    Credentials,
    ensure_authority,
    ensure_credentials,
    load_certificate,
)
from roost.wire.connection import FramedConnection, Handler, HandlerFactory, Limits
from roost.wire.endpoints import Listener, RefusalLog, connect, serve
from roost.wire.errors import CredentialsError, RefusedPeerError, WireError
from roost.wire.identity import Admission, Identity, Role, admit
from roost.wire.renewal import renew_file
from roost.wire.tls import client_context, server_context
from roost.wire.watch import CertificateWatch

__all__ = [
    "Admission",
    "Authority",
    "CertificateWatch",
    "Credentials",
    "CredentialsError",
    "FrameBuffer",
    "FrameTooLongError",
    "FramedConnection",
    "Handler",
    "HandlerFactory",
    "Identity",
    "Limits",
    "Listener",
    "RefusalLog",
    "RefusedPeerError",
    "Role",
    "WireError",
    "admit",
    "client_context",
    "connect",
    "ensure_authority",
    "ensure_credentials",
    "format_address",
    "load_certificate",
    "parse_address",
    "renew_file",
    "serve",
    "server_context",
]
