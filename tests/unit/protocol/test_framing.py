"""Frames are decoded from a stream, however it arrives."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.protocol.framing import FrameBuffer, FrameTooLongError, encode_frames, encode_header

CASES: list[tuple[str, list[bytes]]] = [
    ("nothing", []),
    ("one empty body", [b""]),
    ("one body", [b"hello"]),
    ("several bodies", [b"a", b"", b"bc", b"\x00\x00\x00\x01"]),
    ("a long body", [b"x" * 100_000, b"y"]),
]


@pytest.mark.parametrize(("_name", "bodies"), CASES)
def test_whole_stream_gives_the_bodies(_name: str, bodies: list[bytes]) -> None:
    buffer = FrameBuffer()
    assert buffer.feed(encode_frames(bodies)) == bodies
    assert buffer.unfinished_bytes == 0


@pytest.mark.parametrize(("_name", "bodies"), CASES[:4])
def test_stream_byte_by_byte_gives_the_bodies(_name: str, bodies: list[bytes]) -> None:
    buffer = FrameBuffer()
    stream = encode_frames(bodies)
    assert [body for at in range(len(stream)) for body in buffer.feed(stream[at : at + 1])] == (
        bodies
    )


@pytest.mark.parametrize(("_name", "bodies"), CASES)
@pytest.mark.parametrize("trailing", [b"\x00", b"\x00\x00\x00\x05", b"\x00\x00\x00\x05hell"])
def test_half_a_frame_is_kept_until_the_rest_comes(
    _name: str, bodies: list[bytes], trailing: bytes
) -> None:
    buffer = FrameBuffer()
    assert buffer.feed(encode_frames(bodies) + trailing) == bodies
    assert buffer.unfinished_bytes == len(trailing)
    assert buffer.feed((encode_header(b"hello") + b"hello")[len(trailing) :]) == [b"hello"]


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(0, 400)))
def test_any_pieces_give_the_bodies(bodies: list[bytes], cuts: list[int]) -> None:
    stream = encode_frames(bodies)
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    buffer = FrameBuffer()
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert [body for piece in pieces for body in buffer.feed(piece)] == bodies


def test_a_body_at_the_limit_is_taken() -> None:
    assert FrameBuffer(5).feed(encode_frames([b"hello"])) == [b"hello"]


def test_a_body_above_the_limit_is_refused_before_it_arrives() -> None:
    with pytest.raises(FrameTooLongError, match="6 bytes is announced, 5 are allowed"):
        FrameBuffer(5).feed(b"\x00\x00\x00\x06")


def test_a_body_above_the_limit_is_refused_byte_by_byte() -> None:
    buffer = FrameBuffer(5)
    assert buffer.feed(b"\xff\xff") == []
    assert buffer.feed(b"\xff") == []
    with pytest.raises(FrameTooLongError):
        buffer.feed(b"\xff")


def test_a_body_above_the_limit_is_refused_after_good_ones() -> None:
    with pytest.raises(FrameTooLongError):
        FrameBuffer(5).feed(encode_frames([b"good", b"too long"]))
