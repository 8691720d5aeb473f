"""Three ejabberd in a cluster, with all rooms archived in PostgreSQL, behind HAProxy.

It is what people take who want a cluster and a history, and the peer whose promises are most like
Roost's: a message is in the archive, and on the disk of the database, before anybody sees it.
"""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.processes import StartError, running, wait_until
from benchmarks.systems import EJABBERD, SERVERS, System, free_ports, haproxy, tool

_SCHEMA = Path("/usr/share/ejabberd/sql/pg.sql")
_POSTGRESQL = Path("/usr/lib/postgresql")
_DATABASE_USER = "postgres"
"""PostgreSQL refuses to run as root."""
_ACCOUNTS = """
INSERT INTO users (username, password)
SELECT prefix || 'u' || number, 'secret'
FROM generate_series(0, 5000) number, unnest(ARRAY['x', 'y', 'h']) prefix;
"""
"""Those of the generator's clients."""
_ROOM_MAX = 20_000
START_S_MAX = 180.0
"""Erlang loads a hundred libraries."""


@contextlib.contextmanager
def ejabberd(folder: Path) -> Iterator[System]:
    """Run PostgreSQL, three clustered ejabberd and HAProxy."""
    epmd_port, *ports = free_ports(SERVERS + 1)
    environment = {
        **os.environ,
        "HOME": str(folder),
        "ERL_LIBS": _libraries(),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_MAX_PORTS": "32000",
        "ERL_MAX_ETS_TABLES": "1400",
        "ERL_CRASH_DUMP_BYTES": "0",
    }
    with contextlib.ExitStack() as stack:
        database_port, database = stack.enter_context(_postgresql(folder))
        epmd = [tool("epmd"), "-port", str(epmd_port), "-address", "127.0.0.1"]
        stack.enter_context(running(epmd, folder / "epmd.log", environment))
        roots = [database]
        for number, port in enumerate(ports):
            own = folder / f"e{number}"
            own.mkdir()
            (own / "ejabberd.yml").write_text(_config(port, database_port))
            here = {**environment, **_paths(own)}
            log = folder / f"ejabberd{number}.log"
            roots.append(stack.enter_context(running(_command(number, own), log, here)).pid)
        for number, port in enumerate(ports):
            wait_until(partial(_streams, port), f"ejabberd {number}", START_S_MAX)
        for number in range(1, SERVERS):
            _call(environment, number, f"ejabberd_cluster join [{_node(0)}]")
            wait_until(partial(_streams, ports[number]), f"ejabberd {number}", START_S_MAX)
        members = partial(_call, environment, 0, "ejabberd_cluster get_nodes")
        wait_until(lambda: members().count("@") == SERVERS, "ejabberd's cluster")
        proxy = stack.enter_context(haproxy(folder, ports))
        wait_until(partial(_streams, proxy.port), "HAProxy")
        yield System(
            EJABBERD,
            proxy.port,
            (*roots, *proxy.processes),
            folder,
            tls_port=proxy.tls_port,
            is_xmpp=True,
        )


def versions() -> str:
    """Return the versions of what runs."""
    library = next(Path(_libraries()).glob("ejabberd-*"), Path("ejabberd"))
    programs = max(_POSTGRESQL.glob("*/bin"), default=None)
    database = "PostgreSQL" if programs is None else f"PostgreSQL {programs.parent.name}"
    return f"{library.name.replace('-', ' ')}, {database}"


def _libraries() -> str:
    found = next(Path("/usr/lib").glob("*/ejabberd-*/ebin"), None)
    if found is None:
        raise StartError("ejabberd is not installed; `make bench` installs it")
    return str(found.parents[1])


def _node(number: int) -> str:
    return f"'e{number}@127.0.0.1'"


def _paths(own: Path) -> dict[str, str]:
    return {
        "EJABBERD_CONFIG_PATH": str(own / "ejabberd.yml"),
        "EJABBERD_LOG_PATH": str(own / "ejabberd.log"),
        "EJABBERD_PID_PATH": str(own / "ejabberd.pid"),
        "SPOOL_DIR": str(own),
    }


