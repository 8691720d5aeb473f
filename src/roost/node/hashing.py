"""Makes and checks passwords' hashes on threads of their own: slow on purpose, and much memory.

    event loop -- submit --> bounded queue --> threads -- deliver --> event loop

`deliver` hands a callable to whoever submits (for asyncio: `loop.call_soon_threadsafe`). argon2 and
PBKDF2 work without Python's lock, so that the loop goes on meanwhile.

Source: RFC 9106 (argon2); RFC 5802, 3, and RFC 7677 (SCRAM-SHA-256).
"""

import hashlib
import hmac
import secrets
import threading
from collections import deque
from collections.abc import Callable
from functools import partial

import argon2
import structlog

from roost.chat.credentials import Credentials
from roost.ircd.sessions.scram import ITERATIONS, SALT_BYTES
from roost.ircd.sessions.work import HashPassword, Outcome, Work, WorkFailed

_logger = structlog.get_logger()

THREADS = 2
"""Hashes at a time: one core may do the node's own work meanwhile."""
QUEUED_MAX = 200
"""Work that waits: some seconds' worth, after which whoever asks is told to come back later."""
_ARGON2 = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The lesser of OWASP's recommendations, about 30 ms each; argon2id is the library's choice too."""

_BUSY = WorkFailed("Too many people are logging in, try again in a moment")


def do_work(work: Work) -> Outcome:
    """Do a piece of work; takes some 10 ms of a core for each."""
    if isinstance(work, HashPassword):
        return make_credentials(work.password)
    try:
        return _ARGON2.verify(work.encoded, work.password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def make_credentials(password: str) -> Credentials:
    """Make what a password is checked against, by either way to log in."""
    salt = secrets.token_bytes(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return Credentials(
        password=_ARGON2.hash(password),
        scram_salt=salt,
        scram_iterations=ITERATIONS,
        scram_stored_key=hashlib.sha256(client_key).digest(),
        scram_server_key=hmac.digest(salted, b"Server Key", "sha256"),
    )


class Hasher:
    """Some threads and a bounded queue."""

    def __init__(
        self,
        deliver: Callable[[Callable[[], None]], object],
        *,
        threads: int = THREADS,
        queued_max: int = QUEUED_MAX,
        do: Callable[[Work], Outcome] = do_work,
    ) -> None:
        self._deliver = deliver
        self._queued_max = queued_max
        self._do = do
        self._queue: deque[tuple[Work, Callable[[Outcome], None]]] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        # Not joined at the end: nobody waits for what they do any more.
        for number in range(threads):
            name = f"hashing-{number + 1}"
            threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, work: Work, done: Callable[[Outcome], None]) -> None:
        """Have work done; `done` is delivered with its outcome, a refusal if the queue is full."""
        with self._changed:
            is_full = len(self._queue) >= self._queued_max
            if not is_full and not self._is_closing:
                self._queue.append((work, done))
                self._changed.notify()
        if is_full:
            _logger.warning("hashing-busy", queued=self._queued_max)
            self._deliver(partial(done, _BUSY))

    def close(self) -> None:
        """Do nothing more; what is queued is dropped."""
        with self._changed:
            self._is_closing = True
            self._queue.clear()
            self._changed.notify_all()

    def _run(self) -> None:
        while (asked := self._next()) is not None:
            work, done = asked
            try:
                outcome = self._do(work)
            except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to
                # Not its text, nor its trace: they may hold the password.
                _logger.error("hashing-failed", error=type(error).__name__)
                outcome = WorkFailed("The password could not be looked at")
            # Under the lock: nothing is delivered once `close` has returned.
            with self._changed:
                if not self._is_closing:
                    self._deliver(partial(done, outcome))

    def _next(self) -> tuple[Work, Callable[[Outcome], None]] | None:
        """Wait for something to do; None at the end."""
        with self._changed:
            while not self._queue and not self._is_closing:
                self._changed.wait()
            return None if self._is_closing else self._queue.popleft()
