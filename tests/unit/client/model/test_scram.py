"""SCRAM-SHA-256 as RFC 7677 shows it."""

import pytest

from roost.client.model.scram import Scram, ScramError

NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
PROOF = (
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
LAST = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def begun() -> Scram:
    scram = Scram("user", "pencil", NONCE)
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
    ],
)
def test_challenges_that_are_none_are_refused(challenge: bytes) -> None:
    with pytest.raises(ScramError):
        begun().respond(challenge)
