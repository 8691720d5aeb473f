"""An event is logged once in an interval, and nothing is left out of the count."""

import pytest

from roost.ops import throttling
from roost.ops.throttling import ThrottledLog


class Lines:
    """Records what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []
        self.log = ThrottledLog(self._write, "refused", interval_s=10.0)

    def _write(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))


def test_an_event_is_logged_once_in_an_interval_with_how_often_it_was_left_out() -> None:
    lines = Lines()
    for now in (0.0, 1.0, 9.9, 10.0, 20.0):
        lines.log.log(now, at=now)
    assert lines.lines == [
        ("refused", {"at": 0.0}),
        ("refused", {"at": 10.0, "more": 2}),
        ("refused", {"at": 20.0}),
    ]
    assert lines.log.count == 5


def test_each_key_has_its_own_interval() -> None:
    lines = Lines()
    for now, key in ((0.0, "a"), (1.0, "b"), (2.0, "a"), (10.0, "a"), (10.5, "b")):
        lines.log.log(now, key, of=key)
    assert [fields for _, fields in lines.lines] == [
        {"of": "a"},
        {"of": "b"},
        {"of": "a", "more": 1},
    ]


def test_the_key_seen_least_recently_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "KEYS_MAX", 2)
    lines = Lines()
    for now, key in enumerate("abacabb"):
        lines.log.log(now, key, of=key)
    assert "".join(str(fields["of"]) for _, fields in lines.lines) == "abcb"
