"""Clients' frames must be masked.

Source: RFC 6455, section 5.
"""

import struct

import pytest

from roost.balancer.engine.websocket import MaskCheck

MASK = b"\x01\x02\x03\x04"


def frame(payload: bytes, *, first: int = 0x81, mask: bytes = MASK) -> bytes:
    """Encode a frame; the payload is not masked really, because nobody decodes it here."""
    bit, size = (0x80 if mask else 0), len(payload)
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    return head + mask + payload


SIZES = (0, 1, 125, 126, 4000, 65535, 65536)
MASKED = b"".join(frame(b"x" * size) for size in SIZES) + frame(b"", first=0x88)


@pytest.mark.parametrize("step", [1, 2, 7, 1000, len(MASKED)])
def test_masked_frames_pass_however_they_are_cut(step: int) -> None:
    check = MaskCheck()
    assert all(
        check.is_passed(MASKED[place : place + step]) for place in range(0, len(MASKED), step)
    )


@pytest.mark.parametrize("step", [1, 3, len(MASKED) + 9])
@pytest.mark.parametrize("first", [0x81, 0x82, 0x80, 0x88, 0x89])
def test_a_frame_without_a_mask_is_found_wherever_it_is(first: int, step: int) -> None:
    """The server MUST close the connection upon receiving a frame that is not masked."""
    check = MaskCheck()
    data = MASKED + frame(b"NICK a", first=first, mask=b"")
    passed = [check.is_passed(data[place : place + step]) for place in range(0, len(data), step)]
    assert not all(passed)
    assert all(passed[: len(MASKED) // step])
