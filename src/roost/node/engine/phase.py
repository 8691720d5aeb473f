"""Spreads what all nodes do after the same entries: each begins at a moment of its own."""

_GOLDEN = 0x9E37_79B9_7F4A_7C15
"""2**64 divided by the golden ratio. Multiples of it modulo 2**64 are far apart: Knuth, The Art of
Computer Programming, section 6.4."""


def phase_of(name: str) -> float:
    """Return a number from 0 to 1 for a node, such that n1, n2 and so on are far apart."""
    return int.from_bytes(name.encode()) * _GOLDEN % 2**64 / 2**64
