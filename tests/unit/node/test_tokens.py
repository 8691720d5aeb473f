"""Tokens log in only those whom they name, and only where and while they are meant to."""

import base64
import json
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from roost.ircd.login_config import OAuthConfig
from roost.ircd.sessions.work import CheckToken, Verdict
from roost.node import tokens
from roost.node.tokens import Keys, KeysError, check_token
from roost.ops import clock
from support.issuer import AUDIENCE, ISSUER, NOW_MS, Issuer, key_set
from support.loops import run

CONFIG = OAuthConfig(issuer=ISSUER, audience=(AUDIENCE,), keys_url="https://id.example/keys")
NOW = NOW_MS // 1000
FIRST, SECOND = Issuer("k1"), Issuer("k2")


class Publisher:
    """Publishes keys, and counts who asks for them."""

    def __init__(self, published: bytes) -> None:
        self.published = published
        self.is_down = False
        self.asked = 0

    async def fetch(self, _config: OAuthConfig) -> bytes:
        self.asked += 1
        if self.is_down:
            raise KeysError("it is down")
        return self.published


def check(token: str, published: bytes = b"", config: OAuthConfig = CONFIG) -> Verdict:
    keys = Keys(config, Publisher(published or key_set(FIRST)).fetch)
    return run(check_token(CheckToken(token, NOW_MS), keys))


def test_a_token_logs_in_whom_it_names() -> None:
    assert check(FIRST.token()) == Verdict("alice")
    assert check(FIRST.token(aud=AUDIENCE, nbf=None)) == Verdict("alice")
    assert "eyJ" not in repr(CheckToken(FIRST.token(), NOW_MS))


def test_the_clocks_may_differ_by_the_leeway() -> None:
    assert check(FIRST.token(exp=NOW - 29, nbf=NOW + 29)) == Verdict("alice")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": NOW - 30}, "The token has expired"),
        ({"exp": None}, "The token has no exp"),
        ({"nbf": NOW + 31}, "The token is not valid yet"),
        ({"aud": "other"}, "The token is for another service"),
        ({"aud": None}, "The token has no aud"),
        ({"iss": ISSUER + "/"}, "The token is from another issuer"),
        ({"iss": None}, "The token has no iss"),
        ({"preferred_username": None}, "The token names no account (preferred_username)"),
        ({"preferred_username": 7}, "The token names no account (preferred_username)"),
        ({"preferred_username": "a" * 101}, "The token names no account (preferred_username)"),
    ],
)
def test_what_a_token_says_must_fit(changed: dict[str, object], reason: str) -> None:
    assert check(FIRST.token(**changed)) == Verdict("", reason)  # type: ignore[arg-type]


def forged(header: dict[str, str], key: object = "", algorithm: str = "none") -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 60, "preferred_username": "alice"}
    return jwt.encode(claims, key, algorithm, headers=header)  # type: ignore[arg-type]


def test_no_signature_is_believed_that_anybody_can_make() -> None:
    kind = Verdict("", "The token's signature is of a kind that is not accepted")
    public = FIRST.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert check(forged({"kid": "k1"}, None)) == kind
    assert check(forged({"kid": "k1"}, b"x" + public, "HS256")) == kind
    assert check(forged({"kid": "k1"}, SECOND.key, "ES256")).reason == "The token is not valid"
    assert check(SECOND.token()).reason == "The token is signed with an unknown key"
    oct_key = {"kty": "oct", "kid": "k1", "k": base64.urlsafe_b64encode(public).decode()}
    published = json.dumps({"keys": [oct_key, SECOND.jwk()]}).encode()
    assert check(FIRST.token(), published).reason == "The token is signed with an unknown key"


def test_a_key_is_used_only_for_what_its_publisher_says() -> None:
    published = json.dumps({"keys": [FIRST.jwk(alg="ES384")]}).encode()
    assert check(FIRST.token(), published).reason.startswith("The token is signed in another way")
    published = json.dumps({"keys": [FIRST.jwk(use="enc"), SECOND.jwk()]}).encode()
    assert check(FIRST.token(), published).reason == "The token is signed with an unknown key"


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "..", "\ud800", FIRST.token()[:-4], "e30.e30."]
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert check(token).account == ""


def test_a_pinned_key_needs_no_name(tmp_path: Path) -> None:
    pem = FIRST.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert check(FIRST.token(), pem) == Verdict("alice")
    assert check(forged({}, FIRST.key, "ES256"), pem) == Verdict("alice")
    assert check(SECOND.token(), pem) == Verdict("", "The token is not valid")


def test_a_new_key_is_fetched_once_and_the_former_ones_outlive_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher = Publisher(key_set(FIRST))
    keys = Keys(CONFIG, publisher.fetch)
    now = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])

    def log_in(issuer: Issuer) -> Verdict:
        return run(check_token(CheckToken(issuer.token(), NOW_MS), keys))

    assert log_in(FIRST) == log_in(FIRST) == Verdict("alice")
    assert publisher.asked == 1
    # Somebody who tries unknown keys does not make the nodes ask at every attempt.
    assert log_in(SECOND).account == log_in(SECOND).account == ""
    assert publisher.asked == 1
    publisher.published = key_set(FIRST, SECOND)
    now[0] += tokens.FETCH_PAUSE_S + 1
    assert log_in(SECOND) == Verdict("alice")
    publisher.is_down = True
    now[0] += tokens.KEYS_S + 1
    assert log_in(FIRST) == log_in(SECOND) == Verdict("alice")
    assert publisher.asked == 3
    now[0] += tokens.KEYS_S_MAX
    with pytest.raises(KeysError, match="cannot be fetched"):
        log_in(FIRST)


@pytest.mark.parametrize(
    "published", [b"", b"<p>", b"{}", b'{"keys": 1}', b'{"keys": []}', b"-----BEGIN x", b"\xff"]
)
def test_what_is_no_key_is_the_providers_failure(published: bytes) -> None:
    with pytest.raises(KeysError):
        check(FIRST.token(), published or b" ")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"audience": ()}, "audience"),
        ({"keys_url": ""}, "one of keys_url and keys_file"),
        ({"keys_file": Path("k")}, "one of keys_url and keys_file"),
        ({"keys_url": "http://id.example/keys"}, "https://"),
        ({"algorithms": ("HS256",)}, "not 'HS256'"),
        ({"algorithms": ()}, "empty"),
        ({"claim": ""}, "claim"),
        ({"leeway_s": 301.0}, "leeway_s"),
        ({"issuer": ""}, "issuer"),
    ],
)
def test_a_configuration_that_is_not_safe_is_refused(
    given: dict[str, object], problem: str
) -> None:
    values = {"issuer": ISSUER, "audience": ("a",), "keys_url": "https://id.example/k", **given}
    with pytest.raises(ValueError, match=problem):
        OAuthConfig(**values)  # type: ignore[arg-type]
