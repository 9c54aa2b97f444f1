"""Trains the Shapes model: `COMFYUI_PATH=... python -m demo.training.train --out runs/shapes --steps 6000`.

Velocity prediction on SD's noise schedule, with a grounding term on the 16x16 cross-attention (as TokenCompose does):
the renderer knows where each named object is. Resumes from the newest state in `--out`.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from .host import TrainableLayers, use_comfyui

use_comfyui()

from safetensors.torch import load_file, save_file  # noqa: E402

from ..network import CONTEXT, UNET_CONFIG, ShapesUNet, TextEncoder  # noqa: E402
from .data import MAP, WORDS_MOST, batches, vocabulary  # noqa: E402

NO_CAPTION = 0.1
GAMMA = 5.0
LOWER_SHARE = 0.6


def signal_levels() -> Tensor:
    """[1000] cumulative alpha of Stable Diffusion's schedule."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


class AttentionTap:
    """Stands in for cross-attention and keeps `maps`: per site, [batch hw tokens] probabilities, heads averaged."""

    def __init__(self, unet: ShapesUNet) -> None:
        self.maps: list[Tensor] = []
        self.options = {"patches_replace": {"attn2": {}}}
        for name, blocks in (
            ("input", unet.input_blocks),
            ("middle", [unet.middle_block]),
            ("output", unet.output_blocks),
        ):
            for number, block in enumerate(blocks):
                if any(hasattr(layer, "transformer_blocks") for layer in block):
                    self.options["patches_replace"]["attn2"][(name, number)] = self

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, extra: dict) -> Tensor:
        q, k, v = (x.unflatten(-1, (extra["n_heads"], -1)).transpose(1, 2) for x in (q, k, v))
        probs = (q.float() @ k.float().transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        self.maps.append(probs.mean(1))
        return (probs.to(v.dtype) @ v).transpose(1, 2).flatten(2)


class ShapesModel(nn.Module):
    """UNet and text encoder, trained together."""

    def __init__(self, layers=TrainableLayers) -> None:
        super().__init__()
        self.vocabulary = vocabulary()
        self.unet = ShapesUNet(**copy.deepcopy(UNET_CONFIG), operations=layers)
        self.text = TextEncoder(self.vocabulary, operations=layers)

    def start(self) -> None:
        """Every residual branch and the output begin at zero, as in the papers; words begin apart from each other."""
        for module in self.unet.modules():
            if hasattr(module, "out_layers"):
                _zero(module.out_layers[-1])
            if hasattr(module, "transformer_blocks"):
                _zero(module.proj_out)
        _zero(self.unet.out[-1])
        nn.init.normal_(self.text.places.weight, std=0.3)


def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def grounding_loss(maps: list[Tensor], target: Tensor, grounded: Tensor, captioned: Tensor) -> Tensor:
    """Cross-entropy between each place's attention and what should be there: a noun, a colour word, or the rest."""
    flags = grounded[:, None, :].float()
    wanted = target.flatten(2).transpose(1, 2)
    rest_wanted = 1 - wanted.sum(-1)
    total = 0.0
    chosen = [m[..., :WORDS_MOST] for m in maps if m.shape[1] == MAP * MAP]
    for probs in chosen:
        rest = 1 - (probs * flags).sum(-1)
        per_place = -(wanted * (probs + 1e-6).log()).sum(-1) - rest_wanted * rest.clamp(min=1e-6).log()
        total = total + (per_place.mean(1) * captioned).sum() / captioned.sum().clamp(min=1)
    return total / len(chosen)


def draw_steps(count: int, steps: int) -> Tensor:
    """[count] noise levels, most from the lower 65 %, where outlines are made; above, the loss is mostly chance."""
    lower = torch.randint(0, steps * 65 // 100, (count,))
    return torch.where(torch.rand(count) < LOWER_SHARE, lower, torch.randint(0, steps, (count,)))


def losses(
    model: ShapesModel, tap: AttentionTap, batch: dict[str, Tensor], alphas: Tensor, bf16: bool
) -> tuple[Tensor, Tensor]:
    """Denoising loss (velocity, weight min(1, gamma / (1 + SNR))) and grounding loss."""
    clean, device = batch["latent"], batch["latent"].device
    captioned = (torch.rand(len(clean), device=device) > NO_CAPTION).float()
    step = draw_steps(len(clean), len(alphas)).to(device)
    noise = torch.randn_like(clean)
    alpha = alphas[step][:, None, None, None]
    noisy, velocity = (
        alpha.sqrt() * clean + (1 - alpha).sqrt() * noise,
        alpha.sqrt() * noise - (1 - alpha).sqrt() * clean,
    )
    tap.maps.clear()
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        lengths = torch.where(captioned > 0, batch["lengths"], 1)
        context = model.text(batch["rows"], lengths)
        predicted = model.unet(noisy, step, context, transformer_options=dict(tap.options))
    weight = (GAMMA / (1 + alpha / (1 - alpha))).clamp(max=1).flatten()
    denoising = ((predicted.float() - velocity).square().mean((1, 2, 3)) * weight).mean()
    return denoising, grounding_loss(tap.maps, batch["target"], batch["grounded"], captioned)


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    """Moves the averaged weights a little towards the trained ones; faster at the start."""
    decay = min(decay, (1 + step) / (10 + step))
    for mean, now in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(now, 1 - decay)


def export(model: ShapesModel, path: Path, note: dict[str, str]) -> None:
    """Half-precision weights with all that is needed to build the model again in the file's metadata."""
    tensors = {key: value.detach().half().contiguous().cpu() for key, value in model.state_dict().items()}
    metadata = {
        "vocabulary": json.dumps(model.vocabulary),
        "unet": json.dumps(UNET_CONFIG),
        "context": str(CONTEXT),
        **note,
    }
    save_file(tensors, path, metadata={"format": "pt", **metadata})


def learning_rate(progress: float, step: int, peak: float) -> float:
    return peak * min(1.0, step / 150) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def share_gradients(model: nn.Module, workers: int) -> None:
    """Mean over the processes, in one message."""
    if workers == 1:
        return
    flat = torch.cat([p.grad.flatten() for p in model.parameters()])
    torch.distributed.all_reduce(flat)
    for parameter, mean in zip(model.parameters(), flat.split([p.numel() for p in model.parameters()]), strict=True):
        parameter.grad.copy_(mean.view_as(parameter) / workers)


class Run:
    """A training run: the trained model, its average over time, and where it stands."""

    def __init__(self, args: argparse.Namespace, device: torch.device) -> None:
        self.out, self.step, self.spent = Path(args.out), 0, 0.0
        self.model = ShapesModel()
        self.model.start()
        self.model.to(device)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), args.rate, betas=(0.9, 0.99), weight_decay=0.01)
        self.resume(args.start_from, device)

    def resume(self, other: str | None, device: torch.device) -> None:
        """Goes on from this run's own state, or takes over the weights another run has left or shipped."""
        own = self.out / "state.pt"
        if own.exists():
            state = torch.load(own, map_location=device)
            for part in ("model", "average", "optimizer"):
                getattr(self, part).load_state_dict(state[part])
            self.step, self.spent = state["step"], state["spent"]
        elif other:
            weights = {key: value.float() for key, value in load_file(other, str(device)).items()}
            self.model.load_state_dict(weights)
            self.average.load_state_dict(weights)

    def save(self) -> None:
        """Written beside and moved into place: a reader never meets half a file."""
        parts = {name: getattr(self, name).state_dict() for name in ("model", "average", "optimizer")}
        torch.save({**parts, "step": self.step, "spent": self.spent}, self.out / "state.new")
        (self.out / "state.new").replace(self.out / "state.pt")
        export(self.average, self.out / "shapes.new", {"steps": str(self.step), "minutes": f"{self.spent / 60:.0f}"})
        (self.out / "shapes.new").replace(self.out / "shapes.safetensors")


