"""A push service with devices: it takes what nodes send, checks who they are, and decrypts it."""

import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from roost.ircd.push_keys import decode, encode, point_of
from support.tls_files import self_signed


class Device:
    """A phone; it decrypts what the service delivers, written from RFC 8291 apart from Roost."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = b"sixteen bytes of"
        self.point = point_of(self.key)

    @property
    def keys(self) -> str:
        """Its keys, as a client sends them."""
        return f"p256dh={encode(self.point)};auth={encode(self.secret)}"

    def decrypt(self, body: bytes) -> bytes:
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert size >= len(sealed)
        shared = self.key.exchange(
            ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        )

        def hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
            return HKDF(hashes.SHA256(), length, salt, info).derive(material)

        material = hkdf(self.secret, shared, b"WebPush: info\0" + self.point + sender, 32)
        key = hkdf(salt, material, b"Content-Encoding: aes128gcm\0", 16)
        nonce = hkdf(salt, material, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert plain[-1:] == b"\x02"
        return plain[:-1]


def check_sender(authorization: str, origin: str, now_s: float) -> tuple[str, dict[str, Any]]:
    """Return the key of whoever sends and what they claim; they must have signed it for us."""
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "vapid"
    given = dict(part.strip().split("=", 1) for part in rest.split(","))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(given["k"]))
    claims: dict[str, Any] = jwt.decode(
        given["t"], public, ["ES256"], audience=origin, options={"verify_exp": False}
    )
    assert now_s < claims["exp"] <= now_s + 86_400
    return given["k"], claims


@asynccontextmanager
async def push_service(
    tmp_path: Path, statuses: list[int], bodies: list[bytes], headers: list[dict[str, str]]
) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """Serve pushes with these statuses, the last one for ever; yield the origin and its trust."""
    files = self_signed(tmp_path, "push")
    assert files.certificate is not None
    assert files.key is not None
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(files.certificate, files.key)

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        headers.append(dict(request.headers))
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        location = {"Location": "/elsewhere"} if status == 307 else {}
        return web.Response(status=status, headers=location)

    application = web.Application()
    application.router.add_post("/{device:.*}", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=own).start()
    try:
        port = runner.addresses[0][1]
        yield f"https://localhost:{port}", ssl.create_default_context(cafile=files.certificate)
    finally:
        await runner.cleanup()


class PushProcess:
    """A push service on a thread of the test, for nodes that are processes."""

    def __init__(self, tmp_path: Path) -> None:
        files = self_signed(tmp_path, "push")
        assert files.certificate is not None
        assert files.key is not None
        self.authority = files.certificate
        self.bodies: list[bytes] = []
        self.gone: list[str] = []
        self.refused: list[str] = []
        """Paths for which the service has said that the device is gone."""
        self.arrived = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.arrived:
                    is_gone = self.path in outer.gone
                    (outer.refused if is_gone else outer.bodies).append(
                        self.path if is_gone else body  # type: ignore[arg-type]
                    )
                    outer.arrived.notify_all()
                self.send_response(410 if is_gone else 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.origin = f"https://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, count: int, patience_s: float = 20.0) -> list[bytes]:
        """Wait until so many messages have come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.bodies) >= count, patience_s), count
            return list(self.bodies)
