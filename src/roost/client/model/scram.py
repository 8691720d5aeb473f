"""The client's side of SASL: SCRAM-SHA-256, which shows no password, PLAIN, and EXTERNAL.

Sources: RFC 5802, RFC 7677 (SCRAM-SHA-256), RFC 4616 (PLAIN), RFC 4422, appendix A (EXTERNAL).
"""

import base64
import binascii
import hashlib
import hmac

ITERATIONS_MAX = 600_000
"""More would keep the client busy for seconds: a server that asks for that is broken or hostile."""


class ScramError(Exception):
    """The server's part of the exchange is wrong; the text is for people."""


class Plain:
    """PLAIN: one message with everything in it."""

    name = "PLAIN"

    def __init__(self, account: str, password: str) -> None:
        self._response = f"\0{account}\0{password}".encode()

    def respond(self, challenge: bytes) -> bytes:  # noqa: ARG002 - an empty one is all there is
        """Give the answer to a challenge."""
        return self._response

    def is_proven(self) -> bool:
        """Whether the server has shown that it knows the password, as far as it can."""
        return True


class External:
    """EXTERNAL: the certificate that the connection was opened with says who it is."""

    name = "EXTERNAL"

    def __init__(self, account: str) -> None:
        """`account` may be empty: the certificate's."""
        self._account = account

    def respond(self, challenge: bytes) -> bytes:  # noqa: ARG002 - an empty one is all there is
        """Give the answer to a challenge."""
        return self._account.encode()

    def is_proven(self) -> bool:
        """Whether the server has shown that it knows the secret: there is none."""
        return True


class Scram:
    """SCRAM-SHA-256: the client proves that it knows the password, and so does the server."""

    name = "SCRAM-SHA-256"

    def __init__(self, account: str, password: str, nonce: str) -> None:
        """`nonce` is random and never used again, printable and without a comma."""
        escaped = account.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={escaped},r={nonce}"
        self._nonce = nonce
        self._password = password.encode()
        self._step = 0
        self._server_signature = b""

    def respond(self, challenge: bytes) -> bytes:
        """Give the answer to a challenge.

        Raises:
            ScramError: the challenge is wrong; the server may not know the password.
        """
        self._step += 1
        if self._step == 1:
            return f"n,,{self._bare}".encode()
        if self._step == 2:
            return self._prove(challenge)
        self._verify(challenge)
        return b""

    def is_proven(self) -> bool:
        """Whether the server has shown that it knows the password."""
        return self._step >= 3

    def _prove(self, challenge: bytes) -> bytes:
        try:
            text = challenge.decode()
            fields = dict(item.split("=", 1) for item in text.split(","))
            nonce, iterations = fields["r"], int(fields["i"])
            salt = base64.b64decode(fields["s"], validate=True)
        except (UnicodeDecodeError, ValueError, KeyError, binascii.Error):
            raise ScramError("the server's challenge cannot be read") from None
        if not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce):
            raise ScramError("the server's challenge is not an answer to ours")
        if not 1 <= iterations <= ITERATIONS_MAX:
            raise ScramError(f"the server asks for {iterations} iterations")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        final = f"c=biws,r={nonce}"
        message = f"{self._bare},{text},{final}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._server_signature = hmac.digest(server_key, message, "sha256")
        return f"{final},p={base64.b64encode(proof).decode()}".encode()

    def _verify(self, challenge: bytes) -> None:
        try:
            fields = dict(item.split("=", 1) for item in challenge.decode().split(","))
            signature = base64.b64decode(fields["v"], validate=True)
        except (UnicodeDecodeError, ValueError, KeyError, binascii.Error):
            raise ScramError("the server does not prove that it knows the password") from None
        if not hmac.compare_digest(signature, self._server_signature):
            raise ScramError("the server does not know the password: it may be an impostor")
