import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.irc.framing import LineBuffer

CASES = [
    (b"a\r\nb\r\n", [b"a", b"b"]),
    (b"a\nb\n", [b"a", b"b"]),
    (b"\r\n\r\na\r\n\n", [b"a"]),
    (b"a\r\r\n", [b"a\r"]),
    (b"12345678\r\n", [b"12345678"]),
    (b"123456789\r\n", [None]),
    (b"x" * 1000 + b"\r\nok\r\n", [None, b"ok"]),
    (b"ok\r\n" + b"x" * 25 + b"\n\r\nok\n", [b"ok", None, b"ok"]),
    (b"never ends", [None]),
    (b"half", []),
]


@pytest.mark.parametrize(("data", "lines"), CASES)
def test_lines_are_cut_however_they_arrive(data: bytes, lines: list[bytes | None]) -> None:
    assert LineBuffer(10).feed(data) == lines
    for size in (1, 2, 3, 7):
        buffer = LineBuffer(10)
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        assert [line for piece in pieces for line in buffer.feed(piece)] == lines


def test_what_follows_a_line_is_kept() -> None:
    buffer = LineBuffer(100)
    assert buffer.feed(b"one\r\ntw") == [b"one"]
    assert buffer.feed(b"o\r\n") == [b"two"]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_memory_is_bounded_and_pieces_do_not_matter(pieces: list[bytes]) -> None:
    buffer = LineBuffer(16)
    lines = []
    for piece in pieces:
        lines += buffer.feed(piece)
        assert len(buffer._rest) < 16
    assert lines == LineBuffer(16).feed(b"".join(pieces))
