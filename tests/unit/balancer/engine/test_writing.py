"""A turn writes to some clients, and some bytes; the others have their turn next."""

import pytest

from roost.balancer.engine import writing
from roost.balancer.engine.outbox import take_write
from roost.balancer.engine.sessions import Client
from roost.balancer.engine.writing import write_some
from unit.balancer.fakes import FakeClient

KILOBYTE = b"x" * 1024


class SlowClient(FakeClient):
    """A client that has more to read than one write may have."""

    def flush(self) -> int:
        data = take_write(self.pieces)
        self.received += data
        self.is_dirty = bool(self.pieces)
        return len(data)


def clients(count: int, kilobytes: int) -> list[SlowClient]:
    made = [SlowClient() for _ in range(count)]
    for client in made:
        client.pieces = [KILOBYTE] * kilobytes
        client.is_dirty = True
    return made


def test_only_so_many_clients_are_written_to() -> None:
    crowd = clients(300, 1)
    dirty: list[Client] = list(crowd)
    assert write_some(dirty) == writing.WRITES_PER_TURN * 1024
    assert dirty == crowd[writing.WRITES_PER_TURN :]


@pytest.mark.parametrize("kilobytes", [100, 1000])
def test_only_so_much_is_written_and_everybody_gets_a_share(kilobytes: int) -> None:
    crowd = clients(30, kilobytes)
    dirty: list[Client] = list(crowd)
    turns = 0
    while dirty:
        assert write_some(dirty) <= writing.WRITTEN_PER_TURN + 256 * 1024
        turns += 1
        if turns == 5:
            assert all(client.received for client in crowd)
    assert all(client.received == KILOBYTE * kilobytes for client in crowd)
