"""Asks the identity provider, on a thread and an event loop of their own.

    event loop -- submit --> thread: a program's process, or HTTP -- deliver --> event loop

A question takes `login.timeout_s` at most, waiting included, so nothing that the provider does, or
does not do, holds a login for longer. `login.at_once_max` bounds the processes and the requests,
`WAITING_MAX` the questions. Passwords go to the provider alone: no error and no log line has one.

The question is one line of JSON, to the program's standard input or as the body of a POST. The
answer is one object of JSON; docs/accounts.md has the fields.
"""

import asyncio
import contextlib
import os
import select
import signal
import ssl
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

import aiohttp
import msgspec
import structlog

from roost.ircd.login_config import AT_ONCE_MAX, LoginConfig, OAuthConfig
from roost.ircd.sessions.work import (
    AskProvider,
    CheckToken,
    Outcome,
    SendMail,
    SendPush,
    Verdict,
    Work,
    WorkFailed,
)
from roost.node.hashing import Hasher
from roost.node.mail import Mailer
from roost.node.outside import OutsideLoop, read_body
from roost.node.pushing import Pusher
from roost.node.tokens import Keys, KeysError, check_token
from roost.ops import clock
from roost.ops.throttling import ThrottledLog

_logger = structlog.get_logger()

DoWork: TypeAlias = Callable[[Work, Callable[[Outcome], None]], None]
"""Does slow work and gives its outcome to a callable."""

WAITING_MAX = 1000
"""Questions at a time, with those that wait: more cannot be answered within the time-out."""
ANSWER_BYTES_MAX = 16 * 1024
"""Far more than an account and a reason need."""
KEYS_BYTES_MAX = 256 * 1024
"""Of an issuer's keys: each has some hundred bytes, or a few thousand with its certificates."""
KEYS_TIMEOUT_S = 4.0
"""How long keys may take, so that there is time left to go on with the former ones."""
REASON_CHARACTERS_MAX = 200
"""Of a provider's reason: what fits in a line beside the rest."""
LOG_INTERVAL_S = 10.0
"""A provider that fails is logged so often, not once for each login."""
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What a program gets of the node's environment."""

_SLOW = WorkFailed("The identity provider does not answer; try again later")
_BROKEN = WorkFailed("The identity provider is out of order; try again later")
_BUSY = WorkFailed("Too many people are logging in; try again in a moment")


class ProviderError(Exception):
    """The provider gave no proper answer; the text says what was wrong, without any secret."""


class _Answer(msgspec.Struct, frozen=True):
    ok: bool
    account: str = ""
    error: str = ""


def encode_question(work: AskProvider) -> bytes:
    """Return a question as a line of JSON."""
    question = {
        "account": work.name,
        "password": work.password,
        "address": work.address,
        "certificate": work.certificate,
        "tls": work.is_secure,
    }
    return msgspec.json.encode(question) + b"\n"


def decode_answer(work: AskProvider, body: bytes) -> Verdict:
    """Return what the provider has said.

    Raises:
        ProviderError: it is not an answer.
    """
    if len(body) > ANSWER_BYTES_MAX:
        raise ProviderError(f"the answer has more than {ANSWER_BYTES_MAX} bytes")
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Not the error's own text, which may quote what the provider repeats.
        raise ProviderError('the answer is not JSON such as {"ok": true}') from None
    if answer.ok:
        return Verdict(answer.account or work.name)
    reason = "".join(character if character.isprintable() else " " for character in answer.error)
    return Verdict("", reason[:REASON_CHARACTERS_MAX].strip())


