"""The real ComfyUI server for tests: this pack only, a base directory of its own, one server for a whole test run.

Not called `server.py`: this folder is on the path, and ComfyUI has a module of that name.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pack.runner.client import Client, Graph
from pack.runner.host import Host
from pack.runner.links import link_pack
from pack.runner.server import ALONE, Server, running

CHECKPOINT = "tiny-sd15.safetensors"
GLIGEN = "gligen_sd14_textbox_pruned.safetensors"


def host_in(folder: Path) -> Host:
    """The ComfyUI and the Python that this test run itself uses, with a fresh base directory in `folder`."""
    packages = tuple(Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry)
    host = Host("under test", Path(os.environ["COMFYUI_PATH"]), Path(sys.executable), folder, packages)
    link_pack(host.base)
    return host


@pytest.fixture(scope="session")
def comfy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from tiny_checkpoint import sd15_unet, write_sd15
    from tiny_gligen import write_gligen

    host = host_in(tmp_path_factory.mktemp("server"))
    write_sd15(host.base / "models" / "checkpoints" / CHECKPOINT)
    write_gligen(host.base / "models" / "gligen" / GLIGEN, sd15_unet())
    # The picture that comes with ComfyUI, and which its Load Image shows first.
    (host.base / "input").mkdir(exist_ok=True)
    shutil.copy(host.comfyui / "input" / "example.png", host.base / "input")
    with running(host, cpu=not os.environ.get("PU_TEST_GPU"), extra=[*ALONE, "--disable-metadata"]) as server:
        yield server


@pytest.fixture
def client(comfy_server: Server) -> Iterator[Client]:
    with Client(comfy_server.port) as client:
        yield client


@pytest.fixture(scope="session")
def object_info(comfy_server: Server) -> dict[str, Any]:
    with Client(comfy_server.port) as client:
        return client.get("/object_info")


@dataclass
class Canvas:
    """Writes a graph as a person would on the canvas: only what differs from the widgets' defaults is named."""

    info: dict[str, Any]
    graph: Graph = field(default_factory=dict)

    def add(self, class_type: str, **inputs: Any) -> Node:
        required = self.info[class_type]["input"].get("required", {})
        values = {name: default_of(spec) for name, spec in required.items() if name not in inputs}
        values = {name: value for name, value in values.items() if value is not None}
        number = str(len(self.graph) + 1)
        self.graph[number] = {"class_type": class_type, "inputs": {**values, **inputs}}
        return Node(number)


class Node(str):
    """A node's number; `node[0]` is a link to its first output."""

    def __getitem__(self, output: int) -> list[Any]:  # type: ignore[override]
        return [str(self), output]


def default_of(spec: list[Any]) -> Any:
    """A widget's default, the first choice of a menu, or None for an input that needs a link."""
    kind, options = spec[0], spec[1] if len(spec) > 1 else {}
    if isinstance(kind, list):
        return options.get("default", kind[0] if kind else None)
    if kind == "COMBO":
        return options.get("default", next(iter(options.get("options", [])), None))
    return options.get("default")


def sd15(
    info: dict[str, Any], text: str = "a red cat and a dog", steps: int = 3, size: int = 128, **guidance: Any
) -> Canvas:
    """Checkpoint, Encode & Parse Prompt, Attend-and-Excite, Capture Attention, KSampler, decode, save: nodes 1 to 9."""
    canvas = Canvas(info)
    loaded = canvas.add("CheckpointLoaderSimple", ckpt_name=CHECKPOINT)
    prompt = canvas.add("PUEncodePrompt", clip=loaded[1], text=text)
    negative = canvas.add("CLIPTextEncode", clip=loaded[1], text="")
    guided = canvas.add("PUAttendAndExcite", model=loaded[0], prompt=prompt[1], **{"max_refinements": 1, **guidance})
    captured = canvas.add("PUCaptureAttention", model=guided[0])
    latent = canvas.add("EmptyLatentImage", width=size, height=size, batch_size=1)
    sampled = canvas.add(
        "KSampler", model=captured[0], positive=prompt[0], negative=negative[0], latent_image=latent[0],
        seed=5, steps=steps, cfg=5.0, sampler_name="euler", scheduler="normal",
    )  # fmt: skip
    decoded = canvas.add("VAEDecode", samples=sampled[0], vae=loaded[2])
    canvas.add("SaveImage", images=decoded[0], filename_prefix="test")
    return canvas
