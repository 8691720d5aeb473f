"""Settings and saved state: clear errors, and no secrets in files."""

import stat
from pathlib import Path

import pytest

from roost.client.memory import recall, remember
from roost.client.model import Model, Profile
from roost.client.settings import (
    Saved,
    Settings,
    SettingsError,
    find_password,
    load_saved,
    load_settings,
    save,
    settings_for,
)


def test_a_mistake_in_the_settings_names_the_file_and_the_key(tmp_path: Path) -> None:
    place = tmp_path / "settings.toml"
    for text, word in (
        ("nik = 'x'", "nik"),
        ("bell = 3", "bell"),
        ("nick =", "settings.toml"),
        ("authority = 3", "authority"),
    ):
        place.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError, match=word):
            load_settings(place)
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(tmp_path / "none.toml")


def test_files_are_named_as_in_a_shell(tmp_path: Path) -> None:
    place = tmp_path / "settings.toml"
    place.write_text("authority = '/etc/ca.pem'\ncertificate = '~/alice.pem'\n", encoding="utf-8")
    settings = load_settings(place)
    assert settings.authority == Path("/etc/ca.pem")
    assert settings.certificate == Path.home() / "alice.pem"


def test_another_server_has_the_users_habits_but_nothing_that_logs_in(tmp_path: Path) -> None:
    place = tmp_path / "settings.toml"
    place.write_text(
        """
nick = "alice"
account = "alice"
password_command = "echo secret"
rooms = ["#home"]
fingerprint = "00"
highlight_words = ["coffee"]

[servers.office]
addresses = ["irc.example:6697"]
rooms = ["#work"]
""",
        encoding="utf-8",
    )
    settings = load_settings(place)
    office = settings_for(settings, settings.servers["office"])
    assert (office.nick, office.rooms, office.highlight_words) == ("alice", ("#work",), ("coffee",))
    assert (office.account, office.password_command, office.fingerprint) == ("", "", "")
    assert office.addresses == ("irc.example:6697",)
    place.write_text('[servers.office]\nnick = "x"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="addresses"):
        load_settings(place)


def test_passwords_come_from_a_command_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROOST_PASSWORD", raising=False)
    assert find_password(Settings()) == ""
    assert find_password(Settings(password_command="printf 'secret\\nmore'")) == "secret"
    with pytest.raises(SettingsError, match="printed no password"):
        find_password(Settings(password_command="false"))
    monkeypatch.setenv("ROOST_PASSWORD", "given")
    assert find_password(Settings(), uses_environment=False) == ""
    assert find_password(Settings(password_command="false")) == "given"


def test_what_is_remembered_comes_back_and_is_its_owners_alone(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "state.json"
    model = Model(Profile(nick="alice", password="secret", rooms=("#room",)), "n0")
    model.query("bob")
    model.ignore("troll")
    model.send("#room", "never sent")
    model.typing("bob", "half a sen")
    saved = Saved(read_ms={"#other": 5})
    model.saved_drafts = {"#not-joined-this-time": "for later"}
    remember(model, saved)
    save(saved, place)
    assert b"secret" not in place.read_bytes()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    again = Model(Profile(nick="alice"), "n1")
    recall(again, load_saved(place))
    assert again.order == ["", "#room", "bob"]
    assert again.ignored == ["troll"]
    assert again.conversations["bob"].draft == "half a sen"
    assert again.conversations["#room"].draft == "never sent"
    assert again.saved_reads == {"#other": 5}
    assert again.saved_drafts == {"#not-joined-this-time": "for later"}


def test_a_broken_state_file_is_forgotten(tmp_path: Path) -> None:
    place = tmp_path / "state.json"
    place.write_bytes(b'{"nick": 3')
    assert load_saved(place) == Saved()
