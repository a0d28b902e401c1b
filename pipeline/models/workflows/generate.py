"""``generate`` on the models engine: text-to-image by SDXL-Lightning or SDXL."""

from darkroom.contract.engine import Engine
from darkroom.contract.kinds import Kind
from pipeline.core.artifacts import SAVED, SEED
from pipeline.core.stages import Plan, Slot, Stage, StageContext
from pipeline.imaging.load_save import save_picture, save_thumbnail
from pipeline.models.stages.prompt_encoding import EncodePrompt
from pipeline.models.stages.safety_check import SAFE_PICTURES, SafetyCheck
from pipeline.models.stages.text_to_image import TextToImage


class SavePictures(Stage):
    """Encode every picture in the params' format, with a thumbnail each: ``result``, ``result-2``, …"""

    name = "save"
    message = "Saving the result"
    slot = Slot.CPU
    requires = (SAFE_PICTURES,)
    provides = (SAVED,)

    def run(self, context: StageContext) -> None:
        pictures = [each.picture for each in context[SAFE_PICTURES]]
        saved = []
        for index, picture in enumerate(pictures):
            context.report(index / len(pictures))
            end = f"-{index + 1}" if index else ""
            saved.append(save_picture(picture, None, context, name=f"result{end}"))
            saved.append(save_thumbnail(picture, context, name=f"thumbnail{end}"))
        context[SAVED] = tuple(saved)


def plan() -> Plan:
    """Build the plan."""
    steps = ((EncodePrompt(), 0.05), (TextToImage(), 0.85), (SafetyCheck(), 0.05), (SavePictures(), 0.05))
    return Plan(Kind.GENERATE, Engine.MODELS, steps, results=(SAVED, SEED))
