"""Trains the Shapes upscaler: `COMFYUI_PATH=... python -m demo.training.upscale --out runs/upscaler --minutes 60`.

Velocity prediction as for the Shapes model, on crops. The picture half the size is corrupted to a level drawn from
0..1, and the level is told to the network, as Imagen trains its super-resolution stages; low levels are drawn more
often, for little is left to learn at high ones. Resumes from the newest state in `--out`.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from .host import TrainableLayers, use_comfyui

use_comfyui()

from safetensors.torch import save_file  # noqa: E402

from ..network import LATENT_MEAN, LATENT_SCALE  # noqa: E402
from ..scenes import enlarged, render  # noqa: E402
from ..upscaler import (  # noqa: E402
    CORRUPTED,
    LAST_LEVEL,
    SAMPLING,
    SCALE,
    UPSCALER_CONFIG,
    UpscalerUNet,
    corruption,
    error_scale,
)
from .captions import make_example  # noqa: E402
from .train import follow  # noqa: E402

WARM_UP = 20
CROP = 64
"""Pixels per side. Two crops of every rendered picture are trained on."""


class Crops(IterableDataset):
    """[b 3 CROP CROP] of pictures of 128 pixels, in -1..1, without end."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed = size, seed

    def __iter__(self) -> Iterator[Tensor]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        torch.set_num_threads(1)
        while True:
            pictures = [render(enlarged(make_example(rng).scene, SCALE), rng)[0] for _ in range(self.size // 2)]
            crops = np.stack([_crop(picture, rng) for picture in pictures * 2])
            yield torch.from_numpy(crops).movedim(-1, 1) * 2 - 1


def _crop(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whole pixels of the small picture."""
    top, left = (SCALE * rng.integers(0, (side - CROP) // SCALE + 1) for side in picture.shape[:2])
    return picture[top : top + CROP, left : left + CROP]


def crops(size: int, seed: int) -> Iterator[Tensor]:
    return iter(DataLoader(Crops(size, seed), batch_size=None, num_workers=1, prefetch_factor=4))


def loss(unet: nn.Module, clean: Tensor, corrupt: nn.Module, bf16: bool) -> Tensor:
    """Velocity error of pictures `clean` [b 3 h w] in -1..1, over what is left to know at their noise levels."""
    device = clean.device
    small = F.interpolate(F.avg_pool2d(clean, SCALE), scale_factor=SCALE, mode="bilinear")
    level = (torch.rand(len(clean), device=device) ** 2 * (LAST_LEVEL + 1)).long()
    seen = corrupt.q_sample(small, level, torch.randn_like(small))
    latent = (clean - torch.tensor(LATENT_MEAN, device=device)[:, None, None]) * LATENT_SCALE
    step = torch.randint(0, len(SAMPLING), (len(clean),), device=device)
    alpha, trust = (t.to(device)[i][:, None, None, None] for t, i in ((SAMPLING, step), (CORRUPTED, level)))
    noise = torch.randn_like(latent)
    noisy = alpha.sqrt() * latent + (1 - alpha).sqrt() * noise
    velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * latent
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        predicted = unet(torch.cat((noisy, seen), 1), step, y=level)
    return ((predicted.float() - velocity) / error_scale(alpha, trust)).square().mean()


def new_network() -> UpscalerUNet:
    """Every residual branch and the output begin at zero."""
    unet = UpscalerUNet(**copy.deepcopy(UPSCALER_CONFIG), operations=TrainableLayers)
    ends = [module.out_layers[-1] for module in unet.modules() if hasattr(module, "out_layers")]
    for parameter in (p for layer in [*ends, unet.out[-1]] for p in layer.parameters()):
        nn.init.zeros_(parameter)
    return unet


def export(unet: nn.Module, path: Path, note: dict[str, str]) -> None:
    """Half-precision weights, with the network's plan in the file's metadata."""
    tensors = {f"unet.{key}": value.detach().half().contiguous().cpu() for key, value in unet.state_dict().items()}
    save_file(tensors, path, metadata={"format": "pt", "upscaler": json.dumps(UPSCALER_CONFIG), **note})


class Run:
    """The trained network, its average over time, and where the run stands."""

    def __init__(self, out: Path, rate: float, device: torch.device) -> None:
        self.out, self.step, self.spent = out, 0, 0.0
        self.model = new_network().to(device)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), rate, betas=(0.9, 0.99), weight_decay=0.01)
        if (out / "state.pt").exists():
            state = torch.load(out / "state.pt", map_location=device)
            for part in ("model", "average", "optimizer"):
                getattr(self, part).load_state_dict(state[part])
            self.step, self.spent = state["step"], state["spent"]

    def save(self) -> None:
        """Written beside and moved into place: a reader never meets half a file."""
        parts = {name: getattr(self, name).state_dict() for name in ("model", "average", "optimizer")}
        torch.save({**parts, "step": self.step, "spent": self.spent}, self.out / "state.new")
        (self.out / "state.new").replace(self.out / "state.pt")
        file = self.out / "shapes_upscaler.new"
        export(self.average, file, {"steps": str(self.step), "minutes": f"{self.spent / 60:.0f}"})
        file.replace(file.with_suffix(".safetensors"))


def train(args: argparse.Namespace) -> None:
    torch.set_flush_denormal(True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    run = Run(args.out, args.rate, device)
    torch.manual_seed(args.seed + run.step)
    print(f"{sum(p.numel() for p in run.model.parameters()) / 1e6:.2f} M parameters, from step {run.step}", flush=True)
    corrupt = corruption().to(device)
    data = crops(args.batch, args.seed + run.step)
    begun, saved, total = time.time() - run.spent, time.time(), 0.0
    while (progress := max(run.step / args.steps, (time.time() - begun) / (args.minutes * 60))) < 1:
        for group in run.optimizer.param_groups:
            group["lr"] = (
                args.rate * min(1.0, run.step / WARM_UP) * (0.02 + 0.98 * math.cos(progress * math.pi / 2) ** 2)
            )
        value = loss(run.model, next(data).to(device), corrupt, args.bf16)
        value.backward()
        torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
        run.optimizer.step()
        run.optimizer.zero_grad(set_to_none=True)
        run.step, run.spent, total = run.step + 1, time.time() - begun, total + value.item()
        follow(run.average, run.model, run.step, args.ema)
        if run.step % 50 == 0:
            print(f"{run.step}  {run.spent / 60:.1f} min  denoising {total / 50:.4f}", flush=True)
            total = 0.0
        if time.time() - saved > args.save_every * 60:
            run.save()
            saved = time.time()
    run.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and weights")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument(
        "--minutes", type=float, default=30, help="stop after this long; the learning rate ends with it"
    )
    parser.add_argument("--batch", type=int, default=16, help="crops; an even number")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-every", type=float, default=4, help="minutes")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
