"""What only a CUDA device can show: half precision, offload and dynamic VRAM under the gradient pass.

Run by `python run.py test` where CUDA is there. Everything is made of small networks with random weights.
"""

import sys
from pathlib import Path

import comfy.model_management
import pytest
import torch

sys.path.append(str(Path(__file__).parent.parent / "comfy"))

from engine import guided, sample  # noqa: E402
from pack.attention_hooks.host.settings import run_log  # noqa: E402
from pack.attention_hooks.optimize.schedule import Schedule  # noqa: E402
from tiny import tiny_sd  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]

GUIDE = Schedule(refinements=(Schedule().refinements[0],), max_refinements=3)


def losses(node, latent) -> torch.Tensor:
    return torch.cat([step.losses["attend_and_excite"] for step in run_log(node).find(latent).steps])


@pytest.fixture(scope="module")
def reference():
    node = guided(tiny_sd(), GUIDE)
    return losses(node, sample(node))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_follows_float32(reference, dtype):
    node = guided(tiny_sd(dtype), GUIDE)
    out = sample(node)
    assert out.isfinite().all()
    assert torch.allclose(losses(node, out), reference, atol=0.05)


def test_fp8_weights(reference):
    node = guided(tiny_sd(torch.float8_e4m3fn, torch.float16), GUIDE)
    out = sample(node)
    assert out.isfinite().all() and torch.allclose(losses(node, out), reference, atol=0.15)


def test_low_vram_offload_gives_the_same_gradients(reference, monkeypatch):
    """Weights stay on the CPU and are streamed layer by layer."""
    monkeypatch.setattr(comfy.model_management, "vram_state", comfy.model_management.VRAMState.LOW_VRAM)
    node = guided(tiny_sd(), GUIDE)
    assert torch.allclose(losses(node, sample(node)), reference, atol=1e-3)


@pytest.mark.parametrize("pressure", [False, True])
def test_dynamic_vram(reference, pressure):
    """comfy_aimdo's transient weights: sample plainly first (which caches views made in inference mode), then guide."""
    import comfy.memory_management
    import comfy.model_patcher

    if not getattr(comfy.memory_management, "aimdo_enabled", False):
        pytest.skip("this ComfyUI was started without dynamic VRAM")
    plain = tiny_sd()
    dynamic = comfy.model_patcher.CoreModelPatcher(plain.model, plain.load_device, plain.offload_device)
    sample(dynamic)
    ballast = None
    if pressure:
        free = torch.cuda.mem_get_info()[0]
        ballast = torch.empty(int(free * 0.9), dtype=torch.uint8, device="cuda")
    node = guided(dynamic, GUIDE)
    assert torch.allclose(losses(node, sample(node)), reference, atol=1e-3)
    del ballast


def test_no_memory_is_left_behind():
    node = guided(tiny_sd(), GUIDE)
    sample(node)
    comfy.model_management.soft_empty_cache()
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        sample(node)
    assert torch.cuda.memory_allocated() <= before + 1_000_000


def test_checkpointing_saves_memory():
    peaks = []
    for saving in (False, True):
        node = guided(tiny_sd(channels=64), Schedule(refinements=()), checkpointing=saving)
        torch.cuda.reset_peak_memory_stats()
        sample(node, hw=(64, 64), steps=2)
        peaks.append(torch.cuda.max_memory_allocated())
    assert peaks[1] < peaks[0]
