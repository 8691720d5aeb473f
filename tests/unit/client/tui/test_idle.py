"""Garbage is collected in small parts, whatever is loaded."""

import gc
from collections.abc import Iterator

import pytest

from roost.client.tui import idle
from roost.client.tui.idle import IdleCollector


@pytest.fixture
def collections() -> Iterator[list[int]]:
    """Return the generations that are collected, as they are; the process is as before after it."""
    found: list[int] = []

    def note(phase: str, about: dict[str, int]) -> None:
        if phase == "stop":
            found.append(about["generation"])

    thresholds = gc.get_threshold()
    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_no_collection_visits_more_than_it_may(
    collections: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "YOUNG", 200)
    assert idle.YOUNG * idle.MIDDLE * 100 <= 100_000
    collector = IdleCollector()
    collector.begin()
    loaded = [[number] for number in range(20_000)]
    assert collections.count(1) > idle.MIDDLE_COLLECTIONS_MAX
    frozen = gc.get_freeze_count()
    collector.look(1000.0)
    assert 2 not in collections
    assert gc.get_freeze_count() >= frozen + len(loaded)


def test_what_little_there_is_is_collected_once_the_screen_is_quiet(
    collections: list[int],
) -> None:
    collector = IdleCollector()
    collector.begin()
    collector.changed(1000.0)
    collector.look(1001.0)
    assert 2 not in collections
    collector.look(1003.0)
    assert collections.count(2) == 1
    collector.look(1004.0)
    assert collections.count(2) == 1
