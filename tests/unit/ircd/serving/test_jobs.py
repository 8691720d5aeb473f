"""Lines that wait for slow work or the log before they take effect."""

import pytest

from roost.chat.applied import Applied
from roost.chat.commands.accounts import CountLogin
from roost.chat.commands.rooms import Join
from roost.chat.refusals import Reason, Refusal
from roost.irc.message import Message
from roost.ircd.context import Context, Job, RefusedError, Request, Result
from roost.ircd.serving import dispatch
from roost.ircd.sessions.work import Outcome, VerifyPassword, WorkFailed
from support.dialogue import World
from support.fake_hashing import credentials

ENCODED = credentials("sesame").password


@pytest.fixture(autouse=True)
def _commands(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, handler in (("OPEN", open_), ("COUNT", count), ("WRONG", wrong)):
        entry = dispatch.Command(name, handler, 0, True, True)
        monkeypatch.setitem(dispatch._commands, name, entry)


def open_(context: Context, message: Message) -> Result:
    """Join #open if the password is right."""

    def then(context: Context, outcome: Outcome) -> Result:
        if outcome is not True:
            context.notice("wrong")
            return None
        return (Join("#open"),) if context.session.user else None

    return Job(VerifyPassword(ENCODED, message.parameters[0]), then)


def count(context: Context, message: Message) -> Result:
    """Check a password after the attempt is counted."""
    session = context.session

    def then(context: Context, applied: Applied) -> Result:
        if applied.results:
            context.notice("too many")
            return None
        return open_(context, message)

    command = CountLogin(session.id, session.generation, context.line, "10.0.0.1", "alice")
    return Request(command, then)


def wrong(context: Context, message: Message) -> Result:
    def then(context: Context, outcome: Outcome) -> Result:
        raise RefusedError(Refusal(Reason.NO_SUCH_NICK, "nobody"))

    return Job(VerifyPassword("", ""), then)


def test_a_job_may_end_in_operations() -> None:
    world = World()
    alice = world.register("alice")
    alice.send("OPEN sesame")
    assert "JOIN" in alice.commands()


def test_a_job_may_end_in_words() -> None:
    world = World()
    alice = world.register("alice")
    alice.send("OPEN tesame")
    alice.expect("NOTICE alice wrong")


def test_a_request_may_end_in_a_job() -> None:
    world = World()
    alice = world.register("alice")
    alice.send("COUNT sesame")
    assert "JOIN" in alice.commands()
    assert alice.acknowledged == len(alice.sent)


def test_a_refusal_in_between_is_told() -> None:
    world = World()
    alice = world.register("alice")
    alice.send("WRONG")
    assert alice.commands() == ["401"]


def test_later_lines_wait_and_nobody_elses_do() -> None:
    world = World()
    alice, bob = world.register("alice"), world.register("bob")
    world.is_hashing_stopped = True
    alice.send("OPEN sesame", "PING 1")
    bob.send("PING 2")
    alice.expect_nothing()
    assert bob.commands() == ["PONG"]
    world.is_hashing_stopped = False
    world.run()
    commands = alice.commands()
    assert (commands[0], commands[-1]) == ("JOIN", "PONG")


def test_a_line_that_waits_is_heard_again_by_the_next_node() -> None:
    world = World(nodes=2)
    alice = world.register("alice")
    world.is_hashing_stopped = True
    alice.send("COUNT sesame", "PING 1")
    world.move(alice, 1)
    world.is_hashing_stopped = False
    world.run()
    assert alice.commands().count("JOIN") == 1
    assert alice.acknowledged == len(alice.sent)
    assert [counted.count for counted in world.state.attempts.values()] == [1, 1]


def test_work_for_a_client_that_is_gone_is_no_matter() -> None:
    world = World(nodes=2)
    alice = world.register("alice")
    world.is_hashing_stopped = True
    alice.send("OPEN sesame")
    world.move(alice, 1)
    world.run()
    world.is_hashing_stopped = False
    world.run()
    assert alice.commands().count("JOIN") == 1


def test_before_registration_a_job_delays_it() -> None:
    world = World()
    alice = world.connect()
    world.is_hashing_stopped = True
    alice.send("OPEN tesame", "NICK alice", "USER alice 0 * :Alice")
    alice.expect_nothing()
    world.is_hashing_stopped = False
    world.run()
    assert alice.commands()[:2] == ["NOTICE", "001"]


def test_work_that_was_not_done_is_told() -> None:
    world = World()
    alice = world.register("alice", "standard-replies")
    world.is_hashing_stopped = True
    alice.send("OPEN sesame")
    [(node, ticket, _)] = world.jobs
    world.jobs.clear()
    world.servers[node].job_done(ticket, WorkFailed("Come back later"))
    world.run()
    alice.expect("FAIL OPEN TEMPORARILY_UNAVAILABLE :Come back later")
    assert alice.acknowledged == len(alice.sent)


def test_the_same_request_in_the_log_twice_is_heard_once() -> None:
    world = World()
    alice = world.register("alice")
    world.is_hashing_stopped = True
    alice.send("COUNT sesame")
    line = len(alice.sent)
    world.order(CountLogin(alice.session, 1, line, "10.0.0.1", "alice"))  # type: ignore[arg-type]
    world.is_hashing_stopped = False
    world.run()
    assert alice.commands().count("JOIN") == 1
    assert [counted.count for counted in world.state.attempts.values()] == [1, 1]


def test_a_client_that_leaves_in_between_is_gone_when_its_line_is_done() -> None:
    world = World()
    alice, bob = world.join("#open", "alice", "bob")
    world.is_hashing_stopped = True
    bob.send("OPEN tesame")
    bob.disconnect()
    alice.expect_nothing()
    world.is_hashing_stopped = False
    world.run()
    assert alice.commands() == ["QUIT"]
