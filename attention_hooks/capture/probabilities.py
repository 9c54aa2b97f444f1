"""q, k -> attention probabilities. Fused attention never makes them, so they are computed where they are wanted."""

import torch
import torch.nn.functional as F
from torch import Tensor, float32, promote_types


def attention_probs(q: Tensor, k: Tensor, heads: int) -> Tensor:
    """Softmax over the tokens of q·k / sqrt(d), in float32 at least whatever the model computes in.

    q [rows hw heads*d], k [rows tokens heads*d], or both split by heads -> [rows heads hw tokens]. Differentiable.
    """
    q, k = split_heads(q, heads), split_heads(k, heads)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    return scores.softmax(-1)


def joint_probs(q: Tensor, k: Tensor, heads: int, columns: slice) -> Tensor:
    """The same with the softmax over all of `k`, of which only `columns` are given back: what a joint attention of text
    and picture gives to the text. Their sum over the columns is below one.

    Read off fused attention to probe values, one-hot over the columns: what a place takes from a value that is one at a
    single key is the probability of that key. Nothing of the size of places times all keys is ever made.
    """
    q, k = split_heads(q, heads), split_heads(k, heads)
    keys, width = k.shape[-2:]
    wanted = torch.arange(keys, device=k.device)[columns]
    probes = F.one_hot(wanted, keys).to(k.dtype).T.contiguous().split(width, -1)
    # Fused kernels want values as wide as q and k are.
    filled = (F.pad(probe, (0, width - probe.shape[-1])).expand(*k.shape[:2], -1, -1) for probe in probes)
    shares = torch.cat([F.scaled_dot_product_attention(q, k, values) for values in filled], -1)
    return shares[..., : sum(probe.shape[-1] for probe in probes)]


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[rows n heads*d] -> [rows heads n d], float32 or better: half precision loses the small maps. What is split
    already stays so."""
    x = x.to(promote_types(x.dtype, float32))
    if x.ndim == 4:
        return x
    rows, n, width = x.shape
    return x.reshape(rows, n, heads, width // heads).transpose(1, 2)


def fold_repeats(probs: Tensor, length: int) -> Tensor:
    """Undo ComfyUI's padding: it repeats a short prompt to the length of the longer one, so a token's probability is
    spread over its copies. [... repeats*length] -> [... length]; exact, the copies have equal keys.

    Raises ValueError when the tokens are not a whole number of copies of `length`.
    """
    tokens = probs.shape[-1]
    if tokens == length:
        return probs
    if tokens % length:
        raise ValueError(f"{tokens} tokens are not a whole number of copies of {length}.")
    return probs.unflatten(-1, (tokens // length, length)).sum(-2)
