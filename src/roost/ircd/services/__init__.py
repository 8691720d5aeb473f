"""The services: NickServ, ChanServ and HostServ, with their commands.

They are not users: nobody can take their names, and messages to them are not stored. All modules of
this package are loaded here, so a new service is one more file.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__: tuple[str, ...] = ()
