"""Whether the hot modules run as compiled code, and how Python finds them.

`hatch_build.py` compiles the modules that `pyproject.toml` lists into the folder `objects` beside
this file. The source stays the one truth: compiled modules are used only while all sources that
they were made from are unchanged. Otherwise Python loads the source, as if nothing was compiled.

    import roost.raft.replica --> listed? --> sources unchanged? --> objects/roost.raft.replica.so
                                    | no            | no
                                    +---------------+--------------> raft/replica.py
"""

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

PLAIN = "ROOST_PLAIN"
"""The environment variable that, if it is not empty, makes all modules run as plain Python."""
LIBRARY = "roost__mypyc"
"""The shared library with the code of all compiled modules, as mypyc names it."""
SUFFIX = EXTENSION_SUFFIXES[0]
"""Names the version of Python and the processor that shared objects are made for."""
ROOT = Path(__file__).parent
OBJECTS = ROOT / "objects"
MANIFEST = "manifest.json"
"""What the objects are: their suffix, the digest of their sources, and the modules' names."""
SOURCES = (
    *("instant.py", "irc", "chat", "raft", "log", "protocol", "ircd", "ops"),
    *("node/engine", "balancer/engine", "balancer/errors.py"),
    *("archive/__init__.py", "archive/errors.py", "archive/port.py"),
)
"""Where compiled modules may lie, and all that these and their imports import of Roost."""


def object_file(module: str, objects: Path = OBJECTS) -> Path:
    """Return the file of a compiled module, or of the library."""
    return objects / f"{module}{SUFFIX}"


def digest() -> str:
    """Return a digest of the sources that compiled modules depend on."""
    hashed = hashlib.blake2b(digest_size=16)
    for name in SOURCES:
        top = ROOT / name
        for file in sorted(top.rglob("*.py")) if top.is_dir() else (top,):
            text = file.read_bytes()
            hashed.update(f"{file.relative_to(ROOT)} {len(text)}\n".encode() + text)
    return hashed.hexdigest()


class Finder(MetaPathFinder):
    """Finds compiled modules, unless something speaks against using any of them."""

    def __init__(self, objects: Path, environment: Mapping[str, str]) -> None:
        """`objects` is the folder of the manifest and the shared objects."""
        self._objects = objects
        self._modules: frozenset[str] = frozenset()
        self._digest = ""
        self._is_checked = False
        self.reason = self._read_manifest(environment)
        """Why plain Python runs; empty if nothing is known to speak against compiled modules."""

    def _read_manifest(self, environment: Mapping[str, str]) -> str:
        if environment.get(PLAIN):
            return f"{PLAIN} is set"
        try:
            manifest = json.loads((self._objects / MANIFEST).read_bytes())
        except FileNotFoundError:
            return "nothing is compiled"
        if manifest["suffix"] != SUFFIX:
            return "what is compiled is for another Python"
        self._modules = frozenset(manifest["modules"])
        self._digest = manifest["digest"]
        return ""

    def check(self) -> str:
        """Return why plain Python runs; empty if compiled modules do.

        The first call compares the sources, which takes about 10 ms, and loads the library.
        """
        if not self.reason and not self._is_checked:
            self._is_checked = True
            if digest() != self._digest:
                self.reason = "the source has changed since it was compiled"
                return self.reason
            try:
                self._load_library()
            except ImportError as error:
                self.reason = f"what is compiled cannot be loaded: {error}"
        return self.reason

    def _load_library(self) -> None:
        spec = self._spec(LIBRARY)
        assert spec is not None
        assert spec.loader is not None
        library = module_from_spec(spec)
        spec.loader.exec_module(library)
        sys.modules[LIBRARY] = library

    def _spec(self, name: str) -> ModuleSpec | None:
        file = str(object_file(name, self._objects))
        return spec_from_file_location(name, file, loader=ExtensionFileLoader(name, file))

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """Find a compiled module; None lets Python find the source."""
        if fullname not in self._modules or self.check():
            return None
        return self._spec(fullname)


_finder = Finder(OBJECTS, os.environ)


def install() -> None:
    """Let Python find compiled modules. To be called before any other module is imported."""
    if not _finder.reason:
        sys.meta_path.insert(0, _finder)


def why_plain() -> str:
    """Return why plain Python runs; empty if the hot modules run as compiled code."""
    return _finder.check()


def describe() -> str:
    """Return "compiled", or "plain Python" and the reason."""
    reason = why_plain()
    return f"plain Python: {reason}" if reason else "compiled"
