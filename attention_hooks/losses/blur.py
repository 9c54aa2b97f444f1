"""The 3x3 Gaussian blur that the attention-guidance papers share."""

import torch
import torch.nn.functional as F
from torch import Tensor


def blur(maps: Tensor, sigma: float) -> Tensor:
    """[n height width] -> the same, mirrored at the border. `sigma` in map pixels; 0 returns the input.

    The weight one pixel away is exp(-(1 / (2·sigma))²) as in the official code of Attend-and-Excite and everything
    after it, not the textbook exp(-1 / (2·sigma²)): at 0.5 that is 0.3679, a blur of 0.707.
    """
    if sigma == 0:
        return maps
    offsets = torch.tensor([-1.0, 0.0, 1.0], device=maps.device, dtype=maps.dtype)
    row = torch.exp(-((offsets / (2 * sigma)) ** 2))
    row = row / row.sum()
    kernel = torch.outer(row, row)[None, None]
    # Mirroring needs two pixels a side; a map one pixel high or wide repeats its border instead.
    mode = "reflect" if min(maps.shape[-2:]) > 1 else "replicate"
    return F.conv2d(F.pad(maps[:, None], (1, 1, 1, 1), mode=mode), kernel)[:, 0]
