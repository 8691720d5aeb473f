import pytest

from roost.irc.extended_bans import is_entry_matched, is_valid_entry, normalise_entry


@pytest.mark.parametrize(
    ("entry", "account", "expected"),
    [
        ("~a:bob", "bob", True),
        ("~account:bob", "bob", True),
        ("~a:b*", "bob", True),
        ("~a:bob", "bobby", False),
        ("~a:bob", "", False),
        ("~a:*", "", False),
        ("~q:bob", "bob", False),
        ("bob!*@*", "eve", True),
        ("eve!*@*", "eve", False),
    ],
)
def test_entries_mean_masks_or_accounts(entry: str, account: str, *, expected: bool) -> None:
    assert is_entry_matched(entry, "bob!b@host", account) is expected


@pytest.mark.parametrize(
    ("text", "is_valid", "whole"),
    [
        ("bob", True, "bob!*@*"),
        ("*@host", True, "*!*@host"),
        ("~a:Bob", True, "~a:Bob"),
        ("~ACCOUNT:Bob", True, "~ACCOUNT:Bob"),
        ("~a:", False, "~a:"),
        ("~x:bob", False, "~x:bob"),
    ],
)
def test_what_people_type_is_completed(text: str, whole: str, *, is_valid: bool) -> None:
    assert is_valid_entry(text) is is_valid
    assert normalise_entry(text) == whole
