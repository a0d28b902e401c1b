"""Registry of the models engine's networks: the roles whose weights each needs, and the function that loads it.

Loaders are named in strings, so that torch is imported when the first network is loaded.
"""

from typing import TYPE_CHECKING

from pipeline.core.networks import Network
from pipeline.models.interfaces import (
    Animator,
    DepthEstimator,
    Detector,
    Enlarger,
    FaceAnalyser,
    FaceSwapper,
    HoleFiller,
    ImageText,
    SafetyChecker,
    Segmenter,
    Transcriber,
)

if TYPE_CHECKING:
    from pipeline.models.networks.sd15 import Base, Controls, Unet
    from pipeline.models.networks.sdxl import PictureDecoder, PictureUnet, PictureWords

DETECTOR: Network[Detector] = Network("detector", ("detector",), "pipeline.models.networks.detector:load")
SEGMENTER: Network[Segmenter] = Network("segmenter", ("segmenter",), "pipeline.models.networks.segmenter:load")
IMAGE_TEXT: Network[ImageText] = Network("image_text", ("image_text",), "pipeline.models.networks.image_text:load")
DEPTH_ESTIMATOR: Network[DepthEstimator] = Network("depth", ("depth",), "pipeline.models.networks.depth:load")
SAFETY: Network[SafetyChecker] = Network("safety", ("safety",), "pipeline.models.networks.safety:load")
BASE: Network["Base"] = Network("base", ("diffusion",), "pipeline.models.networks.sd15:load_base")
UNET: Network["Unet"] = Network("unet", ("diffusion",), "pipeline.models.networks.sd15:load_unet")
FEW_STEP_UNET: Network["Unet"] = Network(
    "few_step_unet", ("diffusion", "few_step"), "pipeline.models.networks.sd15:load_few_step_unet"
)
CONTROLS: Network["Controls"] = Network(
    "controls", ("control_depth", "control_edges"), "pipeline.models.networks.sd15:load_controls"
)
ENLARGER_PHOTO: Network[Enlarger] = Network(
    "enlarger_photo", ("enlarger_photo",), "pipeline.models.networks.super_resolution:load"
)
ENLARGER_ANIME: Network[Enlarger] = Network(
    "enlarger_anime", ("enlarger_anime",), "pipeline.models.networks.super_resolution:load"
)
PICTURE_WORDS: Network["PictureWords"] = Network(
    "picture_words", ("picture_base",), "pipeline.models.networks.sdxl:load_words"
)
PICTURE_UNET: Network["PictureUnet"] = Network(
    "picture_unet", ("picture_base", "picture_unet"), "pipeline.models.networks.sdxl:load_unet"
)
PICTURE_FEW_STEP_UNET: Network["PictureUnet"] = Network(
    "picture_few_step_unet", ("picture_base", "picture_few_step"), "pipeline.models.networks.sdxl:load_few_step_unet"
)
PICTURE_DECODER: Network["PictureDecoder"] = Network(
    "picture_decoder", ("picture_decoder",), "pipeline.models.networks.sdxl:load_decoder"
)
FILLER: Network[HoleFiller] = Network("filler", ("fill",), "pipeline.models.networks.aot_gan:load")
INPAINT_UNET: Network["Unet"] = Network(
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
