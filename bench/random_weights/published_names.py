"""Published tensor names: those of the catalogue's files, where today's libraries would write others.

The files were written by earlier versions of diffusers and transformers. So each loader is tested with the names that
it meets in production. Known from the conversions that both libraries apply when they read such files.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

Tensors = dict[str, torch.Tensor]

# AutoencoderKL's attention before diffusers 0.17.
OLD_ATTENTION = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}


def rewrite(file: Path, change: Callable[[Tensors], Tensors]) -> None:
    """Write the safetensors ``file`` again with what ``change`` makes of its tensors."""
    changed = change(load_file(file))
    save_file({name: tensor.contiguous() for name, tensor in changed.items()}, file, metadata={"format": "pt"})


def text_encoder(tensors: Tensors) -> Tensors:
    """Rename as before transformers 5: below ``text_model``, with the positions' numbers."""
    renamed = {_below("text_model", name, ("text_projection",)): tensor for name, tensor in tensors.items()}
    return renamed | {"text_model.embeddings.position_ids": torch.arange(77)[None]}


def safety_checker(tensors: Tensors) -> Tensors:
    """Rename as before transformers 5: CLIP's vision model is below a ``vision_model`` of its own."""
    renamed = {
        f"vision_model.{name}" if name.startswith("vision_model.") else name: tensor for name, tensor in tensors.items()
    }
    return renamed | {"vision_model.vision_model.embeddings.position_ids": torch.arange(257)[None]}


def vae(tensors: Tensors) -> Tensors:
    """Rename the attention's layers as before diffusers 0.17."""
    return {_replaced(name): tensor for name, tensor in tensors.items()}


def clip(tensors: Tensors) -> Tensors:
    """Add the positions' numbers, which were part of the file."""
    positions = tensors["vision_model.embeddings.position_embedding.weight"]
    return tensors | {
        "text_model.embeddings.position_ids": torch.arange(77)[None],
        "vision_model.embeddings.position_ids": torch.arange(len(positions))[None],
    }


def dpt(tensors: Tensors) -> Tensors:
    """Leave out what the authors' implementation lacks: huggingface/transformers#28292."""
    absent = "neck.fusion_stage.layers.0.residual_layer1."
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(absent)}


def _below(prefix: str, name: str, beside: tuple[str, ...]) -> str:
    return name if name.startswith((f"{prefix}.", *beside)) else f"{prefix}.{name}"


def _replaced(name: str) -> str:
    for today, before in OLD_ATTENTION.items():
        name = name.replace(today, before)
    return name
