"""Who says whose account it is: the network itself, or an identity provider.

A provider checks passwords with a program or by HTTP, or issues tokens (`node.provider` asks it
and checks them). This module only has the settings; `ircd.accounts.provider` says what they mean
for a client.
"""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

AT_ONCE_MAX = 64
"""Each may be a process."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""All sign with a private key: whoever can check such a signature cannot make one."""


class OAuthConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose tokens log in to which accounts (OAUTHBEARER); give all nodes the same."""

    issuer: str = ""
    """Who issues the tokens: their `iss`, to the letter. Empty to accept none."""
    audience: tuple[str, ...] = ()
    """For whom they must be issued: one of these must be in their `aud`, so that tokens for other
    services open nothing here."""
    keys_url: str = ""
    """Where the issuer publishes its keys (JWKS), https:// or on this machine."""
    keys_file: Path | None = None
    """The issuer's keys in a file instead: a JWKS, or one public key as PEM."""
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    """The signatures that are accepted."""
    claim: str = "preferred_username"
    """The claim of the token that has the account's name."""
    leeway_s: float = 30.0
    """By how many seconds the issuer's clock may differ from the cluster's."""

    def __post_init__(self) -> None:
        if not self.issuer:
            if self.audience or self.keys_url or self.keys_file:
                raise ValueError("login.oauth.issuer must name who issues the tokens")
            return
        if not self.audience:
            raise ValueError("login.oauth.audience must say for whom the tokens are issued")
        if bool(self.keys_url) == (self.keys_file is not None):
            raise ValueError("login.oauth needs one of keys_url and keys_file")
        if self.keys_url and not is_safe_url(self.keys_url):
            raise ValueError(
                "login.oauth.keys_url must begin with https://, or with http:// and this machine's "
                f"own address, not {self.keys_url!r}"
            )
        for name in self.algorithms:
            if name not in ALGORITHMS:
                known = ", ".join(ALGORITHMS)
                raise ValueError(f"login.oauth.algorithms can be {known}, not {name!r}")
        if not self.algorithms:
            raise ValueError("login.oauth.algorithms must not be empty")
        if not self.claim:
            raise ValueError("login.oauth.claim must name a claim, such as preferred_username")
        if not 0 <= self.leeway_s <= 300:
            raise ValueError(f"login.oauth.leeway_s must be from 0 to 300, not {self.leeway_s}")


class LoginConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people prove who they are, if not by a password that the network keeps."""

    program: tuple[str, ...] = ()
    """A program that checks passwords, with its arguments; started without a shell, once for each
    login."""
    url: str = ""
    """An address that checks passwords, https:// or on this machine; instead of a program."""
    secret: str = ""
    """What is sent to `url` as `Authorization: Bearer`, so that nobody else can try passwords
    there."""
    authority: Path | None = None
    """PEM file of the authority of the provider's certificate; without it, those that the system
    trusts."""
    timeout_s: float = 9.0
    """How long a login waits for the provider, in seconds: people wait so long, and clients longer.
    """
    at_once_max: int = 8
    """Logins that are checked at once; others wait. A program may take 50 MB."""
    creates_accounts: bool = True
    """Whether the first login of somebody whom the provider knows makes the account."""
    maps_names: bool = False
    """Whether the provider may answer with another account than the name that was typed, such as
    "alice" for "alice@example.com"."""
    local_accounts: bool = False
    """Whether accounts that were registered here keep their passwords, and the provider has no say
    in them. Otherwise it alone decides about all accounts, and nobody can register."""
    oauth: OAuthConfig = OAuthConfig()

    def __post_init__(self) -> None:
        if self.program and self.url:
            raise ValueError("login.program and login.url exclude each other: give one of them")
        if self.program and not self.program[0].startswith("/"):
            raise ValueError(
                f"login.program must begin with an absolute path, not {self.program[0]!r}"
            )
        if self.url and not is_safe_url(self.url):
            raise ValueError(
                "login.url must begin with https://, or with http:// and this machine's own "
                f"address, not {self.url!r}"
            )
        if self.secret and not self.url:
            raise ValueError("login.secret needs login.url")
        if not self.secret.isascii() or not self.secret.isprintable():
            raise ValueError("login.secret must be printable ASCII")
        if not 0 < self.timeout_s <= 60:
            raise ValueError(f"login.timeout_s must be from 0 to 60, not {self.timeout_s}")
        if not 1 <= self.at_once_max <= AT_ONCE_MAX:
            raise ValueError(
                f"login.at_once_max must be from 1 to {AT_ONCE_MAX}, not {self.at_once_max}"
            )

    @property
    def checks_passwords(self) -> bool:
        """Whether the provider checks passwords."""
        return bool(self.program or self.url)

    @property
    def has_provider(self) -> bool:
        """Whether there is an identity provider."""
        return self.checks_passwords or self.accepts_tokens

    @property
    def accepts_tokens(self) -> bool:
        """Whether somebody's tokens log in."""
        return bool(self.oauth.issuer)

    @property
    def has_own_accounts(self) -> bool:
        """Whether there are accounts whose passwords and certificates are kept here."""
        return self.local_accounts or not self.has_provider


def is_safe_url(url: str) -> bool:
    """Return whether nobody on the way can read or change what is sent to a URL."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    is_clean = url.isascii() and url.isprintable() and " " not in url
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return is_clean and is_safe and bool(host)
