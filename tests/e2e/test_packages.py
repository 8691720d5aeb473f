"""What is in `packaging/` can be built, and what is built runs."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from roost.balancer import Config as BalancerConfig
from roost.cli.check import check
from roost.cli.configuration import make_config, parse_flags
from roost.cli.flags import UpConfig
from roost.compiled import why_plain
from roost.node.config import NodeConfig
from support.cluster import READY_S, Cluster

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
EXPOSURE_MAX = "20"
"""Tenths of systemd's points, from 0 (safe) to 100."""
OWN_LIBRARIES = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
"""An environment in which packages find only what they bring."""


def run(*command: str | Path, **more: Any) -> str:
    more.setdefault("cwd", ROOT)
    done = subprocess.run(command, capture_output=True, encoding="utf-8", **more)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return str(done.stdout)


@pytest.fixture(scope="module")
def debian_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the contents of the Debian package."""
    folder = tmp_path_factory.mktemp("debian")
    package = run(
        PACKAGING / "debian" / "build", folder, env={**os.environ, "PYTHON": sys.executable}
    )
    run("dpkg-deb", "-R", package.strip(), folder / "contents")
    return folder / "contents"


def test_wheel_and_source_distribution_hold_everything(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-d", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    (source,) = tmp_path.glob("*.tar.gz")
    sources = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src" / "roost").rglob("*")
        if path.is_file() and not {"__pycache__", "objects"} & {*path.parts}
    }
    with zipfile.ZipFile(wheel) as file:
        packed = set(file.namelist())
    compiled = {name for name in packed if name.startswith("roost/objects/")}
    assert bool(compiled) != wheel.name.endswith("-py3-none-any.whl")
    assert compiled or why_plain()
    assert packed >= sources
    with tarfile.open(source) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert held >= {f"src/{name}" for name in sources} | {"LICENSE", "README.md"}


def test_a_cluster_runs_from_the_whole_debian_package_and_tells_systemd(
    debian_package: Path, tmp_path: Path
) -> None:
    for name in (
        "usr/share/man/man1/roost-up.1.gz",
        "usr/share/bash-completion/completions/roost",
        "usr/share/zsh/vendor-completions/_roost",
        "usr/share/fish/vendor_completions.d/roost.fish",
        "lib/systemd/system/roost-node@.service",
        "usr/lib/sysusers.d/roost.conf",
        "DEBIAN/postinst",
    ):
        assert (debian_package / name).stat().st_size, name
    program = debian_package / "usr" / "bin" / "roost"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(READY_S)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "PYTHONPATH": ""}
        with Cluster(
            tmp_path / "data", nodes=1, program=(str(program),), environment=environment
        ) as cluster:
            started = {manager.recv(1000) for _ in range(2)}
            while b"READY=1" not in started:
                started.add(manager.recv(1000))
            assert os.readlink(f"/proc/{cluster.pid}/exe") == os.path.realpath("/usr/bin/python3")
        ended = [manager.recv(1000)]
        while ended[-1] != b"STOPPING=1":
            ended.append(manager.recv(1000))


@pytest.mark.parametrize(
    "unit", ["roost.service", "roost-node@.service", "roost-balancer@.service"]
)
def test_systemd_accepts_each_unit_and_calls_it_safe(unit: str, tmp_path: Path) -> None:
    text = (PACKAGING / "systemd" / unit).read_text()
    (command,) = re.findall(r"^ExecStart=/usr/bin/roost (.*)$", text, re.MULTILINE)
    check_command(command.replace("%i", "n1").split())
    # The program is not installed here.
    copy = tmp_path / unit.replace("@", "@n1")
    copy.write_text(text.replace("/usr/bin/roost", sys.executable))
    assert run("systemd-analyze", "verify", "--man=no", copy) == ""
    run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", copy)


def check_command(words: list[str]) -> None:
    """Check that `roost` has this command with these flags."""
    command, *rest = words
    kinds: dict[str, type] = {"node": NodeConfig, "balancer": BalancerConfig, "up": UpConfig}
    if command == "init":
        assert all(word in ("--data", "--balancer", "--node") for word in rest[::2])
        return
    kind = kinds[command]
    flags = [word for word in " ".join(rest).replace("=", " ").split(" ") if word]
    at = flags.index("--config") if "--config" in flags else None
    if at is not None:
        del flags[at : at + 2]
    given = parse_flags(kind, flags)
    files = dict.fromkeys(("authority", "certificate", "key"), "x")
    own: dict[str, Any] = {"cluster": "c", "name": "n1", "credentials": files}
    values = {
        "node": {**own, "members": ["n1"], "data": "x"},
        "balancer": {**own, "tls": {"certificate": "x", "key": "x"}},
        "up": {},
    }[command]
    make_config(kind, values, source="packaging", flags=given)


def test_the_example_of_roost_up_is_valid() -> None:
    check([PACKAGING / "systemd" / "up.toml"])


def test_the_image_can_be_built(tmp_path: Path) -> None:
    """Run the steps of the stage that builds, in a folder instead of a container."""
    text = (PACKAGING / "container" / "Containerfile").read_text().replace("\\\n", " ")
    stage = text.partition("\nFROM ")[2].partition("\nFROM ")[0]
    source, target = tmp_path / "source", tmp_path / "roost"
    source.mkdir()
    for line in stage.splitlines():
        step, _, rest = line.partition(" ")
        if step == "COPY":
            *names, to = rest.split()
            for name in names:
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, source / to)
                else:
                    shutil.copy(ROOT / name, source / to)
        elif step == "RUN":
            script = rest.replace("/opt/roost", str(target)).replace("--no-cache-dir", "")
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            run("sh", "-ec", script, cwd=source, env={**OWN_LIBRARIES, "PATH": path})
    shown = run(target / "bin" / "roost", "--version", env=OWN_LIBRARIES)
    assert shown.startswith("roost ")
    assert shown.endswith("(compiled)\n") or why_plain()
    assert not (target / "bin" / "hatchling").exists()


@pytest.mark.parametrize("name", ["compose.yaml", "compose-three.yaml"])
def test_the_commands_of_compose_files_are_valid(name: str) -> None:
    services = yaml.safe_load((PACKAGING / "container" / name).read_text())["services"]
    for service in services.values():
        check_command([re.sub(r"\$\{\w+:-(\w+)\}", r"\1", word) for word in service["command"]])


def test_the_manifests_for_kubernetes_fit_the_program() -> None:
    documents = list(manifests())
    sets = {one["metadata"]["name"]: one for one in documents if one["kind"] == "StatefulSet"}
    for one in sets.values():
        (container,) = one["spec"]["template"]["spec"]["containers"]
        check_command([word.replace("$(NAME)", "n1") for word in container["args"]])
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] in ports
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        secrets = {volume["name"] for volume in one["spec"]["template"]["spec"]["volumes"]}
        claimed = {
            claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", [])
        }
        assert mounted == secrets | claimed
        assert len(secrets) == one["spec"]["replicas"]
    for service in (one for one in documents if one["kind"] == "Service"):
        app = service["spec"]["selector"]["app"]
        (container,) = sets[app]["spec"]["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for port in service["spec"]["ports"]:
            assert ports[port.get("targetPort", port["name"])]


def manifests() -> Iterator[dict[str, Any]]:
    folder = PACKAGING / "kubernetes" / "base"
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        yield from yaml.safe_load_all((folder / name).read_text())