def train(rank: int, args: argparse.Namespace) -> None:
    """One process of `args.workers`, each with a batch of its own."""
    torch.set_flush_denormal(True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if args.workers > 1:
        torch.set_num_threads(1)
        torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{args.port}", rank=rank, world_size=args.workers)
    torch.manual_seed(args.seed)
    run = Run(args, device)
    torch.manual_seed(args.seed + 1000 * run.step + rank)
    if rank == 0:
        print(
            f"{sum(p.numel() for p in run.model.parameters()) / 1e6:.2f} M parameters, from step {run.step}", flush=True
        )
    tap, alphas = AttentionTap(run.model.unet), signal_levels().to(device)
    data = batches(args.batch, args.seed + 1000 * run.step + rank)
    begun, saved, sums = time.time() - run.spent, time.time(), torch.zeros(2)
    while run.step < args.steps:
        run.spent = time.time() - begun
        progress = torch.tensor(max(run.step / args.steps, run.spent / (args.minutes * 60)))
        if args.workers > 1:
            torch.distributed.broadcast(progress, 0)
        if progress >= 1:
            break
        for group in run.optimizer.param_groups:
            group["lr"] = learning_rate(progress.item(), run.step, args.rate)
        batch = {key: value.to(device) for key, value in next(data).items()}
        denoising, grounding = losses(run.model, tap, batch, alphas, args.bf16)
        (denoising + args.grounding * grounding).backward()
        share_gradients(run.model, args.workers)
        torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
        run.optimizer.step()
        run.optimizer.zero_grad(set_to_none=True)
        run.step += 1
        sums += torch.tensor([denoising.item(), grounding.item()])
        if rank:
            continue
        follow(run.average, run.model, run.step, args.ema)
        if run.step % 50 == 0:
            means = f"denoising {sums[0] / 50:.4f}  grounding {sums[1] / 50:.4f}"
            print(f"{run.step}  {run.spent / 60:.1f} min  {means}", flush=True)
            sums.zero_()
        if time.time() - saved > args.save_every * 60:
            run.save()
            saved = time.time()
    if rank == 0:
        run.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, help="folder for checkpoints and weights")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument(
        "--minutes", type=float, default=100, help="stop after this long; the learning rate ends with it"
    )
    parser.add_argument("--batch", type=int, default=48, help="per process")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--ema", type=float, default=0.995)
    parser.add_argument("--grounding", type=float, default=0.1, help="weight of the attention term")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-every", type=float, default=4, help="minutes")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--start-from", help="shapes.safetensors of another run: its weights, a fresh schedule")
    parser.add_argument("--workers", type=int, default=1, help="processes, one thread and one batch each (CPU)")
    parser.add_argument("--port", type=int, default=29531)
    args = parser.parse_args()
    Path(args.out).mkdir(parents=True, exist_ok=True)
    if args.workers == 1:
        train(0, args)
    else:
        torch.multiprocessing.spawn(train, (args,), args.workers)


if __name__ == "__main__":
    main()
