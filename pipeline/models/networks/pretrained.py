"""Pretrained networks of diffusers and transformers: loaded from local safetensors, every tensor accounted for."""

from pathlib import PurePosixPath
from typing import Any

import torch

from pipeline.models.networks.load_errors import UNREADABLE, check_tensors, refuse, shape_difference
from pipeline.weights.store import Weights


def load_pretrained(kind: Any, weights: Weights, subfolder: str = "", *, unused: tuple[str, ...] = ()) -> Any:
    """Load a network of the class ``kind`` from ``subfolder`` of the model: no network access, no pickles.

    Raises ``DarkroomError`` (``engine_unavailable``) if the file cannot be read, or if a tensor is missing, unexpected
    or of another shape. Tensors that the class declares as optional may be missing or left over, and so may those whose
    names begin with one of ``unused``, which the network never computes with.
    """
    file = _weight_file(weights, subfolder)
    with refuse(weights, file, f"{kind.__name__} cannot read it", *UNREADABLE):
        network, report = kind.from_pretrained(
            weights.folder / subfolder,
            variant=weights.model.variant,
            torch_dtype=getattr(torch, weights.model.dtype),
            use_safetensors=True,
            local_files_only=True,
            # Reported instead of raised, so that the message is ours.
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    check_tensors(
        weights,
        file,
        missing=(name for name in report["missing_keys"] if not name.startswith(unused)),
        unexpected=(name for name in report["unexpected_keys"] if not name.startswith(unused)),
        mismatched=(shape_difference(*difference) for difference in report["mismatched_keys"]),
    )
    return network


def _weight_file(weights: Weights, subfolder: str) -> str:
    """Return the path of the safetensors in ``subfolder``, in the model's folder."""
    parent = PurePosixPath(subfolder)
    return next(
        file for file in weights.model.files if file.endswith(".safetensors") and PurePosixPath(file).parent == parent
    )
