"""diffusers' pipelines of SD 1.5 over borrowed parts: nothing is copied, nothing is kept."""

from typing import Any

from torch import nn


def assemble_pipeline(kind: Any, vae: Any, unet: nn.Module, scheduler: Any, **more: Any) -> Any:
    """A pipeline of a class, for embeddings in and latents out; ``more`` are the parts that only it has."""
    pipeline = kind(
        vae=vae,
        text_encoder=None,
        tokenizer=None,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        **more,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
