"""The texts of HELP, with a topic for each command.

A topic is the usage and an explanation of one or two lines. The index is made from the same table.
"""

TOPICS: dict[str, tuple[str, ...]] = {
    "ACCEPT": (
        "ACCEPT <nick>,-<nick>,... | *",
        "Lets people without an account write to you in spite of user mode R, or no longer;",
        "* lists them.",
    ),
    "ADMIN": ("ADMIN", "Shows who runs this network."),
    "AUTHENTICATE": (
        "AUTHENTICATE <mechanism, data or *>",
        "Logs in to an account by SASL; clients do this by themselves.",
    ),
    "AUTOREPLAY": (
        "AUTOREPLAY [<lines>|OFF|DEFAULT]",
        "Chooses how many earlier messages this client is shown when it enters a room.",
    ),
    "AWAY": ("AWAY [<message>]", "Sets you away; without a message, back."),
    "BATCH": (
        "BATCH <+|-><reference> [draft/multiline <room or nick>]",
        "Begins or ends a message of several lines; clients do this by themselves.",
    ),
    "CAP": ("CAP <subcommand> [:<capabilities>]", "Negotiates protocol extensions."),
    "CHANSERV": (
        "CHANSERV <command>",
        "Talks to ChanServ, which registers rooms; try CHANSERV HELP.",
    ),
    "CHATHISTORY": (
        "CHATHISTORY <BEFORE|AFTER|LATEST|AROUND> <room or nick> <reference> <limit>",
        "CHATHISTORY BETWEEN <room or nick> <reference> <reference> <limit>",
        "CHATHISTORY TARGETS <timestamp=...> <timestamp=...> <limit>",
        "Shows earlier messages. A reference is msgid=..., timestamp=... or, for LATEST, *.",
    ),
    "CS": ("CS <command>", "Talks to ChanServ, which registers rooms; try CS HELP."),
    "DLINE": (
        "DLINE [<duration>] <address or network> [<reason>]",
        "For operators: bans addresses from the network; 1h30m, 7d, or minutes.",
    ),
    "ERROR": ("ERROR <reason>", "Tells why a connection ends; only the server sends it."),
    "HELP": ("HELP [<command>]", "Explains a command, or lists them."),
    "HELPOP": ("HELPOP [<command>]", "Does the same as HELP."),
    "HOSTSERV": (
        "HOSTSERV <command>",
        "Talks to HostServ, which manages virtual hosts; try HOSTSERV HELP.",
    ),
    "HS": ("HS <command>", "Talks to HostServ, which manages virtual hosts; try HS HELP."),
    "INFO": ("INFO", "Shows which software this is."),
    "INVITE": (
        "INVITE <nick> <room>",
        "Invites somebody; without parameters, lists your invitations.",
    ),
    "ISON": ("ISON <nick> [<nick> ...]", "Shows which of these people are online."),
    "JOIN": ("JOIN <room>[,<room> ...] [<key>[,<key> ...]]", "Enters rooms; JOIN 0 leaves all."),
    "KICK": ("KICK <room> <nick> [<reason>]", "Removes somebody from a room that you run."),
    "KILL": ("KILL <nick> [<reason>]", "For operators: removes somebody from the network."),
    "KLINE": (
        "KLINE [<duration>] <mask, ~a:account or address> [<reason>]",
        "For operators: bans from the network; 1h30m, 7d, or minutes.",
    ),
    "LINKS": ("LINKS", "Lists the servers that you can see."),
    "LIST": (
        "LIST [<room>,... or <condition>,...]",
        "Lists rooms. Conditions: <n >n people, C<m C>m created, T<m T>m topic set m minutes ago,",
        "*mask* and !*mask* by name.",
    ),
    "LUSERS": ("LUSERS", "Counts people and rooms."),
    "MARKREAD": (
        "MARKREAD <room or nick> [timestamp=<time>]",
        "Sets or shows up to when you have read; all your clients share it.",
    ),
    "METADATA": (
        "METADATA <room, nick or *> <GET|LIST|SET|CLEAR|SYNC> [<key> ...] [<value>]",
        "METADATA * <SUB|UNSUB|SUBS> [<key> ...]",
        "Shows or changes the metadata of rooms and people.",
    ),
    "MODE": (
        "MODE <room> [<modes> [<parameters>]]",
        "MODE <your nick> [<modes>]",
        "Shows or changes modes. Rooms have b e I k l f i m n s t C H R M U o v, you have B R i w.",
    ),
    "MONITOR": (
        "MONITOR + <nick>,... | - <nick>,... | C | L | S",
        "Tells you when people come and go.",
    ),
    "MOTD": ("MOTD", "Shows the message of the day."),
    "NAMES": ("NAMES <room>[,<room> ...]", "Lists who is in a room."),
    "NICK": ("NICK <nick>", "Changes your nickname."),
    "NICKSERV": (
        "NICKSERV <command>",
        "Talks to NickServ, which manages accounts; try NICKSERV HELP.",
    ),
    "NOTICE": ("NOTICE <target>[,<target>] <text>", "Like PRIVMSG, but nothing answers it."),
    "NS": ("NS <command>", "Talks to NickServ, which manages accounts; try NS HELP."),
    "OPER": (
        "OPER <name> [<password>]",
        "Makes you a network operator, if the configuration allows it.",
    ),
    "OPERLOG": ("OPERLOG [<count>]", "For operators: shows what operators did last."),
    "PART": ("PART <room>[,<room> ...] [<reason>]", "Leaves rooms."),
    "PASS": ("PASS <password>", "Sends a connection password, during registration."),
    "PING": ("PING <token>", "Checks the connection; the server answers PONG."),
    "PONG": ("PONG <token>", "Answers a PING."),
    "PROXY": ("PROXY ...", "The header of a proxy; only addresses in proxy_from may send it."),
    "PRIVMSG": ("PRIVMSG <target>[,<target>] <text>", "Sends a message to rooms or people."),
    "QUIT": ("QUIT [<reason>]", "Leaves."),
    "REDACT": (
        "REDACT <room or nick> <message id> [<reason>]",
        "Deletes your message, or any message in a room that you run.",
    ),
    "REGISTER": (
        "REGISTER <account or *> <e-mail or *> <password>",
        "Registers an account. * stands for your nickname, or for no e-mail address.",
    ),
    "REHASH": ("REHASH", "For operators: makes every node reload its configuration."),
    "RELAYMSG": (
        "RELAYMSG <room> <nick/network> <text>",
        "For bridges that are operators of the room: speaks in the name of somebody elsewhere.",
    ),
    "RENAME": ("RENAME <room> <name> [<reason>]", "Renames a room that you run."),
    "RESUME": (
        "RESUME <token> [<msgid>]",
        "Resumes a session whose connection broke; before registration only.",
    ),
    "SEARCH": (
        "SEARCH <text=...;from=nick;in=room or nick;before=time;after=time;limit=n>",
        "Searches messages by the beginnings of words; each part is optional.",
    ),
    "SETNAME": ("SETNAME <realname>", "Changes your real name."),
    "STATS": (
        "STATS <u|k>",
        "u shows how long the network has existed; k, for operators, lists network bans.",
    ),
    "TAGMSG": ("TAGMSG <target>[,<target>]", "Sends message tags without a text."),
    "TIME": ("TIME", "Tells the server's time."),
    "TOPIC": ("TOPIC <room> [<topic>]", "Shows a room's topic, or sets it."),
    "UNDLINE": ("UNDLINE <address or network>", "For operators: lifts a ban."),
    "UNKLINE": ("UNKLINE <mask, ~a:account or address>", "For operators: lifts a ban."),
    "USER": (
        "USER <username> 0 * <realname>",
        "Sets your username and real name, during registration.",
    ),
    "USERHOST": ("USERHOST <nick> [<nick> ...]", "Shows the addresses of up to five people."),
    "VERIFY": ("VERIFY <account> <code>", "Confirms an account with a code from an e-mail."),
    "VERSION": ("VERSION", "Shows which software this is, and what it supports."),
    "WALLOPS": ("WALLOPS <text>", "For operators: sends a message to everybody with user mode w."),
    "WEBPUSH": (
        "WEBPUSH REGISTER <endpoint> <keys> | UNREGISTER <endpoint> | VAPIDPUBKEY",
        "Tells your phone of messages while you are away; clients do this by themselves.",
    ),
    "WHO": (
        "WHO <room, nick or mask> [o][%<fields>[,<token>]]",
        "Lists people with their addresses. Fields are letters of tcuihsnfdlaor (WHOX).",
    ),
    "WHOIS": ("WHOIS <nick>", "Shows information about somebody who is online."),
    "WHOWAS": (
        "WHOWAS <nick or mask> [<count>]",
        "Shows who used a nickname before. A mask finds only people who were not invisible (+i).",
    ),
}
