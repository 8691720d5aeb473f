"""Masks that are tried on very many names at once.

`roost.irc.masks` decides single questions; a mask in LIST or WHO is compiled first, which makes
each of a hundred thousand comparisons ten times cheaper. Atomic groups keep a hostile mask from
making the regular expression go back and forth: what one run of characters took, it keeps.
"""

import re


def compile_glob(mask: str) -> re.Pattern[str]:
    """Compile a folded mask; use the pattern's `fullmatch` on folded names."""
    first, *rest = (_literal(part) for part in re.split(r"\*+", mask))
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    runs = "".join(f"(?>.*?{part})" for part in middle)
    return re.compile(f"{first}{runs}.*{last}", re.DOTALL)


def _literal(part: str) -> str:
    return "".join("." if character == "?" else re.escape(character) for character in part)
