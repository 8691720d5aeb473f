"""Sends e-mail by SMTP, on threads of its own.

A server that hangs, however slowly it answers, holds a message no longer than `mail.timeout_s`, and
a client no longer than some of these: the queue is short. What cannot be sent is not tried again,
because somebody waits for it and can ask again.

Source: RFC 5321; RFC 3207 (STARTTLS); RFC 3834 (automatic messages).
"""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.utils import formatdate

import structlog

from roost.ircd.mail_config import MailConfig
from roost.ircd.sessions.work import Outcome, SendMail, Work, WorkFailed
from roost.node.hashing import Hasher
from roost.ops import clock
from roost.ops.throttling import ThrottledLog

_logger = structlog.get_logger()

THREADS = 4
"""Messages at a time."""
QUEUED_MAX = 12
"""Messages that wait: with a server that hangs, the last of them fails after four time-outs."""
LOG_INTERVAL_S = 10.0
_FAILED = WorkFailed("The e-mail could not be sent; try again later")
_BUSY = WorkFailed("Too many e-mails are being sent; try again in some minutes")
_PERMANENT = range(550, 560)
"""Replies that say that there is no such mailbox, or that it takes nothing."""


class Mailer:
    """The way to the SMTP server."""

    def __init__(self, config: MailConfig, deliver: Callable[[Callable[[], None]], object]) -> None:
        """`deliver` runs a callable on the node's event loop."""
        self._config = config
        self._failures = ThrottledLog(_logger.error, "mail-failed", LOG_INTERVAL_S)
        self._lock = threading.Lock()
        self._threads = Hasher(
            deliver,
            threads=THREADS,
            queued_max=QUEUED_MAX,
            do=self._send,
            name="mail",
            busy=_BUSY,
        )

    def configure(self, config: MailConfig) -> None:
        """Use another server from now on."""
        self._config = config

    def submit(self, work: SendMail, done: Callable[[Outcome], None]) -> None:
        """Send a message; deliver the outcome to `done`."""
        self._threads.submit(work, done)

    def close(self) -> None:
        """Drop what waits, and deliver nothing more."""
        self._threads.close()

    # On a thread

    def _send(self, work: Work) -> Outcome:
        assert isinstance(work, SendMail), "nothing else is submitted"
        config = self._config
        try:
            send(config, message_of(config, work))
        except smtplib.SMTPRecipientsRefused as error:
            ((status, _),) = error.recipients.values()
            if status in _PERMANENT:
                return False
            return self._failed(f"{config.host} refused the recipient for now ({status})")
        except smtplib.SMTPResponseException as error:
            return self._failed(f"{config.host} answered with {error.smtp_code}")
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # A text of the server could repeat the address, or the login.
            what = getattr(error, "strerror", None) or type(error).__name__
            return self._failed(f"cannot send by {config.host}:{config.actual_port}: {what}")
        return True

    def _failed(self, reason: str) -> WorkFailed:
        with self._lock:
            self._failures.log(clock.monotonic(), reason, reason=reason)
        return _FAILED


def message_of(config: MailConfig, work: SendMail) -> EmailMessage:
    """Return a message with its headers."""
    message = EmailMessage()
    message["From"] = config.sender
    message["To"] = work.recipient
    message["Subject"] = work.subject
    message["Date"] = formatdate(clock.utc_now().timestamp())
    # The same for a message that is sent again.
    message["Message-ID"] = f"<{work.number}@{config.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(work.text)
    return message


def send(config: MailConfig, message: EmailMessage) -> None:
    """Send a message within `config.timeout_s`.

    Raises:
        OSError: the server cannot be reached, or is too slow.
        smtplib.SMTPException: it refuses the message.
    """
    context = None
    if config.encryption != "none":
        authority = None if config.authority is None else str(config.authority)
        context = ssl.create_default_context(cafile=authority)
    with _connected(config, context) as server:
        if config.encryption == "starttls":
            server.starttls(context=context)
        if config.username:
            server.login(config.username, _password(config))
        server.send_message(message)


@contextlib.contextmanager
def _connected(config: MailConfig, context: ssl.SSLContext | None) -> Iterator[smtplib.SMTP]:
    """Connect, and cut the connection when time is up."""
    deadline = clock.monotonic() + config.timeout_s
    watch = _Watch(config.timeout_s)
    # By default it would look for its own name in the DNS, for as long as that takes.
    where = (config.host, config.actual_port, socket.gethostname())
    try:
        with watch:
            server: smtplib.SMTP
            if config.encryption == "tls":
                server = _TlsServer(watch, *where, timeout=config.timeout_s, context=context)
            else:
                server = _Server(watch, *where, timeout=config.timeout_s)
            with contextlib.closing(server):
                yield server
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    server.quit()
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        if clock.monotonic() >= deadline:
            raise TimeoutError(0, f"no answer within {config.timeout_s:g} s") from error
        raise


class _Watch:
    """Cuts a connection after a time; the socket's own time-out is for each step."""

    def __init__(self, timeout_s: float) -> None:
        self._server: smtplib.SMTP | None = None
        self._timer = threading.Timer(timeout_s, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, server: smtplib.SMTP) -> None:
        """Cut this one, which is about to connect."""
        self._server = server

    def _cut(self) -> None:
        sock = None if self._server is None else self._server.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Server(smtplib.SMTP):
    def __init__(self, watch: _Watch, host: str, port: int, own: str, *, timeout: float) -> None:
        watch.watch(self)
        super().__init__(host, port, own, timeout=timeout)


class _TlsServer(smtplib.SMTP_SSL):
    def __init__(
        self,
        watch: _Watch,
        host: str,
        port: int,
        own: str,
        *,
        timeout: float,
        context: ssl.SSLContext | None,
    ) -> None:
        watch.watch(self)
        super().__init__(host, port, own, timeout=timeout, context=context)


def _password(config: MailConfig) -> str:
    assert config.password_file is not None, "the configuration was checked"
    return config.password_file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
