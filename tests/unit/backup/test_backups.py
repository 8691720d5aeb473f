"""Backups hold what was copied, name what is wrong with them, and become nodes again."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from roost.backup import (
    BackupError,
    DamagedError,
    Draft,
    ForeignError,
    Manifest,
    Repository,
    check,
    copy_node,
    open_repository,
    restore_node,
)
from roost.backup.manifest import FileEntry
from roost.backup.repository import MARKER
from roost.chat.history import Held, Page
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import ClusterNode, JoinToken, State
from roost.storage import DataDirectory, HistoryStore, Identity, LogStore
from support.stores import row

CLUSTER = "chat-1"
NEW = "chat-2"


def manifest(position: int, *, first: int = 1) -> Manifest:
    return Manifest(
        cluster=CLUSTER,
        node="n1",
        version="1",
        made_ms=0,
        position=Position(position),
        time_ms=10 * position,
        terms=((Position(1), 3), (Position(8), 4)),
        first=Position(first),
        first_ms=10 * (first - 1),
        holes=(),
        has_archive=False,
        accounts=0,
        rooms=0,
        state=FileEntry("", 0, ""),
        segments=(),
    )


def state_at(position: int) -> State:
    state = State(position=Position(position))
    state.nodes = {"old": ClusterNode(Position(1), 0)}
    state.join_tokens = {"t": JoinToken("n9", "", 0, b"sealed")}
    return state


def back_up(repository: Repository, position: int, former: Manifest | None = None) -> Manifest:
    """Make a backup in which every position has a row."""
    first = 1 if former is None else former.position + 1
    with Draft(repository, former, Position(first)) as draft:
        draft.add_rows([row(at) for at in range(first, position + 1)], Position(position))
        data = encode_state(state_at(position))
        draft.add_state(data[:7])
        draft.add_state(data[7:])
        return draft.finish(manifest(position))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return open_repository(tmp_path / "kept", CLUSTER)


def names(repository: Repository) -> list[str]:
    return sorted(path.name for path in repository.path.iterdir())


# Making


def test_a_later_backup_adds_only_what_is_new(repository: Repository) -> None:
    first = back_up(repository, 5)
    second = back_up(repository, 9, first)
    assert second.rows == 9
    assert [(part.first, part.last, part.rows) for part in second.segments] == [
        (1, 5, 5),
        (6, 9, 4),
    ]
    assert repository.backups() == (first, second)
    assert repository.newest() == second
    assert repository.newest(5) == first
    assert check(repository, second).rows == 9


def test_a_backup_that_was_cut_short_is_none_and_leaves_nothing(repository: Repository) -> None:
    before = names(repository)
    with Draft(repository, None, Position(1)) as draft:
        draft.add_rows([row(1)], Position(2))
        with pytest.raises(BackupError, match="the copy ended at 2, before 5"):
            draft.finish(manifest(5))
    assert names(repository) == before
    with pytest.raises(BackupError, match="holds no complete backup"):
        repository.newest()


def test_what_a_killed_process_leaves_is_removed(repository: Repository) -> None:
    made = back_up(repository, 5)
    for name in ("000000000006.part", "000000000006-000000000007.rows", "000000000007.state"):
        (repository.path / name).write_bytes(b"cut")
    repository.sweep()
    assert names(repository) == sorted(
        [MARKER, "000000000005.json", *(file.name for file in made.files)]
    )


def test_a_full_backup_at_the_same_position_changes_no_file_of_another(
    repository: Repository,
) -> None:
    first = back_up(repository, 5)
    again = back_up(repository, 5)
    assert not {file.name for file in first.files} & {file.name for file in again.files}
    assert check(repository, again).rows == 5


def test_old_backups_go_and_files_that_others_need_stay(repository: Repository) -> None:
    first = back_up(repository, 5)
    second = back_up(repository, 9, first)
    assert repository.keep(1) == 1
    assert repository.backups() == (second,)
    assert check(repository, second).rows == 9
    assert first.state.name not in names(repository)


def test_two_processes_do_not_write_at_once(repository: Repository) -> None:
    with (
        repository.locked(),
        pytest.raises(BackupError, match="another process is writing"),
        repository.locked(),
    ):
        pass


# Whose it is


def test_another_clusters_directory_is_refused(repository: Repository) -> None:
    with pytest.raises(ForeignError, match="has backups of the cluster chat-1, not of chat-2"):
        open_repository(repository.path, NEW)


def test_a_backup_of_another_cluster_among_them_is_refused(repository: Repository) -> None:
    back_up(repository, 5)
    (repository.path / MARKER).write_text('{"format": 1, "cluster": "chat-2"}')
    with pytest.raises(ForeignError, match="is of the cluster chat-1, but"):
        open_repository(repository.path).backups()


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    for cluster in ("", CLUSTER):
        with pytest.raises(BackupError, match="is not a directory of backups"):
            open_repository(tmp_path, cluster)
    with pytest.raises(BackupError, match="is not a directory of backups"):
        open_repository(tmp_path / "precious", CLUSTER)


def test_unknown_formats_are_refused_by_number(repository: Repository) -> None:
    made = back_up(repository, 5)
    file = repository.path / "000000000005.json"
    file.write_bytes(file.read_bytes().replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(ForeignError, match="has format 2, and this version of Roost reads"):
        repository.backups()
    assert made.format == 1
    (repository.path / MARKER).write_text('{"format": 0, "cluster": "chat-1"}')
    with pytest.raises(ForeignError, match="has format 0"):
        open_repository(repository.path)


# Damage


def _flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


@pytest.mark.parametrize("pattern", ["*.rows", "*.state"])
@pytest.mark.parametrize("change", [lambda content: content[:-1], _flip, lambda _: b""])
def test_every_damaged_file_is_found_and_named(
    repository: Repository, pattern: str, change: Callable[[bytes], bytes]
) -> None:
    made = back_up(repository, 5)
    (file,) = repository.path.glob(pattern)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(DamagedError, match=f"{file.name} is damaged or cut short"):
        check(repository, made)
    file.unlink()
    with pytest.raises(DamagedError, match=f"{file.name} cannot be read"):
        check(repository, made)
    with pytest.raises(DamagedError, match=f"{file.name} cannot be read"):
        repository.check_sizes(made)


def test_a_damaged_manifest_is_found(repository: Repository) -> None:
    back_up(repository, 5)
    file = repository.path / "000000000005.json"
    sound = file.read_bytes()
    for broken in (sound[:-9], b"", sound.replace(b'"time_ms": 50', b'"time_ms": 51')):
        file.write_bytes(broken)
        with pytest.raises(DamagedError, match=r"000000000005\.json is damaged"):
            repository.backups()


def test_files_that_contradict_the_manifest_are_found(repository: Repository) -> None:
    made = back_up(repository, 5)
    (segment,) = made.segments
    fewer = msgspec.structs.replace(segment, rows=4)
    with pytest.raises(DamagedError, match="has 5 rows instead of 4"):
        check(repository, msgspec.structs.replace(made, segments=(fewer,)))
    shorter = msgspec.structs.replace(segment, last=Position(4))
    with pytest.raises(DamagedError, match="has a row of position 5, out of order"):
        check(repository, msgspec.structs.replace(made, segments=(shorter,)))
    with pytest.raises(DamagedError, match="overlaps"):
        check(repository, msgspec.structs.replace(made, segments=(segment, segment)))
    with pytest.raises(DamagedError, match="is the state at 5, not 6"):
        check(repository, msgspec.structs.replace(made, position=Position(6)))


# Restoring


def test_all_nodes_start_from_the_same_state_and_history(
    repository: Repository, tmp_path: Path
) -> None:
    made = back_up(repository, 9, back_up(repository, 5))
    members = ("a", "b")
    restore_node(repository, made, tmp_path / "a", Identity(NEW, "a"), members)
    copy_node(tmp_path / "a", tmp_path / "b", Identity(NEW, "b"))
    for name in members:
        with DataDirectory.open(tmp_path / name, Identity(NEW, name), is_founding=False) as opened:
            assert opened.had_log
            log, history = LogStore(opened), HistoryStore(opened)
            stored = log.load()
            assert log.findings == history.findings == ()
            assert stored.hard_state.term == 1_004
            assert not stored.hard_state.is_amnesiac
            assert stored.snapshot is not None
            assert (stored.snapshot.index, stored.snapshot.term) == (9, 4)
            assert stored.snapshot.configuration is not None
            assert stored.snapshot.configuration.voters == members
            state = decode_state(stored.snapshot.data)
            assert tuple(state.nodes) == members
            assert not state.join_tokens
            assert history.applied == 9
            assert history.gaps() == ()
            assert history.terms() == made.terms
            found = history.answer(Page("r:1", 20, is_newest=True))
            assert found == tuple(row(at) for at in range(1, 10))
            log.close()
            history.close()


def test_history_that_had_expired_is_not_restored(repository: Repository, tmp_path: Path) -> None:
    hole = Hole(Position(6), Position(7), 70, 80)
    made = back_up(repository, 9)
    made = msgspec.structs.replace(made, first=Position(4), first_ms=30, holes=(hole,))
    restore_node(repository, made, tmp_path / "a", Identity(NEW, "a"), ("a",))
    with DataDirectory.open(tmp_path / "a", Identity(NEW, "a"), is_founding=False) as opened:
        history = HistoryStore(opened)
        assert history.held == Held(Position(4), 30)
        assert history.holes == (hole,)
        assert history.answer(Page("r:1", 20, is_newest=True)) == tuple(map(row, (4, 5, 8, 9)))
        history.close()


def test_nothing_is_restored_over_data(repository: Repository, tmp_path: Path) -> None:
    made = back_up(repository, 5)
    data = tmp_path / "a"
    data.mkdir()
    (data / "log.db").write_bytes(b"precious")
    with pytest.raises(BackupError, match="is not empty"):
        restore_node(repository, made, data, Identity(NEW, "a"), ("a",))
    with pytest.raises(BackupError, match="is not empty"):
        copy_node(tmp_path, data, Identity(NEW, "a"))
    assert (data / "log.db").read_bytes() == b"precious"


def test_a_restore_that_was_cut_short_leaves_no_data_directory(
    repository: Repository, tmp_path: Path
) -> None:
    made = back_up(repository, 5)
    (file,) = repository.path.glob("*.rows")
    sound = file.read_bytes()
    file.write_bytes(sound[:-3])
    with pytest.raises(DamagedError):
        restore_node(repository, made, tmp_path / "a", Identity(NEW, "a"), ("a",))
    assert not (tmp_path / "a").exists()
    file.write_bytes(sound)
    restore_node(repository, made, tmp_path / "a", Identity(NEW, "a"), ("a",))
    assert (tmp_path / "a" / "log.db").exists()
