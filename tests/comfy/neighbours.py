"""Other packs on the same MODEL: a small stand-in for each way in which they patch, and ComfyUI's own nodes that do.

Each takes a MODEL and gives a patched clone. What they do to the picture is slight, and is there without us too.
"""

from __future__ import annotations

from types import MethodType

import comfy.model_patcher
import comfy.samplers
import torch
from comfy.patcher_extension import WrappersMP
from comfy_extras.nodes_easycache import EasyCacheNode, LazyCacheNode
from comfy_extras.nodes_freelunch import FreeU, FreeU_V2
from comfy_extras.nodes_hypertile import HyperTile
from comfy_extras.nodes_model_downscale import PatchModelAddDownscale
from comfy_extras.nodes_pag import PerturbedAttentionGuidance
from comfy_extras.nodes_tomesd import TomePatchModel

SLIGHTLY = 1.02
CROSS = "attn2"


def own_node(node, *values):
    def patched(model):
        with torch.inference_mode():
            out = node.execute(model, *values)
        return getattr(out, "args", out)[0]

    return patched


def listed(model):
    """Patches of the kind that is a list, around every attention and block."""
    clone = model.clone()
    clone.set_model_attn1_patch(lambda n, k, v, options: (n, k, v * SLIGHTLY))
    clone.set_model_attn2_patch(lambda n, k, v, options: (n, k, v * SLIGHTLY))
    clone.set_model_attn2_output_patch(lambda n, options: n * SLIGHTLY)
    clone.set_model_input_block_patch(lambda h, options: h * SLIGHTLY)
    return clone


def replaced(model):
    """One function in the place of a block's attention, as IPAdapter has it."""
    from comfy.ldm.modules.attention import optimized_attention

    def attention(q, k, v, options, mask=None):
        return SLIGHTLY * optimized_attention(q, k, v, options["n_heads"])

    clone = model.clone()
    for block, number in (("input", 5), ("middle", 0), ("output", 0)):
        clone.set_model_attn2_replace(attention, block, number)
        clone.set_model_attn1_replace(attention, block, number)
    return clone


def object_patched(model):
    """Another forward on a layer for as long as the MODEL is loaded."""
    clone = model.clone()
    for name, layer in _layers(model, CROSS):
        own = MethodType(type(layer).forward, layer)
        clone.add_object_patch(f"diffusion_model.{name}.forward", lambda *a, own=own, **k: SLIGHTLY * own(*a, **k))
    return clone


def swapped_inside(model):
    """Layers changed within the network's forward and put back without `finally` (ComfyUI-NAG)."""
    network, clone = model.model.diffusion_model, model.clone()

    def forward(self, *args, **kwargs):
        changed = [(layer, layer.forward) for _, layer in _layers(model, CROSS)]
        for layer, own in changed:
            layer.forward = MethodType(lambda _, *a, own=own, **k: SLIGHTLY * own(*a, **k), layer)
        out = type(self).forward(self, *args, **kwargs)
        for layer, own in changed:
            layer.forward = own
        return out

    clone.add_object_patch("diffusion_model.forward", MethodType(forward, network))
    return clone


def wrapped(model):
    """Around the network, and around ComfyUI's call of it."""
    clone = model.clone()
    for kind in (WrappersMP.DIFFUSION_MODEL, WrappersMP.APPLY_MODEL):
        clone.add_wrapper_with_key(kind, "neighbour", lambda executor, *a, **k: executor(*a, **k) * SLIGHTLY)
    clone.set_model_unet_function_wrapper(lambda apply, given: apply(given["input"], given["timestep"], **given["c"]))
    return clone


def attention_overridden(model):
    clone = model.clone()
    options = clone.model_options.setdefault("transformer_options", {})
    options["optimized_attention_override"] = lambda func, *a, **k: SLIGHTLY * func(*a, **k)
    return clone


def windows(model):
    """Further passes over crops, behind the picture's own (Sliding Window Guidance)."""

    def post(step):
        crop = step["input"][..., : step["input"].shape[-1] // 2]
        (seen,) = comfy.samplers.calc_cond_batch(
            step["model"], [step["cond"]], crop, step["sigma"], step["model_options"]
        )
        whole = step["denoised"].clone()
        whole[..., : seen.shape[-1]] += 0.1 * (seen - whole[..., : seen.shape[-1]])
        return whole

    return _post_cfg(model, post)


def other_level(model):
    """A further pass over the whole picture at another noise level."""

    def post(step):
        (seen,) = comfy.samplers.calc_cond_batch(
            step["model"], [step["cond"]], step["input"], step["sigma"] * 0.8, step["model_options"]
        )
        return step["denoised"] + 0.1 * (seen - step["denoised"])

    return _post_cfg(model, post)


def other_level_first(model):
    """The same before the picture's own pass (a look ahead)."""
    clone = model.clone()

    def predict_noise(executor, x, sigma, options, seed):
        guider = executor.class_obj
        comfy.samplers.calc_cond_batch(guider.inner_model, [guider.conds["positive"]], x, sigma * 0.8, options)
        return executor(x, sigma, options, seed)

    clone.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "neighbour", predict_noise)
    return clone


