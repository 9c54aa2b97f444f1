"""Trains Small World on one large GPU in nine minutes:

    COMFYUI_PATH=... python -m demo.training.small_world.train --art cutouts.npz --out runs/small_world --minutes 8.5

First the autoencoder, then the UNet and the text encoder on its latents: velocity prediction on SD's noise schedule,
with a grounding term on the 16x16 cross-attention (as TokenCompose does). Writes the weights and a contact sheet every
minute; `--start-from` goes on from the weights of an earlier run.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import multiprocessing
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..host import TrainableLayers, use_comfyui

use_comfyui()

from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from ...small_world.network import CONTEXT, POSITIONS, UNET_CONFIG, Autoencoder, TextEncoder  # noqa: E402
from .compose import MAP, WORDS_MOST, Composer, Scenes, draw_scenes, load_art, vocabulary  # noqa: E402

LATENT_SCALE = 0.6
NO_CAPTION, GAMMA, LOWER_SHARE = 0.1, 5.0, 0.5
SHEET = (
    "a cat",
    "a bear and a turtle",
    "a cat and a frog",
    "a pink sunflower and a yellow flamingo",
    "a red crown and a golden strawberry",
    "a dog and a blue car",
    "three rabbits",
    "a horse to the left of a green apple",
    "a purple backpack on grass",
    "a lion in the city",
    "a flat drawing of an elephant",
    "an orange clock and a gray bench",
)


class SmallWorld(nn.Module):
    """All that is trained: autoencoder, UNet, text encoder; `mean`, `std` of the latents."""

    def __init__(self, words: list[int]) -> None:
        super().__init__()
        self.vocabulary = words
        self.vae = Autoencoder(TrainableLayers)
        self.unet = UNetModel(**copy.deepcopy(UNET_CONFIG), operations=TrainableLayers)
        self.text = TextEncoder(words, TrainableLayers)
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("std", torch.ones(4))
        self._start()

    def _start(self) -> None:
        """Every residual branch and the output begin at zero, as in the papers; words begin apart from each other."""
        ends = [self.unet.out[-1]]
        for module in self.unet.modules():
            ends += [module.out_layers[-1]] if hasattr(module, "out_layers") else []
            ends += [module.proj_out] if hasattr(module, "transformer_blocks") else []
        for layer in self.text.layers:
            ends += [layer.out, layer.narrow]
        for parameter in (p for end in ends for p in end.parameters()):
            nn.init.zeros_(parameter)
        nn.init.normal_(self.text.places.weight, std=0.3)

    def to_latent(self, pictures: Tensor) -> Tensor:
        return (self.vae.encode(pictures) - self.mean[:, None, None]) / self.std[:, None, None] * LATENT_SCALE

    def to_picture(self, latents: Tensor) -> Tensor:
        return self.vae.decode(latents / LATENT_SCALE * self.std[:, None, None] + self.mean[:, None, None])


class AttentionTap:
    """Stands in for cross-attention and keeps `maps`: [batch 256 tokens] of the 16x16 sites, heads averaged."""

    def __init__(self, unet: nn.Module) -> None:
        self.maps: list[Tensor] = []
        places = [("input", n, b) for n, b in enumerate(unet.input_blocks)]
        places += [("middle", 0, unet.middle_block), *(("output", n, b) for n, b in enumerate(unet.output_blocks))]
        sites = [(name, n) for name, n, b in places if any(hasattr(layer, "transformer_blocks") for layer in b)]
        self.options = {"patches_replace": {"attn2": dict.fromkeys(sites, self)}}

    def __call__(self, q: Tensor, k: Tensor, v: Tensor, extra: dict) -> Tensor:
        q, k, v = (x.unflatten(-1, (extra["n_heads"], -1)).transpose(1, 2) for x in (q, k, v))
        probs = (q.float() @ k.float().transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1)
        if probs.shape[2] == MAP * MAP:
            self.maps.append(probs[..., :WORDS_MOST].mean(1))
        return (probs.to(v.dtype) @ v).transpose(1, 2).flatten(2)


def signal_levels() -> Tensor:
    """[1000] cumulative alpha of Stable Diffusion's schedule."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def autocast(device: torch.device):
    # On CPUs without bf16 units autocast is nine times slower.
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def scenes_of(pool: multiprocessing.pool.Pool, count: int, pieces: dict[str, list[int]], seed: int):
    """Begins to draw `count` scenes in the pool; call the answer for the `Scenes`."""
    jobs, each = max(1, count // 5000), min(count, 5000)
    result = pool.starmap_async(draw_scenes, [(seed * 100_003 + job, each, pieces) for job in range(jobs)])

    def wait() -> Scenes:
        parts = result.get()
        return Scenes(**{key: torch.from_numpy(np.concatenate([p[key] for p in parts])) for key in parts[0]})

    return wait


def edges(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def train_autoencoder(world: SmallWorld, composer: Composer, scenes: Scenes, minutes: float, batch: int) -> None:
    """L1, squares and edges, with noise on the latent, so that small errors of the UNet do not show."""
    optimizer = torch.optim.AdamW(world.vae.parameters(), 2e-3, betas=(0.9, 0.98), weight_decay=1e-4)
    average = copy.deepcopy(world.vae).requires_grad_(False)
    device, begun, step = world.mean.device, time.time(), 0
    while (progress := (time.time() - begun) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 100) * (0.02 + 0.98 * math.cos(progress * math.pi / 2) ** 2)
        pictures, _ = composer.pictures(scenes, torch.randint(len(scenes), (batch,), device=device))
        with autocast(device):
            latent = world.vae.encode(pictures)
            made = world.vae.decode(latent + 0.05 * torch.randn_like(latent)).float()
        error = made - pictures
        rough = sum((a - b).abs().mean() for a, b in zip(edges(made), edges(pictures), strict=True))
        spread = (latent.float().square().mean() - 1).clamp(min=0)
        loss = error.abs().mean() + 2 * error.square().mean() + 0.5 * rough + 0.002 * spread
        loss.backward()
        nn.utils.clip_grad_norm_(world.vae.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        follow(average, world.vae, step, 0.998)
        if step % 200 == 1:
            print(f"autoencoder {step}  {(time.time() - begun) / 60:.2f} min  loss {loss.item():.4f}", flush=True)
    world.vae.load_state_dict(average.state_dict())
    world.vae.requires_grad_(False)
    measure_latents(world, composer, scenes)


@torch.no_grad()
def measure_latents(world: SmallWorld, composer: Composer, scenes: Scenes) -> None:
    at = torch.arange(min(len(scenes), 512), device=world.mean.device)
    pictures, _ = composer.pictures(scenes, at)
    latents = world.vae.encode(pictures)
    world.mean.copy_(latents.mean((0, 2, 3)))
    world.std.copy_(latents.std((0, 2, 3)))
    error = (world.vae.decode(latents).clamp(-1, 1) - pictures).square().mean((1, 2, 3)) / 4
    print(f"autoencoder: PSNR {(-10 * error.log10()).mean():.2f} dB, std {world.std.tolist()}", flush=True)


@torch.no_grad()
def encode_pool(world: SmallWorld, composer: Composer, scenes: Scenes, batch: int) -> tuple[Tensor, Tensor]:
    """Latents [n 4 32 32] half and masks [n SLOTS 16 16] uint8 of all scenes."""
    latents, masks = [], []
    for at in torch.arange(len(scenes), device=world.mean.device).split(batch):
        pictures, mask = composer.pictures(scenes, at)
        with autocast(at.device):
            latents.append(world.to_latent(pictures).half())
        masks.append((mask * 255).byte())
    return torch.cat(latents), torch.cat(masks)


def attention_wanted(scenes: Scenes, masks: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """[b 256 WORDS_MOST] share of the attention each position should hold, [b WORDS_MOST] which name something."""
    names, share = scenes.names[at].float(), scenes.share[at].float()
    cells = masks[at].flatten(2).float() / 255
    wanted = (names @ cells).clamp(max=1) * share[..., None]
    return wanted.transpose(1, 2), share > 0


def grounding_loss(maps: list[Tensor], wanted: Tensor, named: Tensor, captioned: Tensor) -> Tensor:
    """Cross-entropy between each place's attention and what should be there: a noun, a colour word, or the rest."""
    rest_wanted, flags, total = 1 - wanted.sum(-1), named[:, None].float(), 0.0
    for probs in maps:
        rest = 1 - (probs * flags).sum(-1)
        place = -(wanted * (probs + 1e-6).log()).sum(-1) - rest_wanted * rest.clamp(min=1e-6).log()
        total = total + (place.mean(1) * captioned).mean()
    return total / len(maps)


class Diffusion:
    """The second part of a run: the UNet and the text encoder, their average, the pool of latents."""

    def __init__(self, world: SmallWorld, scenes: Scenes, pool: tuple[Tensor, Tensor], rate: float) -> None:
        self.world, self.scenes, (self.latents, self.masks) = world, scenes, pool
        self.device = world.mean.device
        self.trained = nn.ModuleDict({"unet": world.unet, "text": world.text})
        self.average = copy.deepcopy(self.trained).requires_grad_(False)
        fused = self.device.type == "cuda"
        self.rate, self.step = rate, 0
        self.optimizer = torch.optim.AdamW(
            self.trained.parameters(), rate, betas=(0.9, 0.99), weight_decay=0.01, fused=fused
        )
        self.tap, self.alphas = AttentionTap(world.unet), signal_levels().to(self.device)

    def use_layout(self, layout: torch.memory_format) -> None:
        """The moments follow the weights' layout, so they begin anew; so does the average, which they barely moved."""
        self.trained.to(memory_format=layout)
        self.average.to(memory_format=layout)
        self.optimizer.state.clear()

    def losses(self, batch: int) -> tuple[Tensor, Tensor]:
        device, at = self.device, torch.randint(len(self.scenes), (batch,), device=self.device)
        clean = self.latents[at].float()
        captioned = torch.rand(batch, device=device) > NO_CAPTION
        low, any_step = torch.randint(0, 650, (batch,), device=device), torch.randint(0, 1000, (batch,), device=device)
        step = torch.where(torch.rand(batch, device=device) < LOWER_SHARE, low, any_step)
        alpha, noise = self.alphas[step][:, None, None, None], torch.randn_like(clean)
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean
        rows = nn.functional.pad(self.scenes.rows[at].long(), (0, POSITIONS - WORDS_MOST))
        lengths = torch.where(captioned, self.scenes.length[at].long(), 1)
        self.tap.maps.clear()
        with autocast(device):
            context = self.world.text(rows, lengths)
            predicted = self.world.unet(noisy, step, context, transformer_options=dict(self.tap.options))
        weight = (GAMMA / (1 + alpha / (1 - alpha))).clamp(max=1)
        denoising = ((predicted.float() - velocity).square() * weight).mean()
        wanted, named = attention_wanted(self.scenes, self.masks, at)
        return denoising, grounding_loss(self.tap.maps, wanted, named, captioned.float())

    def update(self, batch: int, grounding: float, progress: float, ema: float) -> Tensor:
        falling = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(1, (self.step + 1) / 200) * falling
        denoising, ground = self.losses(batch)
        (denoising + grounding * ground).backward()
        nn.utils.clip_grad_norm_(self.trained.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        follow(self.average, self.trained, self.step, ema)
        return torch.stack([denoising.detach(), ground.detach()])

    @torch.no_grad()
    def sample(
        self, captions: list[str], pieces: dict[str, list[int]], each: int, cfg: float, steps: int = 20
    ) -> Tensor:
        """Pictures [captions*each 3 128 128] in -1..1 by DDIM."""
        device, levels = self.device, torch.linspace(999, 0, steps).long().tolist()
        generator = torch.Generator("cpu").manual_seed(1)
        x = torch.randn(len(captions) * each, 4, 32, 32, generator=generator).to(device)
        tokens = [[49406, *(t for w in c.replace(",", " ,").split() for t in pieces[w])] for c in captions]
        lengths = torch.tensor([len(t) for t in tokens for _ in range(each)], device=device)
        compact = [self.world.text.compact(t) + [0] * (POSITIONS - len(t)) for t in tokens for _ in range(each)]
        rows = torch.tensor(compact, device=device)
        text, unet = self.average["text"], self.average["unet"]
        context = torch.cat([text(rows, lengths), text(rows, torch.ones_like(lengths))])
        for here, there in zip(levels, [*levels[1:], None], strict=True):
            alpha, beta = self.alphas[here], self.alphas[there] if there is not None else torch.ones((), device=device)
            with autocast(device):
                v = unet(torch.cat([x, x]), torch.full((2 * len(x),), here, device=device), context).float()
            said, unsaid = v.chunk(2)
            v = unsaid + cfg * (said - unsaid)
            clean, noise = alpha.sqrt() * x - (1 - alpha).sqrt() * v, (1 - alpha).sqrt() * x + alpha.sqrt() * v
            x = beta.sqrt() * clean + (1 - beta).sqrt() * noise
        return self.world.to_picture(x)


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    decay = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)


def export(world: SmallWorld, average: nn.ModuleDict, path: Path, note: dict[str, str]) -> None:
    """Half-precision weights with all that is needed to build the model again in the file's metadata."""
    parts = {"unet": average["unet"], "text": average["text"], "vae": world.vae}
    tensors = {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}
    half = {key: value.detach().half().contiguous().cpu() for key, value in tensors.items()}
    metadata = {
        "small_world": "1",
        "vocabulary": json.dumps(world.vocabulary),
        "unet": json.dumps(UNET_CONFIG),
        "context": str(CONTEXT),
        "latent_mean": json.dumps(world.mean.tolist()),
        "latent_std": json.dumps((world.std / LATENT_SCALE).tolist()),
        **note,
    }
    save_file(half, path, metadata={"format": "pt", **metadata})


def split_file(path: Path, most: int) -> None:
    """Writes `path` in pieces of `most` bytes: some machines return only small files."""
    data = path.read_bytes()
    for number in range(-(-len(data) // most)):
        path.with_suffix(f".{number}").write_bytes(data[number * most : (number + 1) * most])
    path.unlink()


def contact_sheet(pictures: Tensor, columns: int, path: Path) -> None:
    """Pictures [n 3 h w] in -1..1, `columns` in a row."""
    pixels = ((pictures.float().clamp(-1, 1) + 1) * 127.5).byte().permute(0, 2, 3, 1).cpu().numpy()
    rows = [np.concatenate(list(pixels[i : i + columns]), 1) for i in range(0, len(pixels), columns)]
    Image.fromarray(np.concatenate(rows)).save(path)


def load(world: SmallWorld, path: Path) -> None:
    state = load_file(path)
    world.load_state_dict({key: value.float() for key, value in state.items()}, strict=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--art", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=8.5, help="all together")
    parser.add_argument("--autoencoder-minutes", type=float, default=1.1)
    parser.add_argument("--scenes", type=int, default=700_000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--grounding", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps (a rehearsal)")
    parser.add_argument("--start-from", type=Path)
    parser.add_argument("--split", type=int, default=0, help="write the weights in pieces of so many bytes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=14)
    args = parser.parse_args()
    run(args, time.time())


def run(args: argparse.Namespace, begun: float) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    art, words = load_art(args.art)
    pieces = json.loads(words)
    # Forked, so that no child makes a CUDA context of its own: they draw with numpy only.
    with multiprocessing.get_context("fork").Pool(args.workers) as pool:
        first, later = (scenes_of(pool, n, pieces, args.seed + i) for i, n in enumerate((5000, args.scenes)))
        world = SmallWorld(vocabulary(pieces)).to(device)
        print(f"{sum(p.numel() for p in world.unet.parameters()) / 1e6:.1f} M + "
              f"{sum(p.numel() for p in world.vae.parameters()) / 1e6:.2f} M + "
              f"{sum(p.numel() for p in world.text.parameters()) / 1e6:.2f} M parameters", flush=True)  # fmt: skip
        composer = Composer(art, device)
        scenes = first().to(device)
        print(f"scenes and cut-outs ready after {time.time() - begun:.0f} s", flush=True)
        contact_sheet(composer.pictures(scenes, torch.arange(32, device=device))[0], 8, args.out / "scenes.png")
        if args.start_from:
            load(world, args.start_from)
            measure_latents(world, composer, scenes)
        else:
            train_autoencoder(world, composer, scenes, args.autoencoder_minutes, min(args.batch, 128))
        scenes = later().to(device)
    pool_ready = encode_pool(world, composer, scenes, min(args.batch, 512))
    print(f"{len(scenes)} scenes encoded after {time.time() - begun:.0f} s", flush=True)
    del composer
    diffusion = Diffusion(world, scenes, pool_ready, args.rate)
    choose_layout(diffusion, args)
    diffuse(args, diffusion, pieces, begun)


def choose_layout(diffusion: Diffusion, args: argparse.Namespace, steps: int = 25) -> None:
    """Times channels-last against the usual memory layout on real updates, and goes on with the faster."""
    if diffusion.device.type != "cuda":
        return
    seconds = {}
    for layout in (torch.contiguous_format, torch.channels_last):
        diffusion.use_layout(layout)
        for count in (8, steps):
            torch.cuda.synchronize()
            begun = time.time()
            for _ in range(count):
                diffusion.update(args.batch, args.grounding, 0.0, args.ema)
            torch.cuda.synchronize()
            seconds[layout] = (time.time() - begun) / count
    best = min(seconds, key=seconds.__getitem__)
    diffusion.use_layout(best)
    print({str(k): f"{v * 1000:.0f} ms a step" for k, v in seconds.items()}, f"{best} it is", flush=True)


def diffuse(args: argparse.Namespace, diffusion: Diffusion, pieces: dict[str, list[int]], begun: float) -> None:
    start, saved, sums = time.time(), time.time(), torch.zeros(2, device=diffusion.device)
    end = begun + 60 * args.minutes

    def save() -> None:
        spent = {"steps": str(diffusion.step), "batch": str(args.batch), "minutes": f"{(time.time() - begun) / 60:.1f}"}
        path = args.out / "small_world.safetensors"
        export(diffusion.world, diffusion.average, path, spent)
        if args.split:
            split_file(path, args.split)
        contact_sheet(diffusion.sample(list(SHEET), pieces, 6, 4.0), 12, args.out / "sheet.png")

    save()  # a fault in what is written shall show in the first minute
    while time.time() < end and not (args.steps and diffusion.step >= args.steps):
        sums += diffusion.update(args.batch, args.grounding, min(1, (time.time() - start) / (end - start)), args.ema)
        every = 100 if diffusion.device.type == "cuda" else 5
        if diffusion.step % every == 0:
            denoising, ground = (sums / every).tolist()
            rate = diffusion.step * args.batch / (time.time() - start)
            print(f"{diffusion.step}  {(time.time() - begun) / 60:.2f} min  denoising {denoising:.4f}  "
                  f"grounding {ground:.4f}  {rate:.0f} pictures/s", flush=True)  # fmt: skip
            sums.zero_()
        if time.time() - saved > 75:
            save()
            saved = time.time()
    save()


if __name__ == "__main__":
    main()
