"""Each operation and each command is applied by exactly one function."""

import runpy
from pathlib import Path

import pytest

import roost
from roost.chat.commands import Act
from roost.chat.commands.rooms import Join
from roost.chat.commands.sessions import CloseSession
from roost.chat.dispatch import applies, applies_command, command_appliers, operation_appliers
from roost.chat.rooms import join
from roost.chat.sessions import close_lost_session


@pytest.fixture(autouse=True)
def unregister_what_is_imported_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(command_appliers, Act)


def import_apply_again() -> None:
    """Run the source, which is not loaded if it is compiled."""
    runpy.run_path(str(Path(roost.__file__).parent / "chat" / "apply.py"))


def test_an_operation_without_an_applier_fails_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(operation_appliers, Join)
    with pytest.raises(AssertionError, match="nothing applies Join"):
        import_apply_again()


def test_a_command_without_an_applier_fails_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(command_appliers, CloseSession)
    with pytest.raises(AssertionError, match="nothing applies CloseSession"):
        import_apply_again()


def test_an_operation_with_two_appliers_fails_at_import() -> None:
    with pytest.raises(AssertionError, match="Join has two appliers"):
        applies(Join)(join)


def test_a_command_with_two_appliers_fails_at_import() -> None:
    with pytest.raises(AssertionError, match="CloseSession has two appliers"):
        applies_command(CloseSession)(close_lost_session)
