"""Hashes and checks passwords on threads of their own, since that is slow on purpose.

    event loop -- submit --> bounded queue --> threads -- deliver --> event loop

`deliver` runs a callable on the event loop (for asyncio: `loop.call_soon_threadsafe`). argon2 and
PBKDF2 release Python's global lock, so the loop runs meanwhile.

Source: RFC 9106 (argon2); RFC 5802, 3, and RFC 7677 (SCRAM-SHA-256).
"""

import secrets
import threading
from collections import deque
from collections.abc import Callable
from functools import partial

import argon2
import structlog

from roost.chat.credentials import Credentials
from roost.irc.scram import derive_keys
from roost.ircd.sessions.scram import ITERATIONS, SALT_BYTES
from roost.ircd.sessions.work import HashPassword, Outcome, VerifyPassword, Work, WorkFailed

_logger = structlog.get_logger()

THREADS = 2
"""Hashes at a time: few enough to leave the node a core."""
QUEUED_MAX = 200
"""Work that can wait: some seconds' worth. Beyond that, clients are told to try again."""
_ARGON2 = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id with the least that OWASP recommends; about 30 ms for each hash."""

_BUSY = WorkFailed("Too many people are logging in; try again in a moment")


def do_work(work: Work) -> Outcome:
    """Do a piece of work; takes some 10 ms of a core."""
    if isinstance(work, HashPassword):
        return make_credentials(work.password)
    assert isinstance(work, VerifyPassword), "the identity provider is asked elsewhere"
    try:
        return _ARGON2.verify(work.encoded, work.password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def make_credentials(password: str) -> Credentials:
    """Return what to check a password against, for PLAIN and for SCRAM."""
    salt = secrets.token_bytes(SALT_BYTES)
    keys = derive_keys(password, salt, ITERATIONS)
    return Credentials(
        password=_ARGON2.hash(password),
        scram_salt=salt,
        scram_iterations=ITERATIONS,
        scram_stored_key=keys.stored,
        scram_server_key=keys.server,
    )


class Hasher:
    """Threads that hash, and their bounded queue."""

    def __init__(
        self,
        deliver: Callable[[Callable[[], None]], object],
        *,
        threads: int = THREADS,
        queued_max: int = QUEUED_MAX,
        do: Callable[[Work], Outcome] = do_work,
        name: str = "hashing",
        busy: WorkFailed = _BUSY,
    ) -> None:
        """`do` does the work; `busy` is the outcome if too much waits already."""
        self._deliver = deliver
        self._queued_max = queued_max
        self._do = do
        self._name = name
        self._busy = busy
        self._queue: deque[tuple[Work, Callable[[Outcome], None]]] = deque()
        self._changed = threading.Condition()
        self._is_closing = False
        # They are not joined at the end: nobody waits for their results then.
        for number in range(threads):
            thread = f"{name}-{number + 1}"
            threading.Thread(target=self._run, name=thread, daemon=True).start()

    def submit(self, work: Work, done: Callable[[Outcome], None]) -> None:
        """Have work done; deliver its outcome to `done`, or a refusal if the queue is full."""
        with self._changed:
            is_full = len(self._queue) >= self._queued_max
            if not is_full and not self._is_closing:
                self._queue.append((work, done))
                self._changed.notify()
        if is_full:
            _logger.warning(f"{self._name}-busy", queued=self._queued_max)
            self._deliver(partial(done, self._busy))

    def close(self) -> None:
        """Drop what is queued, and deliver nothing more."""
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
                # Neither its text nor its traceback: they may contain the password.
                _logger.error("hashing-failed", error=type(error).__name__)
                outcome = WorkFailed("The password could not be checked")
            # Under the lock: nothing is delivered once `close` has returned.
            with self._changed:
                if not self._is_closing:
                    self._deliver(partial(done, outcome))

    def _next(self) -> tuple[Work, Callable[[Outcome], None]] | None:
        """Wait for work and return it; None once closed."""
        with self._changed:
            while not self._queue and not self._is_closing:
                self._changed.wait()
            return None if self._is_closing else self._queue.popleft()
