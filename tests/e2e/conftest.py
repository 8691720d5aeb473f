"""Clusters of real processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.cluster import Cluster
from support.postgres import PostgresServer


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Share a cluster among tests that leave it intact and use rooms and nicknames of their own."""
    with Cluster(tmp_path_factory.mktemp("shared") / "data") as cluster:
        yield cluster


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """Return the shared cluster, complete."""
    shared_cluster.wait_whole()
    return shared_cluster


@pytest.fixture
def start_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Return a function that starts clusters; they stop when the test ends."""
    with ExitStack() as running:

        def start(
            name: str = "data", *, nodes: int = 3, arguments: tuple[str, ...] = ()
        ) -> Cluster:
            made = Cluster(tmp_path / name, nodes=nodes, arguments=arguments)
            return running.enter_context(made)

        yield start


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Share a PostgreSQL server; each test makes databases of its own."""
    with PostgresServer() as running:
        yield running
