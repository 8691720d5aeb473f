"""Which e-mail addresses are accepted: what is in use, and nothing that could end a header.

Source: RFC 5321, 4.1.2 (dot-string, without quoted ones) and 4.5.3.1 (lengths).
"""

import re

ADDRESS_BYTES_MAX = 254
LOCAL_BYTES_MAX = 64

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_address = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@({_LABEL}(?:\.{_LABEL})*)")


def is_mail_address(text: str) -> bool:
    """Return whether `text` is an e-mail address that can be written to."""
    match = _address.fullmatch(text) if len(text) <= ADDRESS_BYTES_MAX else None
    return match is not None and len(match[1]) <= LOCAL_BYTES_MAX


def fold_mail_address(text: str) -> str:
    """Return the form by which addresses are compared: in practice, case means nothing."""
    return text.lower()
