"""E-mail is sent by SMTP with a bounded patience; the servers are real, in threads."""

import base64
import queue
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from roost.ircd.mail_config import MailConfig
from roost.ircd.sessions.work import Outcome, SendMail, WorkFailed
from roost.node.mail import Mailer
from support.smtp_server import SmtpServer
from support.tls_files import self_signed

WORK = SendMail("alice@example.org", "Your code for Roost", "Räuber: abcd\n", "ab12")
FAILED = WorkFailed("The e-mail could not be sent; try again later")


def config_for(server: SmtpServer, **values: object) -> MailConfig:
    given = {"host": "127.0.0.1", "encryption": "none", "timeout_s": 10.0, **values}
    return MailConfig(port=server.port, sender="chat@example.net", **given)  # type: ignore[arg-type]


def send(config: MailConfig, work: SendMail = WORK) -> Outcome:
    """Send a message and return its outcome."""
    calls: queue.Queue[Outcome] = queue.Queue()
    mailer = Mailer(config, lambda call: call())
    try:
        mailer.submit(work, calls.put)
        return calls.get(timeout=20)
    finally:
        mailer.close()


def test_a_message_arrives_with_what_automatic_messages_have() -> None:
    with SmtpServer() as server:
        assert send(config_for(server)) is True
        message = server.wait_message()
    assert (message["From"], message["To"]) == ("chat@example.net", "alice@example.org")
    assert message["Subject"] == "Your code for Roost"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == "<ab12@example.net>"
    assert message.get_content() == "Räuber: abcd\n"
    assert "abcd" not in repr(WORK)


@pytest.mark.parametrize("is_tls", [False, True])
def test_tls_is_checked_and_a_login_is_sent_within_it(tmp_path: Path, *, is_tls: bool) -> None:
    files = self_signed(tmp_path, "localhost")
    login = base64.b64encode(b"\0roost\0secret").decode()
    password = tmp_path / "password"
    password.write_text("secret\n", encoding="utf-8")
    with SmtpServer(tls=files, is_tls=is_tls, login=login) as server:
        config = config_for(
            server,
            host="localhost",
            encryption="tls" if is_tls else "starttls",
            authority=files.certificate,
            username="roost",
            password_file=password,
        )
        assert send(config) is True
        server.wait_message()
        with capture_logs() as logs:
            other = config_for(server, host="localhost", encryption=config.encryption)
            assert send(other) == FAILED
        assert not server.has_message()
    assert [line["event"] for line in logs] == ["mail-failed"]


@pytest.mark.parametrize(
    ("fault", "outcome"), [("unknown", False), ("busy", FAILED), ("hang", FAILED), ("drip", FAILED)]
)
def test_what_goes_wrong_ends_in_time_and_is_told_without_the_address(
    fault: str, outcome: Outcome
) -> None:
    with SmtpServer(fault=fault) as server, capture_logs() as logs:
        timeout_s = 0.1 if fault in ("hang", "drip") else 10.0
        assert send(config_for(server, timeout_s=timeout_s)) == outcome
    assert "alice" not in str(logs)
    assert bool(logs) == (outcome == FAILED)


def test_a_server_that_is_not_there_and_a_password_that_is_not_there() -> None:
    with SmtpServer() as server:
        config = config_for(server)
        missing = config_for(server, username="x", password_file=Path("/nonexistent"))
        assert send(missing) == FAILED
    assert send(config) == FAILED


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"sender": "chat"}, "mail.sender"),
        ({"host": "mail.example", "encryption": "none"}, "mail.encryption"),
        ({"username": "x"}, "mail.username and mail.password_file"),
        ({"timeout_s": 0.0}, "mail.timeout_s"),
        ({"port": 70000}, "mail.port"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(values: dict[str, object], text: str) -> None:
    given = {"host": "localhost", "sender": "chat@example.net", **values}
    with pytest.raises(ValueError, match=text):
        MailConfig(**given)  # type: ignore[arg-type]
