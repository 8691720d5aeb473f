"""Passwords are hashed on threads, and only a bounded number can wait."""

import asyncio
import base64
import threading

import pytest
from structlog.testing import capture_logs

from roost.chat.credentials import Credentials
from roost.irc.scram import Client
from roost.ircd.sessions.work import HashPassword, Outcome, VerifyPassword, Work, WorkFailed
from roost.node.hashing import Hasher, do_work
from support.loops import run


def test_a_hash_fits_its_password_and_no_other() -> None:
    credentials = do_work(HashPassword("sesame"))
    assert isinstance(credentials, Credentials)
    assert credentials.password.startswith("$argon2id$")
    assert do_work(VerifyPassword(credentials.password, "sesame")) is True
    assert do_work(VerifyPassword(credentials.password, "Sesame")) is False


def test_the_same_password_is_never_hashed_alike() -> None:
    first, second = do_work(HashPassword("sesame")), do_work(HashPassword("sesame"))
    assert isinstance(first, Credentials)
    assert isinstance(second, Credentials)
    assert first.password != second.password
    assert first.scram_salt != second.scram_salt


@pytest.mark.parametrize("encoded", ["", "x", "$argon2id$", "$argon2id$v=19$m=1,t=1,p=1$x$y"])
def test_a_malformed_hash_fits_nothing(encoded: str) -> None:
    assert do_work(VerifyPassword(encoded, "")) is False


@pytest.mark.parametrize("work", [HashPassword("sesame"), VerifyPassword("hash", "sesame")])
def test_work_shows_no_secret(work: Work) -> None:
    assert "sesame" not in repr(work)


def test_scram_keys_are_those_that_a_client_derives() -> None:
    credentials = do_work(HashPassword("sesame"))
    assert isinstance(credentials, Credentials)
    client = Client("alice", "sesame", "nonce")
    client.respond(b"")
    assert client.respond(_challenge(credentials)).startswith(b"c=biws,")


def _challenge(credentials: Credentials) -> bytes:
    salt = base64.b64encode(credentials.scram_salt).decode()
    return f"r=noncex,s={salt},i={credentials.scram_iterations}".encode()


def test_outcomes_come_on_the_loops_own_thread() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        hasher = Hasher(loop.call_soon_threadsafe, do=lambda work: True)
        got: asyncio.Future[tuple[Outcome, int]] = loop.create_future()
        hasher.submit(
            VerifyPassword("", ""),
            lambda outcome: got.set_result((outcome, threading.get_ident())),
        )
        assert await got == (True, threading.get_ident())
        hasher.close()

    run(scenario())


def test_too_much_work_is_refused_at_once() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        gate, begun = threading.Event(), asyncio.Event()

        def wait(work: Work) -> Outcome:
            loop.call_soon_threadsafe(begun.set)
            gate.wait()
            return True

        hasher = Hasher(loop.call_soon_threadsafe, threads=1, queued_max=2, do=wait)
        outcomes: list[Outcome] = []
        all_done = asyncio.Event()

        def note(outcome: Outcome) -> None:
            outcomes.append(outcome)
            if len(outcomes) == 4:
                all_done.set()

        hasher.submit(VerifyPassword("", ""), note)
        await begun.wait()
        with capture_logs() as logs:
            for _ in range(3):
                hasher.submit(VerifyPassword("", ""), note)
        gate.set()
        await all_done.wait()
        assert isinstance(outcomes[0], WorkFailed)
        assert outcomes[1:] == [True, True, True]
        assert [entry["event"] for entry in logs] == ["hashing-busy"]
        hasher.close()

    run(scenario())


def test_work_that_breaks_is_an_outcome_and_shows_no_secret() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()

        def fail(work: Work) -> Outcome:
            raise ValueError(work)

        hasher = Hasher(loop.call_soon_threadsafe, do=fail)
        got: asyncio.Future[Outcome] = loop.create_future()
        with capture_logs() as logs:
            hasher.submit(HashPassword("sesame"), got.set_result)
            assert isinstance(await got, WorkFailed)
        assert "sesame" not in repr(logs)
        hasher.close()

    run(scenario())


def test_nothing_is_delivered_after_the_end() -> None:
    delivered: list[object] = []
    gate, ended = threading.Event(), threading.Event()

    def wait(work: Work) -> Outcome:
        gate.wait()
        ended.set()
        return True

    hasher = Hasher(delivered.append, threads=1, do=wait)
    hasher.submit(VerifyPassword("", ""), lambda outcome: None)
    hasher.submit(VerifyPassword("", ""), lambda outcome: None)
    hasher.close()
    gate.set()
    assert not delivered
