from collections.abc import Iterator
from pathlib import Path

import pytest

from roost.storage import DataDirectory, HistoryStore
from support.stores import open_directory


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[DataDirectory]:
    with open_directory(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def history(directory: DataDirectory) -> Iterator[HistoryStore]:
    store = HistoryStore(directory)
    yield store
    store.close()
