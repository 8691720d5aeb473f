"""A compiled mask means what the mask means."""

import pytest
from hypothesis import given, strategies

from roost.irc import masks
from roost.ircd.queries.globs import compile_glob


@given(
    strategies.text(alphabet="ab*?[].\\\n", max_size=8),
    strategies.text(alphabet="ab*?[].\\\n", max_size=8),
)
def test_it_agrees_with_the_plain_comparison(mask: str, text: str) -> None:
    assert bool(compile_glob(mask).fullmatch(text)) == masks.matches_folded(mask, text)


@pytest.mark.timeout(5)
def test_a_hostile_mask_costs_nothing_much() -> None:
    pattern = compile_glob("*a" * 200 + "*b")
    assert not pattern.fullmatch("a" * 400)
