"""Random weights of the inpainting networks: AOT-GAN's generator and the U-Net with nine input channels."""

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from bench.random_weights import Scale, Writer
from bench.random_weights.diffusion import unet_config
from pipeline.models.networks.aot_gan import WIDTH, Generator
from pipeline.weights.catalog import Model

SEED = 16


def write_fill(folder: Path, model: Model, scale: Scale) -> None:
    """Write a bare state dictionary; tiny, with a sixteenth of the channels."""
    torch.manual_seed(SEED)
    generator = Generator(WIDTH if scale is Scale.FULL else WIDTH // 16)
    torch.save(generator.state_dict(), folder / model.files[0])


def write_inpaint_diffusion(folder: Path, model: Model, scale: Scale) -> None:
    """Write SD 1.5's U-Net with mask and masked photo as additional inputs."""
    torch.manual_seed(SEED)
    unet = UNet2DConditionModel(**unet_config(scale) | {"in_channels": 9})
    unet.to(getattr(torch, model.dtype)).save_pretrained(folder / "unet", variant=model.variant)


WRITERS: dict[str, Writer] = {"fill": write_fill, "inpaint_diffusion": write_inpaint_diffusion}
