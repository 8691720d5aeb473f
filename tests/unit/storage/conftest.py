from collections.abc import Iterator
from pathlib import Path

import pytest

from roost.storage import DataDirectory, HistoryStore, segments
from roost.storage.log_store import SEGMENTS_SINCE
from support.stores import open_directory


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[DataDirectory]:
    with open_directory(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a short log fill several segments."""
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 1024)


@pytest.fixture
def segmented(directory: DataDirectory) -> DataDirectory:
    """Open a directory whose log is kept in segments."""
    directory.note_version(SEGMENTS_SINCE)
    return directory


@pytest.fixture
def history(directory: DataDirectory) -> Iterator[HistoryStore]:
    store = HistoryStore(directory)
    yield store
    store.close()