def negative_first(model):
    """A pass of the negative prompt alone, at the same level before the picture's own."""
    clone = model.clone()

    def predict_noise(executor, x, sigma, options, seed):
        guider = executor.class_obj
        comfy.samplers.calc_cond_batch(guider.inner_model, [guider.conds["negative"]], x, sigma, options)
        return executor(x, sigma, options, seed)

    clone.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "neighbour", predict_noise)
    return clone


def tiled(model):
    """The picture is never seen as a whole (tiled diffusion)."""
    clone = model.clone()

    def in_tiles(given):
        x, half = given["input"], given["input"].shape[-1] // 2
        parts = [
            comfy.samplers.calc_cond_batch(given["model"], given["conds"], tile, given["sigma"], given["model_options"])
            for tile in (x[..., :half], x[..., half:])
        ]
        return [torch.cat(pair, -1) for pair in zip(*parts, strict=True)]

    clone.model_options["sampler_calc_cond_batch_function"] = in_tiles
    return clone


def regions(model, count: int = 1):
    """The positive prompt's rows once more for each region, joined again behind the layer (Attention Couple)."""
    clone, kinds = model.clone(), []

    def before(q, k, v, options):
        chunks = options["cond_or_uncond"]
        size = len(q) // len(chunks)
        rows = [torch.arange(i * size, (i + 1) * size) for i in range(len(chunks))]
        kinds[:] = [1 if kind else 1 + count for kind in chunks]
        order = torch.cat([own.repeat(times) for own, times in zip(rows, kinds, strict=True)])
        return q[order], k[order], v[order]

    def after(out, options):
        parts = list(out.split(len(out) // sum(kinds)))
        return torch.cat([torch.stack([parts.pop(0) for _ in range(n)]).mean(0) for n in kinds])

    clone.set_model_attn2_patch(before)
    clone.set_model_attn2_output_patch(after)
    return clone


def own_tokens(model):
    """Keys are every second token of the conditioning, values the others (CLIP NegPip)."""
    clone = model.clone()
    clone.set_model_attn2_patch(lambda n, k, v, options: (n, k[:, 0::2], v[:, 1::2]))
    return clone


def more_keys(model):
    """Rows of text without rows of picture, which the pack's own layers know what to do with (ComfyUI-NAG)."""
    clone = model.clone()
    clone.set_model_attn2_patch(lambda n, k, v, options: (n, torch.cat([k, k[-1:]]), torch.cat([v, v[-1:]])))
    for name, layer in _layers(model, CROSS):

        def forward(x, context=None, value=None, layer=layer, **kwargs):
            return type(layer).forward(layer, x, context=context[: len(x)], value=value[: len(x)], **kwargs)

        clone.add_object_patch(f"diffusion_model.{name}.forward", forward)
    return clone


def merged_places(model):
    """Cross-attention from every second place (token merging)."""
    clone = model.clone()
    clone.set_model_attn2_patch(lambda n, k, v, options: (n[:, ::2], k, v))
    clone.set_model_attn2_output_patch(lambda n, options: n.repeat_interleave(2, 1))
    return clone


def no_grad(model, blocks: tuple[str, ...] = ("middle_block",)):
    """Blocks wrapped in no_grad (Token Perturbation Guidance)."""
    clone = model.clone()
    for name, layer in model.model.diffusion_model.named_modules():
        if type(layer).__name__ == "BasicTransformerBlock" and name.startswith(blocks):
            clone.add_object_patch(
                f"diffusion_model.{name}.forward", torch.no_grad()(MethodType(type(layer).forward, layer))
            )
    return clone


def answered(model):
    """A cache of another pack, which answers in the network's place from the second call on."""
    clone, kept = model.clone(), []

    def diffusion_model(executor, x, *args, **kwargs):
        if not kept:
            kept.append(executor(x, *args, **kwargs))
        return kept[0][: len(x)].clone()

    def outer_sample(executor, *args, **kwargs):
        kept.clear()
        return executor(*args, **kwargs)

    clone.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "neighbour", diffusion_model)
    clone.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "neighbour", outer_sample)
    return clone


perturbed = own_node(PerturbedAttentionGuidance, 3.0)
free_u = own_node(FreeU, 1.3, 1.4, 0.9, 0.2)
free_u_v2 = own_node(FreeU_V2, 1.3, 1.4, 0.9, 0.2)
deep_shrink = own_node(PatchModelAddDownscale, 1, 2.0, 0.0, 0.35, True, "bicubic", "bicubic")
easy_cache = own_node(EasyCacheNode, 3.0, 0.0, 1.0, False)
lazy_cache = own_node(LazyCacheNode, 0.5, 0.0, 1.0, False)
token_merging = own_node(TomePatchModel, 0.3)
hyper_tile = own_node(HyperTile, 32, 2, 0, True)


def _layers(model, ending: str):
    return [(name, layer) for name, layer in model.model.diffusion_model.named_modules() if name.endswith(ending)]


def _post_cfg(model, function):
    clone = model.clone()
    clone.set_model_sampler_post_cfg_function(function)
    return clone
