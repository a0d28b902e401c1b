"""Portraits that speak, by a network."""

from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.network_registry import ANIMATOR
from pipeline.video.talking_portrait import CLIP, PORTRAIT, SPEECH


class AnimateByNetwork(Stage):
    """Have the portrait say what is heard."""

    name = "animate"
    message = "Animating the portrait"
    slot = Slot.COMPUTE
    requires = (PORTRAIT, SPEECH)
    provides = (CLIP,)
    networks = (ANIMATOR,)

    def run(self, work: StageContext) -> None:
        """Raises ``DarkroomError``: ``no_face_error``, and what else the animator raises."""
        with work.use_networks(ANIMATOR) as held:
            work[CLIP] = held[ANIMATOR].animate(
                work[PORTRAIT], work[SPEECH], work.folder / "clip.mp4", work.folder, work.report
            )
        work.notes.append("The animator moves by chance: the same job again is another performance, whatever the seed.")
