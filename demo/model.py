"""The shipped Shapes model as ComfyUI objects: `load_shapes()` -> MODEL, CLIP, VAE, as the stock nodes take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from comfy import latent_formats, model_base, model_management, model_patcher, ops, sd, sd1_clip, supported_models_base
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ..errors import PromptUnderstandingError
from .network import END_TOKEN, LATENT_MEAN, LATENT_SCALE, START_TOKEN, ShapesUNet, TextEncoder

WEIGHTS = Path(__file__).with_name("weights") / "shapes.safetensors"


class ShapesLatent(latent_formats.LatentFormat):
    """Pixels -1..1, moved to mean zero and halved. No downscaling: Empty Latent Image gives the size it says."""

    latent_channels = 3
    spacial_downscale_ratio = 1
    latent_rgb_factors = [[1 / LATENT_SCALE if row == column else 0.0 for column in range(3)] for row in range(3)]
    latent_rgb_factors_bias = list(LATENT_MEAN)

    def __init__(self) -> None:
        self.scale_factor = LATENT_SCALE
        self.mean = torch.tensor(LATENT_MEAN).view(1, 3, 1, 1)

    def process_in(self, latent: Tensor) -> Tensor:
        return (latent - self.mean.to(latent)) * self.scale_factor

    def process_out(self, latent: Tensor) -> Tensor:
        return latent / self.scale_factor + self.mean.to(latent)


class ShapesConfig(supported_models_base.BASE):
    """What ComfyUI wants to know of a model family."""

    unet_extra_config: dict[str, Any] = {}
    latent_format = ShapesLatent
    memory_usage_factor = 0.5


class ShapesTextModel(nn.Module, sd1_clip.ClipTokenWeightEncoder):
    """The text encoder behind ComfyUI's interface; prompt weights come with ClipTokenWeightEncoder."""

    special_tokens = {"start": START_TOKEN, "end": END_TOKEN, "pad": END_TOKEN}
    encoder_class: type[nn.Module] = TextEncoder

    def __init__(self, vocabulary: list[int], device: Any = None, dtype: Any = None, model_options: Any = None) -> None:
        super().__init__()
        self.text: Any = self.encoder_class(vocabulary, operations=ops.manual_cast, dtype=dtype, device=device)
        self.dtypes = {dtype}
        self.execution_device: torch.device | None = None

    def set_clip_options(self, options: dict[str, Any]) -> None:
        self.execution_device = options.get("execution_device", self.execution_device)

    def reset_clip_options(self) -> None:
        self.execution_device = None

    def encode(self, tokens: list[list[Any]]) -> tuple[Tensor, None]:
        """Rows of CLIP token ids -> [rows 77 channels]. A textual-inversion vector is an unknown word."""
        ids = [[token if isinstance(token, int) else -1 for token in row] for row in tokens]
        lengths = [row.index(END_TOKEN) if END_TOKEN in row else len(row) for row in ids]
        device = self.execution_device or self.text.words.weight.device
        rows = torch.tensor([self.text.compact(row) for row in ids], device=device)
        return self.text(rows, torch.tensor(lengths, device=device)).float(), None

    def encode_token_weights(self, token_weight_pairs: dict[str, Any]) -> Any:
        return super().encode_token_weights(token_weight_pairs["l"])

    def load_sd(self, state: dict[str, Tensor]) -> Any:
        return self.load_state_dict(state, strict=False)


def load_shapes(path: str | Path = WEIGHTS) -> tuple[Any, Any, Any]:
    """(MODEL, CLIP, VAE) of one weights file made by `demo.training.train`, each on the devices ComfyUI chooses.

    Raises PromptUnderstandingError when the file is missing or not a Shapes model.
    """
    state, metadata = read_weights(Path(path), "unet", "vocabulary")
    unet = {key.removeprefix("unet."): value for key, value in state.items() if key.startswith("unet.")}
    text = {key: value for key, value in state.items() if key.startswith("text.")}
    vae = sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)})
    model = load_unet(unet, json.loads(metadata["unet"]), _base_model)
    return model, _load_text(text, json.loads(metadata["vocabulary"])), vae


def _base_model(config: Any, device: Any) -> model_base.BaseModel:
    return model_base.BaseModel(config, model_base.ModelType.V_PREDICTION, device=device, unet_model=ShapesUNet)


def read_weights(
    path: Path, *needed: str, made_by: str = "demo.training.train"
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file that one of our trainers wrote; `needed` are the metadata it must have."""
    if not path.is_file():
        raise PromptUnderstandingError(
            f"The Shapes model's weights should be at {path}, and there is no such file. Install this node pack "
            f"again, or make the weights with `python -m {made_by}` as demo/README.md says."
        )
    try:
        with safe_open(path, framework="pt") as file:
            state, metadata = {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise PromptUnderstandingError(
            f"The Shapes model's weights at {path} cannot be read ({error}). The file may be cut short, or be a "
            "pointer that git left in its place; install this node pack again."
        ) from error
    if not set(needed) <= metadata.keys():
        raise PromptUnderstandingError(f"{path} is not a file of Shapes weights; this node reads no other model.")
    return state, metadata


def load_unet(
    state: dict[str, Tensor], unet_config: dict[str, Any], model_class: Any, config_class: Any = ShapesConfig
) -> Any:
    """MODEL of these weights; `model_class(config, device=)` makes the BaseModel they belong to."""
    config = config_class(unet_config)
    device, parameters = model_management.get_torch_device(), sum(value.numel() for value in state.values())
    dtype = model_management.unet_dtype(model_params=parameters, supported_dtypes=config.supported_inference_dtypes)
    cast = model_management.unet_manual_cast(dtype, device, config.supported_inference_dtypes)
    config.set_inference_dtype(dtype, cast)
    first = model_management.unet_inital_load_device(parameters, dtype)
    model = model_class(config, device=first)
    patcher_class = getattr(model_patcher, "CoreModelPatcher", model_patcher.ModelPatcher)
    patcher = patcher_class(model, load_device=device, offload_device=model_management.unet_offload_device())
    # With dynamic VRAM the weights are taken as they are in the file and cast when used.
    assign = {"assign": True} if getattr(patcher, "is_dynamic", bool)() else {}
    model.load_model_weights(state, "", **assign)
    return patcher


def _load_text(state: dict[str, Tensor], vocabulary: list[int]) -> Any:
    target = supported_models_base.ClipTarget(sd1_clip.SD1Tokenizer, ShapesTextModel)
    target.params["vocabulary"] = vocabulary
    full = {key: value.float() for key, value in state.items()}
    return sd.CLIP(target, parameters=50_000, state_dict=full, model_options={"dtype": torch.float32})
