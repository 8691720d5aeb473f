"""The IRC commands: every module of this package is one, or one family, and is loaded here."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__: tuple[str, ...] = ()
