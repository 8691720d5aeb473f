"""Checks tokens of an identity provider, with keys that it publishes and changes.

    token --> header: which key --> keys (cached; fetched when they are old or one is unknown)
          --> signature --> issuer, audience, times --> the claim with the account's name

A token that is not accepted is a `Verdict` with the reason. If the keys cannot be had, that is the
provider's failure. Known keys go on for a day, so that an outage of it keeps nobody out.

Source: RFC 7519 (tokens), RFC 7517 (keys), RFC 8725 (what goes wrong with them).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jwt
import msgspec
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from roost.ircd.login_config import OAuthConfig
from roost.ircd.sessions.work import CheckToken, Verdict
from roost.ops import clock

_logger = structlog.get_logger()

KEYS_S = 3600.0
"""How long keys are used before they are fetched again: providers announce new ones days before."""
KEYS_S_MAX = 86_400.0
"""How long they are used if they cannot be fetched."""
FETCH_PAUSE_S = 30.0
"""The least time between two fetches: a token with an unknown key costs the provider no more."""
KEYS_MAX = 100
"""Providers have two to five."""
ACCOUNT_CHARACTERS_MAX = 100
"""Of the claim: several times as many as an account's name may have."""

Fetch: TypeAlias = Callable[[OAuthConfig], Awaitable[bytes]]


class KeysError(Exception):
    """The keys cannot be had; the text says why."""


class Key(NamedTuple):
    """A public key."""

    public: Any
    """As `cryptography` has it."""
    algorithm: str = ""
    """The only one that it may be used with; empty for any that fits."""


class Keys:
    """The keys of one issuer."""

    def __init__(self, config: OAuthConfig, fetch: Fetch) -> None:
        """`fetch` returns a JWKS or a PEM file; it raises `KeysError`."""
        self.config = config
        self._fetch = fetch
        self._fetching = asyncio.Lock()
        self._known: dict[str, Key] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")

    async def find(self, name: str) -> Key | None:
        """Return the key with a name; if there is no name, the only key. None if there is none.

        Raises:
            KeysError: the keys cannot be had.
        """
        if self._is_due(name):
            async with self._fetching:
                if self._is_due(name):
                    await self._refresh()
        if clock.monotonic() - self._fetched > KEYS_S_MAX:
            raise KeysError("the keys of the issuer cannot be fetched")
        return self._pick(name)

    def _is_due(self, name: str) -> bool:
        now = clock.monotonic()
        is_old = now - self._fetched > KEYS_S or self._pick(name) is None
        return is_old and now - self._tried > FETCH_PAUSE_S

    async def _refresh(self) -> None:
        try:
            self._known = _parse(await self._fetch(self.config))
            self._fetched = clock.monotonic()
        except KeysError as error:
            _logger.error("provider-keys-not-fetched", reason=str(error))
        finally:
            self._tried = clock.monotonic()

    def _pick(self, name: str) -> Key | None:
        if name:
            return self._known.get(name, self._known.get(""))
        return next(iter(self._known.values())) if len(self._known) == 1 else None


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


def _parse(data: bytes) -> dict[str, Key]:
    """Return keys by their names; a PEM file has one key, without a name."""
    if data.lstrip().startswith(b"-----BEGIN"):
        try:
            return {"": Key(load_pem_public_key(data))}
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeysError(f"it is not a public key: {error}") from error
    try:
        entries = msgspec.json.decode(data, type=_KeySet).keys
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KeysError("it is not a JWKS") from error
    found: dict[str, Key] = {}
    for entry in entries[:KEYS_MAX]:
        # A secret is no public key, and an issuer that publishes one is not to be believed.
        if entry.get("use", "sig") != "sig" or entry.get("kty") == "oct":
            continue
        try:
            key = jwt.PyJWK.from_dict(entry)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue  # of a kind that the library does not know
        found[str(entry.get("kid", ""))] = Key(key.key, str(entry.get("alg", "")))
    if not found:
        raise KeysError("it has no key that is known here")
    return found


async def check_token(work: CheckToken, keys: Keys) -> Verdict:
    """Return whose token it is, or why it is not accepted.

    Raises:
        KeysError: the keys cannot be had.
    """
    config = keys.config
    try:
        header = jwt.get_unverified_header(work.token)
        algorithm, name = header.get("alg"), header.get("kid", "")
        if algorithm not in config.algorithms:
            return Verdict("", "The token's signature is of a kind that is not accepted")
        key = await keys.find(name)
        if key is None:
            return Verdict("", "The token is signed with an unknown key")
        if key.algorithm and key.algorithm != algorithm:
            return Verdict("", "The token is signed in another way than its key allows")
        claims = jwt.decode(
            work.token,
            key.public,
            algorithms=[algorithm],
            audience=config.audience,
            issuer=config.issuer,
            options={
                "require": ["exp", "iss", "aud"],
                # These would ask this machine's clock; see below.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidAudienceError:
        return Verdict("", "The token is for another service")
    except jwt.InvalidIssuerError:
        return Verdict("", "The token is from another issuer")
    except jwt.MissingRequiredClaimError as error:
        return Verdict("", f"The token has no {error.claim}")
    except (jwt.PyJWTError, ValueError, TypeError):
        return Verdict("", "The token is not valid")
    return _judge(config, claims, work.now_ms / 1000)


def _judge(config: OAuthConfig, claims: Mapping[str, Any], now: float) -> Verdict:
    """Check the times and the name of a token whose signature is right."""
    expires, begins = claims["exp"], claims.get("nbf", 0)
    if not _is_number(expires) or not _is_number(begins):
        return Verdict("", "The token's times are not numbers")
    if now >= expires + config.leeway_s:
        return Verdict("", "The token has expired")
    if now < begins - config.leeway_s:
        return Verdict("", "The token is not valid yet")
    account = claims.get(config.claim)
    if not isinstance(account, str) or not 0 < len(account) <= ACCOUNT_CHARACTERS_MAX:
        return Verdict("", f"The token names no account ({config.claim})")
    return Verdict(account)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
