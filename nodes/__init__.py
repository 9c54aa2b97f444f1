"""The extension and its node list: every module here names its nodes in `NODES`."""

import importlib
import pkgutil

from comfy_api.latest import ComfyExtension, io


class PromptUnderstandingExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        modules = [importlib.import_module(f".{info.name}", __name__) for info in pkgutil.iter_modules(__path__)]
        return [node for module in modules for node in getattr(module, "NODES", [])]
