from roost.node.engine.pending import RETRY_S, PendingCommands


def test_a_command_is_asked_for_once_until_it_is_late() -> None:
    pending = PendingCommands()
    pending.add(b"a")
    assert pending.take_due(0.0) == [b"a"]
    assert pending.take_due(RETRY_S / 2) == []
    assert pending.take_due(RETRY_S) == [b"a"]


def test_a_settled_command_is_forgotten() -> None:
    pending = PendingCommands()
    pending.add(b"a")
    pending.add(b"b")
    pending.take_due(0.0)
    pending.settle(b"a", 0.5)
    assert pending.take_due(RETRY_S) == [b"b"]
    assert len(pending) == 1


def test_another_leader_is_asked_in_the_first_order() -> None:
    pending = PendingCommands()
    for data in (b"a", b"b"):
        pending.add(data)
    pending.take_due(0.0)
    pending.add(b"c")
    pending.propose_again()
    assert pending.take_due(0.1) == [b"a", b"b", b"c"]


def test_what_nobody_could_be_asked_for_stays_due() -> None:
    pending = PendingCommands()
    pending.add(b"a")
    due = pending.take_due(0.0)
    pending.add(b"b")
    pending.put_back(due)
    assert pending.next_deadline() == float("inf")
    assert pending.take_due(0.1) == [b"a", b"b"]


def test_equal_commands_are_one_wish() -> None:
    pending = PendingCommands()
    pending.add(b"a")
    pending.add(b"a")
    assert pending.take_due(0.0) == [b"a"]
    pending.add(b"a")
    assert pending.take_due(0.1) == []


def test_the_deadline_is_the_oldest_commands() -> None:
    pending = PendingCommands()
    pending.add(b"a")
    pending.take_due(1.0)
    pending.add(b"b")
    pending.take_due(1.5)
    assert pending.next_deadline() == 1.0 + RETRY_S


def test_a_cluster_that_is_late_is_asked_less_and_less_often() -> None:
    pending = PendingCommands()
    pending.add(b"one")
    assert pending.take_due(0.0) == [b"one"]
    repeated = [tenth / 10 for tenth in range(1, 400) if pending.take_due(tenth / 10)]
    assert repeated == [1.0, 3.0, 7.0, 15.0, 23.0, 31.0, 39.0]
    pending.settle(b"one", 39.5)
    pending.add(b"two")
    pending.take_due(40.0)
    assert pending.next_deadline() == 41.0


def test_what_a_later_command_overtook_is_proposed_again_at_once() -> None:
    pending = PendingCommands()
    for at, data in enumerate((b"lost", b"also lost", b"kept", b"on its way")):
        pending.add(data)
        pending.take_due(at / 10)
    pending.add(b"new")
    pending.settle(b"kept", 0.4)
    assert pending.take_due(0.4) == [b"lost", b"also lost", b"new"]
    pending.settle(b"on its way", 0.5)
    assert pending.take_due(0.5) == [], "they were proposed after that one"


def test_what_was_proposed_at_once_did_not_overtake_each_other() -> None:
    pending = PendingCommands()
    pending.add(b"one")
    pending.add(b"two")
    pending.take_due(0.0)
    pending.settle(b"two", 0.1)
    assert pending.take_due(0.1) == []


def test_a_lost_command_does_not_make_others_wait_longer() -> None:
    pending = PendingCommands()
    pending.add(b"lost")
    pending.take_due(0.0)
    assert pending.take_due(1.0) == [b"lost"]
    pending.add(b"prompt")
    pending.take_due(1.5)
    pending.settle(b"prompt", 1.6)
    assert pending.take_due(1.6) == [b"lost"]
    assert pending.next_deadline() == 1.6 + RETRY_S


def test_latency_counts_from_the_first_proposal_and_is_of_the_last_minute() -> None:
    pending = PendingCommands()
    assert pending.latency(0.0) is None
    for number in range(100):
        pending.add(b"%d" % number)
    pending.take_due(0.0)
    assert pending.take_due(RETRY_S), "a repetition does not count anew"
    for number in range(100):
        pending.settle(b"%d" % number, 2.0 + number / 1000)
    latency = pending.latency(3.0)
    assert latency is not None
    assert (round(latency.p50_ms), round(latency.p99_ms)) == (2049, 2098)
    assert pending.latency(100.0) is None


def test_the_latency_of_others_commands_is_not_known() -> None:
    pending = PendingCommands()
    pending.settle(b"of another node", 1.0)
    assert pending.latency(1.0) is None
