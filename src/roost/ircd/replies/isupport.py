"""RPL_ISUPPORT: features and limits of the server, from the settings.

Source: modern.ircdocs.horse, "RPL_ISUPPORT Parameters"; ircv3.net for BOT, CHATHISTORY,
MONITOR, MSGREFTYPES, UTF8ONLY and WHOX.
"""

from roost.chat.commands import OPERATIONS_MAX
from roost.chat.modes import FLAGS
from roost.chat.settings import Settings
from roost.chat.step import BOT_MODE
from roost.irc import numerics
from roost.irc.casemapping import CASEMAPPING
from roost.irc.extended_bans import ACCOUNTEXTBAN, EXTBAN
from roost.ircd.config import Config
from roost.ircd.context import Context
from roost.ircd.push_keys import public_key
from roost.ircd.queries.room_filters import ELIST

TOKENS_PER_LINE_MAX = 13
"""15 parameters less two: "A server MUST NOT send more than 13 tokens in one line"."""

LIST_MODES = "Ibe"
KEY_MODES = "k"
FORWARD_MODES = "f"
LIMIT_MODES = "l"
PARAMETER_MODES = FORWARD_MODES + LIMIT_MODES
FLAG_MODES = FLAGS
STATUS_MODES = "ov"
"""Room modes by type (A, B, C, D), and the modes of members."""

ROOM_MODES_WITH_PARAMETER = "".join(sorted(LIST_MODES + KEY_MODES + PARAMETER_MODES + STATUS_MODES))
ROOM_MODES = "".join(sorted(ROOM_MODES_WITH_PARAMETER + FLAG_MODES))
"""The modes as in RPL_MYINFO."""


def tokens(config: Config, settings: Settings, secret: bytes = b"") -> tuple[str, ...]:
    """Return all tokens, sorted by name; `secret` is the cluster's."""
    targets = settings.targets_per_line_max
    limits = (
        f"JOIN:{OPERATIONS_MAX},KICK:{targets},LIST:,MONITOR:,NAMES:,NOTICE:{targets},"
        f"PART:{OPERATIONS_MAX},PRIVMSG:{targets},TAGMSG:{targets},WHOIS:1"
    )
    return (
        f"ACCOUNTEXTBAN={ACCOUNTEXTBAN}",
        f"AWAYLEN={settings.away_bytes_max}",
        f"BOT={BOT_MODE}",
        f"CASEMAPPING={CASEMAPPING}",
        f"CHANLIMIT=#:{settings.rooms_per_user_max}",
        f"CHANMODES={LIST_MODES},{KEY_MODES},{PARAMETER_MODES},{FLAG_MODES}",
        f"CHANNELLEN={settings.room_name_bytes_max}",
        "CHANTYPES=#",
        f"CHATHISTORY={config.chathistory_max}",
        f"ELIST={ELIST}",
        "EXCEPTS=e",
        f"EXTBAN={EXTBAN}",
        "INVEX=I",
        f"KEYLEN={settings.key_bytes_max}",
        f"KICKLEN={settings.reason_bytes_max}",
        f"MAXLIST={LIST_MODES}:{settings.list_entries_max}",
        f"MAXTARGETS={targets}",
        f"MODES={settings.modes_per_line_max}",
        f"MONITOR={settings.monitor_max}",
        "MSGREFTYPES=msgid,timestamp",
        f"NAMELEN={settings.realname_bytes_max}",
        f"NETWORK={settings.network}",
        f"NICKLEN={settings.nick_bytes_max}",
        "PREFIX=(ov)@+",
        "STATUSMSG=@+",
        f"TARGMAX={limits}",
        f"TOPICLEN={settings.topic_bytes_max}",
        f"USERLEN={settings.username_bytes_max}",
        "UTF8ONLY",
        *([f"VAPID={public_key(secret)}"] if config.push.is_on and secret else []),
        "WHOX",
        *([f"draft/ICON={config.icon}"] if config.icon else []),
    )


def send(context: Context) -> None:
    """Send all tokens, in lines of up to `TOKENS_PER_LINE_MAX`."""
    everything = tokens(context.config, context.state.settings, context.state.secret)
    for start in range(0, len(everything), TOKENS_PER_LINE_MAX):
        some = everything[start : start + TOKENS_PER_LINE_MAX]
        context.reply(numerics.RPL_ISUPPORT, *some, "are supported by this server")
