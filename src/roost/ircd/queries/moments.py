"""Parses times of server-time, and writes times for people."""

import re
from datetime import UTC, datetime, timedelta

_timestamp = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", flags=re.ASCII
)
_epoch = datetime(1970, 1, 1, tzinfo=UTC)


def parse_timestamp(text: str) -> int | None:
    """Parse `YYYY-MM-DDThh:mm:ss.sssZ` as milliseconds since 1970; None if it is malformed.

    Some clients write no fraction, or up to nine digits, or a leap second, which counts as the
    second after it.
    """
    match = _timestamp.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction_ms = int((match[7] or "").ljust(3, "0")[:3])
    leap = 1 if second == 60 else 0
    try:
        moment = datetime(year, month, day, hour, minute, second - leap, tzinfo=UTC)
    except ValueError:
        return None
    seconds = (moment - _epoch) // timedelta(seconds=1) + leap
    # Times before 1970 precede every message; negative ones would mean "unset" in `Anchor`.
    return max(0, seconds * 1000 + fraction_ms)


def human_time(time_ms: int) -> str:
    """Write a time, in milliseconds since 1970, for people."""
    moment = _epoch + timedelta(milliseconds=time_ms)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
