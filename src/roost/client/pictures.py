"""Fetch the picture of a link, within limits, and make it small enough for a terminal.

Whoever serves a picture learns the address of whoever loads it. So nothing is loaded unless the
user has asked for pictures in the settings and then opens a link. This module is slow to import.
"""

import asyncio
import io

import aiohttp
from PIL import Image

BYTES_MAX = 10_000_000
"""Larger than nearly every picture on the web."""
PIXELS_MAX = 50_000_000
"""More than cameras have; a small file may decode to far more."""
SIDE_MAX = 1600
"""In pixels; more than a terminal shows."""
TIMEOUT_S = 15.0
REDIRECTS_MAX = 5


class PictureError(Exception):
    """The picture cannot be shown; the text is for people."""


async def load(url: str) -> Image.Image:
    """Fetch and decode a picture.

    Raises:
        PictureError: it cannot be fetched, or is no picture.
    """
    data = await _fetch(url)
    return await asyncio.to_thread(decode, data)


async def _fetch(url: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, max_redirects=REDIRECTS_MAX) as response,
        ):
            if response.status != 200:
                raise PictureError(f"The server answered {response.status} {response.reason}.")
            if not response.content_type.startswith("image/"):
                raise PictureError(f"This is no picture, but {response.content_type}.")
            data = bytearray()
            async for chunk in response.content.iter_chunked(65_536):
                data += chunk
                if len(data) > BYTES_MAX:
                    raise PictureError(f"It has more than {BYTES_MAX // 1_000_000} MB.")
            return bytes(data)
    except TimeoutError:
        raise PictureError(f"The server did not answer within {TIMEOUT_S:.0f} seconds.") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise PictureError(f"It cannot be loaded: {error}.") from None


def decode(data: bytes) -> Image.Image:
    """Decode a picture and make it small.

    Raises:
        PictureError: it is no picture, or too large.
    """
    formats = ("PNG", "JPEG", "GIF", "WEBP")
    try:
        with Image.open(io.BytesIO(data), formats=formats) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise PictureError(f"It is too large: {picture.width} x {picture.height} pixels.")
            # JPEG is decoded at a fraction of its size.
            picture.draft("RGB", (SIDE_MAX, SIDE_MAX))
            small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    except PictureError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"The picture is damaged or of an unknown kind: {error}.") from None
    small.thumbnail((SIDE_MAX, SIDE_MAX))
    return small
