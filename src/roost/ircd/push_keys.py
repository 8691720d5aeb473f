"""The key by which push services recognise the cluster (VAPID), derived from the cluster's secret.

So it is the same on all nodes and for good: "The VAPID public key sent by the server MUST remain
constant over the lifetime of the connection", and subscriptions are bound to it.

Source: RFC 8292; RFC 5869 (HKDF).
"""

import base64
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256."""


@lru_cache(maxsize=8)
def private_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the cluster's key."""
    # 16 bytes more than the order has, so that every key is as likely as any other.
    derived = HKDF(hashes.SHA256(), 48, None, b"roost vapid").derive(secret)
    number = int.from_bytes(derived) % (_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


@lru_cache(maxsize=8)
def public_key(secret: bytes) -> str:
    """Return what clients and push services know it by."""
    return encode(point_of(private_key(secret)))


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key as an uncompressed point."""
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def is_point(data: bytes) -> bool:
    """Return whether bytes are a public key, as an uncompressed point."""
    if len(data) != 65 or data[0] != 4:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        return False
    return True


def encode(data: bytes) -> str:
    """Write bytes as URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Read URL-safe base64, with or without padding.

    Raises:
        ValueError: it is not.
    """
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
