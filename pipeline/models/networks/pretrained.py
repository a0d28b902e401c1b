"""Options of ``from_pretrained`` for diffusers and transformers: local files and safetensors only."""

from typing import Any

import torch

from pipeline.weights.store import Weights


def from_pretrained_options(weights: Weights) -> dict[str, Any]:
    """Build the options of ``from_pretrained``: the files' variant and dtype, no network access, no pickles."""
    return {
        "variant": weights.model.variant,
        "torch_dtype": getattr(torch, weights.model.dtype),
        "use_safetensors": True,
        "local_files_only": True,
    }
