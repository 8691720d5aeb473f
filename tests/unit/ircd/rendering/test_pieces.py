from hypothesis import given
from hypothesis import strategies as st

from roost.ircd.rendering.pieces import cut_payload, join_lines

LINES = st.lists(st.binary(min_size=0, max_size=20).map(lambda b: b.replace(b"\n", b"") + b"\r\n"))


@given(LINES, st.integers(min_value=1, max_value=60))
def test_pieces_are_the_whole_and_end_where_lines_end(lines: list[bytes], size: int) -> None:
    payload = b"".join(lines)
    pieces = cut_payload(payload, size)
    assert b"".join(pieces) == payload
    assert all(piece.endswith(b"\r\n") for piece in pieces[:-1])
    if size >= 22:
        assert all(len(piece) <= size for piece in pieces)


@given(LINES, st.integers(min_value=1, max_value=60))
def test_joined_lines_are_no_longer_than_they_must_be(lines: list[bytes], size: int) -> None:
    pieces = list(join_lines(lines, size))
    assert b"".join(pieces) == b"".join(lines)
    longest = max((len(line) for line in lines), default=0)
    assert all(len(piece) <= max(size, longest) for piece in pieces)
    assert bool(pieces) == bool(lines)
