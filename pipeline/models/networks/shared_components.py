"""Assembly of diffusers' SD 1.5 pipelines from shared components, without copies."""

from typing import Any

from torch import nn


def assemble_pipeline(kind: Any, vae: Any, unet: nn.Module, scheduler: Any, **more: Any) -> Any:
    """Build a pipeline of the class ``kind``, from embeddings to latents; ``more`` are the class's own components."""
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
