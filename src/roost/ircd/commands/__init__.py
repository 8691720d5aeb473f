"""The IRC commands, one or a few related ones per module; all modules are loaded here."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__: tuple[str, ...] = ()
