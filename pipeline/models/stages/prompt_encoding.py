"""Prompt encoding: builds prompt and negative prompt of a generated picture, and encodes them for SDXL."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.contract.params import GenerateParams, Profile
from darkroom.contract.picture_styles import picture_styles
from pipeline.core.stages import Artifact, Slot, Stage, StageContext
from pipeline.models.network_registry import SDXL_TEXT_ENCODERS
from pipeline.models.stages.reporting import note_truncated_prompt

if TYPE_CHECKING:
    from pipeline.models.networks.sdxl import PromptEmbeddings


@dataclass(frozen=True)
class PromptConditioning:
    """Prompt embeddings for the U-Net; ``negative`` is None without a negative prompt or without guidance."""

    prompt: "PromptEmbeddings"
    negative: "PromptEmbeddings | None"


CONDITIONING: Artifact[PromptConditioning] = Artifact(
    "wanted", "what the text encoders made of prompt and negative prompt, in the style"
)


class EncodePrompt(Stage):
    """Insert the prompt into the style's template and encode it, once for all pictures."""

    name = "compose"
    message = "Reading the words"
    slot = Slot.COMPUTE
    provides = (CONDITIONING,)
    networks = (SDXL_TEXT_ENCODERS,)

    def run(self, context: StageContext) -> None:
        params = context.params_as(GenerateParams)
        prompt, negative = build_prompts(params)
        with context.use_networks(SDXL_TEXT_ENCODERS) as networks:
            network = networks[SDXL_TEXT_ENCODERS]
            note_truncated_prompt(context, network, prompt, negative)
            context[CONDITIONING] = PromptConditioning(
                network.encode(prompt), network.encode(negative) if negative else None
            )


def build_prompts(params: GenerateParams) -> tuple[str, str]:
    """Build the prompt from the style's template, and the negative prompt.

    The negative prompt begins with the caller's words, as the end of a long one is cut off.

    >>> prompt, _ = build_prompts(GenerateParams(prompt="a  red kite ", style="clay"))
    >>> prompt.startswith("claymation style a red kite, ")
    True
    >>> build_prompts(GenerateParams(prompt="a kite", style="photo"))[1]
    ''
    >>> build_prompts(GenerateParams(prompt="a kite", style="photo", profile="quality", negative_prompt="sky"))[1][:12]
    'sky, drawing'
    """
    prompt = " ".join(params.prompt.split())
    style = picture_styles()[params.style] if params.style else None
    if style:
        prompt = style.prompt.replace("{prompt}", prompt)
    if params.profile is Profile.FAST:
        return prompt, ""
    parts = (" ".join(params.negative_prompt.split()).strip(" ,"), style.negative_prompt if style else "")
    return prompt, ", ".join(part for part in parts if part)
