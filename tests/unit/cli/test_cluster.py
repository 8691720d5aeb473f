"""A cluster's directory is created once and reused."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from roost.cli.cluster import NODES_MAX, ClusterDirectory, ensure_certificates, without
from roost.cli.errors import UsageError
from roost.node.config import MEMBERS_MAX

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PROCESSES: dict[str, tuple[str, tuple[str, ...]]] = {"n1": ("node", ()), "b1": ("balancer", ())}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[ClusterDirectory]:
    with ClusterDirectory(tmp_path / "deep" / "data") as opened:
        yield opened


def test_a_cluster_is_the_same_the_second_time(directory: ClusterDirectory) -> None:
    made = directory.open(None)
    assert made.members == ("n1", "n2", "n3")
    assert directory.open(3) == directory.open(None) == made


def test_two_clusters_have_two_ids(directory: ClusterDirectory, tmp_path: Path) -> None:
    with ClusterDirectory(tmp_path / "other") as other:
        assert other.open(None).cluster != directory.open(None).cluster


def test_fewer_nodes_are_refused_and_the_right_command_is_named(
    directory: ClusterDirectory,
) -> None:
    directory.open(5)
    with pytest.raises(UsageError, match=r"has 5 nodes here \(n1, n2, n3, n4, n5\), not 3.*") as at:
        directory.open(3)
    assert "`roost members remove n5`" in str(at.value)
    assert len(directory.open(None).members) == 5


def test_more_nodes_join_the_founding_ones(directory: ClusterDirectory) -> None:
    directory.open(3)
    (directory.path / "n4").mkdir()
    grown = directory.open(5)
    assert grown.members == ("n1", "n2", "n3")
    assert grown.local == ("n1", "n2", "n3", "n5", "n6")
    assert grown.joining == ("n5", "n6")
    assert directory.open(None) == directory.open(5) == grown
    assert not directory.is_founding(grown, "n5")


def test_a_node_that_is_gone_is_not_run_again(directory: ClusterDirectory) -> None:
    directory.write(without(directory.open(3), "n2"))
    assert directory.open(None).local == ("n1", "n3")
    assert directory.open(3).local == ("n1", "n3", "n4")


def test_a_locked_directory_is_refused(directory: ClusterDirectory) -> None:
    with pytest.raises(UsageError, match="another `roost up` is running on"):
        ClusterDirectory(directory.path)
    directory.close()
    ClusterDirectory(directory.path).close()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write to .*: Not a directory"):
        ClusterDirectory(tmp_path / "file" / "data")


def test_a_damaged_cluster_file_is_named(directory: ClusterDirectory) -> None:
    (directory.path / "cluster.toml").write_text('cluster = "c"\nmember = ["n1"]\n')
    with pytest.raises(UsageError, match=r"unknown key member: did you mean members\?"):
        directory.open(None)


def test_a_node_is_founding_until_it_has_data_or_the_cluster_was_whole(
    directory: ClusterDirectory,
) -> None:
    cluster = directory.open(3)
    assert directory.is_founding(cluster, "n1")
    (directory.path / "n1" / "data").mkdir(parents=True)
    assert directory.is_founding(cluster, "n1")
    (directory.path / "n1" / "data" / "identity.json").write_text("{}")
    assert not directory.is_founding(cluster, "n1")
    assert directory.is_founding(cluster, "n2")
    directory.write(msgspec.structs.replace(cluster, is_founded=True))
    assert not directory.is_founding(directory.open(3), "n2")


def test_certificates_are_kept(directory: ClusterDirectory) -> None:
    made = ensure_certificates(directory, "c1", PROCESSES, NOW)
    before = made["n1"]["certificate"].read_bytes()
    assert made["n1"]["key"].stat().st_mode & 0o077 == 0
    assert ensure_certificates(directory, "c1", PROCESSES, NOW) == made
    assert made["n1"]["certificate"].read_bytes() == before


def test_certificates_are_renewed_before_they_expire(directory: ClusterDirectory) -> None:
    made = ensure_certificates(directory, "c1", PROCESSES, NOW)
    before = made["n1"]["certificate"].read_bytes()
    ensure_certificates(directory, "c1", PROCESSES, NOW + dt.timedelta(days=725))
    assert made["n1"]["certificate"].read_bytes() != before


def test_another_clusters_authority_is_refused(directory: ClusterDirectory) -> None:
    ensure_certificates(directory, "c1", PROCESSES, NOW)
    with pytest.raises(UsageError, match="authority of cluster 'c1'"):
        ensure_certificates(directory, "c2", PROCESSES, NOW)


def test_a_cluster_has_as_many_nodes_as_a_node_accepts() -> None:
    assert NODES_MAX == MEMBERS_MAX
