"""LoRA adapters (Hu et al. 2021) of U-Nets: loaded from a file of which every tensor must fit."""

from typing import Any

from diffusers.loaders import StableDiffusionLoraLoaderMixin
from diffusers.utils.state_dict_utils import convert_unet_state_dict_to_peft
from peft.utils import get_peft_model_state_dict

from pipeline.models.networks.load_errors import UNREADABLE, check_tensors, refuse
from pipeline.weights.store import Weights

FILE = "pytorch_lora_weights.safetensors"
ADAPTER = "default"
PREFIX = "unet."


def load_lora(unet: Any, weights: Weights) -> None:
    """Add the LoRA of ``weights`` to a U-Net of diffusers, unfused.

    Raises ``DarkroomError`` (``engine_unavailable``) if the file cannot be read, if a tensor is for no layer of the
    U-Net, or if a layer lacks one of its two tensors. diffusers loads the rest silently.
    """
    with refuse(weights, FILE, "it is no LoRA of this U-Net", *UNREADABLE):
        state, alphas = StableDiffusionLoraLoaderMixin.lora_state_dict(
            weights.folder, weight_name=FILE, local_files_only=True, use_safetensors=True
        )
        unet.load_lora_adapter(state, prefix=PREFIX[:-1], network_alphas=alphas, adapter_name=ADAPTER)
    in_file = set(convert_unet_state_dict_to_peft({name.removeprefix(PREFIX): 0 for name in state}))
    # diffusers adds no adapter at all if no name begins with the prefix.
    added = ADAPTER in getattr(unet, "peft_config", {})
    in_unet = set(get_peft_model_state_dict(unet, adapter_name=ADAPTER)) if added else set()
    check_tensors(weights, FILE, missing=in_unet - in_file, unexpected=in_file - in_unet)
