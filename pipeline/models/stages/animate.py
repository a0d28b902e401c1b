"""Animation stage: renders a talking portrait by a network."""

from pipeline.core.stages import Slot, Stage, StageContext
from pipeline.models.network_registry import ANIMATOR
from pipeline.video.talking_portrait import CLIP, PORTRAIT, SPEECH


class AnimateByNetwork(Stage):
    """Animate the portrait to the speech."""

    name = "animate"
    message = "Animating the portrait"
    slot = Slot.COMPUTE
    requires = (PORTRAIT, SPEECH)
    provides = (CLIP,)
    networks = (ANIMATOR,)

    def run(self, work: StageContext) -> None:
        """Render the clip. Raises ``DarkroomError`` as ``Animator.animate`` does: ``no_face`` and others."""
        with work.use_networks(ANIMATOR) as held:
            work[CLIP] = held[ANIMATOR].animate(
                work[PORTRAIT], work[SPEECH], work.folder / "clip.mp4", work.folder, work.report
            )
        work.notes.append("The animator moves by chance: the same job again is another performance, whatever the seed.")
