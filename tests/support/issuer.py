"""An issuer of tokens, as a company's identity provider is one."""

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

ISSUER = "https://id.example/realms/company"
AUDIENCE = "roost"
NOW_MS = 1_700_000_000_000


class Issuer:
    """Signs with a key that has a name."""

    def __init__(self, name: str = "k1") -> None:
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self, **more: str) -> dict[str, Any]:
        entry = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        return {**entry, "kid": self.name, "use": "sig", **more}

    def token(self, account: str = "alice", now_ms: int = NOW_MS, **changed: object) -> str:
        """Make a token; a claim that is None is left out."""
        now = now_ms // 1000
        claims = {
            "iss": ISSUER,
            "aud": ["other", AUDIENCE],
            "exp": now + 300,
            "nbf": now,
            "preferred_username": account,
            **changed,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.key, "ES256", headers={"kid": self.name})


def key_set(*issuers: Issuer) -> bytes:
    return json.dumps({"keys": [issuer.jwk() for issuer in issuers]}).encode()
