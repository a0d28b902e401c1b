"""The stage that paints the photo anew: SD 1.5 under its depth and its edges."""

from darkroom.contract.params import RestyleRoomParams
from pipeline.core.stages import Slot, Stage, Work
from pipeline.models.letterbox import fit_of
from pipeline.models.stages.denoising import NEEDS, NETWORKS, PAINTED, paint
from pipeline.models.stages.half_size_retry import at_half_size_if_need_be


class Diffuse(Stage):
    """Paint the room in its new style; at half the size if the memory runs out."""

    name = "diffuse"
    message = "Painting the room in its new style"
    slot = Slot.COMPUTE
    requires = NEEDS
    provides = (PAINTED,)
    networks = NETWORKS

    def run(self, work: Work) -> None:
        """Raises ``DarkroomError`` (``out_of_memory``) when half the size was too large as well."""
        seed, fit = work.params_as(RestyleRoomParams).seed, fit_of(work)
        work[PAINTED] = at_half_size_if_need_be(work, self.name, lambda on: paint(work, seed, on), fit, fit.halved)
