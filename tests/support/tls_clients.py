"""irssi and WeeChat, set up for TLS in real terminals."""

from collections.abc import Mapping
from pathlib import Path

from roost.balancer.certificates import TlsFiles
from support.cluster import Cluster
from support.tmux import Terminal


def both_in_one(files: TlsFiles) -> Path:
    """Write a key and its certificate to one file, as these clients need it."""
    assert files.certificate is not None
    assert files.key is not None
    path = files.certificate.with_suffix(".both.pem")
    path.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())
    return path


def irssi_by_tls(
    cluster: Cluster,
    home: Path,
    nick: str,
    *,
    certificate: Path | None = None,
    sasl: Mapping[str, str] | None = None,
) -> Terminal:
    """Start irssi, which connects by itself; `sasl` contains its settings without "sasl_"."""
    login = "".join(f'sasl_{name} = "{value}"; ' for name, value in (sasl or {}).items())
    home.mkdir()
    (home / "config").write_text(
        # It sends one line per two seconds unless told otherwise, to spare slow servers.
        'settings = { "irc/core" = { cmd_queue_speed = "10msec"; }; };\n'
        'servers = ({ address = "localhost"; chatnet = "roost"; '
        f'port = "{cluster.tls_address[1]}"; use_tls = "yes"; tls_verify = "yes"; '
        f'autoconnect = "yes"; tls_cafile = "{cluster.authority}"; '
        + (f'tls_cert = "{certificate}"; ' if certificate else "")
        + "});\n"
        f'chatnets = {{ roost = {{ type = "IRC"; {login}}}; }};\n'
    )
    return Terminal(["irssi", f"--home={home}", "-n", nick])


def weechat_by_tls(
    cluster: Cluster,
    home: Path,
    nick: str,
    *,
    certificate: Path | None = None,
    sasl: Mapping[str, str] | None = None,
) -> Terminal:
    """Start WeeChat, which connects by itself; `sasl` contains its settings without "sasl_"."""
    options = {
        "ipv6": "off",
        "tls": "on",
        "tls_cert": str(certificate or ""),
        "nicks": nick,
        "anti_flood": "0",
        **{f"sasl_{name}": value for name, value in (sasl or {}).items()},
    }
    port = cluster.tls_address[1]
    command = [
        *("weechat", "-d", str(home)),
        *("-r", f"/set weechat.network.gnutls_ca_user {cluster.authority}"),
        *("-r", f"/server add roost localhost/{port} -tls"),
        *("-r", f"/server add roost localhost/{port} -ssl"),
    ]
    for name, value in options.items():
        # Its versions spell this option in two ways.
        for spelling in dict.fromkeys((name, name.replace("tls", "ssl"))):
            command += ["-r", f'/set irc.server.roost.{spelling} "{value}"']
    return Terminal([*command, "-r", "/connect roost"])
