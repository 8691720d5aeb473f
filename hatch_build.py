"""Compile the hot modules with mypyc, for `make compile` and for wheels.

    python hatch_build.py          compiles into src/roost/objects, unless that is up to date

A wheel contains the result. If the environment variable ROOST_PLAIN is not empty, or something to
compile with is missing, nothing is compiled. `roost/compiled.py` finds what is compiled.
"""

import ast
import ctypes
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TOP = Path(__file__).resolve().parent
sys.path.insert(0, str(TOP / "src"))

from roost import compiled  # noqa: E402

MANIFEST = compiled.OBJECTS / compiled.MANIFEST
OPTIMIZATION = "1"
"""The level that the C compiler is given; 2 takes half as long again to compile."""
MYPY = """\
[mypy]
python_version = {version}
namespace_packages = true
explicit_package_bases = true
follow_imports = silent
ignore_missing_imports = true

[mypy-roost.node.*,roost.balancer.*]
follow_imports = skip

[mypy-roost.node.engine.*,roost.balancer.engine.*]
follow_imports = silent
"""
"""`make test` checks the types strictly; here they only have to be known."""


class CompileError(Exception):
    """A module cannot be compiled."""


def modules() -> list[str]:
    """Return the names of the modules to compile."""
    with (TOP / "pyproject.toml").open("rb") as file:
        listed: list[str] = tomllib.load(file)["tool"]["roost"]["compiled"]
    return listed


def source(module: str) -> Path:
    """Return the path of a module's source."""
    return TOP / "src" / (module.replace(".", "/") + ".py")


def faults(text: str) -> Iterator[str]:
    """Yield what mypyc would silently compile to something else.

    It drops keywords of classes (`frozen=True`) and what annotations say about their items, which
    structs need. Defaults in the body of a class are made for each object, and see no method.
    """
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [ast.unparse(base) for base in node.bases]
        if node.keywords or any(re.search(r"Struct|NamedTuple|Enum|Flag", base) for base in bases):
            yield f"line {node.lineno}: {node.name} is a struct, a named tuple or an enumeration"
        for one in node.body:
            if not isinstance(one, ast.Assign | ast.AnnAssign) or one.value is None:
                continue
            is_slots = ast.unparse(one).startswith("__slots__ ")
            is_constant = isinstance(one.value, ast.Name) and one.value.id.isupper()
            if not (is_slots or is_constant or isinstance(one.value, ast.Constant)):
                yield f"line {one.lineno}: a default that is neither a literal nor a constant"


def obstacle() -> str:
    """Return why nothing can be compiled here, or must be; empty if it can."""
    if os.environ.get(compiled.PLAIN):
        return f"{compiled.PLAIN} is set"
    if shutil.which(_compiler()[0]) is None:
        return f"there is no C compiler ({_compiler()[0]}; on Debian: gcc and libc6-dev)"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "there are no headers of Python (on Debian: python3-dev)"
    if importlib.util.find_spec("mypyc") is None:
        return "mypy is not installed (requirements-compile.txt)"
    return ""


def _compiler() -> list[str]:
    return (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()


def is_up_to_date() -> bool:
    """Return whether what was compiled is what would be made now, and can be loaded here."""
    try:
        if json.loads(MANIFEST.read_bytes()) != _manifest():
            return False
        ctypes.CDLL(str(compiled.object_file(compiled.LIBRARY)))
    except OSError:
        return False
    return True


def _manifest() -> dict[str, Any]:
    return {"suffix": compiled.SUFFIX, "digest": compiled.digest(), "modules": modules()}


def compile_modules() -> None:
    """Compile all modules into the folder of objects.

    Raises:
        CompileError: a module, or what the compiler makes of it, is not as it must be.
    """
    manifest = _manifest()
    for module in manifest["modules"]:
        for fault in faults(source(module).read_text(encoding="utf-8")):
            raise CompileError(f"{module} cannot be compiled: {fault}")
    with tempfile.TemporaryDirectory(prefix="roost-compile-") as name:
        made = _build(Path(name), manifest["modules"])
        # Processes that run keep the files that they have loaded.
        shutil.rmtree(compiled.OBJECTS, ignore_errors=True)
        compiled.OBJECTS.mkdir()
        for module, file in made.items():
            shutil.copy(file, compiled.object_file(module))
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _build(directory: Path, names: list[str]) -> dict[str, Path]:
    """Compile modules; return the shared object of each, and their library."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {
            extension.name: pool.submit(_link, directory, extension)
            for extension in _translate(directory, names)
        }
        return {name: future.result() for name, future in futures.items()}


def _translate(directory: Path, names: list[str]) -> list[Any]:
    """Translate modules to C; return one extension for their library, and one for each module."""
    from mypyc.build import mypycify

    config = directory / "mypy.ini"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    config.write_text(MYPY.format(version=version), encoding="utf-8")
    files = [str(source(module).relative_to(TOP / "src")) for module in names]
    before = Path.cwd()
    os.chdir(TOP / "src")
    try:
        return mypycify(
            [f"--config-file={config}", f"--cache-dir={directory / 'cache'}", *files],
            group_name=compiled.LIBRARY.removesuffix("__mypyc"),
            opt_level=OPTIMIZATION,
            debug_level="0",
            target_dir=str(directory),
        )
    except SystemExit:
        raise CompileError("mypyc refuses the modules, as it says above") from None
    finally:
        os.chdir(before)


def _link(directory: Path, extension: Any) -> Path:
    """Compile the C file of an extension to a shared object."""
    include = [*extension.include_dirs, sysconfig.get_path("include")]
    options = [*extension.extra_compile_args, "-fPIC", "-w", *(f"-I{one}" for one in include)]
    target = directory / f"{extension.name}.so"
    command = [*_compiler(), "-shared", *options, "-o", str(target), *extension.sources]
    result = subprocess.run(command, capture_output=True, text=True, cwd=TOP / "src", check=False)
    if result.returncode:
        raise CompileError(f"the compiler refuses {extension.name}:\n{result.stderr}")
    return target


class CustomBuildHook(BuildHookInterface[Any]):
    """Puts compiled modules into a wheel, which then is one for this platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the wheel is to be editable."""
        if self.target_name != "wheel" or version == "editable":
            return
        if os.environ.get(compiled.PLAIN):
            return
        if not is_up_to_date():
            if reason := obstacle():
                self.app.display_warning(f"The wheel is plain Python: {reason}.")
                return
            compile_modules()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for file in sorted(compiled.OBJECTS.iterdir()):
            build_data["force_include"][str(file)] = f"roost/{compiled.OBJECTS.name}/{file.name}"


def main() -> None:
    """Compile what is not up to date, and say what came of it."""
    if os.environ.get(compiled.PLAIN) or not is_up_to_date():
        if reason := obstacle():
            print(f"Roost runs as plain Python: {reason}.")
            return
        print("Compiling the hot modules ...", flush=True)
        try:
            compile_modules()
        except CompileError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
