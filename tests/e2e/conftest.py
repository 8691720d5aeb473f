"""Clusters of real processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.cluster import Cluster


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for tests that leave it as it was; each has rooms and nicknames of its own."""
    with Cluster(tmp_path_factory.mktemp("shared") / "data") as cluster:
        yield cluster


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """The shared cluster, whole."""
    shared_cluster.wait_whole()
    return shared_cluster


@pytest.fixture
def start_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Start clusters of a test's own; they end with it."""
    with ExitStack() as running:

        def start(
            name: str = "data", *, nodes: int = 3, arguments: tuple[str, ...] = ()
        ) -> Cluster:
            made = Cluster(tmp_path / name, nodes=nodes, arguments=arguments)
            return running.enter_context(made)

        yield start
