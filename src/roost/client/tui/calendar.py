"""Format and parse times in the user's time zone."""

import datetime as dt
from functools import lru_cache

from roost.ops import clock

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
_WORDS = {"today": 0, "yesterday": 1}
_FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%Y/%m/%d")
_FIRST_MS = -(2**40)
_LAST_MS = 2**47
"""Times outside these limits are shown as the limit."""


class Calendar:
    """Formats times; fast, because most of them are close together."""

    def __init__(self, zone: dt.tzinfo | None = None) -> None:
        """Use a time zone, or the machine's own."""
        self._zone = zone
        self._minute = lru_cache(maxsize=8192)(self._read_minute)

    def day(self, time_ms: int) -> int:
        """Return the day's number, equal for all times of one day."""
        return self._minute(time_ms // 60_000)[0]

    def minute(self, time_ms: int) -> str:
        """Return the time of day: "10:42"."""
        return self._minute(time_ms // 60_000)[1]

    def day_name(self, time_ms: int, now_ms: int) -> str:
        """Return the day's name: "Today, Monday, 2 March 2026"."""
        date = self._at(time_ms)
        days = self.day(now_ms) - self.day(time_ms)
        name = f"{_WEEKDAYS[date.weekday()]}, {date.day} {_MONTHS[date.month - 1]} {date.year}"
        return {0: f"Today, {name}", 1: f"Yesterday, {name}"}.get(days, name)

    def moment(self, time_ms: int, now_ms: int) -> str:
        """Return day and time in a few letters: "10:42", "2 Mar 10:42", "2 Mar 2025 10:42"."""
        date, today = self._at(time_ms), self._at(now_ms)
        if date.date() == today.date():
            return self.minute(time_ms)
        year = "" if date.year == today.year else f" {date.year}"
        return f"{date.day} {_MONTHS[date.month - 1][:3]}{year} {self.minute(time_ms)}"

    def parse(self, words: str, now_ms: int) -> int | None:
        """Parse a day, or a day and a time, as people write it; return None if it is neither.

        Accepts "today", "yesterday", weekdays (the last one), "10:42" (today), "3d" (days ago), and
        dates such as 2026-03-02, 2026-03-02 10:42, 2.3.2026.
        """
        words = words.strip().lower()
        midnight = self._at(now_ms).replace(hour=0, minute=0, second=0, microsecond=0)
        days = _WORDS.get(words)
        for number, name in enumerate(_WEEKDAYS):
            if len(words) >= 3 and name.lower().startswith(words):
                days = (midnight.weekday() - number) % 7 or 7
        if days is None and words.endswith("d") and words[:-1].isdecimal():
            days = min(int(words[:-1]), 36_500)
        if days is not None:
            return _milliseconds(midnight - dt.timedelta(days=days))
        for form in _FORMS:
            try:
                found = dt.datetime.strptime(words.upper(), form)  # noqa: DTZ007 - zone follows
            except ValueError:
                continue
            return self._localised(found)
        try:
            time = dt.datetime.strptime(words, "%H:%M")  # noqa: DTZ007 - only its clock is used
        except ValueError:
            return None
        return _milliseconds(midnight.replace(hour=time.hour, minute=time.minute))

    def _localised(self, date: dt.datetime) -> int | None:
        try:
            aware = date.replace(tzinfo=self._zone) if self._zone else date.astimezone()
            return _milliseconds(aware)
        except (OverflowError, OSError, ValueError):
            return None

    def _read_minute(self, minutes: int) -> tuple[int, str]:
        date = self._at(minutes * 60_000)
        return date.toordinal(), f"{date.hour:02}:{date.minute:02}"

    def _at(self, time_ms: int) -> dt.datetime:
        time_ms = min(max(time_ms, _FIRST_MS), _LAST_MS)
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=time_ms)
        return moment.astimezone(self._zone)


def now_ms() -> int:
    """Return the current time."""
    return clock.now().wall_ms


def _milliseconds(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)
