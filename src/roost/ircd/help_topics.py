"""What HELP says: one topic for each command, in words for people.

A topic is its usage and an explanation of one or two lines; the index is made from the same table,
so that no command can be in one and not in the other.
"""

TOPICS: dict[str, tuple[str, ...]] = {
    "ADMIN": ("ADMIN", "Says who runs this network."),
    "AWAY": ("AWAY [<message>]", "Says that you are away; without a message, that you are back."),
    "CAP": ("CAP <subcommand> [:<capabilities>]", "Negotiates protocol extensions."),
    "CHATHISTORY": (
        "CHATHISTORY <BEFORE|AFTER|LATEST|AROUND> <room or nick> <reference> <limit>",
        "CHATHISTORY BETWEEN <room or nick> <reference> <reference> <limit>",
        "CHATHISTORY TARGETS <timestamp=...> <timestamp=...> <limit>",
        "Shows what was said before. A reference is msgid=..., timestamp=... or, for LATEST, *.",
    ),
    "ERROR": ("ERROR <reason>", "Says why a connection ends; only the server's means anything."),
    "HELP": ("HELP [<command>]", "Explains a command, or lists them."),
    "INFO": ("INFO", "Says what software this is."),
    "INVITE": ("INVITE <nick> <room>", "Invites somebody; without anything, lists invitations."),
    "ISON": ("ISON <nick> [<nick> ...]", "Says which of these people are online."),
    "JOIN": ("JOIN <room>[,<room> ...] [<key>[,<key> ...]]", "Enters rooms; JOIN 0 leaves all."),
    "KICK": ("KICK <room> <nick> [<reason>]", "Removes somebody from a room that you run."),
    "LINKS": ("LINKS", "Lists the servers that you can see."),
    "LIST": (
        "LIST [<room>,... or <condition>,...]",
        "Lists rooms. Conditions: <n >n people, C<m C>m created, T<m T>m topic set m minutes ago,",
        "*mask* and !*mask* by name.",
    ),
    "LUSERS": ("LUSERS", "Counts people and rooms."),
    "METADATA": (
        "METADATA <room, nick or *> <GET|LIST|SET|CLEAR|SYNC> [<key> ...] [<value>]",
        "METADATA * <SUB|UNSUB|SUBS> [<key> ...]",
        "Shows or changes what rooms and people tell of themselves.",
    ),
    "MODE": (
        "MODE <room> [<modes> [<parameters>]]",
        "MODE <your nick> [<modes>]",
        "Shows or changes modes. Rooms have b e I k l i m n s t R M o v, you have i.",
    ),
    "MONITOR": (
        "MONITOR + <nick>,... | - <nick>,... | C | L | S",
        "Tells you when people come and go.",
    ),
    "MOTD": ("MOTD", "Shows the message of the day."),
    "NAMES": ("NAMES <room>[,<room> ...]", "Lists who is in a room."),
    "NICK": ("NICK <nick>", "Changes your nickname."),
    "NOTICE": ("NOTICE <target>[,<target>] <text>", "Like PRIVMSG, but nothing answers it."),
    "PART": ("PART <room>[,<room> ...] [<reason>]", "Leaves rooms."),
    "PASS": ("PASS <password>", "Gives a connection password, before registration."),
    "PING": ("PING <token>", "Asks whether the server is there; it answers PONG."),
    "PONG": ("PONG <token>", "Answers a PING."),
    "PRIVMSG": ("PRIVMSG <target>[,<target>] <text>", "Says something to rooms or people."),
    "QUIT": ("QUIT [<reason>]", "Leaves."),
    "RENAME": ("RENAME <room> <name> [<reason>]", "Gives a room that you run another name."),
    "RESUME": (
        "RESUME <token> [<msgid>]",
        "Goes on with a session whose connection broke, before registration.",
    ),
    "SETNAME": ("SETNAME <realname>", "Changes your real name."),
    "STATS": ("STATS u", "Says for how long the network has been there."),
    "TAGMSG": ("TAGMSG <target>[,<target>]", "Sends message tags without a text."),
    "TIME": ("TIME", "Tells the server's time."),
    "TOPIC": ("TOPIC <room> [<topic>]", "Shows a room's topic, or sets it."),
    "USER": ("USER <username> 0 * <realname>", "Says who you are, before registration."),
    "USERHOST": ("USERHOST <nick> [<nick> ...]", "Shows the addresses of up to five people."),
    "VERSION": ("VERSION", "Says what software this is, and what it supports."),
    "WHO": (
        "WHO <room, nick or mask> [o][%<fields>[,<token>]]",
        "Lists people with their addresses. Fields are letters of tcuihsnfdlaor (WHOX).",
    ),
    "WHOIS": ("WHOIS <nick>", "Shows what is known of somebody who is here."),
    "WHOWAS": ("WHOWAS <nick> [<count>]", "Shows who bore a nickname before."),
}
