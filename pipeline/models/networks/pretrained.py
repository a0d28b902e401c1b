"""How diffusers' and transformers' parts are opened: from the folder alone, tensors alone."""

from typing import Any

import torch

from pipeline.weights.store import Weights


def from_pretrained_options(weights: Weights) -> dict[str, Any]:
    """What ``from_pretrained`` is told about them: the variant and the dtype of the files, no network, no pickles."""
    return {
        "variant": weights.model.variant,
        "torch_dtype": getattr(torch, weights.model.dtype),
        "use_safetensors": True,
        "local_files_only": True,
    }
