"""The words for a suspended account."""

from roost.chat.refusals import Refusal
from roost.ircd.queries.moments import human_time

CODE = "ACCOUNT_SUSPENDED"
"""Of the standard reply."""


def suspension_words(refusal: Refusal) -> str:
    """Return for people that an account is suspended, until when, and why."""
    expires_ms, _, reason = refusal.detail.partition(" ")
    until = f" until {human_time(int(expires_ms))}" if int(expires_ms) else ""
    return f"The account {refusal.subject} is suspended{until}{f': {reason}' if reason else ''}"
