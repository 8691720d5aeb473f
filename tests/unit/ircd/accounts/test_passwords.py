"""Which passwords are allowed, and how they are prepared for hashing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.ircd.accounts.passwords import PasswordError, WeakPasswordError, prepare, prepare_new


@pytest.mark.parametrize(
    ("typed", "prepared"),
    [
        ("correct horse", "correct horse"),
        ("correct\N{NO-BREAK SPACE}horse", "correct horse"),
        ("cor\N{SOFT HYPHEN}rect", "correct"),
        ("\N{LATIN SMALL LIGATURE FI}sh", "fish"),
        ("e\N{COMBINING ACUTE ACCENT}t", "\N{LATIN SMALL LETTER E WITH ACUTE}t"),
    ],
)
def test_however_it_is_typed_it_is_the_same(typed: str, prepared: str) -> None:
    assert prepare(typed) == prepared


@pytest.mark.parametrize("password", ["", "\N{SOFT HYPHEN}", "a\tb", "x" * 301, "a\u202eb"])
def test_some_texts_are_no_password(password: str) -> None:
    with pytest.raises(PasswordError):
        prepare(password)


@pytest.mark.parametrize("password", ["seven77", "Ferdinand", "aaaaaaaaaaa"])
def test_weak_ones_are_told_from_impossible_ones(password: str) -> None:
    with pytest.raises(WeakPasswordError):
        prepare_new(password, "ferdinand")


@given(st.text())
def test_what_is_prepared_stays_as_it_is(password: str) -> None:
    try:
        prepared = prepare(password)
    except PasswordError:
        return
    assert prepare(prepared) == prepared
