"""An expiry queue returns what is as old as its time-out, until that is discarded."""

from roost.balancer.engine.expiry_queue import ExpiryQueue


def test_things_expire_in_order_and_stay_until_they_are_discarded() -> None:
    queue: ExpiryQueue[str] = ExpiryQueue(5.0)
    for now, thing in enumerate("abc"):
        queue.add(thing, float(now))
    assert queue.expired(4.9) == []
    assert queue.expired(6.0) == queue.expired(6.9) == ["a", "b"]
    queue.discard("a")
    queue.discard("a")
    assert queue.expired(6.0) == ["b"]
    assert (list(queue), len(queue)) == (["b", "c"], 2)
