import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.irc.masks import compile_mask, matches, matches_folded, normalise_mask


@pytest.mark.parametrize(
    ("typed", "mask"),
    [
        ("bob", "bob!*@*"),
        ("bob!*", "bob!*@*"),
        ("*@host", "*!*@host"),
        ("bob!b@host", "bob!b@host"),
        ("!@", "*!*@*"),
        ("bob!b", "bob!b@*"),
    ],
)
def test_masks_are_completed(typed: str, mask: str) -> None:
    assert normalise_mask(typed) == mask


@pytest.mark.parametrize(
    ("mask", "text", "is_match"),
    [
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*bc", "abc", False),
        ("*ab*b*", "ab", False),
        ("*ab*b*", "abb", True),
        ("*", "", True),
        ("?", "", False),
        ("*?", "", False),
        ("?*?", "ab", True),
        ("*!*@*.Example", "Bob!b@x.EXAMPLE", True),
        ("*!*@*.example", "bob!b@example", False),
    ],
)
def test_the_ends_of_a_mask_do_not_share_characters(mask: str, text: str, is_match: bool) -> None:
    assert matches(mask, text) == is_match


@given(st.text("ab*?", max_size=8), st.text("abAB", max_size=10))
def test_masks_match_what_wildcards_mean(mask: str, text: str) -> None:
    plain = re.compile(fnmatch.translate(mask.lower()))
    assert matches(mask, text) == (plain.match(text.lower()) is not None)


def test_a_hostile_mask_takes_no_time() -> None:
    assert not matches("*a" * 200 + "b", "a" * 500)
    assert not matches("*a?" * 200 + "b", "a" * 500)
    assert not matches("*" + "a" * 5_000 + "b", "a" * 50_000)


@given(
    st.text(alphabet="ab*?[].\\\n", max_size=8),
    st.text(alphabet="ab*?[].\\\n", max_size=8),
)
def test_a_compiled_mask_means_what_the_mask_means(mask: str, text: str) -> None:
    assert bool(compile_mask(mask).fullmatch(text)) == matches_folded(mask, text)


@pytest.mark.timeout(5)
def test_a_hostile_compiled_mask_takes_no_time() -> None:
    pattern = compile_mask("*a" * 200 + "*b")
    assert not pattern.fullmatch("a" * 400)
