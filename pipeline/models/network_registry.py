"""Registry of the models engine's networks: the roles whose weights each needs, and the function that loads it.

Loaders are named in strings, so that torch is imported when the first network is loaded.
"""

from typing import TYPE_CHECKING

from pipeline.core.networks import Network
from pipeline.models.interfaces import (
    Animator,
    DepthEstimator,
    Detector,
    FaceAnalyser,
    FaceSwapper,
    HoleFiller,
    ImageText,
    SafetyChecker,
    Segmenter,
    Transcriber,
    Upscaler,
)

if TYPE_CHECKING:
    from pipeline.models.networks.sd15 import ControlNets, StableDiffusion, Unet
    from pipeline.models.networks.sdxl import SdxlTextEncoders, SdxlUnet, SdxlVaeDecoder

DETECTOR: Network[Detector] = Network("detector", ("detector",), "pipeline.models.networks.detector:load")
SEGMENTER: Network[Segmenter] = Network("segmenter", ("segmenter",), "pipeline.models.networks.segmenter:load")
IMAGE_TEXT: Network[ImageText] = Network("image_text", ("image_text",), "pipeline.models.networks.image_text:load")
DEPTH_ESTIMATOR: Network[DepthEstimator] = Network("depth", ("depth",), "pipeline.models.networks.depth:load")
SAFETY: Network[SafetyChecker] = Network("safety", ("safety",), "pipeline.models.networks.safety:load")
STABLE_DIFFUSION: Network["StableDiffusion"] = Network(
    "base", ("diffusion",), "pipeline.models.networks.sd15:load_components"
)
SD15_UNET: Network["Unet"] = Network("unet", ("diffusion",), "pipeline.models.networks.sd15:load_unet")
SD15_FEW_STEP_UNET: Network["Unet"] = Network(
    "few_step_unet", ("diffusion", "few_step"), "pipeline.models.networks.sd15:load_few_step_unet"
)
CONTROLNETS: Network["ControlNets"] = Network(
    "controls", ("control_depth", "control_edges"), "pipeline.models.networks.sd15:load_controlnets"
)
PHOTO_UPSCALER: Network[Upscaler] = Network(
    "enlarger_photo", ("enlarger_photo",), "pipeline.models.networks.super_resolution:load"
)
ANIME_UPSCALER: Network[Upscaler] = Network(
    "enlarger_anime", ("enlarger_anime",), "pipeline.models.networks.super_resolution:load"
)
SDXL_TEXT_ENCODERS: Network["SdxlTextEncoders"] = Network(
    "picture_words", ("picture_base",), "pipeline.models.networks.sdxl:load_text_encoders"
)
SDXL_UNET: Network["SdxlUnet"] = Network(
    "picture_unet", ("picture_base", "picture_unet"), "pipeline.models.networks.sdxl:load_unet"
)
SDXL_FEW_STEP_UNET: Network["SdxlUnet"] = Network(
    "picture_few_step_unet", ("picture_base", "picture_few_step"), "pipeline.models.networks.sdxl:load_few_step_unet"
)
SDXL_VAE_DECODER: Network["SdxlVaeDecoder"] = Network(
    "picture_decoder", ("picture_decoder",), "pipeline.models.networks.sdxl:load_vae_decoder"
)
HOLE_FILLER: Network[HoleFiller] = Network("filler", ("fill",), "pipeline.models.networks.aot_gan:load")
SD15_INPAINT_UNET: Network["Unet"] = Network(
    "inpaint_unet", ("inpaint_diffusion",), "pipeline.models.networks.sd15:load_inpainting_unet"
)
FACE_ANALYSER: Network[FaceAnalyser] = Network(
    "face_analyser", ("face_analysis",), "pipeline.models.networks.faces:load_analyser"
)
FACE_SWAPPER: Network[FaceSwapper] = Network(
    "face_swapper", ("face_swapper",), "pipeline.models.networks.faces:load_swapper"
)
ANIMATOR: Network[Animator] = Network("animator", ("animator",), "pipeline.models.networks.animator:load")
TRANSCRIBER: Network[Transcriber] = Network(
    "transcriber", ("transcriber",), "pipeline.models.networks.transcriber:load"
)
