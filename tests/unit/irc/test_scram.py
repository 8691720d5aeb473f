"""SCRAM-SHA-256 as RFC 7677 shows it, both sides."""

import base64

import pytest

from roost.irc.scram import (
    Challenge,
    Client,
    ScramError,
    derive_keys,
    make_challenge,
    parse_client_first,
    verify,
)

NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
PROOF = (
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
LAST = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def begun() -> Client:
    scram = Client("user", "pencil", NONCE)
    assert scram.respond(b"") == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    return scram


def test_the_exchange_of_rfc_7677_section_3() -> None:
    scram = begun()
    assert scram.respond(FIRST.encode()).decode() == PROOF
    assert not scram.is_proven()
    assert scram.respond(LAST.encode()) == b""
    assert scram.is_proven()


def test_a_server_that_does_not_know_the_password_is_not_believed() -> None:
    scram = begun()
    scram.respond(FIRST.encode())
    with pytest.raises(ScramError, match="impostor"):
        scram.respond(LAST.replace("6rri", "7rri").encode())


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"\xff",
        b"r=other,s=W22Z,i=4096",
        FIRST.replace("i=4096", "i=99999999").encode(),
        FIRST.replace("i=4096", "i=x").encode(),
        FIRST.replace("s=W22", "s=%").encode(),
        b"e=unknown-user",
    ],
)
def test_challenges_that_are_none_are_refused(challenge: bytes) -> None:
    with pytest.raises(ScramError):
        begun().respond(challenge)


def challenged() -> Challenge:
    first = parse_client_first(f"n,,n=user,r={NONCE}".encode())
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    return make_challenge(first, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", salt, 4096)


def server_keys(password: str) -> tuple[bytes, bytes]:
    keys = derive_keys(password, base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    return keys.stored, keys.server


def test_the_server_of_rfc_7677_section_3() -> None:
    challenge = challenged()
    assert challenge.message == FIRST.encode()
    assert verify(challenge, PROOF.encode(), server_keys("pencil")) == LAST.encode()


def test_a_wrong_password_and_no_account_prove_nothing() -> None:
    assert verify(challenged(), PROOF.encode(), server_keys("pen")) is None
    assert verify(challenged(), PROOF.encode(), None) is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff",
        PROOF.replace("c=biws", "c=eSws").encode(),
        PROOF.replace("c=biws", "c=%").encode(),
        PROOF.replace("r=rO", "r=rP").encode(),
        PROOF.replace(",p=", ",x=").encode(),
        PROOF.replace("dHzb", "").encode(),
        PROOF.replace(",p=", ",,p=").encode(),
        b"p=" + PROOF.encode(),
    ],
)
def test_last_messages_of_a_client_that_are_none_are_refused(message: bytes) -> None:
    with pytest.raises(ScramError):
        verify(challenged(), message, server_keys("pencil"))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff",
        b"p=tls-unique,,n=user,r=abc",
        b"n,,n=user",
        b"n,,r=abc,n=user",
        b"n,,n=us=er,r=abc",
        b"n,,n=user,r=a b",
        b"n,,m=ext,n=user,r=abc",
        b"n,a=other,n=user,r=abc",
        b"n,,n=user,r=abc,",
    ],
)
def test_first_messages_of_a_client_that_are_none_are_refused(message: bytes) -> None:
    with pytest.raises(ScramError):
        parse_client_first(message)


def test_names_are_escaped_and_may_be_given_twice() -> None:
    first = parse_client_first(b"y,a=a=2Cb=3D,n=a=2Cb=3D,r=abc,x=later")
    assert (first.name, first.nonce, first.header) == ("a,b=", "abc", "y,a=a=2Cb=3D,")
    assert Client("a,b=", "x", "abc").respond(b"") == b"n,,n=a=2Cb=3D,r=abc"
