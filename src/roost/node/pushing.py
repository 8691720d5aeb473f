"""Sends web push: encrypts messages for devices, and gives them to push services.

    submit --> queue of the device --> encrypted POST --> 201                  delivered
                                                      --> 404, 410             the device is gone
                                                      --> 429, 5xx, no answer  again, a few times

Clients choose the endpoints. So only public addresses are connected to, or hosts that the
configuration names: whoever asks the resolver for the address also checks it, and nothing is
redirected. What a push service does costs only its own devices.

Source: RFC 8030 (push services), RFC 8291 (encryption), RFC 8188 (its coding), RFC 8292 (VAPID).
"""

import asyncio
import os
import ssl
from collections import deque
from collections.abc import Callable
from functools import partial
from socket import AddressFamily
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from roost.ircd.commands.webpush import is_public_address, why_not_endpoint
from roost.ircd.push_config import PushConfig
from roost.ircd.push_keys import encode, point_of
from roost.ircd.sessions.work import Outcome, Pushed, SendPush, WorkFailed
from roost.node.outside import OutsideLoop
from roost.ops import clock
from roost.ops.throttling import ThrottledLog

_logger = structlog.get_logger()

QUEUED_MAX = 20
"""Messages that wait for one device; the oldest is dropped. More are no news any more."""
AT_ONCE_MAX = 32
"""Requests at a time, to all push services."""
ATTEMPT_S = 10.0
PAUSES_S = (2.0, 10.0, 30.0)
"""Before a message is sent again: a minute in all, enough for small troubles of a service."""
PAUSE_S_MAX = 60.0
"""The longest that a service may ask for by Retry-After."""
TTL_S = 86_400
"""How long the service keeps a message for a device that is off: after a day it is old."""
VAPID_S = 12 * 3600
""""An expiration time [...] MUST NOT be more than 24 hours from the time of the request"."""
RECORD_BYTES = 4096
PAYLOAD_BYTES_MAX = 3993
""""The plaintext [is] at most 3993 bytes" for services that take no more than 4096."""
LOG_INTERVAL_S = 60.0

_DROPPED = WorkFailed("The push service does not take messages")


