"""The table of services is complete and uniform."""

import pytest

from roost.chat.refusals import Reason, Refusal
from roost.chat.reservations import SERVICES
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.rendering.packing import LINE_BYTES_MAX
from roost.ircd.services import registry
from roost.ircd.services.registry import Service, services
from roost.ircd.serving.dispatch import command_names
from support.dialogue import World

ENTRIES = [(service, name) for service in services() for name in service.commands]


def test_the_names_of_services_are_nobody_elses() -> None:
    assert sorted(service.name for service in services()) == sorted(SERVICES)


@pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
def test_each_is_asked_by_its_name_its_shortcut_and_a_message(service: Service) -> None:
    alice = World().register("alice")
    answers = []
    for line in (service.shortcut, service.name.upper(), f"PRIVMSG {service.name} :help"):
        alice.send(line)
        answers.append(alice.lines())
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0]) == 1 + len(service.commands)
    assert {service.shortcut, service.name.upper()} <= set(command_names())


@pytest.mark.parametrize(("service", "name"), ENTRIES, ids=lambda one: getattr(one, "name", one))
def test_each_command_explains_itself_in_a_line(service: Service, name: str) -> None:
    entry = service.commands[name]
    assert entry.usage.split()[0] == name
    assert entry.text.endswith(".")
    world = World()
    alice = world.register("a" * world.state.settings.nick_bytes_max)
    alice.send(f"{service.shortcut} HELP {name.lower()}", f"{service.shortcut} HELP")
    told = alice.lines()
    assert told[0].endswith(entry.usage)
    assert any(f"{entry.usage}: {entry.text}" in line for line in told)
    assert all(len(line.encode()) <= LINE_BYTES_MAX for line in told)


@pytest.mark.parametrize(("service", "name"), ENTRIES, ids=lambda one: getattr(one, "name", one))
def test_each_command_bears_any_words(service: Service, name: str) -> None:
    world = World()
    alice = world.register("alice", account="alice")
    alice.send("JOIN #a", f"{service.shortcut} {name}")
    alice.lines()
    for words in ("x", "x y", "x y z", "#a", "#a x", "#a +o nobody", "\x01 \x02", "* *"):
        alice.send(f"{service.shortcut} {name} {words}")
        assert alice.lines() or alice.is_closed, words


def test_a_name_cannot_be_given_twice() -> None:
    with pytest.raises(AssertionError, match="twice"):
        registry.service_command("NickServ", "DROP", usage="DROP", text="Again.")(_nothing)
    with pytest.raises(AssertionError, match="there already"):
        registry.add_service("nickserv", "NS", "Again.", lambda context, refusal: None)


def _nothing(context: Context, words: tuple[str, ...]) -> Result:
    return None


def test_what_a_handler_cannot_find_is_told_by_its_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(context: Context, words: tuple[str, ...]) -> Result:
        raise RefusedError(Refusal(Reason.NO_SUCH_ROOM, "#none"))

    service = registry.find_service("chanserv")
    assert service is not None
    entry = registry.ServiceCommand(fail, 0, "FAIL", "Fails.")
    monkeypatch.setitem(service.commands, "FAIL", entry)
    alice = World().register("alice")
    alice.send("CS fail")
    alice.expect(":ChanServ!ChanServ@services.roost.local NOTICE alice :#none does not exist.")