def _command(number: int, own: Path) -> list[str]:
    """Return what Debian's `ejabberdctl foreground` runs, with another name and folder."""
    return [
        *(tool("erl"), "-name", _node(number).strip("'"), "-setcookie", "bench"),
        *("+K", "true", "+P", "250000", "-noinput"),
        *("-kernel", "inet_dist_use_interface", "{127,0,0,1}", "-start_epmd", "false"),
        *("-mnesia", "dir", f'"{own}/mnesia"', "-s", "ejabberd"),
    ]


def _call(environment: dict[str, str], number: int, call: str) -> str:
    """Call a function in a node, and return the answer."""
    node = _node(number).strip("'")
    command = [tool("erl_call"), "-name", node, "-c", "bench", "-timeout", "60", "-a", call]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=90
    )
    if done.returncode:
        raise StartError(f"ejabberd {number}: {call}: {done.stdout}{done.stderr}")
    return done.stdout


def _config(port: int, database_port: int) -> str:
    return f"""\
hosts: [bench]
loglevel: error
auth_method: sql
auth_password_format: plain
default_db: sql
sql_type: pgsql
sql_server: 127.0.0.1
sql_port: {database_port}
sql_database: ejabberd
sql_username: ejabberd
sql_password: ""
sql_pool_size: 10
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 262144
    shaper: none
    starttls: false
    tls: false
shaper_rules:
  max_user_sessions: 10
  c2s_shaper: none
modules:
  mod_disco: {{}}
  mod_roster: {{}}
  mod_mam:
    db_type: sql
    default: always
    assume_mam_usage: true
  mod_muc:
    hosts: [conference.bench]
    max_users: {_ROOM_MAX}
    max_user_conferences: 1000
    default_room_options:
      mam: true
      persistent: true
      max_users: {_ROOM_MAX}
"""


def _streams(port: int) -> bool:
    """Return whether a client can open a stream."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), 5) as client,
    ):
        client.sendall(
            b"<?xml version='1.0'?><stream:stream to='bench' xmlns='jabber:client'"
            b" xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        )
        said = b""
        while more := client.recv(4096):
            said += more
            if b"</stream:features>" in said:
                return b"PLAIN" in said
    return False


@contextlib.contextmanager
def _postgresql(folder: Path) -> Iterator[tuple[int, int]]:
    """Run PostgreSQL as Debian sets it up, with ejabberd's tables and accounts.

    Yield its port and its process.
    """
    (port,) = free_ports(1)
    programs = max(_POSTGRESQL.glob("*/bin"), default=None)
    if programs is None:
        raise StartError("postgresql is not installed; `make bench` installs it")
    home = folder / "postgresql"
    home.mkdir()
    user = None
    if os.geteuid() == 0:
        user = _DATABASE_USER
        shutil.chown(home, user, user)

    def run(program: str, *arguments: str, text: str = "") -> bool:
        done = subprocess.run(
            [str(programs / program), *arguments],
            user=user,
            cwd=home,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode == 0

    address = ("-h", "127.0.0.1", "-p", str(port), "-v", "ON_ERROR_STOP=1", "-q")
    if not run("initdb", "-D", "data", "-U", "ejabberd", "-A", "trust", "-E", "UTF8"):
        raise StartError("PostgreSQL's directory cannot be made")
    command: list[str | Path] = [
        *(programs / "postgres", "-D", home / "data", "-k", home, "-p", str(port)),
        *("-c", "listen_addresses=127.0.0.1"),
    ]
    with running(command, folder / "postgresql.log", user=user) as process:
        create = ("psql", *address, "-U", "ejabberd", "-d", "postgres", "-c")
        wait_until(lambda: run(*create, "CREATE DATABASE ejabberd"), "PostgreSQL")
        tables = _SCHEMA.read_text() + _ACCOUNTS
        if not run("psql", *address, "-U", "ejabberd", "-d", "ejabberd", text=tables):
            raise StartError("ejabberd's tables cannot be made")
        yield port, process.pid