class Pusher:
    """The way to the push services."""

    def __init__(
        self,
        config: PushConfig,
        deliver: Callable[[Callable[[], None]], object],
        *,
        trust: ssl.SSLContext | None = None,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        """`deliver` runs a callable on the node's event loop; `trust` is for tests."""
        self._config = config
        self._deliver = deliver
        self._trust = trust
        self._pauses_s = pauses_s
        self._outside = OutsideLoop("pushing", self._connector)
        self._queues: dict[str, deque[tuple[SendPush, Callable[[Outcome], None]]]] = {}
        """By endpoint; only the thread uses them."""
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)
        self._failures = ThrottledLog(_logger.warning, "push-failed", LOG_INTERVAL_S)

    def submit(self, work: SendPush, done: Callable[[Outcome], None]) -> None:
        """Send a message after those for the same device; deliver the outcome to `done`."""
        self._outside.call(partial(self._queue, work, done))

    def configure(self, config: PushConfig) -> None:
        """Use other settings from now on."""
        self._config = config

    def close(self) -> None:
        """Give up what is under way, and deliver nothing more."""
        self._outside.close()

    # On the thread

    def _connector(self) -> aiohttp.BaseConnector:
        return aiohttp.TCPConnector(resolver=_PublicResolver(lambda: self._config), limit=0)

    def _queue(self, work: SendPush, done: Callable[[Outcome], None]) -> None:
        queue = self._queues.get(work.endpoint)
        if queue is not None:
            queue.append((work, done))
            if len(queue) > QUEUED_MAX:
                self._end(queue.popleft()[1], _DROPPED)
            return
        self._queues[work.endpoint] = deque([(work, done)])
        self._outside.spawn(self._serve(work.endpoint))

    async def _serve(self, endpoint: str) -> None:
        """Send what waits for a device, one message after the other."""
        queue = self._queues[endpoint]
        while queue:
            work, done = queue.popleft()
            try:
                outcome = await self._push(work)
            except Exception as error:  # noqa: BLE001 - one device's trouble ends no other's
                outcome = self._failed(work, f"unexpected {type(error).__name__}")
            self._end(done, outcome)
        del self._queues[endpoint]

    def _end(self, done: Callable[[Outcome], None], outcome: Outcome) -> None:
        if not self._outside.is_closed:
            self._deliver(partial(done, outcome))

    async def _push(self, work: SendPush) -> Outcome:
        problem = why_not_endpoint(self._config, work.endpoint)
        if problem:
            return self._failed(work, problem)
        status, wait_s = 0, 0.0
        for pause_s in (*self._pauses_s, None):
            async with self._slots:
                status, wait_s = await self._attempt(work)
            if status in (404, 410):
                return Pushed(is_gone=True)
            if 200 <= status < 300:
                return Pushed(is_gone=False)
            if status not in (0, 408, 429) and status < 500:
                return self._failed(work, f"the push service answered with status {status}")
            if pause_s is not None:
                await asyncio.sleep(max(pause_s, min(wait_s, PAUSE_S_MAX)))
        what = f"answered with status {status}" if status else "could not be reached"
        return self._failed(work, f"the push service {what}")

    async def _attempt(self, work: SendPush) -> tuple[int, float]:
        """Return the status and how many seconds the service wants to be left alone.

        The status is 0 if there was no answer.
        """
        try:
            async with (
                asyncio.timeout(ATTEMPT_S),
                self._outside.client.post(
                    work.endpoint,
                    data=encrypt(work.payload[:PAYLOAD_BYTES_MAX], work.public_key, work.secret),
                    headers=_headers(work),
                    ssl=self._trust or True,
                    allow_redirects=False,
                ) as response,
            ):
                after = response.headers.get("Retry-After", "")
                return response.status, float(after) if after.isdigit() else 0.0
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, 0.0

    def _failed(self, work: SendPush, reason: str) -> WorkFailed:
        # Not the whole endpoint: whoever knows it can send to the device.
        host = urlsplit(work.endpoint).hostname or ""
        self._failures.log(clock.monotonic(), f"{host} {reason}", host=host, reason=reason)
        return WorkFailed(reason)


class _PublicResolver(AbstractResolver):
    """Finds only addresses of the internet, except for hosts that the configuration names."""

    def __init__(self, config: Callable[[], PushConfig]) -> None:
        self._config = config
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if host.lower() in self._config().internal_hosts:
            return found
        public = [one for one in found if _is_public(one["host"])]
        if not public:
            raise OSError(f"{host} has no public address")
        return public

    async def close(self) -> None:
        await self._inner.close()


def _is_public(address: str) -> bool:
    try:
        return is_public_address(address)
    except ValueError:
        return False


def _headers(work: SendPush) -> dict[str, str]:
    parts = urlsplit(work.endpoint)
    claims: dict[str, Any] = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": work.now_ms // 1000 + VAPID_S,
        "sub": work.contact,
    }
    token = jwt.encode(claims, work.signing_key, "ES256")
    return {
        "Authorization": f"vapid t={token}, k={encode(point_of(work.signing_key))}",
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(TTL_S),
        "Urgency": "high",
    }


def encrypt(
    payload: bytes,
    public_key: bytes,
    secret: bytes,
    *,
    salt: bytes | None = None,
    sender: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Return a payload that only the device can read, as one record of aes128gcm.

    `salt` and `sender` are for tests; they are drawn anew for each message.
    """
    salt = salt or os.urandom(16)
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    shared, sender_point = sender.exchange(ec.ECDH(), receiver), point_of(sender)
    info = b"WebPush: info\0" + public_key + sender_point
    material = _hkdf(secret, shared, info, 32)
    key = _hkdf(salt, material, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _hkdf(salt, material, b"Content-Encoding: nonce\0", 12)
    # The delimiter of the last record.
    sealed = AESGCM(key).encrypt(nonce, payload + b"\x02", None)
    head = salt + RECORD_BYTES.to_bytes(4) + bytes([len(sender_point)]) + sender_point
    return head + sealed


def _hkdf(salt: bytes, material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(material)
