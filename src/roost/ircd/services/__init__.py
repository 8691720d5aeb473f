"""The services: NickServ, ChanServ and the like, each with what it can be asked.

They are not users: nobody can take their names, and what is said to them is kept nowhere. Every
module of this package is loaded here, so that a service is one more file.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__: tuple[str, ...] = ()
