"""Diffusion stage of ``restyle_room``: SD 1.5 image-to-image, conditioned on the photo's depth and edges."""

from darkroom.contract.params import RestyleRoomParams
from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.letterbox import photo_letterbox
from pipeline.models.stages.denoising import DENOISED, DENOISING_ARTIFACTS, DENOISING_NETWORKS, run_denoising
from pipeline.models.stages.half_size_retry import retry_at_half_size


class Diffuse(Stage):
    """Generate the room in its new style; at half the size after running out of memory."""

    name = "diffuse"
    message = "Painting the room in its new style"
    slot = Slot.COMPUTE
    requires = DENOISING_ARTIFACTS
    provides = (DENOISED,)
    networks = DENOISING_NETWORKS

    def run(self, context: StageContext) -> None:
        """Run the diffusion. Raises ``DarkroomError`` (``out_of_memory``) if half the size is too large, too."""
        seed, fit = context.params_as(RestyleRoomParams).seed, photo_letterbox(context)
        context[DENOISED] = retry_at_half_size(
            context, self.name, lambda on: run_denoising(context, seed, on), fit, fit.halved
        )
