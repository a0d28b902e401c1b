"""The stage that paints the photo anew: SD 1.5 under its depth and its edges."""

from pipeline.errors import DarkroomError, ErrorCode
from pipeline.failures import translating
from pipeline.models.geometry import Fit, fit_of
from pipeline.models.painter import NEEDS, NETWORKS, PAINTED, Painted, note, paint
from pipeline.params import RestyleRoomParams
from pipeline.stages import Slot, Stage, Work


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
        fit = fit_of(work)
        painted = None
        try:
            painted = self._painted(work, fit)
        except DarkroomError as error:
            if error.detail.code is not ErrorCode.OUT_OF_MEMORY:
                raise
        if painted is None:
            note(work, "Made at half size: the GPU's memory ran out.")
            painted = self._painted(work, fit.halved())
        work[PAINTED] = painted

    def _painted(self, work: Work, fit: Fit) -> Painted:
        # Whatever the attempt took is given back before anything else is tried.
        with translating(self.name, work.models):
            return paint(work, work.params_as(RestyleRoomParams).seed, fit)