class Provider:
    """The way to the identity provider; it starts a thread when it is first needed."""

    def __init__(self, login: LoginConfig, deliver: Callable[[Callable[[], None]], object]) -> None:
        """`deliver` runs a callable on the node's event loop."""
        self._deliver = deliver
        self._outside = OutsideLoop("provider")
        self._login = login
        self._slots = asyncio.Semaphore(login.at_once_max)
        self._programs = _Programs()
        self._threads = ThreadPoolExecutor(AT_ONCE_MAX, "provider")
        self._keys = Keys(login.oauth, self._fetch_keys)
        self._waiting = 0
        self._failures = ThrottledLog(_logger.error, "provider-failed", LOG_INTERVAL_S)

    def submit(self, work: AskProvider | CheckToken, done: Callable[[Outcome], None]) -> None:
        """Ask; deliver the outcome to `done`."""
        if self._waiting >= WAITING_MAX:
            self._deliver(partial(done, _BUSY))
            return
        self._waiting += 1
        self._outside.start(partial(self._answer, self._login, self._slots, work, done))

    def configure(self, login: LoginConfig) -> None:
        """Ask another provider from now on, or in another way."""
        if login != self._login:
            self._login = login
            self._slots = asyncio.Semaphore(login.at_once_max)

    def close(self) -> None:
        """Give up what is under way, and deliver nothing more."""
        self._programs.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._outside.close()

    # On the thread

    async def _answer(
        self,
        login: LoginConfig,
        slots: asyncio.Semaphore,
        work: AskProvider | CheckToken,
        done: Callable[[Outcome], None],
    ) -> None:
        outcome: Outcome
        deadline = clock.monotonic() + login.timeout_s
        try:
            async with asyncio.timeout(login.timeout_s), slots:
                outcome = await self._ask(login, work, deadline)
        except TimeoutError:
            outcome = self._failed(_SLOW, f"no answer within {login.timeout_s:g} s")
        except (ProviderError, KeysError) as error:
            outcome = self._failed(_BROKEN, str(error))
        except Exception as error:  # noqa: BLE001 - its text may hold the password
            outcome = self._failed(_BROKEN, f"unexpected {type(error).__name__}")
        self._deliver(partial(self._settle, done, outcome))

    def _settle(self, done: Callable[[Outcome], None], outcome: Outcome) -> None:
        """Pass on an outcome; on the node's own thread."""
        self._waiting -= 1
        if not self._outside.is_closed:
            done(outcome)

    def _failed(self, outcome: WorkFailed, reason: str) -> WorkFailed:
        self._failures.log(clock.monotonic(), reason, reason=reason)
        return outcome

    async def _ask(
        self, login: LoginConfig, work: AskProvider | CheckToken, deadline: float
    ) -> Verdict:
        if isinstance(work, CheckToken):
            if self._keys.config != login.oauth:
                self._keys = Keys(login.oauth, self._fetch_keys)
            return await check_token(work, self._keys)
        question = encode_question(work)
        if login.program:
            body = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._programs.run, login.program, question, deadline
            )
        else:
            body = await self._request("POST", login.url, login, question)
        return decode_answer(work, body)

    async def _fetch_keys(self, oauth: OAuthConfig) -> bytes:
        """Fetch the keys of an issuer, from a file or by HTTP."""
        if oauth.keys_file is not None:
            try:
                return oauth.keys_file.read_bytes()
            except OSError as error:
                raise KeysError(f"cannot read {oauth.keys_file}: {error.strerror}") from error
        try:
            async with asyncio.timeout(KEYS_TIMEOUT_S):
                return await self._request("GET", oauth.keys_url, self._login)
        except TimeoutError as error:
            raise KeysError(f"{oauth.keys_url} does not answer") from error
        except ProviderError as error:
            raise KeysError(str(error)) from error

    async def _request(
        self, method: str, url: str, login: LoginConfig, question: bytes | None = None
    ) -> bytes:
        """Return the body that the provider answers with.

        Raises:
            ProviderError: it cannot be reached, or refuses the question.
        """
        headers = {}
        if question is not None:
            headers["Content-Type"] = "application/json"
            if login.secret:
                headers["Authorization"] = f"Bearer {login.secret}"
        try:
            async with self._outside.client.request(
                method,
                url,
                data=question,
                headers=headers,
                ssl=_trust(login),
                # The password is for nobody else.
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise ProviderError(f"{url} answered with status {response.status}")
                return await read_body(response, ANSWER_BYTES_MAX if question else KEYS_BYTES_MAX)
        except aiohttp.ClientError as error:
            raise ProviderError(f"cannot ask {url}: {type(error).__name__}") from error


def doing_work(hasher: Hasher, provider: Provider, pusher: Pusher, mailer: Mailer) -> DoWork:
    """Return what has slow work done by whoever does its kind."""

    def do_work(work: Work, done: Callable[[Outcome], None]) -> None:
        if isinstance(work, AskProvider | CheckToken):
            provider.submit(work, done)
        elif isinstance(work, SendPush):
            pusher.submit(work, done)
        elif isinstance(work, SendMail):
            mailer.submit(work, done)
        else:
            hasher.submit(work, done)

    return do_work


class _Programs:
    """Runs programs, each on a thread, and kills them in time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._is_closed = False

    def run(self, program: tuple[str, ...], question: bytes, deadline: float) -> bytes:
        """Return the first line that a program writes, if it ends well before `deadline`.

        Raises:
            ProviderError: it cannot be started, or says by its exit status that it has failed.
            TimeoutError: it is too slow.
        """
        with self._lock:
            if self._is_closed:
                raise TimeoutError
            process = _start(program)
            self._running[process.pid] = process
        assert process.stdin is not None
        try:
            # It may answer without reading. A new pipe takes this much without a reader.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(question)
            process.stdin.close()
            answer = _read_line(process, deadline)
            status = process.wait(max(0.0, deadline - clock.monotonic()))
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            with self._lock:
                del self._running[process.pid]
                _kill(process)
            process.wait()
            _close_pipes(process)
        if status:
            raise ProviderError(f"{program[0]} ended with status {status}")
        return answer

    def close(self) -> None:
        """Kill those that are running, and start no more."""
        with self._lock:
            self._is_closed = True
            for process in self._running.values():
                _kill(process)


def _start(program: tuple[str, ...]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            program,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What it writes there could be the password.
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise ProviderError(f"cannot start {program[0]}: {error.strerror}") from error


def _read_line(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """Read a line, or what there is when the program closes its output."""
    assert process.stdout is not None
    line = b""
    while b"\n" not in line:
        left = deadline - clock.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(process.stdout.fileno(), ANSWER_BYTES_MAX)
        line += piece
        if len(line) > ANSWER_BYTES_MAX:
            raise ProviderError(f"it wrote more than {ANSWER_BYTES_MAX} bytes")
        if not piece:
            break
    return line.partition(b"\n")[0]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that has not ended, with whatever it has started in its session."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _trust(login: LoginConfig) -> ssl.SSLContext | bool:
    if login.authority is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(login.authority))
    except OSError as error:
        raise ProviderError(f"cannot read {login.authority}: {error}") from error
