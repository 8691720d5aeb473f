"""The client that `roost chat --web` serves to browsers."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from roost.cli.ports import choose_ports
from support.cluster import Cluster


class WebChat(NamedTuple):
    """A running `roost chat --web`."""

    host: str
    """Its address, host:port."""
    path: str
    """Of the page, with the token."""
    process: subprocess.Popen[str]


@contextlib.contextmanager
def serve_chat(cluster: Cluster, home: Path, *arguments: str) -> Iterator[WebChat]:
    """Run `roost chat --web`; yield the address of the server, and the page's path."""
    host, port = cluster.address
    (web_port,) = choose_ports([("127.0.0.1", 0, "--web-port")])
    command = [sys.executable, "-m", "roost.cli", "chat", f"{host}:{port}", *arguments]
    with subprocess.Popen(
        [*command, "--web", "--web-port", str(web_port)],
        env={**os.environ, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(rf"http://(127\.0\.0\.1:{web_port})(/[\w-]{{43}}/)", line)
            assert found is not None, line
            yield WebChat(found[1], found[2], process)
        finally:
            process.terminate()
