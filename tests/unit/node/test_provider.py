"""The identity provider is asked with a bounded patience, and nothing it says is believed blindly.

The programs and the HTTP server are real.
"""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from roost.ircd.login_config import LoginConfig
from roost.ircd.sessions.work import AskProvider, Outcome, Verdict, WorkFailed
from roost.node import provider as module
from roost.node.provider import Provider, ProviderError, decode_answer, encode_question
from support.loops import run, wait_until
from support.tls_files import self_signed

WORK = AskProvider("alice", "se\u00e4same\n\"'", "192.0.2.7", "ab" * 32, is_secure=True)
SLOW = "The identity provider does not answer; try again later"
BROKEN = "The identity provider is out of order; try again later"


def test_a_question_is_one_line_and_shows_no_password_when_it_is_printed() -> None:
    line = encode_question(WORK)
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "account": "alice",
        "password": WORK.password,
        "address": "192.0.2.7",
        "certificate": "ab" * 32,
        "tls": True,
    }
    assert "same" not in repr(WORK)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"ok": true}', Verdict("alice")),
        (b'{"ok": true, "account": "bob", "more": 1}\n', Verdict("bob")),
        (b'{"ok": false}', Verdict("")),
        (b'{"ok": false, "account": "bob", "error": "no\\r\\nway"}', Verdict("", "no  way")),
        (b'{"ok": false, "error": "' + b"x" * 300 + b'"}', Verdict("", "x" * 200)),
    ],
)
def test_answers_are_read(body: bytes, expected: Verdict) -> None:
    assert decode_answer(WORK, body) == expected


@pytest.mark.parametrize(
    "body",
    [b"", b"yes", b"[]", b'{"ok": 1}', b'{"ok": "true"}', b"{}", b"\xff", b'{"ok": true}' * 2000],
)
def test_anything_else_is_no_answer(body: bytes) -> None:
    with pytest.raises(ProviderError):
        decode_answer(WORK, body)


async def outcomes(login: LoginConfig, *questions: AskProvider) -> list[Outcome]:
    """Ask all at once; return the outcomes as they came."""
    got: list[Outcome] = []
    provider = Provider(login, asyncio.get_running_loop().call_soon_threadsafe)
    try:
        for question in questions:
            provider.submit(question, got.append)
        await wait_until(lambda: len(got) == len(questions))
    finally:
        await asyncio.to_thread(provider.close)
    return got


def program(tmp_path: Path, code: str) -> tuple[str, ...]:
    file = tmp_path / "check.py"
    file.write_text(f"import json, os, sys, time\n{code}", encoding="utf-8")
    return (sys.executable, "-I", "-S", str(file), str(tmp_path))


def test_a_program_gets_the_question_and_gives_the_answer(tmp_path: Path) -> None:
    code = """
asked = json.loads(sys.stdin.readline())
known = asked["password"] == "se\\u00e4same\\n\\"'" and os.getcwd() == "/"
print(json.dumps({"ok": known, "account": asked["account"].upper()}))
"""
    assert run(outcomes(LoginConfig(program=program(tmp_path, code)), WORK)) == [Verdict("ALICE")]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("sys.exit(3)", "ended with status 3"),
        ("print('{\"ok\": true}'); sys.exit(3)", "ended with status 3"),
        ("os.kill(os.getpid(), 9)", "ended with status -9"),
        ("print('sure')", "the answer is not JSON"),
        ("sys.stdout.write('x' * 100_000)", "it wrote more than 16384 bytes"),
    ],
)
def test_a_program_that_fails_logs_nobody_in(tmp_path: Path, code: str, reason: str) -> None:
    with capture_logs() as logs:
        login = LoginConfig(program=program(tmp_path, code))
        assert run(outcomes(login, WORK)) == [WorkFailed(BROKEN)]
    (event,) = logs
    assert reason in event["reason"]
    assert "same" not in repr(logs)


