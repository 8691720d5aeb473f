"""RPL_ISUPPORT (modern.ircdocs.horse, "RPL_ISUPPORT Parameters")."""

import pytest

from roost.chat.settings import Settings
from roost.ircd.config import Config
from support.dialogue import World


def tokens_of(world: World) -> list[str]:
    client = world.connect()
    client.send("NICK alice", "USER a 0 * :Alice")
    lines = [line for line in client.messages() if line.command == "005"]
    assert all(line.parameters[-1] == "are supported by this server" for line in lines)
    assert all(len(line.parameters) <= 15 for line in lines)
    return [token for line in lines for token in line.parameters[1:-1]]


def test_tokens_tell_the_settings() -> None:
    settings = Settings(
        network="Nest",
        nick_bytes_max=20,
        topic_bytes_max=100,
        rooms_per_user_max=7,
        targets_per_line_max=3,
    )
    tokens = tokens_of(World(settings=settings, config=Config(chathistory_max=50)))
    for token in (
        "NETWORK=Nest",
        "NICKLEN=20",
        "TOPICLEN=100",
        "CHANLIMIT=#:7",
        "MAXTARGETS=3",
        "CHATHISTORY=50",
        "CASEMAPPING=ascii",
        "CHANTYPES=#",
        "CHANMODES=Ibe,k,fl,CHMRUimnst",
        "PREFIX=(ov)@+",
        "STATUSMSG=@+",
        "EXCEPTS=e",
        "INVEX=I",
        "MSGREFTYPES=msgid,timestamp",
        "UTF8ONLY",
        "WHOX",
    ):
        assert token in tokens


def test_no_token_is_told_twice() -> None:
    names = [token.partition("=")[0] for token in tokens_of(World())]
    assert names == sorted(set(names))


def test_targmax_is_what_the_commands_do() -> None:
    world = World(settings=Settings(targets_per_line_max=2))
    (targmax,) = [token for token in tokens_of(world) if token.startswith("TARGMAX=")]
    limits = dict(pair.split(":") for pair in targmax.removeprefix("TARGMAX=").split(","))
    assert limits["PRIVMSG"] == limits["NOTICE"] == limits["TAGMSG"] == limits["KICK"] == "2"
    rooms = ",".join(f"#{number}" for number in range(int(limits["JOIN"]) + 1))
    client = world.register("bob")
    client.send(f"JOIN {rooms}")
    assert client.commands() == ["407"]
    client.send(f"JOIN {rooms.rpartition(',')[0]}")
    assert client.commands().count("JOIN") == int(limits["JOIN"])


def test_the_networks_picture_is_told_if_there_is_one() -> None:
    """If a server publishes a `draft/ICON` ISUPPORT token, the value MUST be a URL to an image."""
    icon = "https://example.net/icon.png?size={size}"
    assert f"draft/ICON={icon}" in tokens_of(World(config=Config(icon=icon)))
    assert "ICON" not in " ".join(tokens_of(World()))
    with pytest.raises(ValueError, match="icon must be"):
        Config(icon="icon.png")
