"""One file per family of workflows, each with its `SHEETS`: functions that lay out one workflow."""

import importlib
import pkgutil

_modules = [importlib.import_module(f".{info.name}", __name__) for info in pkgutil.iter_modules(__path__)]
SHEETS = tuple(sheet for module in _modules for sheet in getattr(module, "SHEETS", ()))
