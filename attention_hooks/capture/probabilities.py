"""q, k -> attention probabilities. Fused attention never makes them, so they are computed where they are wanted."""

import torch
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

    Head by head: over all columns one head of a large picture takes as much memory as its text does for all.
    """
    q, k = split_heads(q, heads), split_heads(k, heads)
    q = q * q.shape[-1] ** -0.5
    shares = []
    for head in range(heads):
        scores = q[:, head] @ k[:, head].transpose(-1, -2)
        shares.append((scores[..., columns] - scores.logsumexp(-1, keepdim=True)).exp())
    return torch.stack(shares, 1)


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