def test_a_missing_program_is_an_error_with_its_name() -> None:
    with capture_logs() as logs:
        assert run(outcomes(LoginConfig(program=("/no/such",)), WORK)) == [WorkFailed(BROKEN)]
    assert logs[0]["reason"] == "cannot start /no/such: No such file or directory"


def test_a_program_that_hangs_is_killed_with_its_children_and_others_wait_no_longer(
    tmp_path: Path,
) -> None:
    code = """
import signal
child = os.fork()
with open(f"{sys.argv[1]}/{os.getpid()}", "w"):
    pass
signal.pause()
"""
    login = LoginConfig(program=program(tmp_path, code), timeout_s=0.6, at_once_max=2)
    assert run(outcomes(login, *[WORK] * 5)) == [WorkFailed(SLOW)] * 5
    started = [int(file.name) for file in tmp_path.iterdir() if file.name.isdigit()]
    assert len(started) == 4
    assert not any(Path(f"/proc/{pid}/cmdline").exists() and is_alive(pid) for pid in started)


def is_alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False


def test_too_many_questions_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 0)
    (outcome,) = run(outcomes(LoginConfig(program=("/no/such",)), WORK))
    assert outcome == WorkFailed("Too many people are logging in; try again in a moment")


@asynccontextmanager
async def hook(
    tmp_path: Path, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> AsyncIterator[tuple[str, Path]]:
    """Serve HTTPS; yield the address and the certificate."""
    files = self_signed(tmp_path, "hook")
    assert files.certificate is not None
    assert files.key is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    application = web.Application()
    application.router.add_post("/check", answer)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"https://localhost:{port}/check", files.certificate
    finally:
        await runner.cleanup()


def test_a_hook_is_asked_by_tls_with_its_secret(tmp_path: Path) -> None:
    async def check(request: web.Request) -> web.Response:
        asked = await request.json()
        is_right = request.headers["Authorization"] == "Bearer hush"
        return web.json_response({"ok": is_right and asked["password"] == WORK.password})

    async def scenario() -> list[Outcome]:
        async with hook(tmp_path, check) as (url, authority):
            return await outcomes(LoginConfig(url=url, secret="hush", authority=authority), WORK)

    assert run(scenario()) == [Verdict("alice")]


@pytest.mark.parametrize("fault", ["status", "redirect", "long", "html", "hang", "untrusted"])
def test_a_hook_that_is_broken_logs_nobody_in(tmp_path: Path, fault: str) -> None:
    asked = []

    async def check(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        match fault:
            case "status":
                return web.json_response({"ok": True}, status=500)
            case "redirect":
                raise web.HTTPTemporaryRedirect("/check")
            case "hang":
                await asyncio.Event().wait()
            case "long":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(10):
                    await response.write(b"x" * 65536)
        return web.Response(text="<p>")

    async def scenario() -> list[Outcome]:
        async with hook(tmp_path, check) as (url, authority):
            trusted = None if fault == "untrusted" else authority
            timeout_s = 0.2 if fault == "hang" else 9.0
            return await outcomes(
                LoginConfig(url=url, authority=trusted, timeout_s=timeout_s), WORK
            )

    with capture_logs() as logs:
        assert run(scenario()) == [WorkFailed(SLOW if fault == "hang" else BROKEN)]
    assert len(asked) == (0 if fault == "untrusted" else 1)
    assert "same" not in repr(logs)


def test_another_provider_is_asked_after_a_reload(tmp_path: Path) -> None:
    async def scenario() -> list[Outcome]:
        got: list[Outcome] = []
        provider = Provider(
            LoginConfig(program=("/no/such",)), asyncio.get_running_loop().call_soon_threadsafe
        )
        provider.submit(WORK, got.append)
        await wait_until(lambda: len(got) == 1)
        code = "print('{\"ok\": true}')"
        provider.configure(LoginConfig(program=program(tmp_path, code)))
        provider.submit(WORK, got.append)
        await wait_until(lambda: len(got) == 2)
        await asyncio.to_thread(provider.close)
        return got

    assert run(scenario()) == [WorkFailed(BROKEN), Verdict("alice")]
