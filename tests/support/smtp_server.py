"""A small SMTP server in the test process, whose messages a test reads.

with SmtpServer() as server:
    ... server.port
    message = server.wait_message()
"""

import contextlib
import email
import email.policy
import queue
import socket
import ssl
import threading
from email.message import EmailMessage
from typing import Self

from roost.balancer.certificates import TlsFiles

PATIENCE_S = 20.0


class SmtpServer:
    """Takes messages on a port of its own, one connection after the other."""

    def __init__(
        self,
        *,
        tls: TlsFiles | None = None,
        is_tls: bool = False,
        fault: str = "",
        login: str = "",
    ) -> None:
        """`tls` makes it offer STARTTLS, or TLS from the start if it `is_tls`.

        `fault` is "hang" (it never answers), "drip" (it answers without ever ending), "unknown" (no
        recipient exists) or "busy" (it takes no recipient for now). `login` is the AUTH PLAIN that
        it requires, in base64.
        """
        self._context: ssl.SSLContext | None = None
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            assert tls.certificate is not None
            self._context.load_cert_chain(tls.certificate, tls.key)
        self._is_tls = is_tls
        self._fault = fault
        self._login = login
        self._messages: queue.Queue[EmailMessage] = queue.Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_S)

    def wait_message(self) -> EmailMessage:
        """Return the next message that somebody has sent."""
        return self._messages.get(timeout=PATIENCE_S)

    def has_message(self) -> bool:
        return not self._messages.empty()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._serve(connection)
            except OSError:
                pass  # The client has gone, or does not trust the certificate.
            finally:
                connection.close()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_S)
        if self._fault == "hang":
            connection.recv(1)  # Nothing comes until the client gives up.
            return
        if self._fault == "drip":
            while not self._end.wait(0.02):
                connection.sendall(b"220-x\r\n")
        if self._is_tls:
            assert self._context is not None
            connection = self._context.wrap_socket(connection, server_side=True)
        with contextlib.closing(connection):
            self._talk(connection)

    def _talk(self, connection: socket.socket, *, is_secure: bool = False) -> None:
        stream = connection.makefile("rb")
        is_secure, is_logged_in, data = is_secure or self._is_tls, not self._login, b""

        def say(text: str) -> None:
            connection.sendall(f"{text}\r\n".encode())

        if self._is_tls or not is_secure:
            say("220 test")
        while line := stream.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    offers = ["AUTH PLAIN"] if self._login else []
                    if self._context is not None and not is_secure:
                        offers.append("STARTTLS")
                    for offer in ("test", *offers):
                        say(f"250-{offer}")
                    say("250 8BITMIME")
                case "STARTTLS":
                    assert self._context is not None
                    say("220 go on")
                    with self._context.wrap_socket(connection, server_side=True) as secured:
                        self._talk(secured, is_secure=True)
                    return
                case "AUTH":
                    is_logged_in = rest == f"PLAIN {self._login}"
                    say("235 ok" if is_logged_in else "535 no")
                case "RCPT":
                    reply = {"unknown": "550 no such user", "busy": "450 later"}
                    say(reply.get(self._fault, "250 ok"))
                case "DATA":
                    say("354 go on")
                    data = b""
                    while (part := stream.readline()) not in (b".\r\n", b""):
                        data += part
                    data = data.replace(b"\r\n", b"\n")
                    parsed = email.message_from_bytes(data, policy=email.policy.default)
                    assert isinstance(parsed, EmailMessage)
                    self._messages.put(parsed)
                    say("250 ok")
                case "QUIT":
                    say("221 bye")
                    return
                case "MAIL" if not is_logged_in:
                    say("530 log in")
                case _:
                    say("250 ok")
