"""What comes from a peer is a frame of its protocol, or one kind of error."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.protocol import mesh, orders, trunk
from roost.protocol.codec import FrameError

DECODERS = [
    mesh.decode,
    trunk.decode_from_node,
    trunk.decode_from_balancer,
    orders.decode_order,
    orders.decode_answer,
]


def test_frames_survive() -> None:
    assert mesh.decode(mesh.encode(mesh.PeerPing(5))) == mesh.PeerPing(5)
    assert trunk.decode_from_node(trunk.encode(trunk.Pong(5))) == trunk.Pong(5)
    assert trunk.decode_from_balancer(trunk.encode(trunk.Ping(5))) == trunk.Ping(5)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x91\xcc\xc8", b"\x92\x19\xa1x"])
def test_anything_else_is_an_error_in_words(body: bytes) -> None:
    for decode in DECODERS:
        with pytest.raises(FrameError, match="it sent a frame that cannot be read: "):
            decode(body)


@given(st.binary(max_size=50))
def test_no_bytes_cause_another_error(body: bytes) -> None:
    for decode in DECODERS:
        with contextlib.suppress(FrameError):
            decode(body)
