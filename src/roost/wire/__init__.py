"""Frames between the processes of a cluster, over mutual TLS and nothing else.

`authority` makes certificates, `tls` and `identity` decide who is who, `framing` cuts the stream,
and `connection` puts it together for asyncio. What is inside a frame is not known here.
"""

from roost.protocol.framing import FrameBuffer, FrameTooLongError
from roost.wire.address import format_address, parse_address
from roost.wire.authority import Authority, Credentials, ensure_authority, ensure_credentials
from roost.wire.connection import FramedConnection, Handler, HandlerFactory, Limits
from roost.wire.endpoints import Listener, RefusalLog, connect, serve
from roost.wire.errors import CredentialsError, RefusedPeerError, WireError
from roost.wire.identity import Admission, Identity, Role, admit
from roost.wire.tls import client_context, server_context

__all__ = [
    "Admission",
    "Authority",
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
    "parse_address",
    "serve",
    "server_context",
]
