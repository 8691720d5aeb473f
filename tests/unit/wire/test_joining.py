"""A token is read back exactly, opens only what was sealed for it, and is refused when damaged."""

import datetime as dt
import ssl
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.wire.authority import Authority, check_credentials, ensure_authority, load_certificate
from roost.wire.identity import Identity
from roost.wire.joining import (
    GRACE,
    ID_BYTES,
    NONCE_BYTES,
    PREFIX,
    SECRET_BYTES,
    Token,
    TokenError,
    decode_token,
    encode_token,
    hash_claim,
    make_token,
    seal,
    unseal,
    write_credentials,
    write_files,
)
from roost.wire.tls import client_context
from support.credentials import NOW

HOUR = dt.timedelta(hours=1)
FILES = {"config.toml": b"name = 'n4'\n", "node-n4-key.pem": b"secret" * 40}
NONCE = bytes(NONCE_BYTES)


def make(authority: Authority, seed: int = 1, node: str = "n4") -> Token:
    random = bytes([seed]) * (SECRET_BYTES + ID_BYTES)
    return make_token(
        authority, node, ("192.0.2.1:6700", "[::1]:6701"), HOUR, now=NOW, random=random
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return ensure_authority(tmp_path_factory.mktemp("authority"), "test", now=NOW)


@pytest.fixture(scope="module")
def token(authority: Authority) -> Token:
    return make(authority)


def test_a_token_is_read_back_and_fits_into_a_line(token: Token) -> None:
    text = encode_token(token)
    assert decode_token(text) == token
    assert len(text) < 1_100
    wrapped = "\n".join(text[start : start + 60] for start in range(0, len(text), 60))
    assert decode_token(f"  {wrapped}\n") == token
    assert token.identity == Identity("test", "newcomer", "01" * ID_BYTES)


def test_a_token_that_lost_an_end_is_damaged(token: Token) -> None:
    text = encode_token(token)
    for length in range(len(PREFIX), len(text)):
        with pytest.raises(TokenError, match="copy it again"):
            decode_token(text[:length])
    with pytest.raises(TokenError, match="copy it again"):
        decode_token(text + "AAAA")


@settings(max_examples=60)
@given(st.data())
def test_a_token_with_a_wrong_character_is_damaged(token: Token, data: st.DataObject) -> None:
    text = encode_token(token)
    place = data.draw(st.integers(len(PREFIX), len(text) - 2))
    letter = data.draw(st.sampled_from("AZaz09-_!\u00e4"))
    if letter != text[place]:
        with pytest.raises(TokenError, match="damaged"):
            decode_token(text[:place] + letter + text[place + 1 :])


@pytest.mark.parametrize("text", ["", "n4=host", "roost2_abc", "https://example.org"])
def test_other_texts_are_no_tokens(text: str) -> None:
    with pytest.raises(TokenError, match="this is not a token"):
        decode_token(text)


def test_a_huge_text_is_refused_unread() -> None:
    with pytest.raises(TokenError, match="damaged"):
        decode_token(PREFIX + "A" * 1_000_000)


def test_sealed_files_open_with_their_own_token_alone(authority: Authority, token: Token) -> None:
    sealed = seal(token, FILES, NONCE)
    assert unseal(token, sealed) == FILES
    for content in FILES.values():
        assert content not in sealed
    for other in (make(authority, 2), make(authority, 1, "n5")):
        with pytest.raises(TokenError, match="not sealed for this token"):
            unseal(other, sealed)
    for place in (0, NONCE_BYTES, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(TokenError):
            unseal(token, bytes(changed))
    with pytest.raises(TokenError):
        unseal(token, b"")


def test_no_file_is_written_outside_the_directory(token: Token) -> None:
    with pytest.raises(TokenError, match="contains a file called"):
        unseal(token, seal(token, {"../evil": b""}, NONCE))


def test_the_newcomers_certificate_can_only_dial(token: Token, tmp_path: Path) -> None:
    credentials = write_credentials(token, tmp_path)
    check_credentials(credentials, token.identity, now=NOW)
    assert isinstance(client_context(credentials), ssl.SSLContext)
    certificate = load_certificate(credentials.certificate)
    assert certificate.not_valid_after_utc - NOW < HOUR + GRACE + dt.timedelta(seconds=1)
    assert credentials.key.stat().st_mode & 0o077 == 0


def test_secrets_are_not_shown(token: Token) -> None:
    assert repr(token.secret) not in repr(token)


def test_a_claim_is_told_only_as_its_hash() -> None:
    assert hash_claim(b"mine") != hash_claim(b"theirs")
    assert b"mine".hex() not in hash_claim(b"mine")


def test_files_are_written_for_their_owner_and_never_over_others(tmp_path: Path) -> None:
    target = tmp_path / "n4"
    write_files(FILES, target, "config.toml")
    assert {path.name: path.read_bytes() for path in target.iterdir()} == FILES
    assert all(path.stat().st_mode & 0o077 == 0 for path in target.iterdir())
    write_files({"config.toml": b"other"}, target, "config.toml")
    assert (target / "config.toml").read_bytes() == FILES["config.toml"]
