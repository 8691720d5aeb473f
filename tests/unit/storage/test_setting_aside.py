"""Data that is moved aside when a directory is opened again."""

from pathlib import Path

import pytest

from roost.storage import DataDirectory, Identity, LogStore
from roost.storage.setting_aside import kept_aside, order_setting_aside, set_aside_if_ordered

NAMES = ("log", "log.db", "log.db-wal", "log.witness", "history.db", "search.db")


def fill(data: Path, text: str = "old") -> None:
    for name in NAMES:
        (data / name).write_text(text)


def test_nothing_is_moved_without_an_order(tmp_path: Path) -> None:
    fill(tmp_path)
    assert set_aside_if_ordered(tmp_path) is None
    assert kept_aside(tmp_path) == ()
    assert (tmp_path / "log.db").exists()


def test_everything_is_moved_and_nothing_deleted(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "drained").touch()
    target = order_setting_aside(tmp_path, "because")
    assert set_aside_if_ordered(tmp_path) == target == tmp_path / "diverged-1"
    assert {name: (target / name).read_text() for name in NAMES} == dict.fromkeys(NAMES, "old")
    assert "because" in (target / "diverged.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] != []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["diverged-1", "drained"]
    assert set_aside_if_ordered(tmp_path) is None, "it is done"


def test_each_time_has_a_directory_of_its_own(tmp_path: Path) -> None:
    for text in ("first", "second"):
        fill(tmp_path, text)
        order_setting_aside(tmp_path, "because")
        set_aside_if_ordered(tmp_path)
    found = kept_aside(tmp_path)
    assert [path.name for path in found] == ["diverged-1", "diverged-2"]
    assert [(path / "log.db").read_text() for path in found] == ["first", "second"]


@pytest.mark.parametrize("moved", range(len(NAMES) + 1))
def test_a_crash_in_between_is_harmless(tmp_path: Path, moved: int) -> None:
    fill(tmp_path)
    target = order_setting_aside(tmp_path, "because")
    target.mkdir()
    for name in NAMES[:moved]:
        (tmp_path / name).rename(target / name)
    assert set_aside_if_ordered(tmp_path) == target
    assert all((target / name).exists() for name in NAMES)


def test_the_node_starts_as_one_that_lost_its_disk(tmp_path: Path) -> None:
    identity = Identity("home", "n1")
    with DataDirectory.open(tmp_path, identity, is_founding=True) as directory:
        log = LogStore(directory)
        assert not log.load().hard_state.is_amnesiac
        log.close()
    order_setting_aside(tmp_path, "because")
    with DataDirectory.open(tmp_path, identity, is_founding=True) as directory:
        assert directory.set_aside == tmp_path / "diverged-1"
        log = LogStore(directory)
        assert log.load().hard_state.is_amnesiac, "it may not vote"
        log.close()
