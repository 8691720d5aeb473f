"""The messages of OAUTHBEARER: a client logs in with a token that somebody else has issued.

Source: RFC 7628, 3; RFC 5801, 4 (the header), RFC 6750, 2.1 (the token).
"""

import re

import msgspec

NAME = "OAUTHBEARER"
FAILURE = b'{"status":"invalid_token"}'
""""If the authentication fails, the server sends an error message in JSON format", which the client
answers with a dummy before the server ends the exchange."""
_SEPARATOR = "\x01"
_HEADER = re.compile(r"[ny],(?:a=(?P<name>[^,]*))?,")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", flags=re.ASCII)


class OAuthError(Exception):
    """A client's message is not what the specification has; the text is for people."""


class ClientResponse(msgspec.Struct, frozen=True):
    """What a client sends."""

    name: str
    """The account that it wants to act as; empty for the token's own."""
    token: str

    def __repr__(self) -> str:
        return "ClientResponse(...)"


def parse_response(data: bytes) -> ClientResponse:
    """Parse `n,a=user,^Ahost=...^Aport=...^Aauth=Bearer TOKEN^A^A`.

    Raises:
        OAuthError: it is something else.
    """
    try:
        header, *pairs = data.decode().split(_SEPARATOR)
    except UnicodeDecodeError as error:
        raise OAuthError("The message is not UTF-8") from error
    found = _HEADER.fullmatch(header)
    if found is None or len(pairs) < 2 or pairs[-2:] != ["", ""]:
        raise OAuthError("The message is malformed")
    values = dict(pair.partition("=")[::2] for pair in pairs[:-2])
    scheme, _, token = values.get("auth", "").partition(" ")
    if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
        raise OAuthError("There is no bearer token in the message")
    name = (found["name"] or "").replace("=2C", ",").replace("=3D", "=")
    return ClientResponse(name, token)
