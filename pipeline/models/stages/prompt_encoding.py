"""The stage that reads the words: what a generated picture is to show, and what not."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from darkroom.contract.params import GenerateParams, Profile
from darkroom.contract.picture_styles import picture_styles
from pipeline.core.stages import Artifact, Slot, Stage, Work
from pipeline.models.network_registry import PICTURE_WORDS
from pipeline.models.stages.reporting import note_unread

if TYPE_CHECKING:
    from pipeline.models.networks.sdxl import Words


@dataclass(frozen=True)
class Wanted:
    """What the U-Net is told; ``negative`` is None where there is nothing that it should avoid, or no guidance."""

    prompt: "Words"
    negative: "Words | None"


WANTED: Artifact[Wanted] = Artifact("wanted", "what the text encoders made of prompt and negative prompt, in the style")


class Compose(Stage):
    """Put the words into the style's template and read them, once for all pictures."""

    name = "compose"
    message = "Reading the words"
    slot = Slot.COMPUTE
    provides = (WANTED,)
    networks = (PICTURE_WORDS,)

    def run(self, work: Work) -> None:
        params = work.params_as(GenerateParams)
        prompt, negative = words(params)
        with work.use(PICTURE_WORDS) as held:
            network = held[PICTURE_WORDS]
            note_unread(work, network, prompt, negative)
            work[WANTED] = Wanted(network.read(prompt), network.read(negative) if negative else None)


def words(params: GenerateParams) -> tuple[str, str]:
    """The prompt in the style's template, and the negative prompt: the caller's words first, as the end is cut off.

    >>> words(GenerateParams(prompt="a  red kite ", style="clay"))[0].startswith("claymation style a red kite, ")
    True
    >>> words(GenerateParams(prompt="a kite", style="photo"))[1]
    ''
    >>> words(GenerateParams(prompt="a kite", style="photo", profile="quality", negative_prompt="sky"))[1][:12]
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
