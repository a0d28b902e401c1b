"""``python -m bench.flops``: the arithmetic of one restyled photo, ours against the recipe of the system it replaces.

Counted by torch on the meta device, where tensors have shapes and no numbers: full-size configurations, one 768×512
photo, no GPU and no weights needed. A multiplication and an addition are two operations.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPModel, CLIPTextModel, CLIPVisionModelWithProjection, Sam2Config, Sam2Model

from bench.random_weights import Scale, detectors, diffusion, perception
from darkroom.contract.params import Profile
from pipeline.models.denoise_request import SAMPLING_PRESETS

HEIGHT, WIDTH = 512, 768
BOXES = 8  # boxes in the segmenter's prompt
TOKENS = 77
# The replaced system: DPT-Large on 384², twenty steps with classifier-free guidance and two
# ControlNets. It squeezed every photo to 512²; here it gets the same photo as our plan.
REPLACED_STEPS = 20
CONTROLNETS = 2

Count = Callable[[], Any]


def flops(call: Count) -> int:
    """Count the floating-point operations of ``call`` on meta tensors."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())


@dataclass(frozen=True)
class NetworkFlops:
    """Operations of one forward pass of each network at 768×512."""

    detect: int
    segment: int
    image: int
    depth_small: int
    depth_large: int
    text: int
    encode: int
    unet: int
    controlnet: int
    conditioning: int
    decode: int
    safety: int


@cache
def network_flops() -> NetworkFlops:
    """Count the operations of all networks, cached. Takes some seconds, mostly for building the networks."""
    full = Scale.FULL
    latents = (1, 4, HEIGHT // 8, WIDTH // 8)
    # Built on the CPU, because it measures its strides; in training mode, because decoding boxes needs real numbers.
    yolo = detectors.yolo(full).train().to("meta")
    with torch.device("meta"):
        sam = Sam2Model(Sam2Config()).requires_grad_(False)  # its defaults are the tiny model
        clip = CLIPModel(perception.clip_config(full))
        small, large = perception.depth_anything(full)[0], perception.dpt(full)[0]
        text = CLIPTextModel(diffusion.text_encoder_config(full))
        vae = AutoencoderKL(**diffusion.vae_config(full))
        unet = UNet2DConditionModel(**diffusion.unet_config(full))
        controlnet = ControlNetModel(**diffusion.controlnet_config(full))
        safety = CLIPVisionModelWithProjection(diffusion.safety_config(full).vision_config)
    step = torch.tensor(500)
    conditioning = flops(lambda: controlnet.controlnet_cond_embedding(_pixels(HEIGHT, WIDTH)))
    return NetworkFlops(
        detect=flops(lambda: yolo(_pixels(448, 640))),  # 640 wide, padded to multiples of 32
        segment=flops(lambda: sam(pixel_values=_pixels(1024, 1024), input_boxes=torch.empty(1, BOXES, 4))),
        image=flops(lambda: clip.get_image_features(pixel_values=_pixels(224, 224))),
        depth_small=flops(lambda: small(_pixels(518, 784))),  # its processor: 518 high, multiples of 14
        depth_large=flops(lambda: large(_pixels(384, 384))),
        text=flops(lambda: text(torch.zeros(1, TOKENS, dtype=torch.long))),
        encode=flops(lambda: vae.encode(_pixels(HEIGHT, WIDTH))),
        unet=flops(lambda: unet(torch.empty(latents), step, _text_embeddings())),
        controlnet=flops(lambda: controlnet(torch.empty(latents), step, _text_embeddings(), _pixels(HEIGHT, WIDTH)))
        - conditioning,
        conditioning=conditioning,
        decode=flops(lambda: vae.decode(torch.empty(latents))),
        safety=flops(lambda: safety(_pixels(224, 224))),
    )


def darkroom_flops(profile: Profile, *, kept: bool = True) -> dict[str, int]:
    """Count the operations of each stage of our plan; ``kept``: parts of the photo are kept, so it is encoded."""
    part, preset = network_flops(), SAMPLING_PRESETS[profile]
    passes = 2 if preset.guidance > 1 else 1
    step = passes * (part.unet + CONTROLNETS * part.controlnet)
    return {
        "detect": part.detect,
        "segment": part.segment,
        "classify": part.image,
        "depth": part.depth_small,
        "diffuse": passes * part.text
        + (part.encode if kept else 0)
        + CONTROLNETS * part.conditioning
        + preset.steps * step
        + part.decode,
        "validate": part.safety + part.image + part.detect,
    }


def replaced_system_flops() -> dict[str, int]:
    """Count the operations of each stage of the replaced system, without the features it announced but never used."""
    part = network_flops()
    step = 2 * (part.unet + CONTROLNETS * (part.controlnet + part.conditioning))
    return {
        "detect": part.detect,
        "segment": part.segment,
        "depth": part.depth_large,
        "diffuse": 2 * part.text + REPLACED_STEPS * step + part.decode,
    }


def ratio(profile: Profile, *, kept: bool = True) -> float:
    """Return how many times as many operations the replaced system took for the whole job."""
    return sum(replaced_system_flops().values()) / sum(darkroom_flops(profile, kept=kept).values())


def table(columns: Mapping[str, Mapping[str, int]]) -> Table:
    """Build a table of teraflops by stage, a column per recipe, with the ratio of the first column's sum to each."""
    result = Table(title=f"TFLOPs of one {WIDTH}×{HEIGHT} photo")
    result.add_column("stage")
    for name in columns:
        result.add_column(name, justify="right")
    stages = dict.fromkeys(stage for column in columns.values() for stage in column)
    for stage in stages:
        result.add_row(
            stage, *(f"{column[stage] / 1e12:.3f}" if stage in column else "–" for column in columns.values())
        )
    sums = [sum(column.values()) for column in columns.values()]
    result.add_row("all", *(f"{total / 1e12:.1f}" for total in sums), style="bold")
    result.add_row("fewer, times", *(f"{sums[0] / total:.1f}" for total in sums))
    return result


def main() -> None:
    """Print the table, or the numbers with ``--json``."""
    parser = argparse.ArgumentParser(prog="python -m bench.flops", description=__doc__)
    parser.add_argument("--json", action="store_true", help="operations as JSON instead of the table")
    arguments = parser.parse_args()
    columns = {
        "replaced": replaced_system_flops(),
        "quality": darkroom_flops(Profile.QUALITY),
        "fast": darkroom_flops(Profile.FAST),
        "fast, nothing kept": darkroom_flops(Profile.FAST, kept=False),
    }
    if arguments.json:
        print(json.dumps(columns, indent=2))
    else:
        Console().print(table(columns))


def _pixels(height: int, width: int) -> torch.Tensor:
    return torch.empty(1, 3, height, width)


def _text_embeddings() -> torch.Tensor:
    return torch.empty(1, TOKENS, 768)


if __name__ == "__main__":
    main()
